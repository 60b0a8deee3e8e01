import SpacerSystem
import Testing

@testable import SpacerEventLog

/// What is asked often costs the same however large a topic is.
@Suite struct PostgresStatusTests {
  @Test func statusAndReadingGoByTheEndsOfTheIndex() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    try place.sql(
      "INSERT INTO topic_orders (key, value) SELECT 'k' || n, n::text FROM generate_series(1, 50000) AS n")
    let topic = try PostgresTopic(TopicDefinition(name: "orders"))
    let session = PostgresSession(
      connString: place.connString,
      settings: PostgresStore.readSettings + ["SET plan_cache_mode = force_generic_plan"],
      clock: .machine)
    try session.connect()
    func plan(_ sql: String, _ arguments: String) throws -> String {
      try session.script("DEALLOCATE ALL; PREPARE p AS \(sql)")
      let rows = try session.run("EXPLAIN (FORMAT JSON) EXECUTE p\(arguments)")
      session.close()
      try session.connect()
      return rows.text(0, 0) ?? ""
    }
    for (sql, arguments) in [
      (topic.ends, ""), (topic.timeFrom, "(1)"), (topic.timeBefore, "(1)"),
      (topic.scan, "(1, 9223372036854775807, 100, 1000000, 16, ARRAY[1, 2])"),
      (topic.fetch, "(ARRAY[1, 2], 1000)"), (topic.present, "(ARRAY[1], ARRAY[5], 100)"),
      (PostgresLeases.status, "('g', 'orders')"), (PostgresLeases.originalOffset, "('g', 'orders')"),
    ] {
      let plan = try plan(sql, arguments)
      #expect(plan.contains("Index"), "\(plan)")
      #expect(!plan.contains("Seq Scan"), "\(plan)")
      #expect(!plan.contains("Bitmap"), "\(plan)")
      #expect(!plan.contains("Aggregate"), "\(plan)")
    }
    for (sql, arguments) in [(topic.ends, ""), (topic.scan, "(1, 99999, 100, 1000000, 16, ARRAY[1, 2])")] {
      #expect(!(try plan(sql, arguments)).contains("\"Sort\""))
    }
    // And says what is so.
    #expect(try bench.store.status(ofTopic: "orders").end == [0: 50_001])
    let status = try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }
    #expect(status.allSatisfy { $0.lag == 50_000 && $0.newest == 50_000 })
  }

  @Test func timesAreFoundByHalving() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    // One a second, from 1,000,000,000 s on; the first ones of the original's without a time, and holes.
    try place.sql(
      """
      INSERT INTO topic_orders (key, value, created_at)
      SELECT 'k', n::text, CASE WHEN n > 100 THEN to_timestamp(1000000000 + n) END FROM generate_series(1, 20000) AS n;
      DELETE FROM topic_orders WHERE msg_offset BETWEEN 5000 AND 6000
      """)
    func next(_ second: Int64) throws -> Int64? {
      try bench.store.position("orders", .time((1_000_000_000 + second) * 1_000)).next[0]
    }
    #expect(try next(0) == 101)
    #expect(try next(101) == 101)
    #expect(try next(102) == 102)
    #expect(try next(5_500) == 6_001)
    #expect(try next(20_000) == 20_000)
    #expect(try next(20_001) == 20_001)
  }
}
