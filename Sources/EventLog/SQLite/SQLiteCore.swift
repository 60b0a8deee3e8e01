// What the threads of a SQLite store share: the writer, what changes tell, and progress on its way to the file.

import SpacerSystem

/// The inside of a `SQLiteStore`. Usable from every thread.
final class SQLiteCore: Sendable {
  /// What waiters look at.
  struct Changes {
    /// Grows with each commit of this process's, with each `wake`, and at the end.
    var count: UInt64 = 0
    var isClosed = false
  }

  struct PendingProgress {
    var waiting: [GroupTopic: PartitionProgress.Stored] = [:]
    var isClosing = false
    var hasEnded = false
  }

  let path: String
  private let durability: SQLiteDurability
  let clock: SystemClock
  /// By name.
  let topics: [String: TopicDefinition]
  /// In the order of `open`.
  let topicNames: [String]
  /// Nil when the store is closed.
  let writer: Monitor<SQLiteWriter?>
  let changes = Monitor(Changes())
  private let progress = Monitor(PendingProgress())

  /// How long progress waits for more of it, in milliseconds.
  private static let progressDelayMilliseconds = 10
  /// After a failure.
  private static let progressRetryMilliseconds = 250

  init(
    path: String, durability: SQLiteDurability, clock: SystemClock, topics definitions: [TopicDefinition]
  ) throws(EventLogError) {
    self.path = path
    self.durability = durability
    self.clock = clock
    topics = Dictionary(definitions.map { ($0.name, $0) }) { $1 }
    topicNames = definitions.map(\.name)
    writer = Monitor(try SQLiteWriter(path: path, durability: durability, topics: definitions))
    Threads.start(name: "progress") { self.runProgress() }
  }

  private func withWriter<Result>(
    _ body: (SQLiteWriter) throws(EventLogError) -> Result
  ) throws(EventLogError) -> Result {
    try writer.withLock { writer throws(EventLogError) in
      guard let current = writer else { throw .closed }
      if current.isDoubtful {
        let fresh = try SQLiteWriter(
          path: path, durability: durability, topics: topicNames.compactMap { topics[$0] })
        try fresh.emptyWriteAheadLog()
        writer = fresh
      }
      do throws(EventLogError) {
        return try body(writer ?? current)
      } catch {
        if error.code == .outcomeUnknown { writer?.isDoubtful = true }
        throw error
      }
    }
  }

  // MARK: Appending

  /// On the append queue's thread.
  func commit(_ batch: [PendingAppend]) {
    switch append(batch) {
    case .success(let outcomes):
      noteChange()
      for (pending, outcome) in zip(batch, outcomes) { pending.complete(.success(outcome)) }
    case .failure(let error) where batch.count > 1 && Self.isOneRequests(error):
      // One of them is the cause, or there is still place for the smaller ones: each by itself.
      for pending in batch {
        let result = append([pending]).map { $0.first ?? AppendOutcome(offsets: []) }
        if case .success = result { noteChange() }
        pending.complete(result)
      }
    case .failure(let error):
      for pending in batch { pending.complete(.failure(error)) }
    }
  }

  /// Whether the others of a batch may have success without the one.
  private static func isOneRequests(_ error: EventLogError) -> Bool {
    switch error.code {
    case .full, .tooLarge, .failed, .overloaded, .unknownTopic: true
    default: false
    }
  }

  private func append(_ batch: [PendingAppend]) -> Result<[AppendOutcome], EventLogError> {
    do throws(EventLogError) {
      return .success(
        try withWriter { writer throws(EventLogError) in
          try keeping { taken throws(EventLogError) in
            try writer.append(batch, now: clock.wallMilliseconds(), progress: taken)
          } noteKept: {
            writer.noteKept($0)
          }
        })
    } catch {
      return .failure(error)
    }
  }

  func noteChange() {
    changes.withLock { $0.count &+= 1 }
    changes.signal()
  }

  // MARK: Progress

  /// Has a group's progress kept soon.
  func save(_ stored: PartitionProgress.Stored, _ place: GroupTopic) {
    progress.withLock { $0.waiting[place] = stored }
    progress.signal()
  }

  /// Keeps what waits, before it returns.
  func flushProgress() throws(EventLogError) {
    try withWriter { writer throws(EventLogError) in
      try keeping { taken throws(EventLogError) in
        if !taken.isEmpty { try writer.keep(taken) }
      } noteKept: {
        writer.noteKept($0)
      }
    }
  }

  /// Runs a transaction that keeps the progress that waits. Called under the writer's lock: who has that lock and
  /// finds nothing that waits knows that all of it is in the file.
  private func keeping<Result>(
    _ transaction: ([GroupTopic: PartitionProgress.Stored]) throws(EventLogError) -> Result,
    noteKept: ([GroupTopic: PartitionProgress.Stored]) -> Void
  ) throws(EventLogError) -> Result {
    let taken = progress.withLock { state in
      defer { state.waiting = [:] }
      return state.waiting
    }
    do throws(EventLogError) {
      let result = try transaction(taken)
      noteKept(taken)
      return result
    } catch {
      progress.withLock { $0.waiting.merge(taken) { newer, _ in newer } }
      throw error
    }
  }

  private func runProgress() {
    var delay = Self.progressDelayMilliseconds
    while true {
      let goesOn = progress.wait(milliseconds: nil) { state in
        state.isClosing ? false : state.waiting.isEmpty ? nil : true
      }
      guard goesOn == true else { break }
      // More of it comes in a moment, or an append takes it along.
      _ = progress.wait(milliseconds: delay) { $0.isClosing ? () : nil }
      do throws(EventLogError) {
        try flushProgress()
        delay = Self.progressDelayMilliseconds
      } catch {
        delay = Self.progressRetryMilliseconds
      }
    }
    try? flushProgress()
    progress.withLock { $0.hasEnded = true }
    progress.signal()
  }

  // MARK: The rest

  func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    try withWriter { writer throws(EventLogError) in try writer.put(table, records) }
  }

  func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    try withWriter { writer throws(EventLogError) in try writer.remove(table, keys: keys) }
  }

  func trim(_ topic: TopicDefinition) throws(EventLogError) -> Int {
    guard topics[topic.name] != nil else { throw .unknownTopic(topic.name) }
    guard let retention = topic.retentionMilliseconds else { return 0 }
    let time = clock.wallMilliseconds() - max(0, retention)
    var count = 0
    while true {
      let removed = try withWriter { writer throws(EventLogError) in
        try writer.trim(topic.name, before: time)
      }
      count += removed
      if removed < SQLiteWriter.trimRowsMax { return count }
    }
  }

  /// Ends what waits. The append queue is closed before.
  func close() {
    progress.withLock { $0.isClosing = true }
    progress.signal()
    progress.wait(milliseconds: nil) { $0.hasEnded ? () : nil }
    writer.withLock { $0 = nil }
    changes.withLock {
      $0.isClosed = true
      $0.count &+= 1
    }
    changes.signal()
  }
}
