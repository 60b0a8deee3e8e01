// A worker's appends in flight. The storage completes them on its own threads, many at a time: their results
// gather in an inbox, and the worker is told once for all that are there.

import Glibc
import SpacerEventLog
import Synchronization

/// Results of appends on their way to the thread that handed them in.
final class AppendInbox: AppendReceiver, @unchecked Sendable {
  // Thread rule: `handed` and `answer` are touched by the owner's thread only; the rest by all.
  struct Item {
    /// Held so that its memory goes back where it came from, the owner's thread; nil when there was none.
    var append: PendingAppend?
    /// The append's.
    var number: UInt64
    var result: Result<AppendOutcome, EventLogError>
  }

  private struct State {
    var items: [Item] = []
    var isAnnounced = false
  }

  private let state = Mutex(State())
  private let tell: @Sendable () -> Void
  /// The thread that calls `hand`; 0 before it did.
  private let owner = Atomic<UInt>(0)
  /// What `hand` is giving to the store.
  private var handed: PendingAppend?
  private var answer: Result<AppendOutcome, EventLogError>?

  /// - Parameter tell: Called from any thread when results are there, once for all until they are taken.
  init(tell: @escaping @Sendable () -> Void) { self.tell = tell }

  /// Gives an append to a store. The result when it is there at once, as the memory driver's is: nobody waits for
  /// it then. Always on the same thread.
  func hand(_ append: PendingAppend, to store: any EventStore) -> Result<AppendOutcome, EventLogError>? {
    if owner.load(ordering: .relaxed) == 0 { owner.store(pthread_self(), ordering: .relaxed) }
    handed = append
    store.append(append)
    handed = nil
    defer { answer = nil }
    return answer
  }

  func completed(_ append: PendingAppend, _ result: Result<AppendOutcome, EventLogError>) {
    if pthread_self() == owner.load(ordering: .relaxed), handed === append {
      answer = result
    } else {
      add(Item(append: append, number: append.number, result: result))
    }
  }

  /// Leaves a result, from any thread.
  func add(_ item: Item) {
    let isFirst = state.withLock { state in
      state.items.append(item)
      defer { state.isAnnounced = true }
      return !state.isAnnounced
    }
    if isFirst { tell() }
  }

  func takeAll() -> [Item] {
    state.withLock { state in
      state.isAnnounced = false
      defer { state.items = [] }
      return state.items
    }
  }
}

/// Tells a worker that results are there.
final class AppendNotices: EventSource {
  var whenPosted: () -> Void = {}

  override func posted(_ token: UInt64) { whenPosted() }
}
