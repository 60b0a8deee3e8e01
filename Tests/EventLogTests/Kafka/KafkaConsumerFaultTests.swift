import CKafkaMock
import SpacerSystem
import Testing

@testable import SpacerEventLog

/// A member of a group while the cluster fails. Against librdkafka's mock cluster, which takes three seconds to let
/// a member in.
@Suite(.blocking) struct KafkaConsumerFaultTests {
  private func place(brokers: Int32 = 1) throws -> (KafkaMock, KafkaStore) {
    let mock = try KafkaMock(brokers: brokers)
    mock.createTopics("app", Bench.topics, replicas: brokers)
    let store = KafkaStore(.test(brokers: mock.brokers))
    try store.open(Bench.topics)
    return (mock, store)
  }

  private func append(_ store: KafkaStore, _ numbers: ClosedRange<Int>) throws {
    for number in numbers {
      _ = try store.appendAndWait(
        AppendRequest(
          topic: "orders",
          entries: [AppendEntry(key: Array("k\(number % 5)".utf8), value: Array("\(number)".utf8))]))
    }
  }

  private func join(_ store: KafkaStore, start: ReadStart = .beginning) throws -> Member {
    Member(
      try store.join(
        group: "g", topics: ["orders"],
        options: ConsumerOptions(memberID: "m", leaseMilliseconds: 6_000, start: start)))
  }

  /// Polls until the condition holds; what goes wrong meanwhile is told, and passes.
  private func pump(_ member: Member, _ codes: Set<EventLogError.Code> = [], until condition: () -> Bool)
    throws
  {
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while !condition() {
      try #require(SystemClock.machine.monotonicMilliseconds() < end, "it did not come about in time")
      do { try member.poll(waitMilliseconds: 50) } catch {
        #expect(error.isTemporary || codes.contains(error.code), "\(error)")
      }
    }
  }

  /// A commit that fails is sent again, also by `close`.
  @Test func aCommitThatFailsIsSentAgain() throws {
    let (mock, store) = try place()
    defer { store.close() }
    try append(store, 1...20)
    let first = try join(store)
    try first.pump(count: 20)
    mock.fail(
      .offsetCommit,
      [RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS])
    try first.commitAll()
    first.close()
    try append(store, 21...22)
    let second = try join(store)
    try second.pump(count: 2)
    #expect(Set(second.values) == ["21", "22"])
    second.close()
  }

  /// The group forgot the member: it is told of its loss, and gets its partitions again, after what was done.
  @Test func aMemberThatIsThrownOutComesBack() throws {
    let (mock, store) = try place()
    defer { store.close() }
    try append(store, 1...20)
    let member = try join(store)
    try member.pump(count: 20)
    try member.commitAll()
    mock.fail(.heartbeat, [RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID])
    var wasLost = false
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while !(wasLost && !member.owned.isEmpty), SystemClock.machine.monotonicMilliseconds() < end {
      try member.poll(waitMilliseconds: 50)
      wasLost = wasLost || !member.lost.isEmpty
    }
    #expect(wasLost && member.owned.count == 16)
    try append(store, 21...30)
    try member.pump(count: 30)
    #expect(member.values.count == 30 && Set(member.values).count == 30)
    member.close()
  }

  @Test func fetchesThatFailLoseNothing() throws {
    let (mock, store) = try place()
    defer { store.close() }
    let member = try join(store)
    try member.pump(limit: 0) { !member.owned.isEmpty }
    mock.fail(
      .fetch,
      [
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      ])
    try append(store, 1...50)
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while member.events.count < 50, SystemClock.machine.monotonicMilliseconds() < end {
      do { try member.poll(waitMilliseconds: 50) } catch { #expect(error.isTemporary) }
    }
    member.expectOrder()
    #expect(Set(member.values).count == 50)
    member.close()
  }

  /// Where a member begins is never guessed: neither events of before nor what it had done come.
  @Test func aStartThatCannotBeToldIsAskedForAgain() throws {
    let (mock, store) = try place()
    defer { store.close() }
    try append(store, 1...20)
    mock.fail(.offsetFetch, [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED])
    mock.fail(.listOffsets, [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
    let first = try join(store, start: .end)
    try pump(first, [.failed]) { !first.owned.isEmpty }
    try append(store, 21...30)
    try pump(first) { first.events.count >= 10 }
    #expect(Set(first.values) == Set((21...30).map { "\($0)" }))
    try first.commitAll()
    first.close()
    // Of a group that has committed.
    try append(store, 31...33)
    mock.fail(.offsetFetch, [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED])
    let second = try join(store)
    try pump(second, [.failed]) { second.events.count >= 3 }
    #expect(Set(second.values) == ["31", "32", "33"])
    second.close()
  }

  /// Nor does a member that cannot begin hold up its own end, or a successor.
  @Test func aMemberThatCannotBeginLeaves() throws {
    let (mock, store) = try place()
    defer { store.close() }
    try append(store, 1...3)
    mock.fail(
      .offsetFetch, [rd_kafka_resp_err_t](repeating: RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, count: 2))
    let first = try join(store)
    var isTold = false
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while !isTold, SystemClock.machine.monotonicMilliseconds() < end {
      do { try first.poll() } catch { isTold = true }
    }
    #expect(isTold && first.owned.isEmpty)
    let began = SystemClock.machine.monotonicMilliseconds()
    first.close()
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 2_500)
    let second = try join(store)
    try pump(second, [.failed]) { second.events.count >= 3 }
    second.close()
  }

  /// A paused partition's events stay in the cluster: not only are they kept back here.
  @Test func aPausedPartitionIsNotFetched() throws {
    let (mock, store) = try place()
    defer { withExtendedLifetime(mock) { store.close() } }
    try append(store, 1...20)
    let member = try join(store)
    try pump(member) { member.events.count >= 20 }
    let paused = Set(member.events.prefix(1).map(\.topicPartition))
    let keys = Set(member.events.filter { paused.contains($0.topicPartition) }.map(\.key))
    member.consumer.pause(Array(paused))
    let consumer = try #require(member.consumer as? KafkaConsumer)
    let held = { consumer.owned.values.reduce(0) { $0 + $1.held.count } }
    for round in 0..<3 {
      try append(store, 21 + round * 20...40 + round * 20)
      let others = (21...40 + round * 20).filter { !keys.contains(Array("k\($0 % 5)".utf8)) }
      try #require(!others.isEmpty)
      try pump(member) { member.events.count >= 20 + others.count }
    }
    // One that had been asked for when the pause was told may have come.
    #expect(held() <= 1)
    member.consumer.resume(Array(paused))
    try pump(member) { member.events.count >= 80 }
    member.expectOrder()
    #expect(Set(member.values).count == 80)
    member.close()
  }

  @Test func theLeaderChanges() throws {
    let (mock, store) = try place(brokers: 3)
    defer { store.close() }
    let member = try join(store)
    try pump(member) { !member.owned.isEmpty }
    for turn in 0..<3 {
      try append(store, turn * 40 + 1...turn * 40 + 20)
      for partition in 0..<16 {
        mock.lead("app_orders", Int32(partition), broker: Int32((partition + turn) % 3 + 1))
      }
      try append(store, turn * 40 + 21...turn * 40 + 40)
      try pump(member) { Set(member.values).count >= (turn + 1) * 40 }
    }
    member.expectOrder()
    #expect(member.values.count == 120)
    try member.commitAll()
    member.close()
  }

  /// All brokers are away for a while.
  @Test func theClusterGoesAndComesBack() throws {
    let (mock, store) = try place()
    defer { store.close() }
    let member = try join(store)
    try pump(member) { !member.owned.isEmpty }
    try append(store, 1...20)
    try pump(member) { member.events.count >= 20 }
    mock.down()
    try member.consumer.commit(
      member.events.reduce(into: [:]) { $0[$1.topicPartition] = max($0[$1.topicPartition] ?? -1, $1.offset) })
    do { try member.poll(waitMilliseconds: 100) } catch { #expect(error.isTemporary, "\(error)") }
    mock.up()
    try append(store, 21...40)
    try pump(member) { Set(member.values).count >= 40 }
    // What was not committed when they went may come again.
    member.expectOrder(mayRepeat: true)
    try member.commitAll()
    member.close()
    // What was done while they were away is noted.
    try append(store, 41...41)
    let second = try join(store)
    try pump(second) { !second.events.isEmpty }
    #expect(second.values == ["41"])
    second.close()
  }
}
