// The envelope of a file: header, section table, checksums. What holds afterwards: each byte of the file
// belongs to the header, the table, exactly one section, or is zero; and each section's bytes are those that
// the writer wrote, as far as a checksum can tell.

/// Where the sections of a verified envelope lie.
struct ArtifactSections {
  /// One entry of the section table.
  struct Entry {
    let kind: UInt32
    let offset: Int
    let length: Int
    let checksum: UInt64

    /// A number for a kind that this reader does not know.
    var name: String { SectionKind(rawValue: kind)?.name ?? "kind \(kind)" }
  }

  let memory: ImageMemory
  let formatVersion: UInt32
  let entries: [Entry]

  /// Verifies the envelope of a file.
  init(verifying memory: ImageMemory) throws(ArtifactError) {
    typealias Header = ArtifactLayout.Header
    self.memory = memory
    guard memory.bytes.starts(with: ArtifactLayout.magic.prefix(memory.count)) else { throw .notAnArtifact }
    guard memory.count >= Header.size else {
      throw .truncated(expected: UInt64(Header.size), actual: UInt64(memory.count))
    }
    guard UInt(bitPattern: memory.base) % UInt(ArtifactLayout.alignment) == 0 else {
      throw .malformed(
        section: "header", problem: "not aligned to \(ArtifactLayout.alignment) bytes in memory")
    }
    formatVersion = memory.load(UInt32.self, at: Header.formatVersion)
    let needed = memory.load(UInt32.self, at: Header.readerVersionMin)
    guard needed <= ArtifactLayout.formatVersion else {
      throw .newerVersion(needed: needed, supported: ArtifactLayout.formatVersion)
    }
    let fileBytes = memory.load(UInt64.self, at: Header.fileBytes)
    let actual = UInt64(memory.count)
    guard fileBytes <= actual else { throw .truncated(expected: fileBytes, actual: actual) }
    guard fileBytes == actual else { throw .trailingBytes(expected: fileBytes, actual: actual) }
    let body = memory.slice(
      offset: Header.checksummed, length: memory.count - Header.checksummed)
    let isIntact = Checksum.of(body.bytes) == memory.load(UInt64.self, at: Header.checksum)
    do {
      entries = try Self.entries(memory)
    } catch {
      // Damage in the table itself shows as damage, not as a rule broken by the writer.
      throw isIntact ? error : .checksumMismatch(section: "file")
    }
    for entry in entries {
      let section = memory.slice(offset: entry.offset, length: entry.length)
      guard Checksum.of(section.bytes) == entry.checksum else {
        throw .checksumMismatch(section: entry.name)
      }
    }
    guard isIntact else { throw .checksumMismatch(section: "file") }
    try verifyRest()
  }

  private static func entries(_ memory: ImageMemory) throws(ArtifactError) -> [Entry] {
    let count = memory.load32(at: ArtifactLayout.Header.sectionCount)
    guard count <= Limits.sectionsMax,
      memory.contains(offset: ArtifactLayout.Header.size, length: count * ArtifactLayout.Section.size)
    else { throw .malformed(section: "header", problem: "the section table lies outside the file") }
    var result: [Entry] = []
    var end = ArtifactLayout.Header.size + count * ArtifactLayout.Section.size
    for index in 0..<count {
      let position = ArtifactLayout.Header.size + index * ArtifactLayout.Section.size
      let entry = Entry(
        kind: memory.load(UInt32.self, at: position + ArtifactLayout.Section.kind),
        offset: Int(clamping: memory.load(UInt64.self, at: position + ArtifactLayout.Section.offset)),
        length: Int(clamping: memory.load(UInt64.self, at: position + ArtifactLayout.Section.length)),
        checksum: memory.load(UInt64.self, at: position + ArtifactLayout.Section.checksum))
      guard entry.kind > result.last?.kind ?? 0 else {
        throw .malformed(section: "header", problem: "the sections are not in order")
      }
      guard entry.offset % ArtifactLayout.alignment == 0, entry.offset >= end,
        memory.contains(offset: entry.offset, length: entry.length)
      else { throw .malformed(section: entry.name, problem: "it lies outside the file or over another") }
      guard memory.isZero(from: end, to: entry.offset),
        memory.load(UInt32.self, at: position + ArtifactLayout.Section.reserved) == 0
      else { throw .malformed(section: entry.name, problem: "reserved bytes before it are not zero") }
      end = entry.offset + entry.length
      result.append(entry)
    }
    guard end == memory.count else {
      throw .malformed(section: "header", problem: "the file goes on after its last section")
    }
    return result
  }

  private func verifyRest() throws(ArtifactError) {
    guard formatVersion >= memory.load(UInt32.self, at: ArtifactLayout.Header.readerVersionMin) else {
      throw .malformed(section: "header", problem: "it needs a newer reader than its own version")
    }
    guard memory.isZero(from: ArtifactLayout.Header.reserved, to: ArtifactLayout.Header.size) else {
      throw .malformed(section: "header", problem: "reserved bytes are not zero")
    }
    for kind in SectionKind.required where !entries.contains(where: { $0.kind == kind.rawValue }) {
      throw .malformed(section: kind.name, problem: "it is missing")
    }
  }

  /// A section's bytes; empty when the file lacks it.
  subscript(kind: SectionKind) -> ImageMemory {
    guard let entry = entries.first(where: { $0.kind == kind.rawValue }) else {
      return memory.slice(offset: 0, length: 0)
    }
    return memory.slice(offset: entry.offset, length: entry.length)
  }
}
