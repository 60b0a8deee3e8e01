// Records beside the log: keyed messages of compacted topics. Every call reads the topic on to its end first, so
// that what was written before, by any process, is seen.

import SpacerSystem
import Synchronization

/// The records of one table. Usable from every thread.
final class KafkaRecords: Sendable {
  private struct State {
    var cache = KafkaRecordCache()
    var reader: KafkaReader?
    var isClosed = false
  }

  /// Of one read; more are read in turns.
  private static let readCountMax = 10_000

  /// The topic's name in Kafka.
  let name: String
  private let settings: KafkaSettings
  // Held while the topic is read: calls on one table take turns.
  private let state = Mutex(State())

  /// Its place in the producer's topics.
  let topicIndex: Int
  private let partitionCount: Int32

  init(_ settings: KafkaSettings, name: String, topicIndex: Int, partitionCount: Int32) {
    self.settings = settings
    self.topicIndex = topicIndex
    self.partitionCount = partitionCount
    self.name = name
  }

  func records(
    prefix: String, after: String?, limit: Int, _ cluster: KafkaCluster
  ) throws(EventLogError) -> [StoredRecord] {
    try state.withLock { (state) throws(EventLogError) in
      try refresh(&state, cluster)
      return state.cache.records(prefix: prefix, after: after, limit: limit)
    }
  }

  /// Those of the keys that have a record.
  func present(_ keys: [String], _ cluster: KafkaCluster) throws(EventLogError) -> [String] {
    try state.withLock { (state) throws(EventLogError) in
      try refresh(&state, cluster)
      return keys.filter { state.cache.contains($0) }
    }
  }

  private func refresh(_ state: inout State, _ cluster: KafkaCluster) throws(EventLogError) {
    if state.isClosed { throw EventLogError(.unavailable, "the event log is closed") }
    let ends = try cluster.offsets(name, partitionCount: partitionCount, time: -1)
    let reader: KafkaReader
    // A topic that ends before what was read was made anew.
    if let kept = state.reader, ends.allSatisfy({ kept.next[$0.key, default: 0] <= $0.value }) {
      reader = kept
    } else {
      reader = try KafkaReader(settings, name: name, at: ends.mapValues { _ in 0 }, ends: ends)
      state.cache = KafkaRecordCache()
    }
    // Taken out while it is used: after an error the next call begins anew.
    state.reader = nil
    while !ends.allSatisfy({ reader.next[$0.key, default: 0] >= $0.value }) {
      let messages = try reader.read(
        ends: ends, limit: Self.readCountMax, waitMilliseconds: 0,
        timeoutMilliseconds: settings.operationTimeoutMilliseconds)
      for message in messages { state.cache.apply(key: message.key, value: message.value) }
      guard state.cache.byteCount <= KafkaRecordCache.bytesMax else {
        throw EventLogError(
          .full,
          "the records of \(name) are more than \(KafkaRecordCache.bytesMax >> 20) MB: remove some in Kafka")
      }
    }
    state.reader = reader
  }

  func close() {
    let reader = state.withLock { state in
      state.isClosed = true
      defer { state.reader = nil }
      return state.reader
    }
    withExtendedLifetime(reader) {}
  }
}

extension KafkaStore {
  private func table(_ table: RecordTable, _ session: Session) throws(EventLogError) -> KafkaRecords {
    guard let records = session.records[table] else {
      throw EventLogError(.failed, "there is no table \(table.rawValue)")
    }
    return records
  }

  package func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    let session = try session()
    return try self.table(table, session).records(
      prefix: prefix, after: after, limit: limit, cluster(session))
  }

  package func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    let session = try session()
    try produce(
      table, session,
      records.map { AppendEntry(key: Array($0.key.utf8), value: $0.value) }, as: .record)
  }

  package func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    let session = try session()
    // A removal of what is not there would be one more message for every reader to come.
    let present = try self.table(table, session).present(keys, cluster(session))
    try produce(
      table, session, present.map { AppendEntry(key: Array($0.utf8), value: []) }, as: .removal)
  }

  /// Writes to a table's topic and waits for the cluster's word.
  private func produce(
    _ table: RecordTable, _ session: Session, _ entries: [AppendEntry], as kind: KafkaMessageKind
  ) throws(EventLogError) {
    let outcome = Monitor<Result<AppendOutcome, EventLogError>?>(nil)
    let topic = try self.table(table, session).topicIndex
    let request = AppendRequest(
      topic: table.rawValue, entries: entries, timeoutMilliseconds: settings.operationTimeoutMilliseconds)
    let append = PendingAppend(request) { result in
      outcome.withLock { $0 = result }
      outcome.signal()
    }
    session.producer.produce(append, to: topic, as: kind)
    guard let result = outcome.wait(milliseconds: nil, { $0 }) else { return }
    _ = try result.get()
  }
}
