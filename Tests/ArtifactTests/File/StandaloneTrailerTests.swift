// The end of a standalone executable: what is written is found again, and every damage is.

import Testing

@testable import SpacerArtifact

@Suite struct StandaloneTrailerTests {
  private static let executable = [UInt8](repeating: 7, count: 70_000)
  private static let artifact = Array("the artifact".utf8)
  private static let file = StandaloneTrailer.append(artifact, to: executable)

  private func verify(_ file: [UInt8]) throws -> Range<Int> {
    try file.withUnsafeBytes { try StandaloneTrailer.verify($0) }
  }

  @Test func theArtifactIsFound() throws {
    let range = try verify(Self.file)
    #expect(range.lowerBound == 131_072)
    #expect(Array(Self.file[range]) == Self.artifact)
    #expect(Self.file.starts(with: Self.executable))
    #expect(
      Self.file.count
        == StandaloneTrailer.fileBytes(executable: Self.executable.count, artifact: Self.artifact.count))
  }

  @Test func everyFlippedByteIsFound() throws {
    let start = Self.file.count - StandaloneTrailer.size - Self.artifact.count
    for offset in Array(start..<Self.file.count) + [0, 69_999, 100_000] {
      var file = Self.file
      file[offset] ^= 1
      #expect(throws: ArtifactError.self, "\(offset)") { try verify(file) }
    }
  }

  @Test func cutFiles() throws {
    for count in [0, 1, 63, 64, 70_000, Self.file.count - 1] {
      #expect(throws: ArtifactError.notStandalone) { try verify(Array(Self.file.prefix(count))) }
    }
    // The end of one behind the beginning of another.
    #expect(throws: ArtifactError.self) { try verify(Array(Self.file.suffix(1000))) }
  }

  @Test func partsGiveTheSameChecksum() {
    guard var stream = ChecksumStream() else {
      Issue.record("no memory")
      return
    }
    for start in stride(from: 0, to: Self.file.count, by: 777) {
      Self.file[start..<min(start + 777, Self.file.count)].withUnsafeBytes { stream.add($0) }
    }
    let value = stream.value
    #expect(value == Checksum.of(Self.file))
  }
}
