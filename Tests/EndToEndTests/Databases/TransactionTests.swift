// `db.transaction`: what it leaves behind, in whichever way its function or its call ends.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct TransactionTests {
  private static let functions = [
    "make": "db.exec('CREATE TABLE t (n integer PRIMARY KEY)')",
    "count": "return db.one('SELECT count(*) AS n FROM t').n",
    "commit": """
    return {db.transaction(function(tx)
      tx:exec("INSERT INTO t VALUES ($1)", 1)
      return tx:one("SELECT n FROM t").n, #tx:query("SELECT n FROM t"), nil, "last"
    end)}
    """,
    "error": """
    local thrown = {code = 7}
    local ok, e = pcall(db.transaction, function(tx)
      tx:exec("INSERT INTO t VALUES (2)")
      error(thrown)
    end)
    return {ok = ok, same = e == thrown}
    """,
    "text": """
    local ok, e = pcall(db.transaction, function(tx) tx:exec("INSERT INTO t VALUES (3)") error("no", 0) end)
    return e
    """,
    "swallowed": """
    local ok, e = pcall(db.transaction, function(tx)
      tx:exec("INSERT INTO t VALUES (4)")
      pcall(function() tx:exec("INSERT INTO t VALUES (4)") end)
    end)
    return tostring(e)
    """,
    "kept": """
    local kept
    db.transaction(function(tx) kept = tx end)
    return tostring(select(2, pcall(kept.query, kept, "SELECT 1")))
    """,
    "ended": """
    local ok, e = pcall(db.transaction, function(tx)
      tx:exec("INSERT INTO t VALUES (5)")
      tx:exec("ROLLBACK")
    end)
    return e.sqlstate
    """,
    "open": "return select(2, pcall(db.exec, 'BEGIN')).sqlstate",
    "dot": "return select(2, pcall(db.transaction, function(tx) tx.query('SELECT 1') end))",
    "nothing": "return select(2, pcall(db.transaction))",
  ]

  @Test(arguments: TestDriver.allCases)
  func commitAndRollBack(_ driver: TestDriver) throws {
    let served = try DatabaseServer(driver, Self.functions, extra: "    poolSize: 1\n")
    _ = try served.data("make")
    #expect(try served.data("commit") == JSONValue(#"[1,1,null,"last"]"#))
    #expect(try served.data("count") == .number(1))
    #expect(try served.data("error") == JSONValue(#"{"ok":false,"same":true}"#))
    #expect(try served.data("text") == .string("no"))
    #expect(try served.data("count") == .number(1))
    let swallowed = try served.data("swallowed")?.string ?? ""
    if driver == .postgres {
      // A failed statement fails the whole transaction there.
      #expect(swallowed.contains("was rolled back") && swallowed.contains("40000"), "\(swallowed)")
      #expect(try served.data("count") == .number(1))
    } else {
      #expect(try served.data("count") == .number(2))
    }
    #expect(try served.data("kept")?.string?.contains("the transaction is over") ?? false)
    let before = try served.data("count")
    #expect(try served.data("ended") == .string("25000"))
    #expect(try served.data("open") == .string("25000"))
    #expect(try served.data("count") == before)
    #expect(try served.data("dot")?.string?.contains("write tx:query(…), with a colon") ?? false)
    #expect(try served.data("nothing")?.string?.contains("takes a function, not a nil") ?? false)
  }

  private static let abandoned = [
    "make": "db.exec('CREATE TABLE t (n integer PRIMARY KEY)')",
    "count": "return db.one('SELECT count(*) AS n FROM t').n",
    "add": "return db.exec('INSERT INTO t VALUES ($1)', args.n)",
    "sleeps": """
    db.transaction(function(tx)
      tx:exec("INSERT INTO t VALUES (1)")
      print("inserted")
      sleep(20)
    end)
    """,
    "works": """
    db.transaction(function(tx)
      tx:exec("INSERT INTO t VALUES (2)")
      print("inserted")
      tx:query(args.slow)
    end)
    """,
    "loops": """
    db.transaction(function(tx)
      tx:exec("INSERT INTO t VALUES (3)")
      while true do end
    end)
    """,
  ]

  private static func slow(_ driver: TestDriver) -> String {
    driver == .postgres
      ? "SELECT pg_sleep(20)"
      : "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT max(n) FROM s"
  }

  @Test(arguments: TestDriver.allCases, ["sleeps", "works"])
  func aVanishedClientRollsBack(_ driver: TestDriver, _ function: String) throws {
    let served = try DatabaseServer(driver, Self.abandoned)
    _ = try served.data("make")
    do {
      let client = try served.begin(function, #"{"slow":"\#(Self.slow(driver))"}"#)
      _ = try served.server.process.waitForOutput("the insert") { $0.contains("inserted") ? true : nil }
      withExtendedLifetime(client) {}
    }
    if driver == .postgres {
      try waitUntil("nothing is left") { try served.connections("state <> 'idle'") == 0 }
    }
    // The lock is free again, and what was written is gone.
    #expect(try served.data("add", #"{"n":1}"#) == .number(1))
    #expect(try served.data("add", #"{"n":2}"#) == .number(1))
    #expect(try served.data("count") == .number(2))
  }

  @Test(arguments: TestDriver.allCases)
  func aCallOverItsTimeRollsBack(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver, Self.abandoned, limits: "  wallMilliseconds: 300\n  cpuMilliseconds: 200\n")
    _ = try served.data("make")
    for function in ["sleeps", "works", "loops"] {
      let answer = try served.server.post("/\(function)", json: #"{"slow":"\#(Self.slow(driver))"}"#)
      #expect(answer.status == 504, "\(function): \(answer.text)")
    }
    if driver == .postgres {
      try waitUntil("nothing is left") { try served.connections("state <> 'idle'") == 0 }
    }
    try waitUntil("the lock is free") { try served.server.post("/add", json: #"{"n":1}"#).status == 200 }
    #expect(try served.data("count") == .number(1))
  }

  @Test func writersWaitForEachOther() throws {
    let served = try DatabaseServer(
      .sqlite,
      [
        "make": "db.exec('CREATE TABLE t (n integer)') db.exec('INSERT INTO t VALUES (0)')",
        "add": """
        db.transaction(function(tx)
          local n = tx:one("SELECT n FROM t").n
          tx:query("SELECT 1")
          tx:exec("UPDATE t SET n = $1", n + 1)
        end)
        """,
        "count": "return db.one('SELECT n FROM t').n",
      ], workers: 2)
    _ = try served.data("make")
    let failures = Tally()
    DispatchQueue.concurrentPerform(iterations: 60) { _ in
      do { _ = try served.data("add") } catch { failures.note("\(error)") }
    }
    #expect(failures.all == [])
    #expect(try served.data("count") == .number(60))
  }
}

/// Texts from several threads.
final class Tally: @unchecked Sendable {
  // Thread rule: `lock` guards `texts`.
  private let lock = NSLock()
  private var texts: [String] = []

  func note(_ text: String) { lock.withLock { texts.append(text) } }
  var all: [String] { lock.withLock { texts } }
}
