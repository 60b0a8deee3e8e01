// Events in Kafka: topics `APPNAME_NAME`, partitions and groups are Kafka's own. Appends go through one idempotent
// producer (`KafkaProducer`), reads without a group through a few readers (`KafkaReaders`), members of groups have
// a client each (`KafkaConsumer`), and records of tables are compacted topics held in memory (`KafkaRecords`).
//
// Everything here but `append` blocks, within the settings' time-outs.

import CKafka
import CSystem
import Glibc
import SpacerSystem
import Synchronization

/// The Kafka driver.
package final class KafkaStore: EventStore {
  /// What there is once the store is open.
  struct Session: Sendable {
    var producer: KafkaProducer
    /// Partitions by topic.
    var topics: [String: Int32]
    var records: [RecordTable: KafkaRecords]
    var readers: KafkaReaders
  }

  private enum Phase {
    case new
    case open(Session)
    case closed
  }

  let settings: KafkaSettings
  private let phase = Mutex(Phase.new)

  package init(_ settings: KafkaSettings) { self.settings = settings }

  package var promises: StorePromises {
    StorePromises(isAtomic: false, dropsDuplicates: false, isDurable: true, isShared: true)
  }

  func session() throws(EventLogError) -> Session {
    let session: Session? = phase.withLock { if case .open(let session) = $0 { session } else { nil } }
    guard let session else { throw EventLogError(.unavailable, "the event log is closed") }
    return session
  }

  func cluster(_ session: Session) -> KafkaCluster { cluster(session.producer) }

  private func cluster(_ producer: KafkaProducer) -> KafkaCluster {
    KafkaCluster(
      client: producer.client, timeoutMilliseconds: Int32(clamping: settings.operationTimeoutMilliseconds),
      problem: { producer.problem })
  }

  /// - Throws: `unknownTopic` for a topic that the session does not have.
  func partitionCount(_ topic: String, _ session: Session) throws(EventLogError) -> Int32 {
    guard let count = session.topics[topic] else {
      throw EventLogError(.unknownTopic, "there is no topic \(topic)")
    }
    return count
  }

  // Opening

  package func open(_ topics: [TopicDefinition]) throws(EventLogError) {
    if let reason = spacer_kafka_open() { throw EventLogError(.incompatible, KafkaText.string(reason)) }
    try settings.check()
    let names = topics.map { settings.kafkaName($0.name) } + RecordTable.allCases.map(settings.kafkaName)
    let producer = try KafkaProducer(settings, topics: names)
    do throws(EventLogError) {
      let partitions = try create(topics, cluster(producer))
      var records: [RecordTable: KafkaRecords] = [:]
      for table in RecordTable.allCases {
        records[table] = KafkaRecords(settings, name: settings.kafkaName(table))
      }
      let session = Session(
        producer: producer, topics: partitions, records: records, readers: KafkaReaders(settings))
      let isNew = phase.withLock { phase in
        guard case .new = phase else { return false }
        phase = .open(session)
        return true
      }
      if !isNew { throw EventLogError(.failed, "the event log was opened before") }
    } catch {
      producer.close()
      throw error
    }
  }

  /// Creates what is missing and waits until all topics can be used; their partitions by name.
  private func create(
    _ topics: [TopicDefinition], _ cluster: KafkaCluster
  ) throws(EventLogError) -> [String: Int32] {
    let replicas = try settings.replicationFactor()
    var existing = try cluster.topics()
    for topic in topics where existing[settings.kafkaName(topic.name)] == nil {
      try create(topic.name, cluster) { (name) throws(EventLogError) in
        try cluster.create(
          name, partitionCount: topic.partitionCount, replicationFactor: replicas,
          retentionMilliseconds: topic.retentionMilliseconds, isCompacted: false)
      }
    }
    for table in RecordTable.allCases where existing[settings.kafkaName(table)] == nil {
      let name = String(settings.kafkaName(table).dropFirst(settings.appName.count + 1))
      try create(name, cluster) { (name) throws(EventLogError) in
        try cluster.create(
          name, partitionCount: 1, replicationFactor: replicas, retentionMilliseconds: nil, isCompacted: true)
      }
    }
    let names = topics.map { settings.kafkaName($0.name) } + RecordTable.allCases.map(settings.kafkaName)
    let clock = SystemClock.machine
    let end = clock.monotonicMilliseconds() + Int64(settings.operationTimeoutMilliseconds)
    while let missing = names.first(where: { existing[$0]?.hasLeaders != true }) {
      guard clock.monotonicMilliseconds() < end else {
        throw EventLogError(.unavailable, "Kafka has no leader for the topic \(missing)")
      }
      // The cluster tells of a new topic's leaders when it has chosen them, which nothing announces.
      usleep(20_000)
      existing = try cluster.topics()
    }
    var partitions: [String: Int32] = [:]
    for topic in topics {
      partitions[topic.name] = existing[settings.kafkaName(topic.name)]?.partitionCount
    }
    return partitions
  }

  private func create(
    _ topic: String, _ cluster: KafkaCluster, _ body: (String) throws(EventLogError) -> Void
  ) throws(EventLogError) {
    let name = settings.kafkaName(topic)
    do {
      try body(name)
    } catch {
      if error.code == .unavailable { throw error }
      throw EventLogError(
        .unknownTopic,
        "there is no topic \(topic) in Kafka, and it cannot be created; create \(name) there, or let this user "
          + "create topics. \(error.message)")
    }
  }

  // Appending

  package func append(_ request: AppendRequest, completion: @escaping AppendCompletion) {
    let session: Session
    do throws(EventLogError) {
      session = try self.session()
      _ = try partitionCount(request.topic, session)
    } catch {
      return completion(.failure(error))
    }
    session.producer.produce(
      settings.kafkaName(request.topic),
      request.entries.map { KafkaMessage(key: $0.key, value: $0.value, id: $0.id, isEvent: true) },
      trace: request.trace, timeoutMilliseconds: request.timeoutMilliseconds, completion: completion)
  }

  /// Kafka keeps to a topic's retention by itself.
  package func trim(_ topic: TopicDefinition) throws(EventLogError) -> Int { 0 }

  package func close() {
    let session: Session? = phase.withLock { phase in
      defer { phase = .closed }
      return if case .open(let session) = phase { session } else { nil }
    }
    guard let session else { return }
    session.producer.close()
    session.readers.close()
    for records in session.records.values { records.close() }
  }
}
