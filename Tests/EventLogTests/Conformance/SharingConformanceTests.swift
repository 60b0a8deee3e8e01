import SpacerEventLog
import SpacerSystem
import Testing

/// Several members of one group: each partition is one's at a time, and nothing is lost when one goes.
// Not with those that block beside each other: leases here are short.
@Suite struct SharingConformanceTests {
  /// Polls members in turn, as their processes would at the same time, until the condition holds. What a member
  /// is to give up it commits and gives up at once.
  private static func pump(
    _ members: [Member], limit: Int = 100, mayRepeat: Bool = false, until condition: () -> Bool
  ) throws {
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while !condition() {
      try #require(SystemClock.machine.monotonicMilliseconds() < end, "it did not come about in time")
      for member in members {
        try member.poll(limit: limit, waitMilliseconds: 20)
        if !member.revoking.isEmpty {
          try commit([member], mayRepeat: mayRepeat)
          try member.release(member.revoking)
        }
        guard !mayRepeat else { continue }
        for other in members where other !== member {
          // One that the machine let stand still past its lease learns of it at its next poll.
          if !other.owned.isDisjoint(with: member.owned) {
            try other.poll(limit: limit, waitMilliseconds: 20)
          }
          #expect(other.owned.isDisjoint(with: member.owned), "a partition has two owners")
        }
      }
    }
  }

  /// Commits what members did; one that was thrown out meanwhile may be told so where events may repeat.
  private static func commit(_ members: [Member], mayRepeat: Bool) throws {
    for member in members {
      do {
        try member.commitAll()
      } catch let error as EventLogError where mayRepeat && error.code == .fenced {}
    }
  }

  /// Polls members until all that is appended is noted as done.
  private static func pumpUntilNoted(_ members: [Member], _ bench: Bench) throws {
    let mayRepeat = bench.traits.mayRepeat
    try commit(members, mayRepeat: mayRepeat)
    try pump(members, mayRepeat: mayRepeat) {
      // What came again meanwhile is to be noted as well.
      if mayRepeat { try? commit(members, mayRepeat: true) }
      let status = try? bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }
      return status?.allSatisfy { $0.lag == 0 } == true
    }
  }

  /// Closes a member while the others go on, as their processes would.
  private static func close(_ leaving: Member, while others: [Member]) throws {
    // Nobody else uses it any more.
    nonisolated(unsafe) let consumer = leaving.consumer
    let isClosed = Monitor(false)
    Threads.start(name: "close") {
      consumer.close()
      isClosed.withLock { $0 = true }
    }
    try pump(others) { isClosed.withLock { $0 } }
  }

  @Test(arguments: StoreUnderTest.joining)
  func membersShareTheWork(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.traits.sharesWork else { return }
    let mayRepeat = bench.traits.mayRepeat
    let one = try bench.joined(member: "one")
    #expect(one.owned.count == 16)
    let two = try bench.join(member: "two", store: bench.another())
    try Self.pump([one, two], mayRepeat: mayRepeat) {
      !two.owned.isEmpty && one.owned.count + two.owned.count == 16
    }
    try Self.pump([one, two], mayRepeat: mayRepeat) { one.owned.count >= 5 && two.owned.count >= 5 }
    try bench.appendNumbers(1...200)
    try Self.pump([one, two], mayRepeat: mayRepeat) {
      Set(one.values + two.values).count >= 200
    }
    #expect(!one.events.isEmpty && !two.events.isEmpty)
    #expect(mayRepeat || Set(one.values).isDisjoint(with: two.values))
    #expect(Set(one.values).union(two.values).count == 200)
    one.expectOrder(mayRepeat: mayRepeat)
    two.expectOrder(mayRepeat: mayRepeat)
    // One goes: the other gets its partitions, after what was done.
    try Self.pumpUntilNoted([one, two], bench)
    two.forgetEvents()
    try Self.close(one, while: [two])
    try bench.appendNumbers(201...260)
    let rest = Set((201...260).map { "\($0)" })
    try two.pump { two.owned.count == 16 && rest.isSubset(of: two.values) }
    #expect(mayRepeat || Set(two.values) == rest, "\(two.history)")
    two.close()
  }

  /// What a member gave up comes back to it when the other goes, and it goes on where that was.
  @Test(arguments: StoreUnderTest.joining)
  func whatWasGivenUpComesBack(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.traits.sharesWork else { return }
    let mayRepeat = bench.traits.mayRepeat
    let one = try bench.joined(member: "one")
    let two = try bench.join(member: "two", store: bench.another())
    try Self.pump([one, two], mayRepeat: mayRepeat) { one.owned.count >= 5 && two.owned.count >= 5 }
    try bench.appendNumbers(1...100)
    try Self.pump([one, two], mayRepeat: mayRepeat) {
      Set(one.values + two.values).count >= 100
    }
    try Self.pumpUntilNoted([one, two], bench)
    try Self.close(two, while: [one])
    try one.pump { one.owned.count == 16 }
    try bench.appendNumbers(101...200)
    let rest = Set((101...200).map { "\($0)" })
    try one.pump { rest.isSubset(of: one.values) }
    #expect(mayRepeat || Set(one.values.suffix(100)) == rest, "\(one.history)")
    one.expectOrder(mayRepeat: mayRepeat)
    one.close()
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
