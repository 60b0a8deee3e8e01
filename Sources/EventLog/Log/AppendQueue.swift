// Group commit: appends come from any thread, and one thread of the queue's commits all that are there at a time,
// so that many share one fsync. Bounded in bytes: what comes above is refused, and nothing of it is kept.

package import SpacerSystem

/// Appends on their way to a storage.
package final class AppendQueue: Sendable {
  private struct State {
    var pending: [PendingAppend] = []
    var byteCount = 0
    var isClosed = false
    var hasEnded = false
    /// How many appends the queue's thread waits for; 0 while it does not wait.
    var awaitedCount = 0
  }

  /// Of one commit.
  private static let batchCountMax = 2_048
  private static let batchBytesMax = 8 << 20
  private static let lingerMicrosecondsMax = 1_000

  private let state = Monitor(State())
  private let bytesMax: Int
  private let clock: SystemClock
  private let commit: @Sendable ([PendingAppend]) -> Void

  /// Starts the queue's thread.
  /// - Parameters:
  ///   - bytesMax: What may wait, in bytes.
  ///   - commit: Called on the queue's thread; completes each of the appends before it returns.
  package init(
    name: String, bytesMax: Int = 64 << 20, clock: SystemClock = .machine,
    commit: @escaping @Sendable ([PendingAppend]) -> Void
  ) {
    self.bytesMax = bytesMax
    self.clock = clock
    self.commit = commit
    Threads.start(name: name) { self.run() }
  }

  /// Hands an append in; never blocks.
  package func submit(_ append: PendingAppend) {
    let bytes = append.request.byteCount
    append.deadlineMilliseconds = clock.monotonicMilliseconds() + Int64(append.request.timeoutMilliseconds)
    var isAwaited = false
    let refusal: EventLogError? = state.withLock { state in
      if state.isClosed { return EventLogError(.unavailable, "the event log is closed") }
      guard state.byteCount + bytes <= bytesMax || state.pending.isEmpty else {
        return EventLogError(.overloaded, "too many events wait for the storage: try again later")
      }
      state.byteCount += bytes
      state.pending.append(append)
      isAwaited = state.awaitedCount > 0 && state.pending.count >= state.awaitedCount
      if isAwaited { state.awaitedCount = 0 }
      return nil
    }
    if let refusal { return append.complete(.failure(refusal)) }
    // A wake-up is a system call: only the append that is waited for pays it.
    if isAwaited { state.signal() }
  }

  /// Refuses what comes from now on, and returns when all that was handed in has completed.
  package func close() {
    state.withLock { $0.isClosed = true }
    state.signal()
    state.wait(milliseconds: nil) { $0.hasEnded ? () : nil }
  }

  /// Completes what has waited too long. For a commit that takes long, from its thread.
  package func expire() {
    let now = clock.monotonicMilliseconds()
    let late: [PendingAppend] = state.withLock { state in
      guard state.pending.contains(where: { $0.deadlineMilliseconds < now }) else { return [] }
      let late = state.pending.filter { $0.deadlineMilliseconds < now }
      state.pending.removeAll { $0.deadlineMilliseconds < now }
      state.byteCount -= late.reduce(0) { $0 + $1.request.byteCount }
      return late
    }
    for append in late { append.complete(.failure(Self.tooLate)) }
  }

  private static let tooLate = EventLogError(.timedOut, "the storage did not take the events in time")

  private func run() {
    // Half of all that are on their way: while these are committed the others come, so that neither the storage nor
    // the callers stand still.
    var awaitedCount = 1
    var lastMicroseconds = 0
    while let batch = nextBatch(
      awaitedCount: awaitedCount, lingerMicroseconds: min(lastMicroseconds / 4, Self.lingerMicrosecondsMax))
    {
      let live = withoutLate(batch)
      let begin = SystemClock.machineMicroseconds()
      if !live.isEmpty { commit(live) }
      lastMicroseconds = SystemClock.machineMicroseconds() - begin
      awaitedCount = max(1, (batch.count + state.withLock { $0.pending.count }) / 2)
    }
    state.withLock { $0.hasEnded = true }
    state.signal()
  }

  /// Tells those that have waited too long, and leaves them out.
  private func withoutLate(_ batch: [PendingAppend]) -> [PendingAppend] {
    let now = clock.monotonicMilliseconds()
    guard batch.contains(where: { $0.deadlineMilliseconds < now }) else { return batch }
    return batch.filter { append in
      guard append.deadlineMilliseconds < now else { return true }
      append.complete(.failure(Self.tooLate))
      return false
    }
  }

  /// Nil at the end.
  private func nextBatch(awaitedCount: Int, lingerMicroseconds: Int) -> [PendingAppend]? {
    waitForAppends(1, microseconds: nil)
    if awaitedCount > 1, lingerMicroseconds > 0 {
      waitForAppends(awaitedCount, microseconds: lingerMicroseconds)
    }
    return state.withLock { state in
      state.awaitedCount = 0
      return state.pending.isEmpty ? nil : Self.takeBatch(&state)
    }
  }

  /// The oldest that wait, as far as one commit takes them.
  private static func takeBatch(_ state: inout State) -> [PendingAppend] {
    if state.pending.count <= batchCountMax, state.byteCount <= batchBytesMax {
      defer {
        state.pending = []
        state.byteCount = 0
      }
      return state.pending
    }
    var count = 0
    var bytes = 0
    while count < state.pending.count, count < batchCountMax, bytes < batchBytesMax {
      bytes += state.pending[count].request.byteCount
      count += 1
    }
    state.byteCount -= bytes
    defer { state.pending.removeFirst(count) }
    return Array(state.pending[..<count])
  }

  /// Returns when so many are there, when the queue is closed, or when the time is over.
  private func waitForAppends(_ count: Int, microseconds: Int?) {
    _ = state.wait(microseconds: microseconds) { state in
      guard !state.isClosed, state.pending.count < count else {
        state.awaitedCount = 0
        return ()
      }
      state.awaitedCount = count
      return nil
    }
  }
}
