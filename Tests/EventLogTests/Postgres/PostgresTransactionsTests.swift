import SpacerSystem
import SpacerTestSupport
import Testing

@testable import SpacerEventLog

/// The statements that a handler's transaction is made of.
@Suite struct PostgresTransactionsTests {
  private static func claim(_ session: PostgresSession, _ offset: Int64) throws -> Bool {
    var parameters = PostgresParameters()
    parameters.add("g")
    parameters.add("orders")
    parameters.add(offset)
    parameters.add("count")
    return try session.run(PostgresTransactions.claim, parameters).count == 1
  }

  private static func append(_ session: PostgresSession, _ value: String, id: String?) throws -> Int64? {
    let key = Array("k".utf8)
    var parameters = PostgresParameters()
    parameters.add(key)
    parameters.add(value)
    if let id { parameters.add(id) } else { parameters.addNull() }
    parameters.addNull()
    parameters.add(KeyPartition.hash(key))
    return try session.run(PostgresTransactions.append(to: "orders"), parameters).number(0, 0)
  }

  @Test func aClaimIsThereOnceAndOnlyWhenItsTransactionIs() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let offset = try #require(try bench.append([("k", "1")]).first)
    let session = try place.session().raw
    try session.script("BEGIN")
    #expect(try Self.claim(session, offset))
    #expect(try Self.append(session, "2", id: "x") != nil)
    try session.script("ROLLBACK")
    #expect(try bench.readAll(count: 1).count == 1)

    try session.script("BEGIN")
    #expect(try Self.claim(session, offset))
    #expect(try Self.append(session, "2", id: "x") != nil)
    #expect(try Self.append(session, "2", id: "x") == nil)
    try session.script("COMMIT")
    try session.script("BEGIN")
    #expect(try !Self.claim(session, offset))
    try session.script("ROLLBACK")
    #expect(try bench.readAll(count: 2).map(\.givenID) == [nil, "x"])
  }

  @Test func theNotificationWakesAMember() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let member = try bench.joined()
    let session = try place.session().raw
    _ = try Self.append(session, "1", id: nil)
    try session.script(try PostgresTransactions.notify("orders"))
    try member.pump(count: 1)
    member.close()
  }

  @Test func claimsThatTheGroupHasPassedAreRemoved() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    try bench.appendNumbers(1...20)
    let session = try place.session().raw
    for offset in 1...20 { #expect(try Self.claim(session, Int64(offset))) }
    // They are kept for a day; one of today's stays.
    try place.sql(
      "UPDATE spacer_consumed_events SET claimed_at = now() - interval '25 hours' WHERE msg_offset <> 3")
    let member = try bench.join()
    try member.pump(count: 20)
    let open = try #require(member.events.last).topicPartition
    try member.commitAll(except: [open])
    let lowest = try #require(member.offsets[open]?.first)
    try member.consumer.commit([open: lowest - 1])
    func left() throws -> [String] {
      try place.sql("SELECT msg_offset FROM spacer_consumed_events ORDER BY 1").split(separator: "\n").map(
        String.init)
    }
    try member.pump { (try? left().first { $0 != "3" }) == (lowest == 3 ? "4" : "\(lowest)") || lowest == 3 }
    try member.commitAll()
    try member.pump { (try? left()) == ["3"] }
    member.close()
  }

  /// Far more of them than one statement removes go at once; a claim of today's among the lowest holds up none.
  @Test func manyClaimsAreRemovedAtATime() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let count = PostgresLimits.claimRowsMax * 4
    try place.sql(
      """
      INSERT INTO topic_orders (key, value) SELECT 'k' || n % 40, n::text FROM generate_series(1, 50) AS n;
      SELECT setval('topic_orders_msg_offset_seq', \(count));
      INSERT INTO topic_orders (key, value) VALUES ('k', 'last');
      INSERT INTO spacer_consumed_events SELECT 'g', 'orders', n, 'f', now() - interval '25 hours'
        FROM generate_series(1, \(count)) AS n;
      UPDATE spacer_consumed_events SET claimed_at = now() WHERE msg_offset = 7
      """)
    let member = Member(
      try bench.store.join(
        group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 60_000)))
    try member.pump(count: 51)
    // Writes the group's offset once: the next time is a quarter of a minute away.
    try member.commitAll()
    #expect(try place.sql("SELECT count(*), min(msg_offset) FROM spacer_consumed_events") == "1|7")
    member.close()
  }

  @Test func aDatabaseIsToldFromOthers() throws {
    let (one, two) = (try PostgresPlace(), try PostgresPlace())
    let store = PostgresStore(connString: one.connString)
    defer { store.close() }
    try store.open(Bench.topics)
    let (port, folder) = (one.server.port, one.server.folder)
    for other in [
      "postgresql://postgres@127.0.0.1:\(port)/\(one.database)?application_name=other",
      "host=\(folder) port=\(port) user=postgres dbname=\(one.database)",
    ] { #expect(try PostgresTransactions.isSameLog(one.connString, other), "\(other)") }
    #expect(try !PostgresTransactions.isSameLog(one.connString, two.connString))
    // The same database, and the event log's tables are not the ones that its statements find.
    try one.sql("CREATE SCHEMA other; CREATE TABLE other.spacer_consumed_events (n INT)")
    for schema in ["other", "nowhere"] {
      #expect(
        try !PostgresTransactions.isSameLog(
          one.connString, "\(one.connString)?options=-csearch_path%3D\(schema)"), "\(schema)")
    }
    // Another database with an event log.
    let theirs = PostgresStore(connString: two.connString)
    defer { theirs.close() }
    try theirs.open(Bench.topics)
    #expect(try !PostgresTransactions.isSameLog(one.connString, two.connString))
  }
}
