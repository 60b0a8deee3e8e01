import SpacerEventLog
import SpacerSystem
import SpacerTestSupport
import Testing

/// What is Kafka's own: settings, topics, restarts of the cluster.
@Suite(.blocking) struct KafkaStoreTests {
  private func error(_ settings: KafkaSettings, _ topics: [TopicDefinition] = Bench.topics) -> EventLogError?
  {
    let store = KafkaStore(settings)
    defer { store.close() }
    do throws(EventLogError) {
      try store.open(topics)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("acks", "1"), ("request.required.acks", "0"), ("enable.idempotence", "false"),
    ("enable.auto.commit", "true"),
    ("partition.assignment.strategy", "range"), ("auto.offset.reset", "latest"), ("group.id", "mine"),
    ("bootstrap.servers", "other:9092"), ("transactional.id", "t"), ("replication.factor", "many"),
    ("no.such.property", "1"),
  ])
  func whatContradictsThePromisesIsRefused(_ name: String, _ value: String) {
    let error = error(.test(brokers: "127.0.0.1:1", [name: value]))
    #expect(error?.code == .failed)
    #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
  }

  @Test func valuesOfPropertiesStayOutOfMessages() {
    let error = error(.test(brokers: "127.0.0.1:1", ["security.protocol": "secret-value"]))
    #expect(error?.code == .failed)
    #expect(error?.message.contains("secret-value") == false)
  }

  @Test func aClusterThatIsAwayIsTold() {
    var settings = KafkaSettings.test(brokers: "127.0.0.1:1")
    settings.operationTimeoutMilliseconds = 500
    let error = error(settings)
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("127.0.0.1:1") == true, "\(error?.message ?? "")")
  }

  @Test func aTopicThatCannotBeCreatedIsTold() throws {
    let server = try KafkaServer()
    let error = error(.test(brokers: server.brokers, ["replication.factor": "3"]))
    #expect(error?.code == .unknownTopic)
    #expect(error?.message.contains("create app_orders there") == true, "\(error?.message ?? "")")
  }

  @Test func anExistingTopicKeepsItsPartitions() throws {
    let server = try KafkaServer()
    let first = KafkaStore(.test(brokers: server.brokers, ["replication.factor": "1"]))
    try first.open([TopicDefinition(name: "orders", partitionCount: 5, retentionMilliseconds: 3_600_000)])
    first.close()
    let second = KafkaStore(.test(brokers: server.brokers))
    defer { second.close() }
    try second.open([TopicDefinition(name: "orders", partitionCount: 9), TopicDefinition(name: "more")])
    #expect(try second.status(ofTopic: "orders").partitionCount == 5)
    #expect(try second.status(ofTopic: "more").partitionCount == 16)
  }

  /// The server ends and comes back while appends wait for it: all that was acknowledged is there, and a member goes on.
  @Test func theServerGoesAndComesBack() throws {
    let server = try KafkaServer()
    let store = KafkaStore(.test(brokers: server.brokers))
    defer { store.close() }
    try store.open(Bench.topics)
    let member = Member(
      try store.join(
        group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 6_000)))
    let acknowledged = Monitor<(values: Set<String>, completed: Int)>(([], 0))
    func append(_ numbers: ClosedRange<Int>) {
      for number in numbers {
        let request = AppendRequest(
          topic: "orders",
          entries: [AppendEntry(key: Array("k\(number % 7)".utf8), value: Array("\(number)".utf8))])
        store.append(request) { result in
          acknowledged.withLock { state in
            state.completed += 1
            if case .success = result { state.values.insert("\(number)") }
          }
          acknowledged.signal()
        }
      }
    }
    for turn in 0..<3 {
      let first = turn * 1_000 + 1
      append(first...first + 499)
      // This peer loses what it acknowledges while it ends. Of the others it hears nothing before it is back.
      let areDone: Void? = acknowledged.wait(milliseconds: Int(Bench.patienceMilliseconds)) {
        $0.completed == first + 499 ? () : nil
      }
      try #require(areDone != nil, "appends do not complete")
      server.stop()
      append(first + 500...first + 999)
      try server.restart()
      let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
      var isAll = false
      while !isAll, SystemClock.machine.monotonicMilliseconds() < end {
        // A member hears that the cluster is away, and goes on when it is back.
        do { try member.poll(limit: 500, waitMilliseconds: 50) } catch { #expect(error.isTemporary) }
        try? member.commitAll()
        let seen = Set(member.values)
        isAll = acknowledged.withLock { $0.completed == (turn + 1) * 1_000 && seen.isSuperset(of: $0.values) }
      }
      #expect(isAll, "an acknowledged event did not come")
    }
    let values = acknowledged.withLock { $0.values }
    #expect(values.count == 3_000)
    member.close()
    let stored = try Set(
      Bench.all(store).map { String(decoding: $0.value, as: UTF8.self) })
    #expect(stored.isSuperset(of: values))
  }

  @Test func recordsOutliveTheServer() throws {
    let server = try KafkaServer()
    let store = KafkaStore(.test(brokers: server.brokers))
    defer { store.close() }
    try store.open(Bench.topics)
    let record = StoredRecord(key: "g/orders/f/1", value: Array("{}".utf8))
    try store.put(.deadLetters, [record, StoredRecord(key: "g/orders/f/2", value: Array("1".utf8))])
    try store.remove(.deadLetters, keys: ["g/orders/f/2"])
    server.stop()
    try server.restart()
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    var found: [StoredRecord]?
    while found == nil, SystemClock.machine.monotonicMilliseconds() < end {
      found = try? store.records(.deadLetters, prefix: "g/", after: nil, limit: 10)
    }
    #expect(found == [record])
  }
}

extension Bench {
  /// Every event of `orders`.
  static func all(_ store: KafkaStore) throws -> [EventRecord] {
    let count = try store.status(ofTopic: "orders").end.values.reduce(0, +)
    var position = try store.position("orders", .beginning)
    return try store.readMore("orders", &position, count: Int(count))
  }
}
