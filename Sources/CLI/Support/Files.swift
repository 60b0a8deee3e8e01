// The few file operations of the commands themselves; what the compiler reads goes through `DiskFiles`.

import Glibc

enum Files {
  /// What stands at a path.
  enum Kind { case nothing, folder, file }

  static func kind(_ path: String) -> Kind {
    var status = stat()
    guard stat(path, &status) == 0 else { return .nothing }
    return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
  }

  /// Whether anything stands at a path, be it a link that leads nowhere.
  static func isTaken(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// A path without links; nil when there is nothing.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// All bytes of a file.
  static func read(_ path: String) throws(SystemFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw SystemFailure("open", path) }
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw SystemFailure("fstat", path) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: max(4096, Int(status.st_size) + 1))
    while true {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemFailure("read", path)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Puts a file in place as a whole: written beside it, flushed to disk, then renamed over it, so that a
  /// reader or a crash sees the old file or the new one, never a part.
  /// - Parameter mode: As for `open`: the user's mask takes from it.
  static func replace(
    _ path: String, with bytes: [UInt8], mode: mode_t = 0o666
  ) throws(SystemFailure) {
    let temporary = "\(path).\(getpid()).tmp"
    // The mode counts for new files only, and one of an earlier process of this number may be left.
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    if descriptor < 0 { throw SystemFailure("open", temporary) }
    do throws(SystemFailure) {
      if !writeAll(bytes, to: descriptor) { throw SystemFailure("write", temporary) }
      if fsync(descriptor) != 0 { throw SystemFailure("fsync", temporary) }
      if close(descriptor) != 0 { throw SystemFailure("close", temporary) }
      if rename(temporary, path) != 0 { throw SystemFailure("rename", path) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    // The rename itself is durable once the folder is; a file system without that ability is no reason to
    // fail, since the file is in place.
    let folder = open(parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// Makes a file that is not there yet; nothing that is there is touched.
  static func create(_ path: String, with bytes: [UInt8], mode: mode_t = 0o666) throws(SystemFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    if descriptor < 0 { throw SystemFailure("open", path) }
    do throws(SystemFailure) {
      if !writeAll(bytes, to: descriptor) { throw SystemFailure("write", path) }
      if fsync(descriptor) != 0 { throw SystemFailure("fsync", path) }
      if close(descriptor) != 0 { throw SystemFailure("close", path) }
    } catch {
      close(descriptor)
      unlink(path)
      throw error
    }
  }

  /// Removes a folder with all that is in it, as far as that can be done; links are not followed.
  static func removeTree(_ path: String) {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        let child = path + "/" + name
        var status = stat()
        if lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
          removeTree(child)
        } else {
          unlink(child)
        }
      }
      closedir(folder)
    }
    rmdir(path)
  }

  /// The folder that a path is in.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Makes a folder and those it lies in, as far as they are missing.
  static func makeFolder(_ path: String) throws(SystemFailure) {
    if kind(path) == .folder { return }
    if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, parent(of: path) != path else { throw SystemFailure("mkdir", path) }
    try makeFolder(parent(of: path))
    if mkdir(path, 0o777) != 0 && errno != EEXIST { throw SystemFailure("mkdir", path) }
  }

  /// The runtime's executable, which stands beside this one.
  static func runtimeExecutable() throws(SystemFailure) -> String {
    parent(of: try ownExecutable()) + "/spacer-serve"
  }

  /// Whether SwiftPM built this executable for a plugin, which gives it another name, and it alone.
  static var isPluginTool: Bool { (try? ownExecutable())?.hasSuffix("/spacer-tool") ?? false }

  private static func ownExecutable() throws(SystemFailure) -> String {
    guard let own = resolved("/proc/self/exe") else { throw SystemFailure("realpath", "/proc/self/exe") }
    return own
  }

  /// A path from the root, through links; as it is when it leads nowhere.
  static func absolute(_ path: String) -> String { resolved(path) ?? path }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Writes all bytes; false, with `errno` set, when that cannot be done.
  static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { all in
        Glibc.write(descriptor, all.baseAddress?.advanced(by: offset), all.count - offset)
      }
      if count < 0 && errno != EINTR { return false }
      offset += max(0, count)
    }
    return true
  }
}
