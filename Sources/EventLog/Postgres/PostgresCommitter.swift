// Commits what the append queue gives it: what waits at a time becomes one transaction.
//
// Events without ids for one topic are one statement, which PostgreSQL commits by itself. With ids, or for several
// topics, it is a transaction with a look at the ids first. When the server refuses a batch its halves are tried,
// so that only the request that is to blame fails.
//
// When the connection is lost while a commit was on its way nobody knows what came of it. A request whose events all
// have ids is tried again all the same.
//
// The notification for consumers is a statement of its own after the commit: within, it would make all commits of
// the database wait for each other, their fsync included.

import Glibc
import SpacerSystem

/// One append of a batch; completed once.
final class PostgresAppendItem {
  let append: PendingAppend
  let topic: PostgresTopic
  private(set) var isCompleted = false
  /// An earlier attempt may have committed it.
  var isUncertain = false

  init(_ append: PendingAppend, _ topic: PostgresTopic) {
    self.append = append
    self.topic = topic
  }

  var entries: AppendEntries { append.request.entries }
  /// Appending it again appends nothing twice.
  var isRepeatable: Bool { entries.allSatisfy { $0.id != nil } }

  func complete(_ result: Result<AppendOutcome, EventLogError>) {
    guard !isCompleted else { return }
    isCompleted = true
    if isUncertain, case .failure = result {
      return append.complete(.failure(Self.unknown))
    }
    append.complete(result)
  }

  static let unknown = EventLogError(
    .outcomeUnknown,
    "the connection to PostgreSQL ended in mid-commit: the events may have been appended, or not")
}

final class PostgresCommitter: @unchecked Sendable {
  // Thread rule: everything is touched by the queue's thread only; `queue` is set before the first append.
  weak var queue: AppendQueue?
  private let session: PostgresSession
  private let clock: SystemClock
  private let topics: @Sendable (String) -> PostgresTopic?
  private var items: [PostgresAppendItem] = []
  /// A commit is on its way.
  private var isCommitting = false
  /// When the server could not be reached, on the monotonic clock.
  private var awaySince: Int64?

  private static let attemptsMax = 3

  init(connString: String, clock: SystemClock, topics: @escaping @Sendable (String) -> PostgresTopic?) {
    session = PostgresSession(connString: connString, clock: clock)
    self.clock = clock
    self.topics = topics
    session.onWait = { [unowned self] in expire() }
  }

  /// Completes each of the appends.
  func commit(_ batch: [PendingAppend]) {
    items = []
    items.reserveCapacity(batch.count)
    var topic: PostgresTopic?
    for append in batch {
      if topic?.name != append.request.topic { topic = topics(append.request.topic) }
      // The queue holds only what has a topic.
      guard let topic else { continue }
      items.append(PostgresAppendItem(append, topic))
    }
    commit(items, attempt: 1)
    items = []
  }

  /// Tells those whose time is over.
  private func expire() {
    queue?.expire()
    let now = clock.monotonicMilliseconds()
    for item in items where item.append.deadlineMilliseconds < now {
      item.complete(
        .failure(
          isCommitting
            ? PostgresAppendItem.unknown
            : EventLogError(.unavailable, "PostgreSQL could not be reached within the append's time")))
    }
  }

  // MARK: Attempts

  private func commit(_ all: [PostgresAppendItem], attempt: Int) {
    let items = all.filter { !$0.isCompleted }
    guard !items.isEmpty, isConnected(for: items) else { return }
    let failure: PostgresFailure
    do throws(PostgresFailure) {
      defer { isCommitting = false }
      let outcomes = try transact(items)
      // First, so that the notification is on its way while callers are told.
      notify(items)
      for (item, outcome) in zip(items, outcomes) { item.complete(.success(outcome)) }
      return
    } catch {
      failure = error
    }
    let isLast = attempt >= Self.attemptsMax
    switch failure.kind {
    case .notSent:
      isLast ? fail(items, failure.error) : commit(items, attempt: attempt + 1)
    case .lost:
      for item in items {
        item.isUncertain = true
        if isLast || !item.isRepeatable { item.complete(.failure(PostgresAppendItem.unknown)) }
      }
      if !isLast { commit(items, attempt: attempt + 1) }
    case .refused(let state):
      let mayPass =
        failure.isConflict || failure.isStalePlan || failure.endsConnection
        || state == PostgresFailure.uniqueViolation
      if mayPass, !isLast { return commit(items, attempt: attempt + 1) }
      if failure.error.isTemporary { return fail(items, failure.error) }
      guard items.count > 1 else {
        return fail(
          items,
          state == PostgresFailure.uniqueViolation
            ? EventLogError(.failed, "an event with the id of one of the request's events is there already")
            : failure.error)
      }
      commit(Array(items[..<(items.count / 2)]), attempt: 1)
      commit(Array(items[(items.count / 2)...]), attempt: 1)
    }
  }

  private func fail(_ items: [PostgresAppendItem], _ error: EventLogError) {
    for item in items { item.complete(.failure(error)) }
  }

  /// Connects, with patience unless the server has been away for a while already. Else tells the appends.
  private func isConnected(for items: [PostgresAppendItem]) -> Bool {
    if session.isOpen { return true }
    let start = clock.monotonicMilliseconds()
    let giveUp = start + Int64(PostgresLimits.appendReconnectMillisecondsMax)
    var pause = PostgresLimits.reconnectMillisecondsMin
    while true {
      let problem: PostgresFailure
      do throws(PostgresFailure) {
        try session.connect()
        awaySince = nil
        return true
      } catch {
        problem = error
      }
      let now = clock.monotonicMilliseconds()
      expire()
      guard items.contains(where: { !$0.isCompleted }) else { return false }
      if awaySince != nil || now + Int64(pause) >= giveUp {
        awaySince = awaySince ?? start
        fail(items, problem.error)
        return false
      }
      _ = poll(nil, 0, Int32(pause))
      pause = min(pause * 2, PostgresLimits.reconnectMillisecondsMax)
    }
  }

  // MARK: Transactions

  /// An entry of one topic that is to be inserted: its item's place, and its own in the item.
  private typealias Fresh = [(item: Int, entry: Int)]

  private func transact(_ items: [PostgresAppendItem]) throws(PostgresFailure) -> [AppendOutcome] {
    var outcomes = [AppendOutcome](repeating: AppendOutcome(offsets: []), count: items.count)
    if Self.isOneStatement(items) {
      isCommitting = true
      try insert(items, Self.all(items, items.indices), &outcomes)
      return outcomes
    }
    let topics = Dictionary(grouping: items.indices) { items[$0].topic.table }
    do throws(PostgresFailure) {
      try session.script("BEGIN")
      // In one order everywhere, so that transactions that wait for each other's ids wait in one direction.
      for indices in topics.sorted(by: { $0.key < $1.key }).map(\.value) {
        try insert(items, try fresh(items, indices), &outcomes)
      }
    } catch {
      if session.isOpen { session.post("ROLLBACK") }
      // Nothing was to be committed yet.
      throw error.kind == .lost ? PostgresFailure(.notSent, error.message) : error
    }
    isCommitting = true
    try session.script("COMMIT")
    for index in outcomes.indices { outcomes[index].isDuplicate = outcomes[index].offsets.isEmpty }
    return outcomes
  }

  /// Whether all is for one topic, and without ids.
  private static func isOneStatement(_ items: [PostgresAppendItem]) -> Bool {
    guard let table = items.first?.topic.table else { return true }
    return items.allSatisfy { item in
      item.topic.table == table && item.entries.allSatisfy { $0.id == nil }
    }
  }

  private static func all(_ items: [PostgresAppendItem], _ indices: some Sequence<Int>) -> Fresh {
    var all: Fresh = []
    all.reserveCapacity(items.count)
    for index in indices { for entry in items[index].entries.indices { all.append((index, entry)) } }
    return all
  }

  /// Leaves out entries whose ids are there already, or before them in the batch. Ids are compared by their bytes.
  private func fresh(
    _ items: [PostgresAppendItem], _ indices: [Int]
  ) throws(PostgresFailure) -> Fresh {
    let ids = indices.flatMap { items[$0].entries.compactMap(\.id) }
    guard let first = indices.first, !ids.isEmpty else { return Self.all(items, indices) }
    var parameters = PostgresParameters()
    parameters.addTexts(ids)
    let rows = try session.run(items[first].topic.existing, parameters)
    var seen: Set<[UInt8]> = []
    for row in 0..<rows.count { if let id = rows.bytes(row, 0) { seen.insert(id) } }
    return Self.all(items, indices).filter { index, entry in
      items[index].entries[entry].id.map { seen.insert(Array($0.utf8)).inserted } ?? true
    }
  }

  private func insert(
    _ items: [PostgresAppendItem], _ fresh: Fresh, _ outcomes: inout [AppendOutcome]
  ) throws(PostgresFailure) {
    guard let first = fresh.first else { return }
    let entries = fresh.lazy.map { items[$0.item].entries[$0.entry] }
    var parameters = PostgresParameters()
    parameters.addTexts(entries.map(\.key))
    parameters.addTexts(entries.map(\.value))
    parameters.addOptionalTexts(entries.map(\.id))
    parameters.addTraces(fresh.lazy.map { items[$0.item].append.request.trace })
    parameters.addNumbers(entries.map { KeyPartition.hash($0.key) })
    let rows = try session.run(items[first.item].topic.insert, parameters)
    guard rows.count == fresh.count else {
      throw PostgresFailure(
        .lost, "\(fresh.count) events were sent and \(rows.count) taken: a rule or trigger?")
    }
    for (row, place) in fresh.enumerated() { outcomes[place.item].offsets.append(rows.number(row, 0) ?? 0) }
  }

  private func notify(_ items: [PostgresAppendItem]) {
    let tables = Set(items.lazy.map(\.topic.table)).sorted()
    session.post(tables.map { "NOTIFY \"\($0)\"" }.joined(separator: "; "))
  }
}
