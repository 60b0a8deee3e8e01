import SpacerSystem
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

  @Test func aDatabaseIsToldFromOthers() throws {
    let (one, two) = (try PostgresPlace(), try PostgresPlace())
    let stores = [one, one, two].map { PostgresStore(connString: $0.connString) }
    defer { for store in stores { store.close() } }
    let identities = try stores.map { try $0.identity() }
    #expect(identities[0] == identities[1])
    #expect(identities[0] != identities[2])
    #expect(try one.session().raw.run(PostgresTransactions.identity).text(0, 0) == identities[0])
  }
}
