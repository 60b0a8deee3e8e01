// Rewriting modules of an artifact gives what encoding it anew would.

import Testing

@testable import SpacerArtifact

struct ArtifactPatchTests {
  private func patch(_ module: ArtifactContents.Module) -> ArtifactPatch.Module {
    ArtifactPatch.Module(
      path: module.path, bytecode: module.bytecode, contentHash: module.contentHash,
      validationLines: module.validations.map(\.line))
  }

  @Test func anyCodeOfAnyModule() throws {
    for start in [Sample.contents(), Sample.fullContents()] {
      let old = try ArtifactWriter.encode(start)
      for index in start.modules.indices {
        for count in [0, 1, 15, 16, 17, 400] {
          var contents = start
          contents.modules[index].bytecode = [UInt8](repeating: 7, count: count)
          contents.modules[index].contentHash = UInt64(count) << 40
          for number in contents.modules[index].validations.indices {
            contents.modules[index].validations[number].line += 5 + number
          }
          let patched = ArtifactPatch.apply([patch(contents.modules[index])], to: old)
          #expect(patched == (try ArtifactWriter.encode(contents)), "module \(index), \(count) bytes")
        }
      }
    }
  }

  @Test func severalAtOnceAndOneAfterTheOther() throws {
    var contents = Sample.fullContents()
    var bytes = try ArtifactWriter.encode(contents)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      var changed: [ArtifactPatch.Module] = []
      for index in contents.modules.indices where Bool.random(using: &generator) {
        contents.modules[index].bytecode = (0..<Int.random(in: 0...60, using: &generator)).map { UInt8($0) }
        contents.modules[index].contentHash = generator.next()
        changed.append(patch(contents.modules[index]))
      }
      bytes = try #require(ArtifactPatch.apply(changed.shuffled(using: &generator), to: bytes))
      #expect(bytes == (try ArtifactWriter.encode(contents)))
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let contents = Sample.fullContents()
    let bytes = try ArtifactWriter.encode(contents)
    var module = patch(contents.modules[0])
    module.validationLines.append(1)
    #expect(ArtifactPatch.apply([module], to: bytes) == nil)
    module.validationLines = []
    #expect(ArtifactPatch.apply([module], to: bytes) == nil)
    module = patch(contents.modules[0])
    module.path = "app/nothing.lua"
    #expect(ArtifactPatch.apply([module], to: bytes) == nil)
    #expect(ArtifactPatch.apply([patch(contents.modules[0])], to: try Sample.signed(bytes)) == nil)
  }

  /// Damage never traps.
  @Test func anyBytesAreTaken() throws {
    let contents = Sample.fullContents()
    let bytes = try ArtifactWriter.encode(contents)
    for count in 0..<bytes.count {
      _ = ArtifactPatch.apply([patch(contents.modules[0])], to: Array(bytes.prefix(count)))
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        damaged[Int.random(in: 0..<min(2_000, damaged.count), using: &generator)] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      var module = patch(contents.modules[Int.random(in: 0..<contents.modules.count, using: &generator)])
      module.bytecode = [UInt8](repeating: 1, count: Int.random(in: 0...50, using: &generator))
      _ = ArtifactPatch.apply([module], to: damaged)
    }
  }
}
