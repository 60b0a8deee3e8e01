// `spacer replay`: the log again through handlers, while a server goes on.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct ReplayTests {
  /// A read model in a SQLite database: an entry an event, so that what comes twice counts once.
  private static func readModel(_ storage: EventStorage) -> (configuration: String, files: [String: String]) {
    let configuration = """
      topics: [orders]
      events:
        orders:
          APPEND: [total]
      delivery:
        backoff: 10ms
        maxAttempts: 3
      databases:
        default:
          driver: sqlite
          path: \(storage.workspace.path)/model.db
      """
    var files = EventServer.files([
      "total": """
      local db = require "db"
      db.exec("INSERT INTO amounts VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        event.id, event.key, payload.amount, event.group)
      seen { key = event.key, amount = payload.amount, group = event.group }
      """
    ])
    files["app/drop.lua"] = """
      local db = require "db"
      return function()
        db.exec("DROP TABLE IF EXISTS amounts")
        db.exec("CREATE TABLE amounts (id TEXT PRIMARY KEY, key TEXT, amount INTEGER, made_by TEXT)")
        return true
      end
      """
    files["app/totals.lua"] = """
      local db = require "db"
      return function()
        local totals = {}
        for _, row in ipairs(db.query("SELECT key, sum(amount) AS total FROM amounts GROUP BY key")) do
          totals[row.key] = row.total
        end
        return totals
      end
      """
    files["app/gateway.lua"] =
      #"return { {"POST", "/append", "append"}, {"POST", "/drop", "drop"}, {"GET", "/totals", "totals"} }"#
    return (configuration, files)
  }

  private static func replay(
    _ arguments: [String], in storage: EventStorage
  ) throws -> Tool.Outcome {
    try Tool.run(["replay"] + arguments, folder: storage.workspace.path)
  }

  @Test(arguments: EventDriver.allCases)
  func aReadModelIsRebuiltWhileEventsKeepComing(driver: EventDriver) throws {
    let storage = try EventStorage(driver)
    let (configuration, files) = Self.readModel(storage)
    let artifact = try storage.build(configuration, files)
    let server = try EventServer(artifact)
    func drop() throws { #expect(try server.server.post("/drop", json: "{}").status == 200) }
    func total(_ key: String) throws -> Double? {
      try server.server.get("/totals").json?["data"]?[key]?.number
    }
    try drop()
    for number in 1...50 { try server.append("orders", #"{"a":{"amount":\#(number)},"b":{"amount":1}}"#) }
    try waitUntil("the model is there") { try total("a") == 1275 && total("b") == 50 }

    try drop()
    let url = driver == .memory ? ["--url", "http://127.0.0.1:\(server.proxyPort)"] : []
    let child = try ChildProcess(
      [Tool.spacer, "replay", artifact, "--topic", "orders", "--rate", "200", "--json"] + url,
      environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    for _ in 1...20 { try server.append("orders", #"{"a":{"amount":1000}}"#) }
    #expect(try child.waitForExit() == 0, "\(child.standardError)")
    let summary = try #require(JSONValue(child.standardOutput))
    #expect(summary["isComplete"] == .boolean(true))
    #expect(summary["group"]?.string == "replay-orders-total")
    #expect(summary["read"]?.number ?? 0 >= 100)
    #expect(summary["handled"] == summary["read"])
    try waitUntil("the model is whole again") { try total("a") == 21_275 && total("b") == 50 }
    #expect(try server.server.stop() == 0)
  }

  /// A handler that reports what it sees, and `count` events with the numbers from 1 on.
  private func events(
    _ count: Int, _ driver: EventDriver = .sqlite,
    handler: String = "seen { n = payload.n, group = event.group }",
    options: String = ""
  ) throws -> (storage: EventStorage, artifact: String) {
    let storage = try EventStorage(driver)
    let configuration = """
      topics: [orders]
      events:
        orders:
          APPEND: [record]
      delivery:
        backoff: 10ms
        maxAttempts: 3
      \(options)
      """
    let artifact = try storage.build(configuration, EventServer.files(["record": handler]))
    let server = try EventServer(artifact)
    for first in stride(from: 1, through: count, by: 50) {
      for number in first...min(count, first + 49) {
        try server.append("orders", #"{"k\#(number % 7)":{"n":\#(number)}}"#)
      }
    }
    #expect(try server.server.stop() == 0)
    return (storage, artifact)
  }

  private static func numbers(_ text: String) -> [Int] {
    text.split(separator: "\n").compactMap { line in
      line.range(of: "SEEN ").flatMap {
        JSONValue(String(line[$0.upperBound...]))?["n"]?.number.map { Int($0) }
      }
    }
  }

  @Test func afterAKillItGoesOnWithAtMostTheLastSecondAgain() throws {
    let (storage, artifact) = try events(200)
    let arguments = ["replay", artifact, "--topic", "orders", "--group", "again", "--verbose"]
    let first = try ChildProcess(
      [Tool.spacer] + arguments + ["--rate", "50"], environment: Tool.environment)
    defer { first.signal(SIGKILL) }
    _ = try first.waitForError("110 events") { Self.numbers($0).count >= 110 ? true : nil }
    first.signal(SIGKILL)
    try first.waitForExit()
    let before = Self.numbers(first.standardError)

    let second = try Tool.run(arguments + ["--json"], folder: storage.workspace.path)
    #expect(second.status == 0)
    #expect(second.errors.contains("goes on"))
    let after = Self.numbers(second.errors)
    #expect(Set(before + after) == Set(1...200))
    // A second at 50 events, and what was in flight.
    #expect(after.count <= 200 - before.count + 70, "\(before.count) then \(after.count)")
    #expect(JSONValue(second.output)?["wasResumed"] == .boolean(true))

    let third = try Tool.run(arguments + ["--json"], folder: storage.workspace.path)
    #expect(Self.numbers(third.errors).isEmpty)
    let anew = try Tool.run(arguments + ["--restart"], folder: storage.workspace.path)
    #expect(Self.numbers(anew.errors).count == 200)
  }

  @Test func anInterruptionFinishesWhatRunsAndIsGoneOnWith() throws {
    let (storage, artifact) = try events(120)
    let arguments = ["replay", artifact, "--topic", "orders", "--verbose", "--json"]
    let first = try ChildProcess(
      [Tool.spacer] + arguments + ["--rate", "40"], environment: Tool.environment)
    defer { first.signal(SIGKILL) }
    _ = try first.waitForError("20 events") { Self.numbers($0).count >= 20 ? true : nil }
    first.signal(SIGINT)
    #expect(try first.waitForExit() == 130)
    #expect(JSONValue(first.standardOutput)?["isComplete"] == .boolean(false))
    #expect(first.standardError.contains("the same command goes on there"))
    let before = Self.numbers(first.standardError)

    let second = try Tool.run(arguments, folder: storage.workspace.path)
    #expect(second.status == 0)
    let after = Self.numbers(second.errors)
    // Order per key is kept, and nothing that was done before the stop comes again but what it had not kept.
    #expect(Set(before + after) == Set(1...120))
    for key in 0..<7 {
      let ofKey = after.filter { $0 % 7 == key }
      #expect(ofKey == ofKey.sorted())
    }
    #expect(JSONValue(second.output)?["handled"]?.number == 120)
  }

  @Test func theRateIsKept() throws {
    let (storage, artifact) = try events(30)
    let outcome = try Self.replay([artifact, "--topic", "orders", "--rate", "20", "--json"], in: storage)
    #expect(outcome.status == 0)
    let summary = try #require(JSONValue(outcome.output))
    #expect(summary["handled"]?.number == 30)
    #expect(summary["milliseconds"]?.number ?? 0 >= 1_300)
  }

  @Test func failuresAreDeadLettersOfTheReplaysGroup() throws {
    let (storage, artifact) = try events(
      20,
      handler: """
        if event.group == "check" then
          if payload.n == 3 then return nil, "three" end
          if payload.n == 4 then error("four") end
        end
        seen { n = payload.n, group = event.group, attempt = event.attempt }
        """)
    let outcome = try Self.replay(
      [artifact, "--topic", "orders", "--group", "check", "--json", "-v"], in: storage)
    #expect(outcome.status == 1)
    let summary = try #require(JSONValue(outcome.output))
    #expect(summary["deadLetters"]?.number == 2)
    #expect(summary["handled"]?.number == 18)
    let letters = try Tool.run(
      ["events", "dead", "list", "--artifact", artifact, "--group", "check", "--json"],
      folder: storage.workspace.path)
    #expect(letters.status == 0)
    let lines = letters.output.split(separator: "\n").compactMap { JSONValue(String($0)) }
    #expect(lines.count == 2)
  }

  @Test func aPartOfTheLogIsChosenByOffset() throws {
    let (storage, artifact) = try events(20)
    let all = try Self.replay([artifact, "--topic", "orders", "--group", "all", "-v"], in: storage)
    #expect(Self.numbers(all.errors).count == 20)
    let part = try Self.replay(
      [artifact, "--topic", "orders", "--group", "part", "--from", "5", "--to", "8", "-v"], in: storage)
    #expect(part.status == 0)
    #expect(Set(Self.numbers(part.errors)).count == 4)
    let none = try Self.replay(
      [artifact, "--topic", "orders", "--group", "none", "--from", "end", "--json"], in: storage)
    #expect(JSONValue(none.output)?["read"]?.number == 0)
  }

  @Test func aFunctionThatIsNoTriggerMayBeRun() throws {
    let storage = try EventStorage(.sqlite)
    var files = EventServer.files(["record": "", "other": "seen { n = payload.n, group = event.group }"])
    files["app/keep.lua"] = "return function() return require \"other\" ~= nil end\n"
    let artifact = try storage.build(
      "topics: [orders]\nevents:\n  orders:\n    APPEND: [record]", files)
    let server = try EventServer(artifact)
    try server.append("orders", #"{"a":{"n":1}}"#)
    #expect(try server.server.stop() == 0)
    let outcome = try Self.replay(
      [artifact, "--topic", "orders", "--function", "other", "-v"], in: storage)
    #expect(outcome.status == 0)
    #expect(Self.numbers(outcome.errors) == [1])
    #expect(outcome.errors.contains("replay-orders-other"))
  }

  @Test func mistakesAreToldBeforeAnythingRuns() throws {
    let (storage, artifact) = try events(1)
    func check(_ arguments: [String], _ status: Int32, _ text: String) throws {
      let outcome = try Self.replay(arguments, in: storage)
      #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.contains(text), "\(outcome.errors)")
    }
    try check([artifact, "--topic", "nothing"], 2, "no topic 'nothing'")
    try check([artifact, "--topic", "orders", "--function", "nothing"], 2, "no function 'nothing'")
    try check(
      [artifact, "--topic", "orders", "--group", "spacer-\(storage.appName)"], 2, "needs one of its own")
    try check([artifact, "--topic", "orders", "--rate", "0"], 2, "--rate")
    try check([artifact, "--topic", "orders", "--from", "yesterday"], 2, "--from")
    try check([artifact, "--topic", "orders", "--limit", "1"], 2, "--compare")
    try check(["missing.spx", "--topic", "orders"], 3, "missing.spx")
    #expect(try Self.replay([artifact, "--topic", "orders", "--group", "g"], in: storage).status == 0)
    try check([artifact, "--topic", "orders", "--group", "g", "--from", "1"], 3, "--restart")
  }
}
