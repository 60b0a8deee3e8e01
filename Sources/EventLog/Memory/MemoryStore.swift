// Events in the memory of the process: for development and tests. Appends complete on the caller's thread, before
// `append` returns: a completion that appends again nests. What the events take is bounded; nothing outlives the
// process.

package import SpacerSystem

/// A store whose events are gone with the process.
package final class MemoryStore: EventStore {
  struct Group {
    /// The member that has the group's place.
    var owner: (token: UInt64, memberID: String)?
    var progress: [String: PartitionProgress.Stored] = [:]
    var hasCommitted = false
  }

  struct State {
    var topics: [String: MemoryTopic] = [:]
    /// In the order of `open`.
    var topicNames: [String] = []
    var byteCount = 0
    var groups: [String: Group] = [:]
    var records: [RecordTable: [[UInt8]: StoredRecord]] = [:]
    /// Grows with each append and whenever a place gets free.
    var changeCount: UInt64 = 0
    var lastToken: UInt64 = 0
    var isClosed = false
  }

  package static let bytesMaxDefault = 512 << 20

  package let promises = StorePromises(
    isAtomic: true, dropsDuplicates: true, isDurable: false, isShared: false)
  let state = Monitor(State())
  let clock: SystemClock
  private let bytesMax: Int

  /// - Parameter bytesMax: What all events may take, in bytes.
  package init(bytesMax: Int = MemoryStore.bytesMaxDefault, clock: SystemClock = .machine) {
    self.bytesMax = bytesMax
    self.clock = clock
  }

  package func open(_ topics: [TopicDefinition]) throws(EventLogError) {
    state.withLock { state in
      for definition in topics {
        if state.topics[definition.name] == nil {
          state.topicNames.append(definition.name)
          state.topics[definition.name] = MemoryTopic(definition)
        } else {
          state.topics[definition.name]?.definition = definition
        }
      }
    }
  }

  package func append(_ append: PendingAppend) {
    let now = clock.wallMilliseconds()
    let result = state.withLock { state in
      let result = add(append.request, now, &state)
      state.changeCount &+= 1
      return result
    }
    state.signal()
    append.complete(result)
  }

  private func add(
    _ request: AppendRequest, _ now: Int64, _ state: inout State
  ) -> Result<AppendOutcome, EventLogError> {
    guard !state.isClosed else { return .failure(.closed) }
    guard state.topics[request.topic] != nil else { return .failure(.unknownTopic(request.topic)) }
    let bytes = request.byteCount
    guard bytes <= bytesMax else {
      return .failure(
        EventLogError(.tooLarge, "the events are larger than all that the memory log may hold"))
    }
    if state.byteCount + bytes > bytesMax { trimAll(now, &state) }
    guard state.byteCount + bytes <= bytesMax else {
      return .failure(
        EventLogError(
          .full,
          "the memory log holds \(bytesMax >> 20) MiB of events, all it may: give its topics a retention, or use the sqlite driver"
        ))
    }
    var offsets = AppendedOffsets()
    let before = state.topics[request.topic]?.byteCount ?? 0
    for entry in request.entries {
      let offset = state.topics[request.topic]?.append(
        entry, timestampMilliseconds: now, trace: request.trace)
      if let offset { offsets.append(offset) }
    }
    state.byteCount += (state.topics[request.topic]?.byteCount ?? 0) - before
    return .success(
      AppendOutcome(offsets: offsets, isDuplicate: offsets.isEmpty && !request.entries.isEmpty))
  }

  private func trimAll(_ now: Int64, _ state: inout State) {
    for name in state.topicNames {
      guard let definition = state.topics[name]?.definition else { continue }
      _ = Self.trim(definition, now, &state)
    }
  }

  private static func trim(_ definition: TopicDefinition, _ now: Int64, _ state: inout State) -> Int {
    guard let retention = definition.retentionMilliseconds else { return 0 }
    let before = state.topics[definition.name]?.byteCount ?? 0
    let count = state.topics[definition.name]?.trim(before: now - max(0, retention)) ?? 0
    state.byteCount += (state.topics[definition.name]?.byteCount ?? 0) - before
    return count
  }

  @discardableResult
  package func trim(_ topic: TopicDefinition) throws(EventLogError) -> Int {
    let now = clock.wallMilliseconds()
    return try state.withLock { state throws(EventLogError) in
      guard state.topics[topic.name] != nil else { throw .unknownTopic(topic.name) }
      return Self.trim(topic, now, &state)
    }
  }

  package func close() {
    state.withLock { state in
      state.isClosed = true
      state.changeCount &+= 1
    }
    state.signal()
  }

  // MARK: Reading

  package func position(_ topic: String, _ start: ReadStart) throws(EventLogError) -> ReadPosition {
    try state.withLock { state throws(EventLogError) in
      guard let held = state.topics[topic] else { throw .unknownTopic(topic) }
      return ReadPosition(next: [0: held.offset(of: start)])
    }
  }

  package func read(
    _ topic: String, _ position: inout ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> [EventRecord] {
    let next = position.next[0] ?? 0
    let result: Result<[EventRecord], EventLogError>? = state.wait(
      milliseconds: max(0, waitMilliseconds)
    ) { state in
      guard !state.isClosed else { return .failure(.closed) }
      guard let held = state.topics[topic] else { return .failure(.unknownTopic(topic)) }
      guard held.end > max(next, held.first), limit > 0 else { return nil }
      var records: [EventRecord] = []
      held.forEach(from: next, through: .max) { record in
        records.append(record)
        return records.count < limit
      }
      return .success(records)
    }
    guard let result else { return [] }
    let records = try result.get()
    if let last = records.last { position.next = [0: last.offset + 1] }
    return records
  }

  package func join(
    group: String, topics: [String], options: ConsumerOptions
  ) throws(EventLogError) -> any GroupConsumer {
    let token = try state.withLock { state throws(EventLogError) in
      guard !state.isClosed else { throw .closed }
      for topic in topics where state.topics[topic] == nil { throw .unknownTopic(topic) }
      state.lastToken += 1
      return state.lastToken
    }
    let source = MemorySource(self, group: group, token: token, memberID: options.memberID)
    return SequenceConsumer(source: source, topics: topics, options: options, clock: clock)
  }

  // MARK: What is known

  package func status(ofTopic topic: String) throws(EventLogError) -> TopicStatus {
    try state.withLock { state throws(EventLogError) in
      guard let held = state.topics[topic] else { throw .unknownTopic(topic) }
      return TopicStatus(
        topic: topic, partitionCount: held.definition.partitionCount,
        first: held.first < held.end ? [0: held.first] : [:], end: [0: held.end])
    }
  }

  package func groups() throws(EventLogError) -> [String] {
    state.withLock { state in state.groups.filter { $0.value.hasCommitted }.keys.sorted() }
  }

  package func status(ofGroup group: String) throws(EventLogError) -> [GroupPartitionStatus] {
    state.withLock { state in
      let held = state.groups[group]
      return state.topicNames.flatMap { name -> [GroupPartitionStatus] in
        guard let topic = state.topics[name] else { return [] }
        return GroupPartitionStatus.ofSequence(
          topic: name, partitionCount: topic.definition.partitionCount, progress: held?.progress[name],
          first: topic.first, end: topic.end, owner: held?.owner?.memberID)
      }
    }
  }

  // MARK: Records

  package func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    let prefix = Array(prefix.utf8)
    let after = after.map { Array($0.utf8) }
    return state.withLock { state in
      let held = state.records[table] ?? [:]
      let keys = held.keys.filter { key in
        key.starts(with: prefix) && (after.map { $0.lexicographicallyPrecedes(key) } ?? true)
      }
      return keys.sorted { $0.lexicographicallyPrecedes($1) }.prefix(max(0, limit)).compactMap { held[$0] }
    }
  }

  package func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    state.withLock { state in
      for record in records { state.records[table, default: [:]][Array(record.key.utf8)] = record }
    }
  }

  package func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    state.withLock { state in
      for key in keys { state.records[table]?[Array(key.utf8)] = nil }
    }
  }
}

extension MemoryTopic {
  /// Where reading begins.
  func offset(of start: ReadStart) -> Int64 {
    switch start {
    case .beginning: first
    case .end: end
    case .offset(let offset): max(0, offset)
    case .time(let time): offset(at: time)
    }
  }
}
