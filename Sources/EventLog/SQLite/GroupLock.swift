// Which process consumes for a group: the one that has the group's lock file locked. The system ends the lock with
// the process, however that ends. The file holds the member's name, for people who look.

import CSystem
import Glibc

/// A group's place on one SQLite file.
final class GroupLock {
  private let path: String
  private let memberID: String
  private var descriptor: Int32 = -1

  /// Nothing is locked yet.
  init(databasePath: String, group: String, memberID: String) {
    path = Self.path(databasePath: databasePath, group: group)
    self.memberID = memberID
  }

  deinit { release() }

  var isHeld: Bool { descriptor >= 0 }

  /// Locks the file, when nobody else has.
  func take() throws(EventLogError) -> Bool {
    if isHeld { return true }
    let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard opened >= 0 else { throw Self.failure(path) }
    guard spacer_lock_file(opened) == 0 else {
      let reason = errno
      Glibc.close(opened)
      if reason == EAGAIN || reason == EACCES { return false }
      errno = reason
      throw Self.failure(path)
    }
    descriptor = opened
    // For people only: a failure changes nothing.
    _ = ftruncate(opened, 0)
    _ = Array(memberID.utf8).withUnsafeBytes { pwrite(opened, $0.baseAddress, $0.count, 0) }
    return true
  }

  func release() {
    guard isHeld else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }

  /// The name of the member that has a group's place; nil when none has.
  static func owner(databasePath: String, group: String) -> String? {
    let opened = open(path(databasePath: databasePath, group: group), O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { return nil }
    defer { Glibc.close(opened) }
    guard spacer_is_file_locked(opened) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = bytes.withUnsafeMutableBytes { pread(opened, $0.baseAddress, $0.count, 0) }
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private static func failure(_ path: String) -> EventLogError {
    EventLogError(.unavailable, "cannot lock \(path): \(String(cString: strerror(errno)))")
  }

  /// Bytes of a group's name that stand in the file's name; a file's name has at most 255.
  private static let nameBytesMax = 120

  /// `PATH-GROUP.lock`; what is no letter, digit, `-` or `_` in the group's name stands as `%` and two hex digits.
  private static func path(databasePath: String, group: String) -> String {
    var name = ""
    for byte in group.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"):
        name.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    if name.utf8.count > nameBytesMax {
      // A sum instead of the rest keeps long names apart.
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in group.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
      name = String(name.prefix(nameBytesMax)) + "%" + String(hash, radix: 16)
    }
    return "\(databasePath)-\(name).lock"
  }
}
