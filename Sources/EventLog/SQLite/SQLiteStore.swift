// Events in a SQLite file: the embedded default. Appends of all threads go through one writer, many in one
// transaction with one fsync; readers have connections of their own. Several processes may use a file: all may
// append and read, one at a time consumes for a group.

import Glibc
package import SpacerSystem

/// A store in a file.
package final class SQLiteStore: EventStore {
  private struct State {
    var core: SQLiteCore?
    var queue: AppendQueue?
  }

  package let promises = StorePromises(
    isAtomic: true, dropsDuplicates: true, isDurable: true, isShared: true)
  private let path: String
  private let durability: SQLiteDurability
  private let clock: SystemClock
  private let state = Monitor(State())
  private let reader = Monitor<SQLiteReader?>(nil)

  /// - Parameter path: The file; missing folders are made.
  package init(path: String, durability: SQLiteDurability = .full, clock: SystemClock = .machine) {
    // SQLite would take an empty name for a temporary file, and one that begins with a colon for memory.
    self.path = path.hasPrefix("/") ? path : "./" + path
    self.durability = durability
    self.clock = clock
  }

  package func open(_ topics: [TopicDefinition]) throws(EventLogError) {
    makeFolders()
    let core = try SQLiteCore(path: path, durability: durability, clock: clock, topics: topics)
    do throws(EventLogError) {
      let reader = try SQLiteReader(path: path)
      self.reader.withLock { $0 = reader }
    } catch {
      core.close()
      throw error
    }
    let queue = AppendQueue(name: "sqlite", clock: clock) { core.commit($0) }
    state.withLock { state in
      state.core = core
      state.queue = queue
    }
  }

  /// What fails shows when the file is opened.
  private func makeFolders() {
    var folder = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      folder += part
      if !folder.isEmpty { _ = mkdir(folder, 0o755) }
      folder += "/"
    }
  }

  package func append(_ append: PendingAppend) {
    let (core, queue) = state.withLock { ($0.core, $0.queue) }
    guard let core, let queue else { return append.complete(.failure(.closed)) }
    guard core.topics[append.request.topic] != nil else {
      return append.complete(.failure(.unknownTopic(append.request.topic)))
    }
    queue.submit(append)
  }

  package func close() {
    let (core, queue) = state.withLock { state in
      defer { state = State() }
      return (state.core, state.queue)
    }
    queue?.close()
    core?.close()
    reader.withLock { $0 = nil }
  }

  private func opened(_ topic: String? = nil) throws(EventLogError) -> SQLiteCore {
    guard let core = state.withLock({ $0.core }) else { throw .closed }
    if let topic, core.topics[topic] == nil { throw .unknownTopic(topic) }
    return core
  }

  private func withReader<Result>(
    _ body: (SQLiteReader) throws(EventLogError) -> Result
  ) throws(EventLogError) -> Result {
    try reader.withLock { reader throws(EventLogError) in
      guard let reader else { throw .closed }
      return try body(reader)
    }
  }

  // MARK: Reading

  package func position(_ topic: String, _ start: ReadStart) throws(EventLogError) -> ReadPosition {
    _ = try opened(topic)
    return ReadPosition(
      next: [0: try withReader { reader throws(EventLogError) in try reader.offset(topic, of: start) }])
  }

  package func read(
    _ topic: String, _ position: inout ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> [EventRecord] {
    let core = try opened(topic)
    let count = core.topics[topic]?.partitionCount ?? 1
    let from = position.next[0] ?? 0
    let end = clock.monotonicMilliseconds() + Int64(max(0, waitMilliseconds))
    while true {
      let (seen, isClosed) = core.changes.withLock { ($0.count, $0.isClosed) }
      guard !isClosed else { throw .closed }
      let (page, version) = try withReader { reader throws(EventLogError) in
        // The version before the events: what is committed between them is seen at the next look.
        let version = try reader.dataVersion()
        let page = try reader.scan(topic, from: from, through: .max, limit: limit) { key, _ in
          KeyPartition.of(key, count: count)
        }
        return (page, version)
      }
      if let last = page.records.last {
        position.next = [0: last.offset.nextOffset]
        return page.records
      }
      guard try wait(core, until: end, seen, version) else { return [] }
    }
  }

  /// False when the time is over.
  private func wait(
    _ core: SQLiteCore, until end: Int64, _ seen: UInt64, _ version: Int64
  ) throws(EventLogError) -> Bool {
    while true {
      let rest = Int(end - clock.monotonicMilliseconds())
      guard rest > 0 else { return false }
      let hasChanged: Void? = core.changes.wait(
        milliseconds: min(rest, SQLiteSource.lookMilliseconds)
      ) { $0.count != seen ? () : nil }
      if hasChanged != nil { return true }
      let now = try withReader { reader throws(EventLogError) in try reader.dataVersion() }
      if now != version { return true }
    }
  }

  package func join(
    group: String, topics: [String], options: ConsumerOptions
  ) throws(EventLogError) -> any GroupConsumer {
    let core = try opened()
    for topic in topics where core.topics[topic] == nil { throw .unknownTopic(topic) }
    return SequenceConsumer(
      source: try SQLiteSource(core, group: group, memberID: options.memberID), topics: topics,
      options: options, clock: clock)
  }

  // MARK: What is known

  package func status(ofTopic topic: String) throws(EventLogError) -> TopicStatus {
    let core = try opened(topic)
    return try withReader { reader throws(EventLogError) in
      let first = try reader.first(topic)
      return TopicStatus(
        topic: topic, partitionCount: core.topics[topic]?.partitionCount ?? 1,
        first: first.map { [0: $0] } ?? [:], end: [0: try reader.end(topic)])
    }
  }

  package func groups() throws(EventLogError) -> [String] {
    try opened().flushProgress()
    return try withReader { reader throws(EventLogError) in try reader.groups() }
  }

  package func status(ofGroup group: String) throws(EventLogError) -> [GroupPartitionStatus] {
    let core = try opened()
    try core.flushProgress()
    let owner = GroupLock.owner(databasePath: path, group: group)
    return try withReader { reader throws(EventLogError) in
      var statuses: [GroupPartitionStatus] = []
      for name in core.topicNames {
        let end = try reader.end(name)
        statuses += GroupPartitionStatus.ofSequence(
          topic: name, partitionCount: core.topics[name]?.partitionCount ?? 1,
          progress: try reader.progress(GroupTopic(group: group, topic: name)),
          first: try reader.first(name) ?? end, end: end, owner: owner)
      }
      return statuses
    }
  }

  // MARK: Records and retention

  package func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    try withReader { reader throws(EventLogError) in
      try reader.records(table, prefix: prefix, after: after, limit: limit)
    }
  }

  package func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    try opened().put(table, records)
  }

  package func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    try opened().remove(table, keys: keys)
  }

  @discardableResult
  package func trim(_ topic: TopicDefinition) throws(EventLogError) -> Int { try opened().trim(topic) }
}
