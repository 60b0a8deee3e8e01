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

/// A source of a project's files. Implementations are safe to use from several threads at once.
package protocol ProjectFiles: Sendable {
  /// Every regular file under `app/`, `lib/` and `config/` (links followed, hidden entries left out),
  /// in byte order of their paths.
  func list() throws(FileReadError) -> [ProjectFile]
  /// The bytes of the file at `path`.
  func read(_ path: String) throws(FileReadError) -> [UInt8]
}
