// A few threads for what blocks: SQLite, name resolution, PQcancel. Jobs run in order of arrival, each to its
// end; results go back through a loop's mailbox.

import Glibc
import SpacerSystem
import Synchronization

/// A queue of jobs with threads that start when there is work for them.
final class WorkQueue: Sendable {
  /// SQLite's statements, of all workers.
  static let sqlite = WorkQueue(name: "sqlite", threadCountMax: 4)
  /// Host names.
  static let names = WorkQueue(name: "names", threadCountMax: 2)
  /// Cancel requests to PostgreSQL.
  static let cancels = WorkQueue(name: "cancel", threadCountMax: 2)

  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var next = 0
    var threadCount = 0
    var idleCount = 0
  }

  private let name: String
  private let threadCountMax: Int
  private let state = Mutex(State())
  private let signal: Semaphore

  init(name: String, threadCountMax: Int) {
    self.name = name
    self.threadCountMax = threadCountMax
    signal = Semaphore()
  }

  /// Has a thread run `job`.
  func run(_ job: @escaping @Sendable () -> Void) {
    let startsThread = state.withLock { state in
      state.jobs.append(job)
      guard state.idleCount < state.jobs.count - state.next, state.threadCount < threadCountMax else {
        return false
      }
      state.threadCount += 1
      return true
    }
    if startsThread { Threads.start(name: name) { self.work() } }
    signal.post()
  }

  private func work() {
    while true {
      state.withLock { $0.idleCount += 1 }
      signal.wait()
      let job: (@Sendable () -> Void)? = state.withLock { state in
        state.idleCount -= 1
        guard state.next < state.jobs.count else { return nil }
        defer {
          state.next += 1
          if state.next == state.jobs.count || state.next > 1024 {
            state.jobs.removeFirst(state.next)
            state.next = 0
          }
        }
        return state.jobs[state.next]
      }
      job?()
    }
  }
}

/// A counting semaphore at a fixed address; made for use from several threads.
private final class Semaphore: @unchecked Sendable {
  // Thread rule: a POSIX semaphore is itself safe; the pointer never changes.
  private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(raw, 0, 0) }

  deinit {
    sem_destroy(raw)
    raw.deallocate()
  }

  func post() { sem_post(raw) }

  func wait() { while sem_wait(raw) != 0 {} }
}
