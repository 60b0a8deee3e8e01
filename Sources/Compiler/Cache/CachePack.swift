// All modules of a project in one file: one read and one signature are far cheaper than a file each. An entry
// is found by path and counts only when the digest of path and content is the same, so that no change is
// missed and none is assumed.

/// What the compiler knows of one module by itself.
struct ModuleRecord: Equatable, Sendable {
  /// The state of the file when it was read; nil when that tells nothing.
  var fingerprint: FileFingerprint?
  var digest: ContentDigest
  var facts: ModuleFacts
  /// Empty when the facts hold an error.
  var bytecode: [UInt8]
}

/// The cache's content.
struct CachePack: Equatable, Sendable {
  /// Of this layout and of what facts mean; raised with every change of either.
  static let formatVersion = 6

  /// By path.
  var records: [String: ModuleRecord] = [:]

  /// What the records depend on beside path and content.
  struct Origin: Equatable, Sendable {
    var spacerRelease: String
    var luaRelease: String
    var architecture: String
    var isRelease: Bool

    fileprivate func header() -> [UInt8] {
      var writer = ByteWriter()
      writer.text("spacer-cache")
      writer.number(CachePack.formatVersion)
      writer.text(spacerRelease)
      writer.text(luaRelease)
      writer.text(architecture)
      writer.flag(isRelease)
      return writer.bytes
    }
  }

  /// Bytes for the same records are the same.
  func encoded(_ origin: Origin) -> [UInt8] {
    var writer = ByteWriter(capacity: records.reduce(256) { $0 + $1.value.bytecode.count + 1024 })
    writer.data(origin.header())
    writer.list(records.sorted { ByteOrder.precedes($0.key, $1.key) }) { writer, entry in
      writer.text(entry.key)
      writer.optional(entry.value.fingerprint) { $0.fingerprint($1) }
      writer.data(entry.value.digest.bytes)
      writer.facts(entry.value.facts)
      writer.data(entry.value.bytecode)
    }
    return writer.bytes
  }

  /// Nil when the bytes are no pack of this origin.
  init?(_ bytes: [UInt8], origin: Origin) {
    var reader = ByteReader(bytes)
    do {
      guard try reader.data() == origin.header() else { return nil }
      let entries = try reader.list { reader throws(ByteReader.Malformed) in
        let path = try reader.text()
        let fingerprint = try reader.optional { reader throws(ByteReader.Malformed) in
          try reader.fingerprint()
        }
        guard let digest = ContentDigest(bytes: try reader.data()) else { throw ByteReader.Malformed() }
        let facts = try reader.facts()
        let bytecode = try reader.data()
        return (
          path, ModuleRecord(fingerprint: fingerprint, digest: digest, facts: facts, bytecode: bytecode)
        )
      }
      guard reader.isAtEnd else { return nil }
      records = Dictionary(entries) { $1 }
    } catch {
      return nil
    }
  }

  init() {}
}

extension ByteWriter {
  fileprivate mutating func fingerprint(_ fingerprint: FileFingerprint) {
    number(Int(fingerprint.sizeBytes))
    number(Int(fingerprint.modifiedNanoseconds))
    number(Int(fingerprint.changedNanoseconds))
    number(Int(truncatingIfNeeded: fingerprint.inode))
    number(Int(truncatingIfNeeded: fingerprint.device))
  }
}

extension ByteReader {
  fileprivate mutating func fingerprint() throws(Malformed) -> FileFingerprint {
    FileFingerprint(
      sizeBytes: Int64(try number()), modifiedNanoseconds: Int64(try number()),
      changedNanoseconds: Int64(try number()), inode: UInt64(bitPattern: Int64(try number())),
      device: UInt64(bitPattern: Int64(try number())))
  }
}
