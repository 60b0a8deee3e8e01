import SpacerSystem
import Synchronization
import Testing

@testable import SpacerEventLog

/// Offsets are taken when events are inserted, and transactions commit in another order.
@Suite struct PostgresOrderTests {
  private static let postgres = StoreUnderTest.postgres

  private static func place(_ bench: Bench) throws -> PostgresPlace {
    try #require(bench.place as? PostgresPlace)
  }

  /// What is stored of the group, at its lowest.
  private static func stored(_ place: PostgresPlace) throws -> Int64 {
    try #require(Int64(try place.sql("SELECT min(done) FROM spacer_partitions")))
  }

  @Test func aLateCommitIsSkippedByAPlainReaderAndNotByOurs() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    var position = try bench.store.position("orders", .beginning)

    let slow = try place.session()
    try slow.run("BEGIN")
    let late = try slow.insert("orders", key: "k1", value: "1")
    let early = try #require(try bench.append([("k2", "2")]).first)
    #expect(late < early)

    // A plain reader takes what is there after the last one it took.
    func plain(after last: Int64) throws -> [Int64] {
      try place.sql("SELECT msg_offset FROM topic_orders WHERE msg_offset > \(last) ORDER BY 1")
        .split(separator: "\n").compactMap { Int64($0) }
    }
    let plainFirst = try plain(after: 0)
    #expect(plainFirst == [early])
    // Ours in order waits; a member of a group gets what is there and stores nothing beyond.
    #expect(try bench.store.read("orders", &position, limit: 10, waitMilliseconds: 0) == [])
    try member.pump(count: 1)
    #expect(member.events.map(\.offset) == [early])
    try member.commitAll()
    #expect(try Self.stored(place) < late)

    try slow.run("COMMIT")
    #expect(try plain(after: early) == [])
    #expect(
      try bench.store.readMore("orders", &position, count: 2).map(\.offset) == [late, early])
    try member.pump(count: 2)
    #expect(member.events.map(\.offset) == [early, late])
    // The commit from before does not cover it; the next one does.
    try member.poll(waitMilliseconds: 0)
    let open = try bench.store.status(ofGroup: "g").first {
      $0.topicPartition == member.events[1].topicPartition
    }
    #expect(try #require(open).done < late)
    try member.commitAll()
    try member.pump { (try? Self.stored(place)) == early }
    member.close()
  }

  @Test func aRolledBackOffsetEndsTheOriginalsReaderAndNotOurs() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let first = try #require(try bench.append([("k1", "1")]).first)
    let failing = try place.session()
    try failing.run("BEGIN")
    let never = try failing.insert("orders", key: "k1", value: "2")
    try failing.run("ROLLBACK")
    let last = try #require(try bench.append([("k1", "3")]).first)
    #expect(never > first && last > never)

    // The original asked for the offset after its last one, and went on asking.
    #expect(try place.sql("SELECT 1 FROM topic_orders WHERE msg_offset = \(first) + 1") == "")
    #expect(try bench.readAll(count: 2).map(\.offset) == [first, last])
    let member = try bench.join()
    try member.pump(count: 2)
    member.expectOrder()
    try member.commitAll()
    try member.pump { (try? Self.stored(place)) == last }
    member.close()
  }

  /// A backup or a forgotten session has been running for long: nothing waits for it.
  @Test func anOldTransactionElsewhereHoldsUpNothing() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    try place.sql("CREATE TABLE other (n INT)")
    let old = try place.session()
    try old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO other VALUES (1)")
    try old.run("SELECT count(*) FROM topic_orders; SELECT last_value FROM topic_orders_msg_offset_seq")
    let failing = try place.session()
    try failing.run("BEGIN")
    _ = try failing.insert("orders", key: "k1", value: "1")
    try failing.run("ROLLBACK")
    let offset = try #require(try bench.append([("k1", "2")]).first)
    #expect(try bench.readAll(count: 1).map(\.offset) == [offset])
    let member = try bench.join()
    try member.pump(count: 1)
    try member.commitAll()
    try member.pump { (try? Self.stored(place)) == offset }
    try old.run("COMMIT")
    member.close()
  }

  /// The number was taken, and the transaction has no id yet: no snapshot knows of it.
  @Test func anOffsetTakenBeforeATransactionHasAnIDIsNotSkipped() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let slow = try place.session()
    try slow.run("BEGIN; SELECT nextval('topic_orders_msg_offset_seq')")
    let last = try #require(try bench.append([("k1", "2")]).first)
    let member = try bench.join()
    try member.pump(count: 1)
    try member.commitAll()
    try member.poll(waitMilliseconds: 0)
    #expect(try Self.stored(place) < last - 1)
    try slow.run("INSERT INTO topic_orders (msg_offset, key, value) VALUES (\(last - 1), 'k1', '1'); COMMIT")
    try member.pump(count: 2)
    #expect(member.values == ["2", "1"])
    member.close()
  }

  @Test func aPreparedTransactionIsWaitedFor() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    let session = try place.session()
    try session.run("BEGIN")
    let late = try session.insert("orders", key: "k1", value: "1")
    let early = try #require(try bench.append([("k2", "2")]).first)
    try member.pump(count: 1)
    try member.commitAll()
    try session.run("PREPARE TRANSACTION '\(place.database)'")
    // Looks at the gap some times.
    for _ in 0..<5 { try member.poll(waitMilliseconds: 20) }
    try member.commitAll()
    #expect(try Self.stored(place) < late)
    try session.run("COMMIT PREPARED '\(place.database)'")
    try member.pump(count: 2)
    #expect(member.events.map(\.offset) == [early, late])
    member.close()
  }

  /// A member dies after it committed beyond an offset that was still open: its successor gets the late event.
  @Test func aLateEventOutlivesTheMember() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let slow = try place.session()
    try slow.run("BEGIN")
    let late = try slow.insert("orders", key: "k1", value: "1")
    try bench.append([("k1", "2"), ("k2", "3")])
    let first = try bench.join(member: "first")
    try first.pump(count: 2)
    try first.commitAll()
    // No word from it any more.
    let second = try bench.join(member: "second", store: bench.another())
    try second.pump { second.owned.count == 16 }
    try slow.run("COMMIT")
    try second.pump { second.events.contains { $0.offset == late } }
    second.close()
    first.close()
  }

  /// A paused partition's late event is kept until it is resumed.
  @Test func aLateEventOfAPausedPartitionIsKept() throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    let slow = try place.session()
    try slow.run("BEGIN")
    let late = try slow.insert("orders", key: "k1", value: "1")
    try bench.append([("k1", "2")])
    try member.pump(count: 1)
    let partition = member.events[0].topicPartition
    member.consumer.pause([partition])
    try slow.run("COMMIT")
    #expect(try member.poll(waitMilliseconds: 300) == [])
    try member.commitAll()
    #expect(try Self.stored(place) < late)
    member.consumer.resume([partition])
    try member.pump(count: 2)
    #expect(member.events[1].offset == late)
    member.close()
  }

  /// Many writers commit and roll back side by side, over connections of their own and through the store. Each has
  /// a key of its own, so that events of one key are appended one after the other. The member's connection is cut
  /// now and then.
  @Test(arguments: [false, true])
  func manyWritersLoseNothing(_ isCut: Bool) throws {
    let bench = try Bench(Self.postgres)
    let place = try Self.place(bench)
    let store = bench.store
    let writers = 6
    let ended = Monitor(0)
    let committed = Mutex<Set<Int64>>([])
    let faults = Mutex<[String]>([])
    for writer in 0..<writers {
      Threads.start(name: "writer") {
        var generator = SeededGenerator(writer)
        do {
          let session = try place.session()
          for number in 0..<60 {
            if writer < 2 {
              let offsets = try store.appendAndWait(
                AppendRequest(
                  topic: "orders", entries: [AppendEntry(key: Array("w\(writer)".utf8), value: [0x31])])
              ).offsets
              committed.withLock { $0.formUnion(offsets) }
              continue
            }
            try session.run("BEGIN")
            var offsets: [Int64] = []
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
              offsets.append(try session.insert("orders", key: "w\(writer)", value: "\(number)"))
            }
            if Int.random(in: 0..<4, using: &generator) == 0 {
              try session.run("ROLLBACK")
            } else {
              try session.run("COMMIT")
              committed.withLock { $0.formUnion(offsets) }
            }
          }
        } catch {
          faults.withLock { $0.append("\(error)") }
        }
        ended.withLock { $0 += 1 }
      }
    }
    let own = PostgresStore(connString: place.connString + "?application_name=member")
    defer { own.close() }
    try own.open(Bench.topics)
    let member = try bench.join(store: own)
    if isCut {
      Threads.start(name: "cut") {
        while ended.withLock({ $0 }) < writers {
          _ = try? place.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'member' "
              + "AND datname = current_database()")
        }
      }
    }
    var position = try store.position("orders", .beginning)
    var read: [Int64] = []
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while true {
      do {
        try member.poll(limit: 17, waitMilliseconds: 20)
      } catch {
        #expect(isCut && error.isTemporary, "\(error)")
      }
      read += try store.read("orders", &position, limit: 13, waitMilliseconds: 0).map(\.offset)
      do { try member.commitAll() } catch { #expect(isCut, "\(error)") }
      let count = committed.withLock { $0.count }
      if ended.withLock({ $0 }) == writers, member.events.count >= count, read.count >= count { break }
      try #require(
        SystemClock.machine.monotonicMilliseconds() < end,
        "of \(count) events the member got \(member.events.count), the reader \(read.count)")
    }
    let all = committed.withLock { $0 }
    #expect(faults.withLock { $0 } == [])
    #expect(read == all.sorted())
    #expect(member.events.count == all.count)
    #expect(Set(member.events.map(\.offset)) == all)
    for (key, events) in Dictionary(grouping: member.events, by: \.key) {
      let offsets = events.map(\.offset)
      #expect(offsets == offsets.sorted(), "\(String(decoding: key, as: UTF8.self))")
    }
    try member.pump { (try? member.commitAll()) != nil }
    try member.pump { (try? Self.stored(place)) == all.max() }
    member.close()
  }
}
