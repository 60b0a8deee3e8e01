import CKafkaMock
import SpacerEventLog
import SpacerSystem
import SpacerTestSupport
import Testing

/// Logs as other programs and the cluster itself leave them.
@Suite(.blocking) struct KafkaReadingTests {
  private static let topics = [TopicDefinition(name: "orders", partitionCount: 1)]

  /// What tells a program of another kind what an event is.
  @Test func headersCarryTraceIDAndType() throws {
    let mock = try KafkaMock()
    mock.createTopics("app", Self.topics)
    let store = KafkaStore(.test(brokers: mock.brokers))
    defer { store.close() }
    try store.open(Self.topics)
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _ = try store.appendAndWait(
      AppendRequest(
        topic: "orders", entries: [AppendEntry(key: [0x6B], value: Array("1".utf8), id: "given")],
        trace: TraceParent(trace)))
    try store.put(.controls, [StoredRecord(key: "k", value: Array("{}".utf8))])
    func headers(_ topic: String) throws -> [String] {
      var text = [CChar](repeating: 0, count: 512)
      try #require(spacer_kafka_first_headers(mock.brokers, topic, &text, text.count) == 0)
      let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }
    #expect(
      try headers("app_orders") == [
        "spacer-id=given", "spacer-type=application/json", "traceparent=\(trace)",
      ])
    #expect(try headers("app_spacer_controls") == [])
  }

  /// The cluster removed the oldest: reading goes on with what is there, from wherever it was to begin.
  @Test func whatRetentionRemovedIsPassedOver() throws {
    // The mock cluster keeps 5 MiB of a partition.
    let mock = try KafkaMock()
    mock.createTopics("app", Self.topics)
    let store = KafkaStore(.test(brokers: mock.brokers))
    defer { store.close() }
    try store.open(Self.topics)
    let value = [UInt8](repeating: 0x37, count: 900_000)
    for _ in 0..<9 {
      _ = try store.appendAndWait(
        AppendRequest(topic: "orders", entries: [AppendEntry(key: [0x6B], value: value)]))
    }
    let first = try #require(store.status(ofTopic: "orders").first[0])
    try #require(first > 0)
    let offsets = Array(first..<9)
    for start in [ReadStart.beginning, .offset(0), .offset(first - 1)] {
      var position = try store.position("orders", start)
      #expect(try store.readMore("orders", &position, count: offsets.count).map(\.offset) == offsets)
    }
  }

  /// A transaction's mark takes an offset and is no event: a read that ends there must not wait for one.
  @Test func aMarkIsNoEvent() throws {
    let server = try KafkaServer()
    let store = KafkaStore(.test(brokers: server.brokers))
    defer { store.close() }
    try store.open(Self.topics)
    for value in ["1", "2"] { try #require(spacer_kafka_transact(server.brokers, "app_orders", value) == 0) }
    let end = try #require(store.status(ofTopic: "orders").end[0])
    try #require(end == 4, "the peer leaves no marks")
    let began = SystemClock.machine.monotonicMilliseconds()
    var position = try store.position("orders", .beginning)
    #expect(try store.readMore("orders", &position, count: 2).map(\.value) == [[0x31], [0x32]])
    #expect(try store.read("orders", &position, limit: 10, waitMilliseconds: 0) == [])
    #expect(position.next == [0: 4])
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 5_000)
  }

  /// The group is further than the log, which was made anew: all that is in it comes, and what is done of it stays
  /// done.
  @Test func aLogThatWentBackIsReadFromItsBeginning() throws {
    let server = try KafkaServer()
    let store = KafkaStore(.test(brokers: server.brokers))
    defer { store.close() }
    try store.open(Self.topics)
    try #require(spacer_kafka_commit_offset(server.brokers, "g", "app_orders", 1_000) == 0)
    func append(_ numbers: ClosedRange<Int>) throws {
      for number in numbers {
        _ = try store.appendAndWait(
          AppendRequest(
            topic: "orders", entries: [AppendEntry(key: [0x6B], value: Array("\(number)".utf8))]))
      }
    }
    func join() throws -> Member {
      Member(
        try store.join(
          group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 6_000)))
    }
    try append(1...3)
    let first = try join()
    try first.pump(count: 3)
    #expect(first.values == ["1", "2", "3"])
    try first.commitAll()
    first.close()
    try append(4...4)
    let second = try join()
    try second.pump(count: 1)
    #expect(second.values == ["4"])
    second.close()
  }
}
