// Waiting on a session's socket, always with a bound.

import CPostgres
import CSystem
import Glibc
import SpacerSystem

extension PostgresSession {
  /// Waits until there is input, another descriptor is readable, or the time is over. What came stays for
  /// `takeNotified`.
  func waitForInput(milliseconds: Int, or other: Int32) throws(PostgresFailure) {
    guard let raw else { throw PostgresFailure(.notSent, "there is no connection") }
    takeOwedParts(raw)
    if takeWaiting(raw) { return }
    var descriptors = [
      pollfd(fd: spacer_pq_socket(raw), events: Int16(POLLIN), revents: 0),
      pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    _ = poll(&descriptors, 2, Int32(clamping: max(0, milliseconds)))
    guard descriptors[0].revents != 0 else { return }
    guard isAlive(raw) else {
      let message = errorMessage
      close()
      throw PostgresFailure(.notSent, message)
    }
    takeOwedParts(raw)
    _ = takeWaiting(raw)
  }

  /// Takes what is there of an answer that is owed: libpq gives no notification that lies behind it before.
  private func takeOwedParts(_ raw: OpaquePointer) {
    while isOwedAnAnswer, spacer_pq_flush(raw) >= 0, spacer_pq_is_busy(raw) == 0 {
      if let part = spacer_pq_get_result(raw) { spacer_pq_clear(part) } else { isOwedAnAnswer = false }
    }
  }

  /// Channels that were notified since the last call.
  func takeNotified() -> Set<String> {
    if let raw {
      takeOwedParts(raw)
      _ = takeWaiting(raw)
    }
    defer { notified = [] }
    return notified
  }

  private func takeWaiting(_ raw: OpaquePointer) -> Bool {
    var channel = [CChar](repeating: 0, count: 64)
    while spacer_pq_take_notification(raw, &channel, Int32(channel.count)) != 0 {
      notified.insert(
        String(decoding: channel.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    return !notified.isEmpty
  }

  /// False when the time is over.
  func wait(_ events: Int16, until deadline: Int64) throws(PostgresFailure) -> Bool {
    while let raw {
      let left = deadline - clock.monotonicMilliseconds()
      guard left > 0 else { return false }
      var descriptor = pollfd(fd: spacer_pq_socket(raw), events: events, revents: 0)
      let count = poll(&descriptor, 1, Int32(min(left, Int64(PostgresLimits.waitSliceMilliseconds))))
      if count > 0 { return true }
      if count < 0, errno != EINTR { throw PostgresFailure(.lost, "poll: errno \(errno)") }
      onWait()
    }
    throw PostgresFailure(.lost, "the connection is lost")
  }
}
