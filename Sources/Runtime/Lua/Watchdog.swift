// Ends calls that compute for too long. A thread looks every few milliseconds at the number of each worker's
// run; one that has not changed for the whole budget is condemned, and a signal to the worker's thread arms
// a hook on the running coroutine. So normal running carries no hook, whose count would slow it by half.
//
// While nothing runs the thread sleeps, and the next run that begins wakes it.

import CLua
import CSystem
import Glibc
import SpacerSystem
import Synchronization

/// The watchdog of a process's workers.
final class Watchdog: @unchecked Sendable {
  // Thread rule: `watched` is guarded by the mutex; the host records it points to are read with atomic
  // operations only, and live until they are forgotten.
  private struct Watched: @unchecked Sendable {
    let record: UnsafeMutablePointer<spacer_host>
    let thread: pthread_t
    /// The thread's own clock of processor time.
    let clock: clockid_t
    var slice: UInt64 = 0
    /// Processor time when the slice was first seen, in nanoseconds.
    var since: UInt64 = 0

    var processorNanoseconds: UInt64 {
      var time = timespec()
      guard clock_gettime(clock, &time) == 0 else { return 0 }
      return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
  }

  private static let tickMilliseconds: Int32 = 5
  /// How many ticks without a run before the thread sleeps.
  private static let idleTickCountMax = 20

  private let watched = Mutex<[Watched]>([])
  private let budgetNanoseconds: Atomic<UInt64>
  private let wakeUp: Int32
  private let sleeps: UnsafeMutablePointer<Int32>
  private let isEnded = Atomic<Bool>(false)

  /// - Parameter cpuMilliseconds: What one run may take.
  init(cpuMilliseconds: Int) throws(SystemCallError) {
    budgetNanoseconds = Atomic(UInt64(cpuMilliseconds) * 1_000_000)
    wakeUp = try SystemCalls.eventDescriptor()
    sleeps = .allocate(capacity: 1)
    sleeps.initialize(to: 0)
  }

  deinit {
    SystemCalls.close(wakeUp)
    sleeps.deallocate()
  }

  /// Changes what one run may take.
  func setBudget(milliseconds: Int) {
    budgetNanoseconds.store(UInt64(milliseconds) * 1_000_000, ordering: .relaxed)
  }

  func start() { Threads.start(name: "watchdog") { self.run() } }

  /// Ends the thread. No thread runs user code any more.
  func end() {
    isEnded.store(true, ordering: .relaxed)
    var one: UInt64 = 1
    withUnsafeBytes(of: &one) { _ = SystemCalls.write(wakeUp, $0) }
  }

  /// Watches the calling thread, which runs the user code of `record`'s state.
  func watchThisThread(_ record: UnsafeMutablePointer<spacer_host>) {
    spacer_watch_thread(record)
    record.pointee.watchdog_wake_up = wakeUp
    record.pointee.watchdog_sleeps = sleeps
    var clock = clockid_t()
    pthread_getcpuclockid(pthread_self(), &clock)
    let entry = Watched(record: record, thread: pthread_self(), clock: clock)
    watched.withLock { $0.append(entry) }
  }

  /// Forgets a state whose thread runs no more user code; it may then be freed.
  func forget(_ record: UnsafeMutablePointer<spacer_host>) {
    watched.withLock { $0.removeAll { $0.record == record } }
  }

  private func run() {
    var idleTicks = 0
    while !isEnded.load(ordering: .relaxed) {
      idleTicks = inspect() ? 0 : idleTicks + 1
      var milliseconds = Self.tickMilliseconds
      if idleTicks > Self.idleTickCountMax {
        // A run that begins from now on sees the flag; one that began before is seen by the second look.
        spacer_watchdog_set_sleeps(sleeps, 1)
        if inspect() { spacer_watchdog_set_sleeps(sleeps, 0) } else { milliseconds = -1 }
      }
      var poll = pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)
      if Glibc.poll(&poll, 1, milliseconds) > 0 {
        var counter: UInt64 = 0
        withUnsafeMutableBytes(of: &counter) { _ = SystemCalls.read(wakeUp, $0) }
        idleTicks = 0
      }
    }
  }

  /// Stops what is over its budget; whether anything ran.
  private func inspect() -> Bool {
    let budget = budgetNanoseconds.load(ordering: .relaxed)
    return watched.withLock { entries in
      var anyRuns = false
      for index in entries.indices {
        let slice = spacer_slice(entries[index].record)
        guard slice & 1 == 1 else { continue }
        anyRuns = true
        let now = entries[index].processorNanoseconds
        if slice != entries[index].slice {
          entries[index].slice = slice
          entries[index].since = now
        }
        // Signalled at each tick until it ends: a coroutine inside it may have taken the first one.
        if now >= entries[index].since + max(budget, spacer_cpu_budget(entries[index].record)) {
          spacer_stop(entries[index].record, entries[index].thread, slice)
        }
      }
      return anyRuns
    }
  }
}
