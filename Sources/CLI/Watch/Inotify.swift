// The kernel's file notification, as a handle with three operations. Nothing here knows about projects.

import Glibc

/// An inotify descriptor; closed with the value.
struct Inotify: ~Copyable {
  /// One notification.
  struct Event {
    /// The watch it belongs to, -1 for a queue overflow.
    var watch: Int32
    var mask: UInt32
    /// The entry inside the watched folder, empty for the folder itself.
    var name: String

    func has(_ flag: Int32) -> Bool { mask & UInt32(flag) != 0 }
    var isFolder: Bool { has(Int32(IN_ISDIR)) }
  }

  /// Non-blocking; readable when events wait. -1 when the system has none to spare: no watch can be made then.
  let descriptor: Int32

  init() throws(SystemFailure) {
    descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    if descriptor < 0 && errno != EMFILE && errno != ENFILE { throw SystemFailure("inotify_init1") }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Watches a folder's entries; a folder that is watched already keeps its number.
  func watch(_ path: String) throws(SystemFailure) -> Int32 {
    if descriptor < 0 {
      errno = EMFILE
      throw SystemFailure("inotify_init1")
    }
    let mask =
      UInt32(IN_CLOSE_WRITE) | UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM)
      | UInt32(IN_MOVED_TO) | UInt32(IN_MODIFY) | UInt32(IN_ONLYDIR) | UInt32(IN_EXCL_UNLINK)
    let watch = inotify_add_watch(descriptor, path, mask)
    if watch < 0 { throw SystemFailure("inotify_add_watch", path) }
    return watch
  }

  func unwatch(_ watch: Int32) {
    _ = inotify_rm_watch(descriptor, watch)
  }

  /// The events that wait now, in order; empty when there are none.
  func read() -> [Event] {
    var events: [Event] = []
    guard descriptor >= 0 else { return events }
    let headerBytes = MemoryLayout<inotify_event>.size
    withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 8) { buffer in
      while true {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        // The kernel hands out whole events only: a header and `len` bytes of a name padded with NUL.
        var offset = 0
        while offset + headerBytes <= count {
          let header = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          let nameStart = offset + headerBytes
          let nameEnd = min(count, nameStart + Int(header.len))
          let name = buffer[nameStart..<nameEnd].prefix { $0 != 0 }
          events.append(
            Event(watch: header.wd, mask: header.mask, name: String(decoding: name, as: UTF8.self)))
          offset = nameEnd
        }
      }
    }
    return events
  }
}
