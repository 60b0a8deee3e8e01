// State that threads share and wait on: a POSIX mutex with a condition on the monotonic clock, which Swift's
// own Mutex lacks. Unsafe: mutex and condition stand at fixed addresses that live as long as the monitor.

import CSystem
import Glibc

/// A value behind a lock, with waiting for it to change. Usable from every thread.
package final class Monitor<State>: @unchecked Sendable {
  // Thread rule: `state` is touched only while `mutex` is held.
  private var state: State
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init(_ state: sending State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Runs `body` under the lock. It must not call this monitor again.
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Wakes everyone who waits.
  package func signal() { pthread_cond_broadcast(condition) }

  /// Waits until `body`, which runs under the lock, gives a value, or the time is over (then nil). It runs at
  /// once, and after each `signal`.
  /// - Parameter milliseconds: Nil waits for ever.
  package func wait<Result>(milliseconds: Int?, _ body: (inout State) -> Result?) -> Result? {
    wait(microseconds: milliseconds.map { min($0, Int.max / 1_000) * 1_000 }, body)
  }

  /// As `wait(milliseconds:)`, for times that are shorter than that.
  package func wait<Result>(microseconds: Int?, _ body: (inout State) -> Result?) -> Result? {
    var end = timespec()
    if let microseconds {
      clock_gettime(CLOCK_MONOTONIC, &end)
      end.tv_sec += microseconds / 1_000_000
      end.tv_nsec += microseconds % 1_000_000 * 1_000
      if end.tv_nsec >= 1_000_000_000 {
        end.tv_sec += 1
        end.tv_nsec -= 1_000_000_000
      }
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      if microseconds == nil {
        pthread_cond_wait(condition, mutex)
      } else if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT {
        return body(&state)
      }
    }
  }
}
