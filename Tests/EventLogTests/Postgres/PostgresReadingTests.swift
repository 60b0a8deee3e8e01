import SpacerSystem
import SpacerTestSupport
import Synchronization
import Testing

@testable import SpacerEventLog

/// How a member reads: what is cut off, what comes late, what wakes it.
@Suite struct PostgresReadingTests {
  private static func place(_ bench: Bench) throws -> PostgresPlace {
    try #require(bench.place as? PostgresPlace)
  }

  /// A key of a partition among 16.
  private static func key(of partition: Int32) -> String {
    (0...).lazy.map { "k\($0)" }.first { KeyPartition.of(Array($0.utf8), count: 16) == partition } ?? ""
  }

  /// The member's connection ends at the second topic, when events of the first one have been taken.
  @Test func aPollThatIsCutAfterItTookEventsHandsThemOut() throws {
    let bench = try Bench(.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined(topics: ["orders", "Notes_2"])
    func orders() -> [String] {
      member.events.filter { $0.topic == "orders" }.map { String(decoding: $0.value, as: UTF8.self) }
    }
    for round in 1...2 {
      let blocker = try place.session()
      try blocker.run("BEGIN; LOCK TABLE topic_notes_2")
      try bench.append([("k", "\(round)")])
      let isOver = Monitor(false)
      let hasEnded = Monitor(false)
      Threads.start(name: "cut") {
        while !isOver.withLock({ $0 }) {
          _ = try? place.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'topic_notes_2'::regclass"
          )
        }
        hasEnded.withLock { $0 = true }
        hasEnded.signal()
      }
      // Each topic is first in turn, so that of two reads one has taken something when it is cut.
      var failures = 0
      while failures < 2 {
        do { try member.poll() } catch {
          #expect(error.isTemporary)
          failures += 1
        }
      }
      isOver.withLock { $0 = true }
      #expect(hasEnded.wait(milliseconds: 20_000) { $0 ? true : nil } == true)
      try blocker.run("COMMIT")
      // What is appended behind it is read all the same.
      try bench.append([("k", "behind \(round)")])
      try member.pump { orders().last == "behind \(round)" }
    }
    #expect(orders() == ["1", "behind 1", "2", "behind 2"])
    member.close()
  }

  /// An append fills a gap and is answered; then its caller appends again with the same key. With every limit.
  @Test(arguments: [1, 2, 100])
  func whatIsAppendedOneAfterTheOtherComesInOrder(_ limit: Int) throws {
    let bench = try Bench(.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    for round in 0..<3 {
      let slow = try place.session()
      try slow.run("BEGIN")
      _ = try slow.insert("orders", key: "a", value: "1")
      _ = try slow.insert("orders", key: "b", value: "1")
      try bench.append([("c", "0")])
      try member.pump(limit: limit, count: round * 6 + 1)
      // Until the gap is looked at rarely.
      try member.poll(limit: limit, waitMilliseconds: 400)
      try slow.run("COMMIT")
      try bench.append([("a", "2"), ("b", "2"), ("c", "2")])
      try member.pump(limit: limit, count: (round + 1) * 6)
      try member.commitAll()
    }
    for (key, events) in Dictionary(grouping: member.events, by: \.key) {
      let offsets = events.map(\.offset)
      #expect(offsets == offsets.sorted(), "\(String(decoding: key, as: UTF8.self))")
    }
    #expect(Set(member.events.map(\.offset)).count == 18)
    member.close()
  }

  /// Thousands of rows of other partitions lie before the one that is wanted.
  @Test func aSparseBacklogIsReadAtOnce() throws {
    let bench = try Bench(.postgres)
    let place = try Self.place(bench)
    let member = Member(
      try bench.store.join(
        group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 60_000)))
    try member.pump { member.owned.count == 16 }
    let full = TopicPartition(topic: "orders", partition: 3)
    member.consumer.pause([full])
    let key = Self.key(of: 3)
    try place.sql(
      """
      INSERT INTO topic_orders (key, value, key_hash)
      SELECT '\(key)', n::text, \(KeyPartition.hash(Array(key.utf8))) FROM generate_series(1, 4000) AS n
      """)
    try bench.append([(Self.key(of: 5), "last")])
    // In one poll, which has no second to wait between two pages.
    let began = SystemClock.machine.monotonicMilliseconds()
    while member.events.isEmpty { try member.poll(waitMilliseconds: 60_000) }
    #expect(member.values == ["last"])
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 6_000)
    member.close()
  }

  /// One transaction with very many events commits late: they come page by page, and the member stays alive.
  @Test func aLargeTransactionThatCommitsLateHoldsUpNoSignOfLife() throws {
    let bench = try Bench(.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    let slow = try place.session()
    let count = 30_000
    try slow.run(
      "BEGIN; INSERT INTO topic_orders (key, value) SELECT 'k' || n % 500, n::text FROM generate_series(1, \(count)) AS n"
    )
    try bench.append([("k7", "after")])
    try member.pump(count: 1)
    try slow.run("COMMIT")
    var longest: Int64 = 0
    while member.events.count <= count {
      let began = SystemClock.machine.monotonicMilliseconds()
      let brought = try member.poll(limit: 3_000, waitMilliseconds: 1_000)
      longest = max(longest, SystemClock.machine.monotonicMilliseconds() - began)
      try #require(!brought.isEmpty, "\(member.events.count) events have come")
    }
    #expect(longest < Int64(bench.traits.leaseMilliseconds), "a poll took \(longest) ms")
    #expect(member.lost.isEmpty)
    #expect(Set(member.events.map(\.offset)).count == count + 1)
    let late = member.events.dropFirst().map(\.offset)
    for offsets in Dictionary(grouping: member.events.dropFirst(), by: \.key).values.map({ $0.map(\.offset) })
    {
      #expect(offsets == offsets.sorted())
    }
    #expect(late.count == count)
    try member.commitAll()
    try member.pump { (try? place.sql("SELECT min(done) FROM spacer_partitions")) == "\(count + 1)" }
    member.close()
  }

  /// What came late is fetched in portions of bytes too.
  @Test func lateEventsThatAreLargeComeInPortions() throws {
    let bench = try Bench(.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    let slow = try place.session()
    let size = Int(PostgresLimits.scanBytesMax) / 3
    try slow.run(
      "BEGIN; INSERT INTO topic_orders (key, value) SELECT 'k' || n, repeat('7', \(size)) FROM generate_series(1, 8) AS n"
    )
    try bench.append([("k", "1")])
    try member.pump(count: 1)
    try slow.run("COMMIT")
    try bench.append([("k8", "2")])
    var before = member.events.count
    try member.pump {
      #expect(member.events.count - before <= 5, "too much at a time")
      before = member.events.count
      return before == 10
    }
    #expect(Set(member.events.map(\.offset)).count == 10)
    // Also of the last one's key, which had no room in the first portion.
    #expect(member.events.filter { $0.key == Array("k8".utf8) }.last?.value == Array("2".utf8))
    member.close()
  }

  // MARK: What wakes it

  /// A second of the driver's is more than a minute here, so that polling does not come into it.
  private static let slowClock = SystemClock(
    wallMilliseconds: SystemClock.machine.wallMilliseconds,
    monotonicMilliseconds: { SystemClock.machine.monotonicMilliseconds() / 80 })

  @Test func aNotificationWakesWithoutPolling() throws {
    let place = try PostgresPlace()
    let store = PostgresStore(connString: place.connString, clock: Self.slowClock)
    try store.open(Bench.topics)
    let member = Member(
      try store.join(
        group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 600_000)))
    while member.owned.count < 16 { try member.poll(waitMilliseconds: 0) }
    let began = SystemClock.machine.monotonicMilliseconds()
    for number in 1...3 {
      Threads.start(name: "append") {
        store.append(
          AppendRequest(
            topic: "orders", entries: [AppendEntry(key: [0x6B], value: Array("\(number)".utf8))])
        ) { _ in }
      }
      // Waits a minute and more, or until it is woken.
      while member.events.count < number { try member.poll(waitMilliseconds: 1_000) }
    }
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 15_000)
    member.close()
    store.close()
  }

  /// Nobody notifies of what the original appends.
  @Test func pollingIsTheNet() throws {
    let bench = try Bench(.postgres)
    let place = try Self.place(bench)
    let member = try bench.joined()
    try member.poll(waitMilliseconds: 50)
    try place.sql("INSERT INTO topic_orders (key, value) VALUES ('k', '1')")
    let began = SystemClock.machine.monotonicMilliseconds()
    try member.pump(count: 1)
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 10_000)
    member.close()
  }

  /// libpq tells of a notification only when the answer before it has been taken.
  @Test func aNotificationBehindAnAnswerThatIsOwedIsTold() throws {
    let place = try PostgresPlace()
    let session = try place.session().raw
    let never = PostgresReadingTests.neverReadable
    try session.script("LISTEN a")
    for _ in 0..<20 {
      session.post("SELECT 1")
      try place.sql("NOTIFY a")
      let began = SystemClock.machine.monotonicMilliseconds()
      while session.takeNotified() != ["a"] {
        try #require(SystemClock.machine.monotonicMilliseconds() - began < 5_000, "it is not told")
        try session.waitForInput(milliseconds: 2_000, or: never)
      }
    }
  }

  private static let neverReadable: Int32 = -1
}
