// What waits for a database: side by side, bounded, cancelled, and through the server's death.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct DatabaseWaitTests {
  private static func slow(_ driver: TestDriver) -> String {
    driver == .postgres
      ? "SELECT pg_sleep(20)"
      : "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT max(n) FROM s"
  }

  @Test(arguments: TestDriver.allCases)
  func aWorkerServesOthersMeanwhile(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver,
      ["slow": "return db.query([[\(Self.slow(driver))]])", "quick": "return db.one('SELECT 1 AS n').n"])
    let first = try served.begin("slow")
    let second = try served.begin("slow")
    for _ in 0..<20 { #expect(try served.data("quick") == .number(1)) }
    if driver == .postgres {
      #expect(try served.connections("state = 'active'") == 2, "both run at once")
    }
    withExtendedLifetime((first, second)) {}
  }

  @Test(arguments: TestDriver.allCases)
  func aStatementOverItsTimeIsCancelled(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver,
      [
        "slow": "return db.query([[\(Self.slow(driver))]])",
        "caught": """
        local ok, e = pcall(db.query, [[\(Self.slow(driver))]])
        return {e.sqlstate, db.one("SELECT 1 AS n").n}
        """,
        "inside": """
        local ok, e = pcall(db.transaction, function(tx) tx:query([[\(Self.slow(driver))]]) end)
        return {e.sqlstate, db.one("SELECT 1 AS n").n}
        """,
      ], extra: "    timeoutMilliseconds: 100\n    poolSize: 1\n")
    let answer = try served.server.post("/slow", json: "{}")
    #expect(answer.status == 500)
    #expect(answer.json?["error"]?["sqlstate"] == .string("57014"))
    #expect(
      answer.text.contains("more than 100 ms (databases.default.timeoutMilliseconds)"), "\(answer.text)")
    // The one connection is in use again, and the server works on nothing.
    #expect(try served.data("caught") == JSONValue(#"["57014",1]"#))
    #expect(try served.data("inside") == JSONValue(#"["57014",1]"#))
    if driver == .postgres {
      #expect(try served.connections() == 1)
      #expect(try served.connections("state <> 'idle'") == 0)
    }
  }

  @Test func aCallOverItsTimeCancelsOnTheServer() throws {
    let served = try DatabaseServer(
      .postgres,
      ["slow": "return db.query('SELECT pg_sleep(20)')", "quick": "return db.one('SELECT 1 AS n').n"],
      extra: "    poolSize: 1\n", limits: "  wallMilliseconds: 200\n  cpuMilliseconds: 100\n")
    for _ in 0..<3 { #expect(try served.server.post("/slow", json: "{}").status == 504) }
    try waitUntil("the server works on nothing") { try served.connections("state <> 'idle'") == 0 }
    #expect(try served.data("quick") == .number(1))
    #expect(try served.connections() == 1)
  }

  @Test(arguments: TestDriver.allCases)
  func thePoolIsBounded(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver,
      [
        "slow": "print('slow') return db.query([[\(Self.slow(driver))]])",
        "quick": "return db.one('SELECT 1 AS n').n",
      ], extra: "    poolSize: 2\n    waitMilliseconds: 200\n")
    _ = try served.data("quick")
    do {
      let clients = [try served.begin("slow"), try served.begin("slow")]
      _ = try served.server.process.waitForOutput("both") {
        $0.components(separatedBy: "slow").count >= 3 ? true : nil
      }
      let answer = try served.server.post("/quick", json: "{}")
      #expect(answer.status == 500)
      #expect(answer.json?["error"]?["sqlstate"] == .string("53300"))
      #expect(
        answer.json?["error"]?["message"]
          == .string("no connection became free in 0.2 s (databases.default.poolSize is 2)"))
      if driver == .postgres { #expect(try served.connections() == 2) }
      withExtendedLifetime(clients) {}
    }
    try waitUntil("the connections are free") { try served.server.post("/quick", json: "{}").status == 200 }
  }

  @Test func unusedConnectionsAreClosed() throws {
    let served = try DatabaseServer(
      .postgres, ["quick": "return db.one('SELECT 1 AS n').n"], extra: "    idleMilliseconds: 50\n")
    _ = try served.data("quick")
    try waitUntil("it is closed") { try served.connections() == 0 }
    #expect(try served.data("quick") == .number(1))
  }

  @Test func aDatabaseInMemoryStays() throws {
    let served = try DatabaseServer(
      configuration:
        "spacerVersion: 1\nappName: test\ndatabases: {main: {driver: sqlite, path: \":memory:\", idleMilliseconds: 1}}\n",
      [
        "make": "db.exec('CREATE TABLE t (n integer)')",
        "read": "return sleep(0.05) or db.query('SELECT n FROM t')",
      ])
    _ = try served.data("make")
    #expect(try served.data("read") == JSONValue("[]"))
    #expect(try served.data("read") == JSONValue("[]"))
  }

  // MARK: Prepared statements

  @Test(arguments: TestDriver.allCases)
  func preparedStatementsFollowTheSchema(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver,
      [
        "make": "db.exec('CREATE TABLE t (a integer)') db.exec('INSERT INTO t VALUES (1)')",
        "read": "return db.query('SELECT * FROM t')",
        "change": "db.exec('ALTER TABLE t ADD COLUMN b integer DEFAULT 2')",
        "inside": """
        return db.transaction(function(tx) return tx:query("SELECT * FROM t") end)
        """,
      ], extra: "    poolSize: 1\n")
    _ = try served.data("make")
    #expect(try served.data("read") == JSONValue(#"[{"a":1}]"#))
    _ = try served.data("change")
    #expect(try served.data("read") == JSONValue(#"[{"a":1,"b":2}]"#))
    #expect(try served.data("inside") == JSONValue(#"[{"a":1,"b":2}]"#))
  }

  @Test func preparedStatementsAreBounded() throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "many": """
        for n = 1, 12 do assert(db.one("SELECT " .. n .. " AS n").n == n) end
        return #db.query("SELECT name FROM pg_prepared_statements")
        """,
        "forget": "db.exec('DEALLOCATE ALL')",
        "again": "for n = 9, 12 do assert(db.one('SELECT ' .. n .. ' AS n').n == n) end return true",
        "stale": """
        return select(2, pcall(db.transaction, function(tx)
          tx:query("SELECT 1 AS one")
          tx:exec("DEALLOCATE ALL")
          tx:query("SELECT 1 AS one")
        end)).sqlstate
        """,
      ], extra: "    poolSize: 1\n    preparedStatements: 4\n")
    let count = try served.data("many")?.number ?? 99
    #expect(count <= 5, "\(count)")
    _ = try served.data("forget")
    #expect(try served.data("again") == .boolean(true))
    #expect(try served.data("stale") == .string("26000"))
    #expect(try served.data("again") == .boolean(true))

    let none = try DatabaseServer(
      .postgres,
      ["none": "db.query('SELECT $1::int', 1) return #db.query('SELECT name FROM pg_prepared_statements')"],
      extra: "    preparedStatements: 0\n")
    #expect(try none.data("none") == .number(0))
  }

  // MARK: The server's death

  @Test func theServerIsKilledUnderLoad() throws {
    let postgres = try PostgresServer()
    let served = try DatabaseServer(
      .postgres,
      [
        "make": "db.exec('CREATE TABLE t (n integer)')",
        "read": "return db.one('SELECT 1 AS n').n",
        "write": """
        return db.transaction(function(tx)
          tx:exec("INSERT INTO t VALUES (1)")
          return tx:exec("INSERT INTO t VALUES (2)")
        end)
        """,
        "whole": "return db.one('SELECT count(*) % 2 AS odd FROM t').odd",
      ], extra: "    poolSize: 3\n    waitMilliseconds: 2000\n", workers: 2, postgres: postgres)
    _ = try served.data("make")
    let load = DatabaseLoad(served, clients: 6)
    try load.waitForAnswers(60)
    try postgres.kill()
    try load.waitForErrors(6)
    try postgres.restart()
    try load.waitForAnswers(60)
    let unexpected = load.stop()
    #expect(unexpected == [], "each call ends in an answer or a database's error")
    for _ in 0..<10 { #expect(try served.data("read") == .number(1)) }
    #expect(try served.data("whole") == .number(0), "no half transaction")
  }

  @Test func anIdleConnectionThatDiedIsReplaced() throws {
    let served = try DatabaseServer(.postgres, ["read": "return db.one('SELECT 1 AS n').n"])
    let postgres = try PostgresServer.shared.get()
    for _ in 0..<5 {
      #expect(try served.data("read") == .number(1))
      try postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(served.name)'")
      try waitUntil("it is gone") { try served.connections() == 0 }
    }
    #expect(try served.data("read") == .number(1))
  }

  @Test func whatMayHaveRunIsNotRepeated() throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "make": "db.exec('CREATE TABLE t (n integer)')",
        "write": """
        local ok, e = pcall(db.exec, "WITH w AS (INSERT INTO t VALUES (1)) SELECT pg_sleep(20)")
        return {e.sqlstate, db.one("SELECT count(*) AS n FROM t").n}
        """,
      ])
    _ = try served.data("make")
    let client = try served.begin("write")
    let postgres = try PostgresServer.shared.get()
    try waitUntil("it runs") { try served.connections("query LIKE '%pg_sleep%' AND state = 'active'") == 1 }
    try postgres.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(served.name)'")
    #expect(try client.response(to: "POST").json?["data"] == JSONValue(#"["57P01",0]"#))
  }

  @Test func aSocketAndAFailedLookUp() throws {
    let postgres = try PostgresServer.shared.get()
    let socket = try DatabaseServer(
      configuration:
        "spacerVersion: 1\nappName: test\ndatabases: {main: {driver: postgres, connString: \"\(postgres.socketString)\"}}\n",
      ["read": "return db.one('SELECT 1 AS n').n"])
    #expect(try socket.data("read") == .number(1))
    let unknown = try DatabaseServer(
      configuration:
        "spacerVersion: 1\nappName: test\ndatabases: {main: {driver: postgres, connString: \"host=no.such.invalid\"}}\n",
      ["read": "return db.one('SELECT 1 AS n').n"])
    let answer = try unknown.server.post("/read", json: "{}")
    #expect(answer.text.contains("cannot resolve the host no.such.invalid"), "\(answer.text)")
  }
}

/// Requests without a pause from several threads. Thread-safe: `condition` guards what was seen.
final class DatabaseLoad: @unchecked Sendable {
  private let condition = NSCondition()
  private var answered = 0
  private var refused = 0
  private var unexpected: [String] = []
  private var isStopping = false
  private var running: Int

  init(_ served: DatabaseServer, clients: Int) {
    running = clients
    for client in 0..<clients {
      Thread.detachNewThread { [self] in
        while !condition.withLock({ isStopping }) {
          do {
            note(try served.server.post(client.isMultiple(of: 2) ? "/read" : "/write", json: "{}"))
          } catch {
            condition.withLock { unexpected.append("\(error)") }
          }
        }
        condition.withLock {
          running -= 1
          condition.broadcast()
        }
      }
    }
  }

  private func note(_ answer: HTTPResponse) {
    condition.withLock {
      if answer.status == 200 {
        answered += 1
      } else if answer.json?["error"]?["sqlstate"] != nil {
        refused += 1
      } else {
        unexpected.append("\(answer.status) \(answer.text)")
      }
      condition.broadcast()
    }
  }

  /// Waits for so many more answers.
  func waitForAnswers(_ count: Int) throws { try wait("\(count) answers", count) { $0.answered } }
  func waitForErrors(_ count: Int) throws { try wait("\(count) errors", count) { $0.refused } }

  private func wait(_ what: String, _ count: Int, _ value: (DatabaseLoad) -> Int) throws {
    let limit = Date(timeIntervalSinceNow: waitSecondsMax)
    condition.lock()
    defer { condition.unlock() }
    let goal = value(self) + count
    while value(self) < goal {
      guard condition.wait(until: limit) else { throw HarnessError("\(what) did not come: \(unexpected)") }
    }
  }

  func stop() -> [String] {
    condition.lock()
    defer { condition.unlock() }
    isStopping = true
    while running > 0 { condition.wait() }
    return unexpected
  }
}
