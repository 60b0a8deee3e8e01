// Where git keeps the lock of the tree that a project belongs to: the project can be a folder of a repository, and
// the repository's own folder can be elsewhere, as for a second work tree.

/// The file that git holds while it rewrites a tree.
enum GitLock {
  /// The file's path; where it would be after `git init` when the project is in no repository.
  static func path(project: String) -> String {
    var folder = Files.realPath(project) ?? project
    while true {
      let entry = (folder == "/" ? "" : folder) + "/.git"
      switch Files.kind(entry) {
      case .folder: return entry + "/index.lock"
      case .file: if let elsewhere = repository(named: entry, in: folder) { return elsewhere + "/index.lock" }
      case .nothing: break
      }
      guard let slash = folder.lastIndex(of: "/"), folder != "/" else { return project + "/.git/index.lock" }
      folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
    }
  }

  /// What a file `.git` names: `gitdir: PATH`.
  private static func repository(named file: String, in folder: String) -> String? {
    let start = "gitdir: "
    guard let bytes = try? Files.read(file), bytes.count <= 4096 else { return nil }
    let line = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
    guard line.hasPrefix(start) else { return nil }
    let path = line.dropFirst(start.count)
    return path.hasPrefix("/") ? String(path) : folder + "/" + path
  }
}
