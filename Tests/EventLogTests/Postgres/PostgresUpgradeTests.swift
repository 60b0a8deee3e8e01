import SpacerSystem
import SpacerTestSupport
import Synchronization
import Testing

@testable import SpacerEventLog

/// Databases that others made: the original, an older or a newer release, a person.
@Suite struct PostgresUpgradeTests {
  private static let topics = [TopicDefinition(name: "Orders")]

  /// What the original makes.
  private static func makeOriginal(_ place: PostgresPlace, createdAt: String = "") throws {
    try place.sql(
      """
      CREATE TABLE topic_orders (msg_offset BIGSERIAL PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL
        \(createdAt));
      CREATE TABLE consumer_group_offsets (group_offset BIGINT NOT NULL, group_id TEXT NOT NULL,
        topic TEXT NOT NULL);
      CREATE UNIQUE INDEX group_topic_idx ON consumer_group_offsets (group_id, topic);
      INSERT INTO topic_orders (key, value) SELECT 'k' || n % 5, n::text FROM generate_series(1, 12) AS n;
      DELETE FROM topic_orders WHERE msg_offset IN (5, 6, 9);
      INSERT INTO consumer_group_offsets VALUES (4, 'spacer-app', 'Orders');
      """)
  }

  private static func join(_ store: PostgresStore, _ group: String = "spacer-app") throws -> Member {
    Member(
      try store.join(
        group: group, topics: ["Orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 1_000)))
  }

  @Test(arguments: [
    "", ", created_at TIMESTAMP NOT NULL DEFAULT now()", ", created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP",
  ])
  func theOriginalsDatabaseGoesOn(_ createdAt: String) throws {
    let place = try PostgresPlace()
    try Self.makeOriginal(place, createdAt: createdAt)
    let file = try place.sql("SELECT pg_relation_filenode('topic_orders')")
    let store = PostgresStore(connString: place.connString)
    defer { store.close() }
    try store.open(Self.topics)
    #expect(try place.sql("SELECT pg_relation_filenode('topic_orders')") == file, "the table was rewritten")

    let waiting = try store.status(ofGroup: "spacer-app")
    #expect(waiting.allSatisfy { $0.done == 4 && $0.lag == 8 })
    let member = try Self.join(store)
    // 4 was done; of what follows only what exists.
    try member.pump(count: 5)
    #expect(member.events.map(\.offset) == [7, 8, 10, 11, 12])
    member.close()
  }

  @Test func theNextEventIsTheFollowingOne() throws {
    let place = try PostgresPlace()
    try Self.makeOriginal(place)
    let store = PostgresStore(connString: place.connString)
    defer { store.close() }
    try store.open(Self.topics)
    let member = try Self.join(store)
    try member.pump(count: 5)
    #expect(member.events.map(\.offset) == [7, 8, 10, 11, 12])
    #expect(member.events.allSatisfy { $0.timestampMilliseconds == 0 && $0.givenID == nil })
    let next = try store.appendAndWait(
      AppendRequest(topic: "Orders", entries: [AppendEntry(key: [0x6B], value: [0x31], id: "one")]))
    #expect(next.offsets == [13])
    try member.pump(count: 6)
    #expect(try #require(member.events.last).timestampMilliseconds > 1_700_000_000_000)
    try member.commitAll()
    member.close()
    // The original would go on where we have stopped, in its own row.
    #expect(try place.sql("SELECT * FROM consumer_group_offsets") == "13|spacer-app|Orders")
    // It does, and inserts as it does; then we come back.
    try place.sql(
      """
      INSERT INTO topic_orders (key, value) VALUES ('k1', '14'), ('k2', '15'), ('k3', '16');
      UPDATE consumer_group_offsets SET group_offset = 15
      """)
    let again = try Self.join(store)
    try again.pump(count: 1)
    #expect(again.values == ["16"])
    again.close()
    // Its rows had no time: they are kept until something newer is past its own.
    #expect(try store.trim(TopicDefinition(name: "Orders", retentionMilliseconds: 0)) > 0)
  }

  @Test func severalInstancesUpgradeAtOnce() throws {
    let place = try PostgresPlace()
    try Self.makeOriginal(place)
    let ended = Monitor(0)
    let faults = Mutex<[String]>([])
    for _ in 0..<8 {
      Threads.start(name: "open") {
        let store = PostgresStore(connString: place.connString)
        do { try store.open(Self.topics + [TopicDefinition(name: "fresh")]) } catch {
          faults.withLock { $0.append("\(error)") }
        }
        store.close()
        ended.withLock { $0 += 1 }
        ended.signal()
      }
    }
    #expect(ended.wait(milliseconds: 60_000) { $0 == 8 ? true : nil } == true)
    #expect(faults.withLock { $0 } == [])
    #expect(
      try place.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'topic_orders'::regclass") == "2")
  }

  @Test func aBigTableIsIndexedBesideItsWriters() throws {
    let place = try PostgresPlace()
    try Self.makeOriginal(place)
    try place.sql(
      "INSERT INTO topic_orders (key, value) SELECT 'k', repeat(n::text, 300) FROM generate_series(10000, 60000) AS n"
    )
    // As after a build that was interrupted.
    try place.sql("ALTER TABLE topic_orders ADD COLUMN id TEXT")
    try place.sql("CREATE UNIQUE INDEX broken ON topic_orders (id) WHERE id IS NOT NULL")
    try place.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass")
    let writer = try place.session()
    let store = PostgresStore(connString: place.connString)
    defer { store.close() }
    try store.open(Self.topics)
    _ = try writer.insert("orders", key: "k", value: "1")
    #expect(
      try place.sql(
        """
        SELECT indisvalid FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = 'topic_orders'::regclass AND a.attname = 'id'
        """) == "t")
    #expect(try place.sql("SELECT to_regclass('broken') IS NULL") == "t")
  }

  @Test func aNewerReleasesLogIsRefused() throws {
    let place = try PostgresPlace()
    let store = PostgresStore(connString: place.connString)
    try store.open(Self.topics)
    store.close()
    try place.sql("UPDATE spacer_schema SET version = version + 1")
    let other = PostgresStore(connString: place.connString)
    defer { other.close() }
    let error = #expect(throws: EventLogError.self) { try other.open(Self.topics) }
    #expect(error?.code == .incompatible)
  }

  @Test func aTopicThatCannotBeCreatedIsUnknown() throws {
    let place = try PostgresPlace()
    let store = PostgresStore(connString: place.connString)
    try store.open(Self.topics)
    store.close()
    try place.sql(
      """
      CREATE ROLE \(place.database) LOGIN;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(place.database);
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO \(place.database)
      """)
    let location = "postgres://\(place.database)@localhost:\(place.server.port)/\(place.database)"
    let limited = PostgresStore(connString: location)
    defer { limited.close() }
    // What is there can be used.
    try limited.open(Self.topics)
    _ = try limited.appendAndWait(
      AppendRequest(topic: "Orders", entries: [AppendEntry(key: [0x6B], value: [0x31])]))
    let error = #expect(throws: EventLogError.self) {
      try limited.open(Self.topics + [TopicDefinition(name: "fresh")])
    }
    #expect(error?.code == .unknownTopic)
  }

  @Test func topicsThatWouldBeOneTableAreRefused() throws {
    let place = try PostgresPlace()
    let store = PostgresStore(connString: place.connString)
    defer { store.close() }
    for names in [["Orders", "orders"], ["a-b"], ["1a"], ["a\" b"], [String(repeating: "a", count: 58)]] {
      #expect(throws: EventLogError.self, "\(names)") {
        try store.open(names.map { TopicDefinition(name: $0) })
      }
    }
  }

  /// Tables that statements would fail on, event by event.
  @Test(arguments: [
    ("value JSONB NOT NULL", "the column value of the table topic_orders is jsonb"),
    ("value BYTEA", "the column value of the table topic_orders is bytea"),
    ("value TEXT, id BIGINT", "the column id of the table topic_orders is bigint"),
    ("value TEXT, created_at DATE", "the column created_at of the table topic_orders is date"),
    ("value TEXT, tenant TEXT NOT NULL", "a column tenant that may not be NULL"),
  ])
  func aTableThatCannotBeATopicIsRefused(_ columns: String, _ message: String) throws {
    let place = try PostgresPlace()
    try place.sql(
      "CREATE TABLE topic_orders (msg_offset BIGSERIAL PRIMARY KEY, key TEXT NOT NULL, \(columns))")
    let store = PostgresStore(connString: place.connString)
    defer { store.close() }
    let error = #expect(throws: EventLogError.self) { try store.open(Self.topics) }
    #expect(error?.code == .incompatible)
    #expect(error?.message.contains(message) ?? false, "\(error?.message ?? "")")
  }

  @Test func whatHandsHaveMadeIsRead() throws {
    let place = try PostgresPlace()
    try place.sql(
      """
      CREATE DOMAIN payload AS TEXT;
      CREATE TABLE topic_orders (msg_offset BIGSERIAL PRIMARY KEY, key VARCHAR(40), value payload,
        tenant TEXT NOT NULL DEFAULT 'none');
      INSERT INTO topic_orders (key, value) VALUES ('k', NULL), (NULL, '2'), ('k', '3')
      """)
    let store = PostgresStore(connString: place.connString)
    defer { store.close() }
    try store.open(Self.topics)
    let late = try place.session()
    try late.run("BEGIN; INSERT INTO topic_orders (key, value) VALUES (NULL, '4')")
    _ = try store.appendAndWait(
      AppendRequest(topic: "Orders", entries: [AppendEntry(key: [0x6B], value: [0x35])]))
    let member = try Self.join(store)
    try member.pump(count: 4)
    #expect(member.values == ["null", "2", "3", "5"])
    try late.run("COMMIT")
    try member.pump(count: 5)
    #expect(member.values.last == "4" && member.events.last?.key == [])
    member.close()
    var position = try store.position("Orders", .beginning)
    #expect(try store.readMore("Orders", &position, count: 5).count == 5)
  }

  @Test func anUnreachableServerIsUnavailable() {
    let store = PostgresStore(connString: "host=127.0.0.1 port=1 user=nobody")
    defer { store.close() }
    let error = #expect(throws: EventLogError.self) { try store.open(Self.topics) }
    #expect(error?.code == .unavailable)
  }
}
