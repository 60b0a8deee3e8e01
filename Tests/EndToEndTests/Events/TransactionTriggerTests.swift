// `transaction: true` on PostgreSQL: a handler's statements, its appends and the note that its event is done are one
// transaction, so that an event counts exactly once, whenever the process is killed.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct TransactionTriggerTests {
  private static let functions = [
    "count": """
    local db, topics = require "db", require "topics"
    db.exec("INSERT INTO counted (id) VALUES ($1)", event.id)
    if payload.inner then
      pcall(db.transaction, function(tx)
        tx:exec("INSERT INTO counted (id) VALUES ('inner')")
        error("undone")
      end)
    end
    topics.append("counted", { [event.key] = { of = event.id } })
    if payload.fails and event.attempt == 1 then error("once more") end
    if payload.refused then return nil, "never" end
    seen { id = event.id, attempt = event.attempt }
    """,
    "after": "seen { after = payload.of }",
  ]

  private func build(_ storage: EventStorage, _ batch: String = "") throws -> String {
    let connString = DatabaseServer.connString(storage.appName, try PostgresServer.shared.get())
    return try storage.build(
      """
      databases: { default: { driver: postgres, connString: "\(connString)" } }
      topics: [orders, counted]
      events:
        orders: { APPEND: [{ function: count, transaction: true\(batch) }] }
        counted: { APPEND: [after] }
      delivery: { backoff: 10ms }
      """, EventServer.files(Self.functions))
  }

  private func prepare() throws -> EventStorage {
    let storage = try EventStorage(.postgres)
    try PostgresServer.shared.get().sql("CREATE TABLE \(storage.appName).counted (id text)")
    return storage
  }

  private func counted(_ storage: EventStorage) throws -> [String] {
    try PostgresServer.shared.get().sql("SELECT id FROM \(storage.appName).counted ORDER BY id")
      .split(separator: "\n").map(String.init)
  }

  /// The database of `databases` and the event log's are compared by what they are, not by how they are spelled.
  @Test func theDatabaseMayBeSpelledOtherwise() throws {
    let storage = try prepare()
    let postgres = try PostgresServer.shared.get()
    try postgres.sql("CREATE SCHEMA \(storage.appName)_other")
    func build(_ connString: String) throws -> String {
      try storage.build(
        """
        databases:
          another: { driver: sqlite, path: "\(storage.workspace.path)/another.db" }
          default: { driver: postgres, connString: "\(connString)" }
        topics: [orders, counted]
        events:
          orders: { APPEND: [{ function: count, transaction: true }] }
          counted: { APPEND: [after] }
        """, EventServer.files(Self.functions))
    }
    let artifact = try build("\(postgres.socketString) options='-c search_path=\(storage.appName)'")
    let server = try EventServer(artifact)
    try server.append("orders", #"{"a":{}}"#)
    try waitUntil("the event has come") { server.seen.contains { $0["after"] != nil } }
    #expect(try counted(storage).count == 1)
    #expect(try server.server.stop() == 0)

    // As long a string, another schema.
    let other = DatabaseServer.connString(storage.appName + "_other", postgres)
    let outcome = try Tool.run(["run", try build(other), "--port", "0"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("needs a database under 'databases' that is the event log's own"))
    let away = try Tool.run(["run", try build("postgres://u:s3cret@127.0.0.1:1/x"), "--port", "0"])
    #expect(away.status == 3)
    #expect(away.errors.contains("'default' cannot be asked"), "\(away.errors)")
    #expect(!away.errors.contains("s3cret"))
  }

  @Test func whatFailsLeavesNothing() throws {
    let storage = try prepare()
    let server = try EventServer(try build(storage))
    try server.append("orders", #"{"a":{}}"#)
    try server.append("orders", #"{"b":{"fails":true}}"#)
    try server.append("orders", #"{"c":{"refused":true}}"#)
    try server.append("orders", #"{"d":{"inner":true}}"#)
    try server.waitForLog("for count, after 1 attempts (final)")
    try waitUntil("three events follow") { server.seen.filter { $0["after"] != nil }.count >= 3 }
    let ids = try counted(storage)
    #expect(ids.count == 3, "\(ids)")
    #expect(Set(ids).count == 3)
    #expect(Set(server.seen.compactMap { $0["after"]?.string }) == Set(ids))
    #expect(try server.server.stop() == 0)
  }

  @Test func aBatchIsOneTransaction() throws {
    let storage = try prepare()
    var functions = Self.functions
    functions["count"] = """
      local db = require "db"
      for i, one in ipairs(event) do db.exec("INSERT INTO counted (id) VALUES ($1)", one.id) end
      for i, one in ipairs(event) do if payload[i].refused then return nil, "never" end end
      seen { count = #event }
      """
    let connString = DatabaseServer.connString(storage.appName, try PostgresServer.shared.get())
    let artifact = try storage.build(
      """
      databases: { default: { driver: postgres, connString: "\(connString)" } }
      topics: [orders, counted]
      events: { orders: { APPEND: [{ function: count, transaction: true, batch: 8, batchWindow: 100ms }] } }
      delivery: { backoff: 10ms }
      """, EventServer.files(functions))
    let server = try EventServer(artifact)
    try server.append(
      "orders", #"{"a":{},"b":{},"c":{"refused":true},"d":{},"e":{},"f":{},"g":{},"h":{}}"#)
    try server.waitForLog("dead letter")
    try waitUntil("seven are counted") { try counted(storage).count == 7 }
    #expect(Set(try counted(storage)).count == 7)
    #expect(try server.server.stop() == 0)
  }

  @Test func killedInEveryWindowEachEventCountsOnce() throws {
    let storage = try prepare()
    let artifact = try build(storage)
    var random = SystemRandomNumberGenerator()
    var appended = 0
    for round in 0..<8 {
      let server = try EventServer(artifact)
      for _ in 0..<12 {
        try server.append(
          "orders", #"{"k\#(appended % 5)":{"n":\#(appended),"fails":\#(appended % 7 == 0)}}"#)
        appended += 1
      }
      // At a moment of its own each time: in a handler, before a commit, after it, before the offset is noted.
      let wanted = Int.random(in: 0...12, using: &random)
      try waitUntil("\(wanted) handlers have run in round \(round)") { server.seen.count >= wanted }
      server.server.process.signal(SIGKILL)
      _ = try server.server.process.waitForExit()
    }
    let last = try EventServer(artifact)
    try waitUntil("all events are counted") { try counted(storage).count >= appended }
    try waitUntil("all that they append has come") {
      let done = try PostgresServer.shared.get().sql("SELECT count(*) FROM \(storage.appName).topic_counted")
      return Int(done) == appended
    }
    let ids = try counted(storage)
    #expect(ids.count == appended)
    #expect(Set(ids).count == appended)
    #expect(try last.server.stop() == 0)
  }
}
