// What the files of a project are at one time, to be compared with another: for when there are no watches.

import Glibc

/// Sizes, times and inodes of the files below some folders of a project.
struct FileScan: Equatable {
  /// How often files are compared.
  static let milliseconds: Int32 = 500
  /// Files above this number are not looked at.
  private static let fileCountMax = 100_000
  /// A link to a folder above would never end.
  private static let depthMax = 32

  private struct Entry: Equatable {
    var size: Int
    var inode: UInt
    var seconds: Int
    var nanoseconds: Int
  }

  private var entries: [String: Entry] = [:]

  /// Looks at all files now. Blocks.
  init(root: String, folders: [String]) {
    var pending = folders.map { (path: $0, depth: 0) }
    while let (path, depth) = pending.popLast(), entries.count < Self.fileCountMax {
      var status = stat()
      guard stat(root + "/" + path, &status) == 0 else { continue }
      entries[path] = Entry(
        size: Int(status.st_size), inode: UInt(status.st_ino), seconds: status.st_mtim.tv_sec,
        nanoseconds: status.st_mtim.tv_nsec)
      guard status.st_mode & S_IFMT == S_IFDIR, depth < Self.depthMax,
        let folder = opendir(root + "/" + path)
      else { continue }
      defer { closedir(folder) }
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if ProjectWatcher.isVisible(name) { pending.append((path + "/" + name, depth + 1)) }
      }
    }
  }
}
