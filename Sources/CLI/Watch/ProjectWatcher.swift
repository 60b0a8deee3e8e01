// Watches the folders that a build reads: app, lib and config, with every folder below them.
//
// inotify watches one folder each, so the set has to follow the tree. A folder that appears may already
// have files in it whose events nobody heard, therefore its appearance itself counts as a change. The same
// holds after an overflow of the kernel's queue: everything is watched anew and counts as changed.
// Hidden entries and editors' backups never count, as the build leaves them out too.

import Glibc
import SpacerCompiler

/// The changes of one project. Used from one thread.
struct ProjectWatcher: ~Copyable {
  private let inotify: Inotify
  private let root: String
  /// Folder by watch, relative to the root; empty for the root itself.
  private var folders: [Int32: String] = [:]
  /// Files whose text has changed since they were last closed.
  private var openFiles: Set<String> = []

  /// Readable when changes wait.
  var descriptor: Int32 { inotify.descriptor }

  /// Whether a file is in the middle of being written: what a build reads of it may be half of it, or nothing.
  var isBeingWritten: Bool { !openFiles.isEmpty }

  /// How many folders are watched.
  var folderCount: Int { folders.count }

  init(root: String) throws(SystemFailure) {
    let inotify = try Inotify()
    let watch = try inotify.watch(root)
    self.inotify = inotify
    self.root = root
    folders[watch] = ""
    for folder in ScanLimits.folders { watchTree(folder) }
  }

  /// Takes the waiting events; true when one of them can change what a build makes.
  mutating func takeChanges() -> Bool {
    var hasChanged = false
    for event in inotify.read() {
      if event.has(Int32(IN_Q_OVERFLOW)) {
        for watch in folders.keys { inotify.unwatch(watch) }
        folders.removeAll()
        openFiles.removeAll()
        if let watch = try? inotify.watch(root) { folders[watch] = "" }
        for folder in ScanLimits.folders { watchTree(folder) }
        hasChanged = true
      } else if event.has(Int32(IN_IGNORED)) {
        folders[event.watch] = nil
      } else if take(event) {
        hasChanged = true
      }
    }
    return hasChanged
  }

  private mutating func take(_ event: Inotify.Event) -> Bool {
    guard let folder = folders[event.watch], Self.isVisible(event.name) else { return false }
    if folder.isEmpty && !ScanLimits.folders.contains(event.name) { return false }
    let path = folder.isEmpty ? event.name : folder + "/" + event.name
    let hasCome = event.has(Int32(IN_CREATE)) || event.has(Int32(IN_MOVED_TO))
    if hasCome && isFolder(path) {
      watchTree(path)
      return true
    }
    if event.isFolder && event.has(Int32(IN_MOVED_FROM)) { unwatchTree(path) }
    // Only its close makes a write a change.
    if event.has(Int32(IN_MODIFY)) {
      openFiles.insert(path)
      return false
    }
    openFiles.remove(path)
    if event.has(Int32(IN_CREATE)) { return !isBeingWritten(path) }
    return true
  }

  /// Adds watches for a folder and all below it. A folder that vanishes meanwhile is no error: its own
  /// event follows.
  private mutating func watchTree(_ path: String) {
    var pending = [path]
    while let folder = pending.popLast() {
      guard isFolder(folder), let watch = try? inotify.watch(absolute(folder)) else { continue }
      // Reached before by another name: a link. Following one to a folder above would never end.
      if folders[watch] != nil { continue }
      folders[watch] = folder
      for name in entries(folder) where Self.isVisible(name) { pending.append(folder + "/" + name) }
    }
  }

  private mutating func unwatchTree(_ path: String) {
    for (watch, folder) in folders where folder == path || folder.hasPrefix(path + "/") {
      inotify.unwatch(watch)
      folders[watch] = nil
    }
  }

  /// A new regular file is followed by its own close event once it is written; a link or a second name
  /// for a whole file is not.
  private func isBeingWritten(_ path: String) -> Bool {
    var status = stat()
    guard lstat(absolute(path), &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
  }

  private func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(absolute(path), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private func absolute(_ path: String) -> String { root + "/" + path }

  private func entries(_ path: String) -> [String] {
    guard let folder = opendir(absolute(path)) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names
  }

  private static func isVisible(_ name: String) -> Bool { !name.hasPrefix(".") && !name.hasSuffix("~") }
}
