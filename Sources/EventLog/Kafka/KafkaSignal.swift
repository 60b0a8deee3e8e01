// Wakes a thread that waits for the queues of a client. Unsafe: the descriptor is the library's too, which gets
// it only through `KafkaConsumer` and has let go of it when the consumer's client has ended.

import CSystem
import Glibc

/// A counter of the kernel's to wait for. Usable from every thread.
final class KafkaSignal: Sendable {
  let descriptor: Int32

  init() throws(EventLogError) {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    if descriptor < 0 { throw EventLogError(.unavailable, "no descriptor to be had for Kafka's consumer") }
  }

  deinit { close(descriptor) }

  func send() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Returns at a signal sent since the last wait, or when the time is over.
  func wait(milliseconds: Int) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = Glibc.poll(&entry, 1, Int32(clamping: milliseconds))
    var count: UInt64 = 0
    _ = Glibc.read(descriptor, &count, 8)
  }
}
