// The layout of an artifact file; docs/artifact-format.md has it as tables, and a test compares the two.
// Everything is little-endian. A text is a reference into the section `strings`: offset and length, 32 bits
// each; a zero byte follows it there.

/// Offsets and sizes, in bytes.
package enum ArtifactLayout {
  /// Like PNG's: the first byte is no text, and a transfer that rewrites line ends or stops at Ctrl-Z shows.
  static let magic: [UInt8] = [0x89, 0x53, 0x50, 0x58, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The version this writer writes, and the newest one this reader reads.
  package static let formatVersion: UInt32 = 1
  /// The oldest reader that can read what this writer writes.
  static let readerVersionMin: UInt32 = 1
  /// Of each section's offset in the file, and so of the memory that holds a file.
  package static let alignment = 64
  static let bytecodeAlignment = 16

  enum Header {
    static let size = 64
    static let checksum = 8
    /// The checksum covers everything from here to the end.
    static let checksummed = 16
    static let formatVersion = 16
    static let readerVersionMin = 20
    static let fileBytes = 24
    static let sectionCount = 32
    static let reserved = 36
  }

  enum Section {
    static let size = 32
    static let kind = 0
    static let reserved = 4
    static let offset = 8
    static let length = 16
    static let checksum = 24
  }

  enum Manifest {
    static let size = 64
    static let appName = 0
    static let spacerRelease = 8
    static let luaRelease = 16
    static let architecture = 24
    static let environment = 32
    static let flags = 40
    static let functionCount = 44
    static let reserved = 48

    static let flagRelease: UInt32 = 1
    static let flagEnvironment: UInt32 = 2
  }

  enum Module {
    static let size = 80
    static let name = 0
    static let path = 8
    static let bytecodeOffset = 16
    static let bytecodeLength = 24
    static let contentHash = 32
    static let kind = 40
    static let reserved = 41
    static let requires = 48
    static let builtins = 56
    static let appends = 64
    static let calls = 72
  }

  enum Text {
    static let size = 8
  }

  enum Trigger {
    static let size = 16
    static let topic = 0
    static let module = 4
    static let event = 8
  }

  enum Setting {
    static let size = 24
    static let key = 0
    static let kind = 8
    static let reserved = 9
    static let value = 16
  }

  enum Signature {
    static let size = 104
    static let algorithm = 0
    static let reserved = 4
    static let publicKey = 8
    static let signature = 40

    static let ed25519: UInt32 = 1
  }

  enum Capability {
    static let size = 16
    static let module = 0
    static let kind = 4
    static let isAny = 5
    static let reserved = 6
    static let target = 8
  }

  enum Validation {
    static let size = 16
    static let module = 0
    static let line = 4
    static let description = 8
  }

  /// What a setting's value is.
  enum SettingKind: UInt8 {
    case string = 0
    case integer, boolean, float
  }
}

/// The sections of a file, numbered as in it; they stand in this order.
enum SectionKind: UInt32, CaseIterable {
  case manifest = 1
  case strings, modules, bytecode, graph, routes, topics, triggers, environment, settings
  /// Absent in an unsigned file.
  case signature
  /// Absent in a file without any.
  case validations
  /// Absent in a file whose compiler did not look for them.
  case capabilities

  var name: String { "\(self)" }

  /// Each file has all of these.
  static let required: [SectionKind] = allCases.filter { $0.rawValue < SectionKind.signature.rawValue }
}
