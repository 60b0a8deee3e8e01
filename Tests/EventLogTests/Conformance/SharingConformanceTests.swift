import SpacerEventLog
import SpacerSystem
import Testing

/// Several members of one group: each partition is one's at a time, and nothing is lost when one goes.
@Suite struct SharingConformanceTests {
  /// Polls members in turn, as their processes would at the same time, until the condition holds. What a member
  /// is to give up it commits and gives up at once.
  private static func pump(_ members: [Member], limit: Int = 100, until condition: () -> Bool) throws {
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while !condition() {
      try #require(SystemClock.machine.monotonicMilliseconds() < end, "it did not come about in time")
      for member in members {
        try member.poll(limit: limit, waitMilliseconds: 20)
        if !member.revoking.isEmpty {
          try member.commitAll()
          try member.release(member.revoking)
        }
        for other in members where other !== member {
          #expect(other.owned.isDisjoint(with: member.owned), "a partition has two owners")
        }
      }
    }
  }

  @Test(arguments: StoreUnderTest.joining)
  func membersShareTheWork(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.traits.sharesWork else { return }
    let one = try bench.joined(member: "one")
    #expect(one.owned.count == 16)
    let two = try bench.join(member: "two", store: bench.another())
    try Self.pump([one, two]) { !two.owned.isEmpty && one.owned.count + two.owned.count == 16 }
    try Self.pump([one, two]) { one.owned.count >= 5 && two.owned.count >= 5 }
    try bench.appendNumbers(1...200)
    try Self.pump([one, two]) { one.events.count + two.events.count >= 200 }
    #expect(!one.events.isEmpty && !two.events.isEmpty)
    #expect(Set(one.values).isDisjoint(with: two.values))
    #expect(Set(one.values).union(two.values).count == 200)
    one.expectOrder()
    two.expectOrder()
    // One goes: the other gets its partitions, after what was done.
    try one.commitAll()
    try two.commitAll()
    one.close()
    try bench.appendNumbers(201...260)
    two.forgetEvents()
    try two.pump { two.owned.count == 16 && two.events.count >= 60 }
    #expect(Set(two.values) == Set((201...260).map { "\($0)" }))
    two.close()
  }

  /// A member that is told to give partitions up has unfinished events of them: nobody else gets events of them
  /// before it has given them up.
  @Test(arguments: StoreUnderTest.joining)
  func aHandOverWaitsForWhatWasBegun(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.traits.sharesWork else { return }
    try bench.appendNumbers(1...160)
    let one = try bench.join(member: "one")
    try one.pump(count: 160)
    let two = try bench.join(member: "two", store: bench.another())
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while one.revoking.isEmpty, SystemClock.machine.monotonicMilliseconds() < end {
      try one.poll(waitMilliseconds: 20)
      try two.poll(waitMilliseconds: 20)
    }
    let given = one.revoking
    try #require(!given.isEmpty)
    for _ in 0..<20 {
      try one.poll(waitMilliseconds: 20)
      try two.poll(waitMilliseconds: 20)
      #expect(two.owned.isDisjoint(with: given.intersection(one.revoking)))
      #expect(!two.events.contains { one.revoking.contains($0.topicPartition) })
    }
    // Half of each is done when it is given up: the other half goes on at the other member.
    var done: [TopicPartition: Int64] = [:]
    var rest: Set<String> = []
    for partition in one.revoking {
      let own = one.events.filter { $0.topicPartition == partition }
      guard own.count > 1 else { continue }
      done[partition] = own[own.count / 2 - 1].offset
      rest.formUnion(own[(own.count / 2)...].map { String(decoding: $0.value, as: UTF8.self) })
    }
    let released = one.revoking
    try one.consumer.commit(done)
    try one.release(released)
    try Self.pump([one, two]) { Set(two.values).isSuperset(of: rest) }
    #expect(Set(two.values.filter { rest.contains($0) }).count == rest.count)
    two.expectOrder()
    one.close()
    two.close()
  }

  /// A member says nothing any more: its partitions are taken over, and it cannot commit over its successor.
  @Test(arguments: StoreUnderTest.joining)
  func aSilentMemberIsReplaced(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.traits.sharesWork else { return }
    try bench.appendNumbers(1...100)
    let one = try bench.join(member: "one")
    try one.pump(count: 100)
    let two = try bench.join(member: "two", store: bench.another())
    try two.pump { two.owned.count == 16 && two.events.count >= 100 }
    #expect(Set(two.values).count == 100)
    try two.commitAll()
    do {
      try one.commitAll()
      // A driver may find out at the next poll only: then what it noted is void.
    } catch {
      #expect((error as? EventLogError)?.code == .fenced)
    }
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while one.lost.isEmpty, SystemClock.machine.monotonicMilliseconds() < end {
      do { try one.poll(limit: 0, waitMilliseconds: 20) } catch { #expect(error.isTemporary) }
    }
    #expect(!one.lost.isEmpty)
    one.close()
    two.close()
    let third = try bench.joined(member: "three")
    #expect(try third.poll(waitMilliseconds: 300) == [])
    third.close()
  }

  /// Where one member has all partitions, the next one waits for its end.
  @Test(arguments: StoreUnderTest.joining)
  func aStandbyTakesOver(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard !bench.traits.sharesWork else { return }
    try bench.appendNumbers(1...50)
    let one = try bench.join(member: "one")
    try one.pump(count: 50)
    let two = try bench.join(member: "two", store: bench.another())
    #expect(try two.poll(waitMilliseconds: 300) == [])
    #expect(two.owned.isEmpty)
    #expect(throws: EventLogError.self) {
      try two.consumer.commit([one.events[0].topicPartition: one.events[49].offset])
    }
    let first20 = one.events.prefix(20)
    var done: [TopicPartition: Int64] = [:]
    for event in first20 { done[event.topicPartition] = event.offset }
    try one.consumer.commit(done)
    one.close()
    let began = SystemClock.machine.monotonicMilliseconds()
    try two.pump(count: 30)
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 5_000)
    #expect(two.events.map(\.offset).sorted() == one.events.dropFirst(20).map(\.offset))
    two.close()
  }
}
