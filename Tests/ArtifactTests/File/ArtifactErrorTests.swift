// What a reader says of files that it cannot use.

import Testing

@testable import SpacerArtifact

@Suite struct ArtifactErrorTests {
  private let good = FileEditor(bytes: (try? ArtifactWriter.encode(Sample.contents())) ?? [])

  private func error(_ bytes: [UInt8], reader: ReaderIdentity? = Sample.reader) -> ArtifactError? {
    do {
      _ = try TestImage(bytes, reader: reader)
      return nil
    } catch {
      return error
    }
  }

  private func edited(_ edit: (inout FileEditor) -> Void) -> ArtifactError? {
    var file = good
    edit(&file)
    return error(file.bytes)
  }

  @Test func envelope() {
    #expect(error(good.bytes) == nil)
    #expect(
      error(Array("#!/bin/sh\necho no artifact at all, only a script of some length".utf8)) == .notAnArtifact)
    #expect(error([]) == .truncated(expected: 64, actual: 0))
    #expect(error(Array(good.bytes.prefix(63))) == .truncated(expected: 64, actual: 63))
    let count = UInt64(good.bytes.count)
    #expect(error(good.bytes.dropLast()) == .truncated(expected: count, actual: count - 1))
    #expect(error(good.bytes + [0]) == .trailingBytes(expected: count, actual: count + 1))
    #expect(
      edited { $0.store(2, ArtifactLayout.Header.readerVersionMin, 4) }
        == .newerVersion(needed: 2, supported: 1))
    // A newer writer that old readers can still read.
    #expect(
      edited {
        $0.store(7, ArtifactLayout.Header.formatVersion, 4)
        $0.fixChecksums()
      } == nil)
  }

  @Test func damageNamesTheSection() {
    for kind in SectionKind.required where !good.range(kind).isEmpty {
      #expect(
        edited { $0.bytes[good.range(kind).lowerBound] ^= 1 } == .checksumMismatch(section: kind.name))
    }
    #expect(edited { $0.bytes[8] ^= 1 } == .checksumMismatch(section: "file"))
    #expect(edited { $0.bytes[ArtifactLayout.Header.reserved] ^= 1 } == .checksumMismatch(section: "file"))
  }

  @Test func otherReaders() {
    #expect(
      error(good.bytes, reader: ReaderIdentity(luaRelease: "Lua 5.4.6", architecture: "x86_64"))
        == .otherLuaRelease(artifact: "Lua 5.4.4", reader: "Lua 5.4.6"))
    #expect(
      error(good.bytes, reader: ReaderIdentity(luaRelease: "Lua 5.4.4", architecture: "aarch64"))
        == .otherArchitecture(artifact: "x86_64", reader: "aarch64"))
    #expect(error(good.bytes, reader: nil) == nil)
  }

  /// Rules that only a foreign writer breaks: the checksums hold.
  @Test(arguments: [
    (SectionKind.manifest, ArtifactLayout.Manifest.functionCount, 4, UInt64(9)),
    (.manifest, ArtifactLayout.Manifest.reserved, 1, 1), (.manifest, ArtifactLayout.Manifest.flags, 4, 4),
    (.manifest, ArtifactLayout.Manifest.appName, 4, 1 << 31),
    (.modules, ArtifactLayout.Module.bytecodeOffset, 8, 1 << 63),
    (.modules, ArtifactLayout.Module.bytecodeOffset, 8, 1),
    (.modules, ArtifactLayout.Module.bytecodeLength, 8, .max), (.modules, ArtifactLayout.Module.kind, 1, 3),
    (.modules, ArtifactLayout.Module.kind, 1, 2), (.modules, ArtifactLayout.Module.reserved, 1, 1),
    (.modules, ArtifactLayout.Module.builtins, 4, 1 << 30),
    (.modules, 2 * ArtifactLayout.Module.size + ArtifactLayout.Module.requires + 4, 4, 99),
    (.graph, 0, 4, 77), (.topics, 4, 4, 0xFFFF_FFFF), (.triggers, 0, 4, 2), (.triggers, 4, 4, 3),
    (.settings, ArtifactLayout.Setting.kind, 1, 4), (.settings, ArtifactLayout.Setting.reserved, 1, 1),
    (.routes, RouteLayout.Header.routeCount, 4, 1 << 30), (.routes, RouteLayout.Header.flags, 4, 8),
    (.routes, 64 + RouteLayout.Node.statics, 4, 64), (.routes, 64 + RouteLayout.Node.statics, 4, 63),
    (.routes, 64 + RouteLayout.Node.staticsMask, 4, 1 << 30), (.routes, 64 + RouteLayout.Node.shift, 1, 64),
  ])
  func brokenRules(_ kind: SectionKind, _ offset: Int, _ width: Int, _ value: UInt64) {
    let error = edited {
      $0.store(value, $0.range(kind).lowerBound + offset, width)
      $0.fixChecksums()
    }
    guard case .malformed = error else {
      Issue.record("\(kind) at \(offset): \(String(describing: error))")
      return
    }
  }

  @Test func sortedListsAreChecked() {
    let error = edited {
      let range = $0.range(.topics)
      let (first, second) = ($0.load(range.lowerBound, 8), $0.load(range.lowerBound + 8, 8))
      $0.store(second, range.lowerBound, 8)
      $0.store(first, range.lowerBound + 8, 8)
      $0.fixChecksums()
    }
    #expect(error == .malformed(section: "topics", problem: "it is not sorted"))
  }

  @Test(arguments: [
    (ArtifactLayout.Validation.module, UInt64(5)), (ArtifactLayout.Validation.module, UInt64(4)),
    (ArtifactLayout.Validation.description, UInt64(1 << 31)),
    (ArtifactLayout.Validation.description + 4, UInt64(1 << 25)),
  ])
  func brokenValidations(_ offset: Int, _ value: UInt64) throws {
    var file = FileEditor(bytes: try ArtifactWriter.encode(Sample.fullContents()))
    #expect(error(file.bytes) == nil)
    file.store(value, file.range(.validations).lowerBound + offset, 4)
    file.fixChecksums()
    guard case .malformed(section: "validations", problem: _) = error(file.bytes) else {
      Issue.record("\(String(describing: error(file.bytes)))")
      return
    }
  }

  @Test func unknownSectionsAreSkipped() {
    // A later writer adds a section at the end; one more entry in the table moves the others by 64 bytes.
    var file = good
    let tableEnd = ArtifactLayout.Header.size + good.sections.count * ArtifactLayout.Section.size
    for section in good.sections {
      file.store(
        UInt64(section.range.lowerBound + 64), section.position + ArtifactLayout.Section.offset, 8)
    }
    file.bytes.insert(contentsOf: Array(repeating: 0, count: 64), at: tableEnd)
    while file.bytes.count % 64 != 0 { file.bytes.append(0) }
    file.store(99, tableEnd + ArtifactLayout.Section.kind, 4)
    file.store(UInt64(file.bytes.count), tableEnd + ArtifactLayout.Section.offset, 8)
    file.store(3, tableEnd + ArtifactLayout.Section.length, 8)
    file.bytes += [1, 2, 3]
    file.store(
      Checksum.of([1, 2, 3] as [UInt8]), tableEnd + ArtifactLayout.Section.checksum, 8)
    file.store(UInt64(good.sections.count + 1), ArtifactLayout.Header.sectionCount, 4)
    file.store(UInt64(file.bytes.count), ArtifactLayout.Header.fileBytes, 8)
    file.fixFileChecksum()
    #expect(error(file.bytes) == nil)
    // A known one must be there.
    let missing = edited {
      $0.store(99, ArtifactLayout.Header.size + 9 * ArtifactLayout.Section.size, 4)
      $0.fixChecksums()
    }
    #expect(missing == .malformed(section: "settings", problem: "it is missing"))
  }

  @Test func messages() {
    #expect(
      "\(ArtifactError.truncated(expected: 10, actual: 3))"
        == "the artifact is truncated: it should have 10 bytes and has 3")
    #expect("\(ArtifactError.checksumMismatch(section: "routes"))".contains("'routes'"))
    #expect(
      "\(ArtifactError.otherLuaRelease(artifact: "Lua 5.4.4", reader: "Lua 5.4.6"))".contains("Lua 5.4.6"))
  }
}
