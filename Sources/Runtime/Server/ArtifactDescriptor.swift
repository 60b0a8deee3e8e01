// A file with an artifact in it, opened.

import CSystem
import Glibc

/// A regular file that is read in parts. Closed with the value.
struct ArtifactDescriptor: ~Copyable {
  let path: String
  /// In bytes, when it was opened.
  let length: Int
  private let descriptor: Int32

  init(path: String) throws(LoadError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let hint = errno == ENOENT ? ": build it first with 'spacer build'" : ""
      throw LoadError(message: "cannot read \(path): \(String(cString: strerror(errno)))\(hint)")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      Glibc.close(descriptor)
      let hint =
        status.st_mode & S_IFMT == S_IFDIR
        ? "a folder: build it first with 'spacer build'" : "no regular file"
      throw LoadError(message: "cannot read \(path): it is \(hint)")
    }
    self.path = path
    self.descriptor = descriptor
    length = Int(status.st_size)
  }

  deinit { Glibc.close(descriptor) }

  /// Fills `memory` from an offset on; false when the file ends before or cannot be read.
  func read(_ offset: Int, _ memory: UnsafeMutableRawBufferPointer) -> Bool {
    var count = 0
    while count < memory.count, let base = memory.baseAddress {
      let result = pread(descriptor, base + count, memory.count - count, off_t(offset + count))
      if result < 0 && errno == EINTR { continue }
      guard result > 0 else { return false }
      count += result
    }
    return true
  }
}
