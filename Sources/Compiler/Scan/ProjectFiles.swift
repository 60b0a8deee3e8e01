// Where the compiler's bytes come from. It never touches the disk itself, so that tests compile projects
// that exist only in memory.

/// One file of a project, as scanning found it.
package struct ProjectFile: Equatable, Hashable, Sendable {
  /// Relative to the project, `/` as separator.
  package var path: String

  package init(path: String) { self.path = path }
}

/// Why a file could not be read.
package struct FileReadError: Error, Equatable, Sendable {
  package var path: String
  /// In a few words, as the system says it: `permission denied`.
  package var reason: String

  package init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}

/// What tells one state of a file from another without reading it: when all five are as before, so is the
/// content, as far as anyone who does not forge time stamps is concerned.
package struct FileFingerprint: Equatable, Hashable, Sendable {
  package var sizeBytes: Int64
  /// Since 1970.
  package var modifiedNanoseconds: Int64
  /// When content or attributes last changed; no program can set it back.
  package var changedNanoseconds: Int64
  package var inode: UInt64
  package var device: UInt64

  package init(
    sizeBytes: Int64, modifiedNanoseconds: Int64, changedNanoseconds: Int64, inode: UInt64, device: UInt64
  ) {
    self.sizeBytes = sizeBytes
    self.modifiedNanoseconds = modifiedNanoseconds
    self.changedNanoseconds = changedNanoseconds
    self.inode = inode
    self.device = device
  }
}

/// The files of a project, and what of it could not be used.
package struct FileListing: Equatable, Sendable {
  /// In byte order of their paths.
  package var files: [ProjectFile]
  /// Folders that cannot be read, links that lead nowhere, impossible names; the rest is listed all the same.
  package var problems: [FileReadError]

  package init(files: [ProjectFile], problems: [FileReadError] = []) {
    self.files = files
    self.problems = problems
  }
}

/// A source of a project's files. Implementations are safe to use from several threads at once.
package protocol ProjectFiles: Sendable {
  /// Every regular file under `app/`, `lib/` and `config/` (links followed, hidden entries left out),
  /// in byte order of their paths.
  func list() throws(FileReadError) -> [ProjectFile]
  /// The same with the problems beside the files; throws only when there is no project at all.
  func listing() throws(FileReadError) -> FileListing
  /// The bytes of the file at `path`; more than `ScanLimits.fileBytesMax` is an error.
  func read(_ path: String) throws(FileReadError) -> [UInt8]
  /// The file's identity, nil when it does not exist, when it changed so recently that a further change
  /// could leave the same, or when the source has none; nil is never equal to anything.
  func fingerprint(_ path: String) -> FileFingerprint?
}

extension ProjectFiles {
  package func listing() throws(FileReadError) -> FileListing { FileListing(files: try list()) }
  package func fingerprint(_ path: String) -> FileFingerprint? { nil }
}
