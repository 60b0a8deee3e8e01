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
  final class Session: Sendable {
    let producer: KafkaProducer
    let topics: [String: Topic]
    let records: [RecordTable: KafkaRecords]
    let readers: KafkaReaders

    init(
      producer: KafkaProducer, topics: [String: Topic], records: [RecordTable: KafkaRecords],
      readers: KafkaReaders
    ) {
      self.producer = producer
      self.topics = topics
      self.records = records
      self.readers = readers
    }
  }

  struct Topic: Sendable {
    /// Its place in the producer's topics.
    var index: Int
    var partitionCount: Int32
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
    guard let topic = session.topics[topic] else { throw Self.unknownTopic(topic) }
    return topic.partitionCount
  }

  private static func unknownTopic(_ topic: String) -> EventLogError {
    EventLogError(.unknownTopic, "there is no topic \(topic)")
  }

  // Opening

  package func open(_ topics: [TopicDefinition]) throws(EventLogError) {
    if let reason = spacer_kafka_open() { throw EventLogError(.incompatible, KafkaText.string(reason)) }
    try settings.check()
    // A producer asks for the topics that it knows, and by asking a cluster may create them in its own way.
    let scout = try KafkaProducer(settings, topics: [])
    defer { scout.close() }
    let existing = try create(topics, cluster(scout))
    var found: [String: Topic] = [:]
    for (index, topic) in topics.enumerated() {
      found[topic.name] = Topic(
        index: index, partitionCount: existing[settings.kafkaName(topic.name)]?.partitionCount ?? 0)
    }
    let names = topics.map { settings.kafkaName($0.name) } + RecordTable.allCases.map(settings.kafkaName)
    let producer = try KafkaProducer(settings, topics: names)
    do throws(EventLogError) {
      var records: [RecordTable: KafkaRecords] = [:]
      for (index, table) in RecordTable.allCases.enumerated() {
        let name = settings.kafkaName(table)
        records[table] = KafkaRecords(
          settings, name: name, topicIndex: topics.count + index,
          partitionCount: existing[name]?.partitionCount ?? 0)
      }
      let session = Session(
        producer: producer, topics: found, records: records, readers: KafkaReaders(settings))
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

  /// Creates what is missing and waits until all topics can be used; the cluster's topics.
  private func create(
    _ topics: [TopicDefinition], _ cluster: KafkaCluster
  ) throws(EventLogError) -> [String: KafkaCluster.Topic] {
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
    return existing
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

  package func append(_ append: PendingAppend) {
    let session: Session? = phase.withLock { if case .open(let session) = $0 { session } else { nil } }
    guard let session else {
      return append.complete(.failure(EventLogError(.unavailable, "the event log is closed")))
    }
    guard let topic = session.topics[append.request.topic] else {
      return append.complete(.failure(Self.unknownTopic(append.request.topic)))
    }
    session.producer.produce(append, to: topic.index, as: .event)
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
