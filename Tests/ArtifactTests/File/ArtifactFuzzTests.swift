// Damaged files: a plain change is always refused; a change with good checksums is refused or gives an image
// whose every accessor stays inside the file. The memory is exactly as long as the file.

import Testing

@testable import SpacerArtifact

@Suite struct ArtifactFuzzTests {
  @Test func damageIsRefused() throws {
    let good = try Sample.signed(try ArtifactWriter.encode(Sample.fullContents()))
    for bit in 0..<(good.count * 8) where bit % 3 == 0 || bit < 512 {
      var bytes = good
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: ArtifactError.self) { try TestImage(bytes) }
    }
    for count in 0..<good.count {
      #expect(throws: ArtifactError.self) { try TestImage(Array(good.prefix(count))) }
    }
  }

  @Test func editsWithGoodChecksums() throws {
    let good = FileEditor(bytes: try Sample.signed(try ArtifactWriter.encode(Sample.fullContents())))
    let sections = good.sections
    var fuzz = Fuzz("artifact")
    var accepted = 0
    while fuzz.goesOn() {
      var file = good
      for _ in 0..<Int.random(in: 1...4, using: &fuzz.random) {
        edit(&file, sections.map(\.range), &fuzz.random)
      }
      file.fixChecksums()
      do {
        let held = try TestImage(file.bytes, reader: nil)
        accepted += 1
        use(held.image)
        withExtendedLifetime(held) {}
      } catch {
        // Refused: as good.
      }
    }
    print("fuzz artifact: \(accepted) accepted")
  }

  private func edit(_ file: inout FileEditor, _ sections: [Range<Int>], _ random: inout FuzzRandom) {
    guard let section = sections.filter({ !$0.isEmpty }).randomElement(using: &random) else { return }
    let width = [1, 2, 4, 8].randomElement(using: &random) ?? 1
    var offset = Int.random(in: section, using: &random) / width * width
    if Int.random(in: 0..<20, using: &random) == 0 {
      // The section table itself, apart from the checksums that are made good again.
      offset = ArtifactLayout.Header.size + Int.random(in: 0..<(sections.count * 4), using: &random) * 8
    }
    guard offset + width <= file.bytes.count else { return }
    let value: UInt64 =
      switch Int.random(in: 0..<5, using: &random) {
      case 0: 0
      case 1: UInt64.random(in: 0...256, using: &random)
      case 2: file.load(offset, width) &+ UInt64.random(in: 0..<9, using: &random) &- 4
      case 3: file.load(offset, width) ^ 1 << UInt64.random(in: 0..<64, using: &random)
      default: random.next()
      }
    file.store(value, offset, width)
  }

  private func use(_ image: ArtifactImage) {
    for case .bytes(let bytes) in image.signedPieces { _ = bytes.reduce(0 as UInt8) { $0 ^ $1 } }
    _ = image.signature
    _ = image.contents()
    _ = image.sections
    _ = image.setting("tls")
    _ = image.moduleIndex(named: "helper", .library)
    var parameters = RouteParameters()
    for path in [
      "/", "/users/7", "/files/x.json", "/docs/a/b/c", "/a-literal-longer-than-16-bytes", "/q/w/e",
    ] {
      let bytes = Array(path.utf8)
      for method in RouteMethod.allCases {
        guard let index = image.routes.match(method, path: bytes.span, parameters: &parameters) else {
          continue
        }
        let route = image.routes.route(index)
        _ = image.module(route.module).nameString
        for parameter in 0..<parameters.count {
          _ = route.parameterName(parameter).count
          _ = parameters.value(parameter, of: bytes)
        }
      }
      _ = image.routes.allowedMethods(path: bytes.span)
    }
    _ = image.routes.notFoundBody.count
  }
}
