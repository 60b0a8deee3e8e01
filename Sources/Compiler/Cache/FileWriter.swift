// Writing files so that a reader sees the old content or the new one, never a part.

internal import Glibc

/// Atomic writes. All functions tell by their result whether they succeeded.
enum FileWriter {
  /// Makes `folder` and those above it that are missing.
  static func makeFolders(_ folder: String, mode: mode_t) -> Bool {
    if mkdir(folder, mode) == 0 || errno == EEXIST { return true }
    guard errno == ENOENT, let end = folder.lastIndex(of: "/"), end > folder.startIndex else { return false }
    return makeFolders(String(folder[..<end]), mode: mode) && (mkdir(folder, mode) == 0 || errno == EEXIST)
  }

  /// Puts a file with the pieces' content at `path`, in place of what is there.
  static func replace(_ path: String, with pieces: [[UInt8]], mode: mode_t) -> Bool {
    guard let temporary = writeTemporary(beside: path, pieces, mode: mode) else { return false }
    if rename(temporary, path) == 0 { return true }
    unlink(temporary)
    return false
  }

  /// Puts a file at `path` unless there is one, which counts as success.
  static func create(_ path: String, _ content: [UInt8], mode: mode_t) -> Bool {
    guard let temporary = writeTemporary(beside: path, [content], mode: mode) else { return false }
    defer { unlink(temporary) }
    return link(temporary, path) == 0 || errno == EEXIST
  }

  private static func writeTemporary(beside path: String, _ pieces: [[UInt8]], mode: mode_t) -> String? {
    for attempt in 0..<16 {
      let temporary = "\(path).\(getpid()).\(attempt)"
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
      if descriptor < 0 {
        if errno == EEXIST { continue }
        return nil
      }
      let isWritten = pieces.allSatisfy { write($0, to: descriptor) }
      if close(descriptor) == 0, isWritten { return temporary }
      unlink(temporary)
      return nil
    }
    return nil
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        let result = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
        if result < 0 {
          if errno == EINTR { continue }
          return false
        }
        offset += result
      }
      return true
    }
  }
}
