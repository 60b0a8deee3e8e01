// The clocks that the event log and what builds on it use, as a value, so that a test can step them.

import CSystem
import Glibc

/// Where times come from. Usable from every thread.
package struct SystemClock: Sendable {
  /// Milliseconds since 1970-01-01 00:00 UTC; may jump in both directions.
  package var wallMilliseconds: @Sendable () -> Int64
  /// Milliseconds since some fixed moment; never goes back.
  package var monotonicMilliseconds: @Sendable () -> Int64

  package init(
    wallMilliseconds: @escaping @Sendable () -> Int64, monotonicMilliseconds: @escaping @Sendable () -> Int64
  ) {
    self.wallMilliseconds = wallMilliseconds
    self.monotonicMilliseconds = monotonicMilliseconds
  }

  /// The machine's.
  package static let machine = SystemClock(
    wallMilliseconds: { milliseconds(CLOCK_REALTIME) },
    monotonicMilliseconds: { milliseconds(CLOCK_MONOTONIC) })

  /// Microseconds of the machine's monotonic clock, for measuring.
  package static func machineMicroseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1_000_000 + Int(time.tv_nsec) / 1_000
  }

  private static func milliseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
