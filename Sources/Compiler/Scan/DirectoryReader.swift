// The system calls behind `DiskFiles`, and the only place of the scanner with unsafe memory.
//
// Invariants: every descriptor opened here is closed before the function returns; names are copied out of
// the directory stream before the next entry is read; a buffer is initialised exactly up to the count that
// `read` returned.

internal import Glibc

/// Reading folders and files by the operating system's calls.
enum DirectoryReader {
  /// What an entry is once links are followed.
  enum Kind: Equatable { case file, directory, other, missing(errno: Int32) }

  /// The names in a folder, without `.` and `..`, as bytes, in byte order.
  static func entries(of path: String) throws(SystemError) -> [[UInt8]] {
    let descriptor = retrying { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw SystemError(code: errno) }
    guard let stream = fdopendir(descriptor) else {
      let code = errno
      close(descriptor)
      throw SystemError(code: code)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw SystemError(code: errno) }
        break
      }
      // The name is longer than its declared array in some file systems: read up to the NUL, not the array.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: UInt8.self)
      let name = Array(UnsafeBufferPointer(start: start, count: strlen(UnsafePointer(start).asCString)))
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// What `path` is, links followed, and which file it is.
  static func status(of path: String) -> (kind: Kind, fingerprint: FileFingerprint) {
    var status = stat()
    let result = retrying { stat(path, &status) }
    guard result == 0 else {
      let empty = FileFingerprint(
        sizeBytes: 0, modifiedNanoseconds: 0, changedNanoseconds: 0, inode: 0, device: 0)
      return (.missing(errno: errno), empty)
    }
    return (kind(of: status), fingerprint(of: status))
  }

  /// The bytes of a regular file of at most `bytesMax` bytes; nil when it is larger.
  static func contents(of path: String, bytesMax: Int) throws(SystemError) -> [UInt8]? {
    // Without waiting, so that a named pipe is refused and not waited for.
    let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw SystemError(code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemError(code: errno) }
    switch kind(of: status) {
    case .file: break
    case .directory: throw SystemError(code: EISDIR)
    default: throw SystemError(code: SystemError.notRegular)
    }
    guard Int(status.st_size) <= bytesMax else { return nil }
    // The file may grow meanwhile: one byte of room shows its end, and a full buffer asks again.
    var bytes: [UInt8] = []
    var room = Int(status.st_size) + 1
    while true {
      let (chunk, code) = read(descriptor, room: room)
      guard code == 0 else { throw SystemError(code: code) }
      if chunk.isEmpty { return bytes }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      guard bytes.count <= bytesMax else { return nil }
      room = Swift.max(1, Swift.min(1 << 16, bytesMax + 1 - bytes.count))
    }
  }

  private static func read(_ descriptor: Int32, room: Int) -> (bytes: [UInt8], code: Int32) {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      let result = retrying { Glibc.read(descriptor, buffer.baseAddress, room) }
      if result < 0 { code = errno } else { count = result }
    }
    return (bytes, code)
  }

  private static func kind(of status: stat) -> Kind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    default: .other
    }
  }

  private static func fingerprint(of status: stat) -> FileFingerprint {
    FileFingerprint(
      sizeBytes: Int64(status.st_size),
      modifiedNanoseconds: nanoseconds(status.st_mtim), changedNanoseconds: nanoseconds(status.st_ctim),
      inode: UInt64(status.st_ino), device: UInt64(status.st_dev))
  }

  /// The clock by which file systems stamp changes.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return nanoseconds(time)
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  private static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result == -1 && errno == EINTR { continue }
      return result
    }
  }
}

extension UnsafePointer<UInt8> {
  /// The same bytes under the type that C's string functions take.
  fileprivate var asCString: UnsafePointer<CChar> {
    UnsafeRawPointer(self).assumingMemoryBound(to: CChar.self)
  }
}

/// A system call's failure.
struct SystemError: Error, Equatable {
  var code: Int32

  /// Not a code of the system's: neither a file nor a folder.
  static let notRegular: Int32 = -1
  static let noEntry: Int32 = ENOENT

  /// In a few words, independent of the machine's language.
  var reason: String {
    switch code {
    case Self.notRegular: "it is not a regular file"
    case EACCES, EPERM: "permission denied"
    case ENOENT: "no such file or folder"
    case ENOTDIR: "not a folder"
    case EISDIR: "it is a folder"
    case ELOOP: "too many symbolic links"
    case ENAMETOOLONG: "its path is too long"
    case EMFILE, ENFILE: "too many open files"
    case EIO: "the disk reports an error"
    default: "system error \(code)"
    }
  }
}
