// The last bytes of a standalone executable: the runtime's executable, zeros up to a multiple of a page, an
// artifact, this trailer. docs/artifact-format.md has it as a table.

/// The trailer of one file.
package struct StandaloneTrailer: Equatable {
  package static let size = 64
  static let magic: [UInt8] = [0x89, 0x53, 0x50, 0x58, 0x45, 0x58, 0x45, 0x0A]
  static let version = 8
  static let versionNumber: UInt32 = 1
  static let reserved = 12
  static let artifactOffset = 16
  static let artifactLength = 24
  static let fileBytes = 32
  static let reservedEnd = 40
  /// Of all bytes of the file before it.
  static let checksum = 56
  /// Of the artifact's offset: the largest page that Linux has on these processors.
  package static let alignment = 65_536
  /// All but so many bytes at the file's end are under the checksum.
  package static let uncoveredBytes = 8

  /// Where the artifact lies in the file.
  package let artifact: Range<Int>
  /// What the checksum over the file has to be.
  package let fileChecksum: UInt64

  /// Whether a file ends as a standalone executable does, whatever else may be wrong with it.
  package static func isPresent(atEndOf file: UnsafeRawBufferPointer) -> Bool {
    file.count >= size && file[(file.count - size)...].starts(with: magic)
  }

  /// Reads the last `size` bytes of a file that has `length` bytes. The checksum is the caller's to compare.
  package init(_ end: UnsafeRawBufferPointer, fileLength length: Int) throws(ArtifactError) {
    let memory = ImageMemory(end)
    guard end.count == Self.size, length >= Self.size, end.starts(with: Self.magic) else {
      throw .notStandalone
    }
    let needed = memory.load(UInt32.self, at: Self.version)
    guard needed <= Self.versionNumber else {
      throw .newerVersion(needed: needed, supported: Self.versionNumber)
    }
    let stated = memory.load(UInt64.self, at: Self.fileBytes)
    guard stated == UInt64(length) else { throw .truncated(expected: stated, actual: UInt64(length)) }
    let start = length - Self.size
    let offset = Int(clamping: memory.load(UInt64.self, at: Self.artifactOffset))
    let count = Int(clamping: memory.load(UInt64.self, at: Self.artifactLength))
    guard offset % Self.alignment == 0, offset <= start, count == start - offset else {
      throw .malformed(section: "trailer", problem: "the artifact lies elsewhere than it says")
    }
    guard memory.load(UInt32.self, at: Self.reserved) == 0,
      memory.isZero(from: Self.reservedEnd, to: Self.checksum)
    else { throw .malformed(section: "trailer", problem: "reserved bytes are not zero") }
    artifact = offset..<start
    fileChecksum = memory.load(UInt64.self, at: Self.checksum)
  }

  /// Verifies a whole file in memory and gives where its artifact is.
  package static func verify(_ file: UnsafeRawBufferPointer) throws(ArtifactError) -> Range<Int> {
    guard isPresent(atEndOf: file) else { throw .notStandalone }
    let trailer = try Self(
      UnsafeRawBufferPointer(rebasing: file[(file.count - size)...]), fileLength: file.count)
    let covered = UnsafeRawBufferPointer(rebasing: file[..<(file.count - uncoveredBytes)])
    guard Checksum.of(covered) == trailer.fileChecksum else { throw .checksumMismatch(section: "file") }
    return trailer.artifact
  }

  /// The length that an executable with an artifact of so many bytes will have.
  package static func fileBytes(executable: Int, artifact: Int) -> Int {
    aligned(executable) + artifact + size
  }

  /// The whole file.
  package static func append(_ artifact: [UInt8], to executable: [UInt8]) -> [UInt8] {
    let offset = aligned(executable.count)
    let total = fileBytes(executable: executable.count, artifact: artifact.count)
    var file = ByteBuilder(executable)
    file.reserve(total)
    file.appendZeros(offset - executable.count)
    file.append(contentsOf: artifact)
    file.append(contentsOf: magic)
    file.append(versionNumber)
    file.append(UInt32(0))
    file.append(UInt64(offset))
    file.append(UInt64(artifact.count))
    file.append(UInt64(total))
    file.appendZeros(checksum - reservedEnd)
    file.append(Checksum.of(file.bytes))
    return file.bytes
  }

  private static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
