// Watches the folders that a build reads: app, lib and config, and for tests test, with every folder below them.
//
// inotify watches one folder each, so the set has to follow the tree. A folder that appears may already
// have files in it whose events nobody heard, therefore its appearance itself counts as a change. The same
// holds after an overflow of the kernel's queue: everything is watched anew and counts as changed.
// Hidden entries and editors' backups never count, as the build leaves them out too.
//
// When the kernel has no watch to spare, which is a limit of the user's, files are compared from time to time
// instead (`FileScan`).
//
// Which files changed is told only while each file has one name. A link gives it another, under which no event
// comes; with one in the tree, any file may have changed. Files elsewhere that links lead to are watched too.

import Glibc
import SpacerCompiler

/// The changes of one project. Used from one thread.
struct ProjectWatcher: ~Copyable {
  /// Watches of one project; above, its files are compared.
  static let watchCountMax = 65_536

  private let inotify: Inotify
  private let root: String
  private let watchCountMax: Int
  /// The project's folders that count.
  private let roots: [String]
  /// Folder by watch, relative to the root; empty for the root itself.
  private var folders: [Int32: String] = [:]
  /// Files whose text has changed since they were last closed.
  private var openFiles: Set<String> = []

  /// What has changed since it was last taken; nil when any file may have.
  private var changed: Set<String>? = []
  /// A file or folder of the tree has a second name.
  private var hasLinks = false
  /// The names of files elsewhere that links of the tree lead to, by the watch of their folder.
  private var linked: [Int32: Set<String>] = [:]

  /// Readable when changes wait.
  var descriptor: Int32 { inotify.descriptor }

  /// The last comparison; nil as long as every folder is watched.
  private var scan: FileScan?

  /// Whether `compare` has to be called from time to time, since not all folders are watched.
  var needsComparing: Bool { scan != nil }

  /// Whether a file is in the middle of being written: what a build reads of it may be half of it, or nothing.
  var isBeingWritten: Bool { !openFiles.isEmpty }

  /// How many folders are watched.
  var folderCount: Int { folders.count }

  /// - Throws: When there is no such folder.
  init(
    root: String, folders roots: [String] = ScanLimits.folders, watchCountMax: Int = Self.watchCountMax
  ) throws(SystemFailure) {
    let inotify = try Inotify()
    let rootWatch = try Self.unlessExhausted { () throws(SystemFailure) in try inotify.watch(root) }
    self.inotify = inotify
    self.root = root
    self.roots = roots
    self.watchCountMax = watchCountMax
    if let rootWatch { folders[rootWatch] = "" } else { scan = FileScan(root: root, folders: roots) }
    for folder in roots { watchTree(folder) }
  }

  /// Nil when the system has no more of what is asked for.
  private static func unlessExhausted<Value>(
    _ make: () throws(SystemFailure) -> Value
  ) throws(SystemFailure) -> Value? {
    do throws(SystemFailure) {
      return try make()
    } catch {
      guard [ENOSPC, EMFILE, ENFILE, ENOMEM].contains(error.code) else { throw error }
      return nil
    }
  }

  /// The watch of a folder; nil, and files are compared from now on, when there are no more.
  private mutating func watch(_ path: String) throws(SystemFailure) -> Int32? {
    if folders.count < watchCountMax {
      let made = try Self.unlessExhausted { () throws(SystemFailure) in try inotify.watch(path) }
      if let made { return made }
    }
    if scan == nil { scan = FileScan(root: root, folders: roots) }
    return nil
  }

  /// Compares the files with what they were; true when one of them has changed.
  mutating func compare() -> Bool {
    guard let scan else { return false }
    let now = FileScan(root: root, folders: roots)
    guard now != scan else { return false }
    self.scan = now
    changed = nil
    return true
  }

  /// Takes the paths, relative to the root, of all files that changed, came or went since the last time; nil when any
  /// file may have.
  mutating func takeChangedPaths() -> Set<String>? {
    defer { changed = [] }
    return hasLinks ? nil : changed
  }

  /// Takes the waiting events; true when one of them can change what a build makes.
  mutating func takeChanges() -> Bool {
    var hasChanged = false
    for event in inotify.read() {
      if event.has(Int32(IN_Q_OVERFLOW)) {
        for watch in Set(folders.keys).union(linked.keys) { inotify.unwatch(watch) }
        folders.removeAll()
        linked.removeAll()
        openFiles.removeAll()
        if let watch = (try? watch(root)) ?? nil { folders[watch] = "" }
        for folder in roots { watchTree(folder) }
        changed = nil
        hasChanged = true
      } else if event.has(Int32(IN_IGNORED)) {
        folders[event.watch] = nil
        linked[event.watch] = nil
      } else if takeLinked(event) || take(event) {
        hasChanged = true
      }
    }
    return hasChanged
  }

  /// The same for a file that is only reached by a link.
  private mutating func takeLinked(_ event: Inotify.Event) -> Bool {
    guard folders[event.watch] == nil, linked[event.watch]?.contains(event.name) == true else { return false }
    let path = "link \(event.watch) \(event.name)"
    if event.has(Int32(IN_MODIFY)) {
      openFiles.insert(path)
      return false
    }
    openFiles.remove(path)
    changed = nil
    // What was just made is written yet, and then closed.
    return !event.has(Int32(IN_CREATE))
  }

  private mutating func take(_ event: Inotify.Event) -> Bool {
    guard let folder = folders[event.watch], Self.isVisible(event.name) else { return false }
    if folder.isEmpty && !roots.contains(event.name) { return false }
    let path = folder.isEmpty ? event.name : folder + "/" + event.name
    let hasCome = event.has(Int32(IN_CREATE)) || event.has(Int32(IN_MOVED_TO))
    noteLinks(path)
    if hasCome && isFolder(path) {
      watchTree(path)
      changed = nil
      return true
    }
    if event.isFolder { changed = nil }
    if event.isFolder && event.has(Int32(IN_MOVED_FROM)) { unwatchTree(path) }
    // Only its close makes a write a change.
    if event.has(Int32(IN_MODIFY)) {
      openFiles.insert(path)
      return false
    }
    openFiles.remove(path)
    changed?.insert(path)
    if event.has(Int32(IN_CREATE)) { return !isBeingWritten(path) }
    return true
  }

  /// Adds watches for a folder and all below it. A folder that vanishes meanwhile is no error: its own
  /// event follows.
  private mutating func watchTree(_ path: String) {
    var pending = [path]
    while let folder = pending.popLast() {
      guard isFolder(folder), let watch = (try? watch(absolute(folder))) ?? nil else {
        continue
      }
      if let known = folders[watch] {
        // Reached before by another name: a link. Following one to a folder above would never end.
        if known != folder { hasLinks = true }
        continue
      }
      folders[watch] = folder
      for name in entries(folder) where Self.isVisible(name) {
        noteLinks(folder + "/" + name)
        pending.append(folder + "/" + name)
      }
    }
  }

  private mutating func noteLinks(_ path: String) {
    var status = stat()
    guard lstat(absolute(path), &status) == 0 else { return }
    switch status.st_mode & S_IFMT {
    case S_IFLNK:
      hasLinks = true
      watchTarget(path)
    case S_IFREG where status.st_nlink > 1: hasLinks = true
    default: break
    }
  }

  /// Watches the folder of the file that a link leads to, wherever it is.
  private mutating func watchTarget(_ path: String) {
    guard !isFolder(path), let target = Files.realPath(absolute(path)),
      let slash = target.lastIndex(of: "/"), let watch = (try? watch(String(target[...slash]))) ?? nil
    else { return }
    linked[watch, default: []].insert(String(target[target.index(after: slash)...]))
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

  static func isVisible(_ name: String) -> Bool { !name.hasPrefix(".") && !name.hasSuffix("~") }
}
