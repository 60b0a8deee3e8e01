import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

/// What a member of a group is told, and what is known of the group afterwards.
@Suite(.blocking) struct ConsumingConformanceTests {
  @Test(arguments: StoreUnderTest.joining)
  func aMemberGetsItsPartitionsAndTheirEvents(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...100)
    try bench.appendNumbers(1...10, topic: "Notes_2")
    let member = try bench.join(topics: ["orders", "Notes_2"])
    try member.pump(count: 110)
    let all =
      (0..<16).map { TopicPartition(topic: "orders", partition: $0) }
      + (0..<3).map { TopicPartition(topic: "Notes_2", partition: $0) }
    #expect(member.owned == Set(all))
    member.expectOrder()
    #expect(Set(member.events.filter { $0.topic == "orders" }.map(\.value)).count == 100)
    #expect(member.events.filter { $0.topic == "Notes_2" }.count == 10)
    for events in Dictionary(grouping: member.events, by: \.key).values {
      #expect(Set(events.filter { $0.topic == "orders" }.map(\.partition)).count <= 1)
    }
    // What is appended later comes by itself, and nothing comes twice.
    try bench.appendNumbers(101...120)
    try member.pump(count: 130)
    #expect(try member.poll(waitMilliseconds: 300) == [])
    member.expectOrder()
    member.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func whatIsDoneDoesNotComeAgain(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...60)
    let first = try bench.join()
    try first.pump(limit: 20, until: { first.events.count >= 30 })
    try first.commitAll()
    let done = Set(first.values)
    first.close()
    try bench.reopen()

    let second = try bench.join()
    try second.pump(count: 60 - done.count)
    #expect(Set(second.values).isDisjoint(with: done))
    #expect(Set(second.values).union(done).count == 60)
    second.expectOrder()
    // Without a commit all of it comes again.
    second.close()
    try bench.reopen()
    let third = try bench.join()
    try third.pump(count: 60 - done.count)
    #expect(Set(third.values) == Set(second.values))
    try third.commitAll()
    third.close()
    try bench.reopen()
    let fourth = try bench.joined()
    try bench.append([("k1", "61")])
    try fourth.pump(count: 1)
    #expect(fourth.values == ["61"])
    fourth.close()
  }

  /// A partition whose events do not get done holds up no other, and after a restart only its events come again.
  @Test(arguments: StoreUnderTest.joining)
  func aStuckPartitionHoldsUpNoOther(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...80)
    let first = try bench.join()
    try first.pump(count: 80)
    let stuck = try #require(first.events.first).topicPartition
    try first.commitAll(except: [stuck])
    try bench.appendNumbers(81...160)
    try first.pump(count: 160)
    try first.commitAll(except: [stuck])
    let open = first.events.filter { $0.topicPartition == stuck }
    first.close()
    try bench.reopen()

    let second = try bench.join()
    try second.pump(count: open.count)
    #expect(try second.poll(waitMilliseconds: 300) == [])
    #expect(second.events.map(\.offset) == open.map(\.offset))
    #expect(second.events.allSatisfy { $0.topicPartition == stuck })
    // Half of it is done.
    let half = open[open.count / 2]
    try second.consumer.commit([stuck: half.offset])
    second.close()
    try bench.reopen()
    let third = try bench.join()
    try third.pump(count: open.count - open.count / 2 - 1)
    #expect(third.events.map(\.offset) == open.map(\.offset).filter { $0 > half.offset })
    third.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func aCommitNeverGoesBack(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...20, keyCount: 1)
    let first = try bench.join()
    try first.pump(count: 20)
    let place = try #require(first.events.first).topicPartition
    try first.consumer.commit([place: first.events[11].offset])
    try first.consumer.commit([place: first.events[3].offset])
    try first.consumer.commit([:])
    first.close()
    try bench.reopen()
    let second = try bench.join()
    try second.pump(count: 8)
    #expect(second.values == (13...20).map { "\($0)" })
    second.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func pausedPartitionsLoseAndRepeatNothing(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...80)
    let member = try bench.join()
    try member.pump(count: 80)
    let paused = Set(member.events.prefix(2).map(\.topicPartition))
    member.consumer.pause(Array(paused))
    try bench.appendNumbers(81...240)
    let others = (1...240).filter { number in
      !member.events.contains {
        $0.key == Array("k\(number % 40)".utf8) && paused.contains($0.topicPartition)
      }
    }
    let own = 80 - (1...80).filter { others.contains($0) }.count
    try member.pump(count: others.count + own)
    #expect(try member.poll(waitMilliseconds: 200) == [])
    #expect(!member.events.dropFirst(80).contains { paused.contains($0.topicPartition) })
    member.consumer.resume(Array(paused))
    try bench.appendNumbers(241...280)
    try member.pump(limit: 13, count: 280)
    #expect(try member.poll(waitMilliseconds: 200) == [])
    member.expectOrder()
    #expect(Set(member.values).count == 280)
    try member.commitAll()
    member.close()
    try bench.reopen()
    let next = try bench.joined()
    #expect(try next.poll(waitMilliseconds: 300) == [])
    next.close()
  }

  /// Pausing and resuming at each poll, as a dispatcher with full queues does.
  @Test(arguments: StoreUnderTest.joining)
  func pausingAtEachPollLosesAndRepeatsNothing(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.append((1...1_000).map { ("k\($0 % 40)", "\($0)") })
    let member = try bench.joined()
    let all = member.owned.sorted()
    var turn = 0
    try member.pump(
      limit: 9,
      until: {
        turn += 1
        member.consumer.resume(all)
        member.consumer.pause(all.filter { (Int($0.partition) + turn) % 3 == 0 })
        return member.events.count >= 1_000
      })
    member.consumer.resume(all)
    #expect(try member.poll(waitMilliseconds: 200) == [])
    member.expectOrder()
    #expect(Set(member.values).count == 1_000)
    member.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func theLimitHolds(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...30)
    let member = try bench.joined()
    #expect(try member.poll(limit: 0, waitMilliseconds: 200) == [])
    try member.pump(limit: 1, count: 3)
    #expect(member.events.count == 3)
    #expect(try member.poll(limit: 0, waitMilliseconds: 50) == [])
    try member.pump(limit: 4, count: 30)
    #expect(Set(member.values).count == 30)
    member.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func wakingEndsAPoll(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let member = try bench.joined()
    let consumer = member.consumer
    // From another thread, and the poll has begun or not: it ends in either case.
    let waker = Waker(consumer)
    let began = SystemClock.machine.monotonicMilliseconds()
    Threads.start(name: "wake") { waker.wake() }
    #expect(try consumer.poll(limit: 10, waitMilliseconds: 30_000) == [])
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 10_000)
    member.close()
  }

  /// Carries a consumer to another thread, for the one method that allows it.
  private final class Waker: @unchecked Sendable {
    // Thread rule: only `wake` is called.
    private let consumer: any GroupConsumer
    init(_ consumer: any GroupConsumer) { self.consumer = consumer }
    func wake() { consumer.wake() }
  }

  @Test(arguments: StoreUnderTest.joining)
  func anAppendWakesAMember(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let member = try bench.joined()
    let other = try bench.another()
    let began = SystemClock.machine.monotonicMilliseconds()
    Threads.start(name: "append") {
      other.append(AppendRequest(topic: "orders", entries: [AppendEntry(key: [0x6B], value: [0x31])])) { _ in
      }
    }
    #expect(try member.poll(limit: 10, waitMilliseconds: 30_000).count == 1)
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 10_000)
    member.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func groupsAreIndependent(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...40)
    let one = try bench.join("one")
    try one.pump(count: 40)
    try one.commitAll()
    one.close()
    let two = try bench.join("two")
    try two.pump(count: 40)
    try two.consumer.commit([two.events[0].topicPartition: two.events[0].offset])
    two.close()
    try bench.reopen()
    let again = try bench.join("two")
    try again.pump(count: 39)
    #expect(!again.values.contains(two.values[0]))
    again.close()
    if bench.traits.listsGroups { #expect(try bench.store.groups() == ["one", "two"]) }
  }

  @Test(arguments: StoreUnderTest.joining)
  func aNewGroupBeginsWhereItIsTold(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...20)
    let atEnd = try bench.joined("end", start: .end)
    try bench.appendNumbers(21...25)
    try atEnd.pump(count: 5)
    #expect(Set(atEnd.values) == Set((21...25).map { "\($0)" }))
    atEnd.close()
    // It keeps its place, though it never committed: what came after its begin is not lost.
    try bench.reopen()
    let again = try bench.join("end", start: .end)
    try again.pump(count: 5)
    #expect(Set(again.values) == Set(atEnd.values))
    try again.commitAll()
    again.close()
    // Where a group is known, `start` says nothing.
    let known = try bench.joined("end", start: .beginning)
    #expect(try known.poll(waitMilliseconds: 300) == [])
    known.close()
    guard bench.traits.isOneSequence else { return }
    let offset = try bench.readAll(count: 25)[9].offset
    let inside = try bench.join("inside", start: .offset(offset))
    try inside.pump(count: 16)
    #expect(Set(inside.values) == Set((10...25).map { "\($0)" }))
    inside.close()
  }

  @Test(arguments: StoreUnderTest.joining)
  func groupsTellHowFarTheyAre(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let groups = { bench.traits.listsGroups ? try bench.store.groups() : nil }
    #expect(try groups() ?? [] == [])
    try bench.appendNumbers(1...80)
    let before = try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }
    #expect(before.map(\.topicPartition) == (0..<16).map { TopicPartition(topic: "orders", partition: $0) })
    #expect(before.allSatisfy { $0.done == -1 })

    let member = try bench.join(member: "me")
    try member.pump(count: 80)
    let stuck = try #require(member.events.first).topicPartition
    try member.commitAll(except: [stuck])
    func status() throws -> [GroupPartitionStatus] {
      try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }
    }
    // A commit's durability may lag behind.
    try member.pump(limit: 0) {
      guard let all = try? status() else { return false }
      return member.offsets.allSatisfy { partition, offsets in
        partition == stuck
          || all.contains { $0.topicPartition == partition && $0.done >= offsets[offsets.count - 1] }
      }
    }
    let during = try status()
    #expect(during.count == 16)
    if bench.traits.listsGroups { #expect(during.allSatisfy { $0.owner == "me" }) }
    for (partition, offsets) in member.offsets {
      let status = try #require(during.first { $0.topicPartition == partition })
      if partition == stuck {
        #expect(status.done < offsets[0])
        #expect(status.lag >= offsets.count)
      } else {
        #expect(status.done >= offsets[offsets.count - 1])
      }
      #expect(status.newest >= offsets[offsets.count - 1])
    }
    try member.commitAll()
    try member.pump(limit: 0) { ((try? status()) ?? []).allSatisfy { $0.lag == 0 } }
    #expect(try status().allSatisfy { $0.lag == 0 })
    #expect(try groups() ?? ["g"] == ["g"])
    member.close()
    try bench.reopen()
    let closed = try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }
    #expect(closed.allSatisfy { $0.lag == 0 && $0.owner == nil })
    #expect(try groups() ?? ["g"] == ["g"])
  }

  /// The number of partitions is another after a restart: nothing is lost, and what is done stays done.
  @Test(arguments: StoreUnderTest.joining, [Int32(5), 16, 64])
  func theNumberOfPartitionsMayChange(_ driver: StoreUnderTest, _ count: Int32) throws {
    let bench = try Bench(driver)
    guard bench.traits.isOneSequence, bench.store.promises.isDurable else { return }
    try bench.appendNumbers(1...100)
    let first = try bench.join()
    try first.pump(count: 100)
    let stuck = try #require(first.events.first).topicPartition
    try first.commitAll(except: [stuck])
    first.close()
    let open = first.events.filter { $0.topicPartition == stuck }.map(\.offset)
    bench.store.close()

    let store = try bench.place.makeStore()
    defer { store.close() }
    try store.open([TopicDefinition(name: "orders", partitionCount: count)])
    let second = try bench.join(store: store)
    try second.pump(count: open.count)
    #expect(second.owned.count == Int(count))
    #expect(try second.poll(waitMilliseconds: 200) == [])
    #expect(second.events.map(\.offset).sorted() == open)
    second.close()
    // Without a commit, and with the first number again.
    try bench.reopen()
    let third = try bench.join()
    try third.pump(count: open.count)
    #expect(third.events.map(\.offset) == open)
    try third.commitAll()
    #expect(
      try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }.allSatisfy {
        $0.lag == 0
      })
    third.close()
  }
}
