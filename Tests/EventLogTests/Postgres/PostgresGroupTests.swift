import SpacerSystem
import SpacerTestSupport
import Testing

@testable import SpacerEventLog

/// Members that stop, die, lose their connection, or have another number of partitions.
@Suite struct PostgresGroupTests {
  @Test func aMemberThatWasStoppedCannotCommitOverItsSuccessor() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    try bench.appendNumbers(1...40)
    let one = try bench.join(member: "one")
    try one.pump(count: 40)
    let two = try bench.join(member: "two", store: bench.another())
    try two.pump { two.owned.count == 16 && two.events.count >= 40 }
    // The successor has done less than the one that comes back would commit.
    let partition = two.events[0].topicPartition
    let done = two.events[0].offset
    try two.consumer.commit([partition: done])
    let stored = "SELECT done, owner FROM spacer_partitions WHERE partition = \(partition.partition)"
    #expect(try place.sql(stored) == "\(done)|two")
    let error = #expect(throws: EventLogError.self) { try one.commitAll() }
    #expect(error?.code == .fenced)
    #expect(try place.sql(stored) == "\(done)|two")
    try one.poll(limit: 0, waitMilliseconds: 0)
    #expect(one.lost.count == 16)
    one.close()
    #expect(try place.sql(stored) == "\(done)|two")
    two.close()
  }

  @Test func manyMembersShareAndReplaceEachOther() throws {
    let bench = try Bench(.postgres)
    var members: [Member] = []
    for number in 0..<8 { members.append(try bench.join(member: "m\(number)", store: bench.another())) }
    func pump(_ living: [Member], _ condition: () -> Bool) throws {
      let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
      while !condition() {
        try #require(SystemClock.machine.monotonicMilliseconds() < end, "it did not come about in time")
        for member in living {
          try member.poll(waitMilliseconds: 5)
          if !member.owned.isEmpty { try? member.commitAll() }
          if !member.revoking.isEmpty { try member.release(member.revoking) }
        }
      }
    }
    try pump(members) { members.allSatisfy { $0.owned.count == 2 } }
    try bench.appendNumbers(1...100)
    try pump(members) { members.reduce(0) { $0 + $1.events.count } == 100 }
    // Three fall silent; one leaves.
    let living = Array(members[4...])
    members[3].close()
    try pump(living) { living.allSatisfy { $0.owned.count == 4 } }
    try bench.appendNumbers(101...200)
    try pump(living) {
      living.reduce(0) { $0 + Set($1.values.filter { $0.count == 3 && $0 > "100" }).count } == 100
    }
    for member in living {
      member.expectOrder()
      member.close()
    }
  }

  @Test func aCleanEndFreesAtOnce() throws {
    let bench = try Bench(.postgres)
    let long = ConsumerOptions(memberID: "one", leaseMilliseconds: 600_000)
    let one = Member(try bench.store.join(group: "g", topics: ["orders"], options: long))
    try one.pump { one.owned.count == 16 }
    let two = Member(
      try bench.another().join(
        group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "two", leaseMilliseconds: 600_000))
    )
    // Its own next look is minutes away: it is woken.
    try two.poll(waitMilliseconds: 0)
    #expect(two.owned.isEmpty)
    one.close()
    try two.pump { two.owned.count == 16 }
    two.close()
  }

  /// The members that give away are woken too.
  @Test func aNewMemberGetsItsShareAtOnce() throws {
    let bench = try Bench(.postgres)
    func join(_ name: String) throws -> Member {
      Member(
        try bench.another().join(
          group: "g", topics: ["orders"], options: ConsumerOptions(memberID: name, leaseMilliseconds: 600_000)
        ))
    }
    let one = try join("one")
    try one.pump { one.owned.count == 16 }
    let two = try join("two")
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while two.owned.count < 8, SystemClock.machine.monotonicMilliseconds() < end {
      try two.poll(waitMilliseconds: 10)
      try one.poll(waitMilliseconds: 10)
      if !one.revoking.isEmpty { try one.release(one.revoking) }
    }
    #expect(one.owned.count == 8 && two.owned.count == 8)
    one.close()
    two.close()
  }

  @Test func anotherNumberOfPartitionsFencesTheOlderMembers() throws {
    let bench = try Bench(.postgres)
    try bench.appendNumbers(1...60)
    let old = try bench.join(member: "old")
    try old.pump(count: 60)
    let half = Set(old.owned.filter { $0.partition % 2 == 0 })
    try old.commitAll(except: half)
    let done = Set(old.events.filter { !half.contains($0.topicPartition) }.map(\.offset))

    let store = try bench.place.makeStore()
    defer { store.close() }
    try store.open([TopicDefinition(name: "orders", partitionCount: 7)])
    let new = try bench.join(member: "new", store: store)
    try new.pump(count: 60 - done.count)
    #expect(new.owned.count == 7)
    #expect(Set(new.events.map(\.offset)).isDisjoint(with: done))
    let error = #expect(throws: EventLogError.self) { try old.commitAll() }
    #expect(error?.code == .fenced)
    try old.poll(limit: 0, waitMilliseconds: 0)
    #expect(old.lost.count == 16)
    for _ in 0..<5 { try old.poll(waitMilliseconds: 20) }
    #expect(old.owned.isEmpty)
    try new.commitAll()
    #expect(try store.status(ofGroup: "g").allSatisfy { $0.lag == 0 })
    old.close()
    new.close()
  }

  @Test func aCutConnectionLosesNothing() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let member = try bench.joined()
    for round in 0..<4 {
      try bench.appendNumbers((round * 10 + 1)...(round * 10 + 10))
      try place.sql(
        """
        SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'spacer'
        """)
      while member.events.count < round * 10 + 10 {
        do { try member.poll() } catch { #expect(error.isTemporary) }
      }
      do { try member.commitAll() } catch { #expect((error as? EventLogError)?.isTemporary == true) }
    }
    member.expectOrder()
    #expect(member.events.count == 40 && member.lost.isEmpty)
    try member.commitAll()
    #expect(
      try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }.allSatisfy {
        $0.lag == 0
      })
    member.close()
  }

  /// A process that was killed comes back under its name before its lease has ended.
  @Test func aMemberComesBackUnderItsName() throws {
    let bench = try Bench(.postgres)
    try bench.appendNumbers(1...20)
    let first = try bench.join(member: "same")
    try first.pump(count: 20)
    let again = try bench.join(member: "same", store: bench.another())
    try again.pump(count: 20)
    #expect(again.owned.count == 16)
    #expect(throws: EventLogError.self) { try first.commitAll() }
    again.close()
    first.close()
  }

  /// Between saying that it lives and counting who does, the process stood still for longer than its lease.
  @Test func aMemberThatMissesItselfKeepsWhatItOwns() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let member = try bench.joined()
    try place.sql(
      """
      CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.expires_at = clock_timestamp() - interval ''1 second''; RETURN NEW; END';
      CREATE TRIGGER stall BEFORE INSERT OR UPDATE ON spacer_members FOR EACH ROW EXECUTE FUNCTION stall()
      """)
    let before = try place.sql("SELECT max(expires_at) FROM spacer_partitions")
    try waitUntil("it has looked again") {
      try member.poll(waitMilliseconds: 20)
      return try place.sql("SELECT max(expires_at) > '\(before)' FROM spacer_partitions") == "t"
    }
    try member.poll(waitMilliseconds: 0)
    #expect(member.owned.count == 16 && member.revoking.isEmpty)
    try bench.appendNumbers(1...10)
    try member.pump(count: 10)
    member.close()
  }

  /// While a release that reads other topics takes over, members read different ones.
  @Test func membersWithOtherTopicsLeaveNothingUnowned() throws {
    let bench = try Bench(.postgres)
    let store = try bench.another()
    try store.open(Bench.topics + [TopicDefinition(name: "added", partitionCount: 3)])
    let lists = [["orders", "Notes_2"], ["Notes_2", "added"]]
    let members = try lists.enumerated().map { number, topics in
      try bench.join(topics: topics, member: "m\(number)", store: store)
    }
    let all = Set(
      [("orders", 16), ("Notes_2", 3), ("added", 3)].flatMap { topic, count in
        (0..<Int32(count)).map { TopicPartition(topic: topic, partition: $0) }
      })
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    var unowned: Set<TopicPartition> { members.reduce(all) { $0.subtracting($1.owned) } }
    // When both have their share.
    while !unowned.isEmpty || !members.allSatisfy({ $0.owned.contains { $0.topic == "Notes_2" } }) {
      try #require(
        SystemClock.machine.monotonicMilliseconds() < end,
        "\(unowned.sorted()) have no owner")
      for member in members {
        try member.poll(waitMilliseconds: 5)
        if !member.revoking.isEmpty { try member.release(member.revoking) }
      }
    }
    for member in members { member.close() }
  }

  /// Whatever way the planner takes: a nested loop would ask for free partitions once for each of the table's rows.
  @Test func noMoreIsTakenThanAskedFor() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let member = try bench.joined()
    member.close()
    let session = try place.session().raw
    try session.script("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off")
    for (count, expected): (Int64, Int) in [(1, 1), (3, 3), (12, 12), (5, 0)] {
      var parameters = PostgresParameters()
      for text in ["g", "other", "orders"] { parameters.add(text) }
      parameters.add(count)
      parameters.add(Int64(60_000))
      parameters.add(Int32(16))
      let taken = try session.run(PostgresLeases.take, parameters).count
      #expect(taken == expected)
    }
  }

  @Test func sharesAreEven() {
    for partitions in [1, 3, 16, 64] {
      for members in 1...20 {
        for topic in ["orders", "notes", "spacer_internal"] {
          let shares = (0..<members).map {
            PartitionShare.count(partitions: partitions, members: members, place: $0, topic: topic)
          }
          #expect(shares.reduce(0, +) == partitions)
          #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
        }
      }
    }
    #expect(PartitionShare.count(partitions: 16, members: 0, place: -1, topic: "orders") == 0)
  }
}
