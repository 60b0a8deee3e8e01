// A worker's appends in flight. The storage completes them on its own threads, many at a time: their results
// gather in an inbox, and the loop is woken once for all that are there.

import SpacerEventLog
import Synchronization

/// Results of appends on their way to a worker.
final class AppendInbox: Sendable {
  typealias Item = (ticket: UInt64, result: Result<AppendOutcome, EventLogError>)

  private struct State {
    var items: [Item] = []
    var isAnnounced = false
  }

  private let state = Mutex(State())

  /// Leaves a result, from any thread; true when the worker has to be told.
  func add(_ ticket: UInt64, _ result: Result<AppendOutcome, EventLogError>) -> Bool {
    state.withLock { state in
      state.items.append((ticket, result))
      defer { state.isAnnounced = true }
      return !state.isAnnounced
    }
  }

  /// On the worker's thread.
  func takeAll() -> [Item] {
    state.withLock { state in
      state.isAnnounced = false
      defer { state.items = [] }
      return state.items
    }
  }
}

/// A result that is there before the call of `append` has returned, as the memory driver's is: nobody waits for it.
final class ImmediateAnswer: Sendable {
  private enum State { case open, answered(Result<AppendOutcome, EventLogError>), closed }
  private let state = Mutex(State.open)

  /// Takes the result while `append` has not returned; false afterwards. From any thread.
  func take(_ result: Result<AppendOutcome, EventLogError>) -> Bool {
    state.withLock { state in
      guard case .open = state else { return false }
      state = .answered(result)
      return true
    }
  }

  /// `append` has returned: the result, if it is there.
  func close() -> Result<AppendOutcome, EventLogError>? {
    state.withLock { state in
      defer { state = .closed }
      guard case .answered(let result) = state else { return nil }
      return result
    }
  }
}

/// Tells a worker that results are there.
final class AppendNotices: EventSource {
  var whenPosted: () -> Void = {}

  override func posted(_ token: UInt64) { whenPosted() }
}

/// The calls that wait for appends, by ticket. Belongs to its worker's thread.
struct AppendTable {
  let inbox = AppendInbox()
  var source = SourceID.primary
  private var waits: [UInt64: AppendWait] = [:]
  private var nextTicket: UInt64 = 1

  mutating func add(_ wait: AppendWait) -> UInt64 {
    defer { nextTicket += 1 }
    waits[nextTicket] = wait
    return nextTicket
  }

  mutating func remove(_ ticket: UInt64) -> AppendWait? { waits.removeValue(forKey: ticket) }
}

/// What a worker needs to append: the storage, and what the artifact in service says about topics.
final class EventAccess: Sendable {
  let store: any EventStore
  let appName: String
  let group: String
  let eventBytesMax: Int
  /// The database of `databases` that is the event log's own, for triggers with `transaction: true`.
  let transactionDatabase: String?
  private let topics: [String: TopicConfiguration]

  init(store: any EventStore, _ configuration: EventConfiguration, transactionDatabase: String?) {
    self.transactionDatabase = transactionDatabase
    self.store = store
    appName = configuration.appName
    group = configuration.group
    eventBytesMax = configuration.eventBytesMax
    topics = Dictionary(configuration.topics.map { ($0.definition.name, $0) }) { first, _ in first }
  }

  func topic(named name: String) -> TopicConfiguration? { topics[name] }
}
