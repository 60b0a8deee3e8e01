// What can be wrong with an artifact, or with the contents of one to be written. Each case's text is one
// sentence without the file's name, which only the caller knows.

/// Why bytes are no artifact this reader can use, or contents none the writer can write.
package enum ArtifactError: Error, Equatable, Sendable {
  /// The file does not begin with the format's magic number.
  case notAnArtifact
  /// The file is shorter than its header says, in bytes.
  case truncated(expected: UInt64, actual: UInt64)
  /// The file is longer than its header says, in bytes.
  case trailingBytes(expected: UInt64, actual: UInt64)
  /// The file demands a newer reader: the format version it needs, and the newest this reader knows.
  case newerVersion(needed: UInt32, supported: UInt32)
  /// A checksum does not hold; `section` is `file` when only that over the whole fails.
  case checksumMismatch(section: String)
  /// The bytes are intact but break a rule of the format.
  case malformed(section: String, problem: String)
  /// Compiled for another Lua release than the reader's.
  case otherLuaRelease(artifact: String, reader: String)
  /// Compiled on another processor architecture than the reader's.
  case otherArchitecture(artifact: String, reader: String)
  /// An executable without an application behind it.
  case notStandalone
  /// The contents given to the writer break a rule or a limit.
  case invalidContents(String)
}

extension ArtifactError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notAnArtifact:
      "this is not a Spacer artifact"
    case .truncated(let expected, let actual):
      "the artifact is truncated: it should have \(expected) bytes and has \(actual)"
    case .trailingBytes(let expected, let actual):
      "the artifact has \(actual) bytes and should end after \(expected)"
    case .newerVersion(let needed, let supported):
      "the artifact needs a newer Spacer: it has format version \(needed), and this one reads up to \(supported)"
    case .checksumMismatch("file"):
      "the artifact is damaged: the checksum over the whole file does not hold"
    case .checksumMismatch(let section):
      "the artifact is damaged: the checksum of its section '\(section)' does not hold"
    case .malformed(let section, let problem):
      "the artifact is malformed: section '\(section)': \(problem)"
    case .otherLuaRelease(let artifact, let reader):
      "the artifact was compiled for \(artifact), and this Spacer runs \(reader); build it again"
    case .otherArchitecture(let artifact, let reader):
      "the artifact was compiled for \(artifact), and this machine is \(reader); build it again"
    case .notStandalone:
      "no application is in this executable"
    case .invalidContents(let problem):
      problem
    }
  }
}
