// `spacer replay --compare`: two artifacts over the same events, with nothing of it done.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct CompareTests {
  /// An application whose handler does whatever can be done.
  private final class Shop {
    let storage: EventStorage
    let database: TestDriver
    let schema: String
    let upstream: Upstream
    private let databaseLines: String

    init(_ driver: EventDriver = .sqlite, database: TestDriver = .sqlite) throws {
      storage = try EventStorage(driver)
      self.database = database
      upstream = try Upstream { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" }
      schema = "c" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased()
      switch database {
      case .sqlite: databaseLines = "driver: sqlite\n    path: \(storage.workspace.path)/shop.db"
      case .postgres:
        let server = try PostgresServer.shared.get()
        try server.sql("CREATE SCHEMA \(schema)")
        databaseLines = "driver: postgres\n    connString: \(DatabaseServer.connString(schema, server))"
      }
    }

    func build(_ handlers: [String: String], triggers: [String] = ["work"], named name: String = "old") throws
      -> String
    {
      let configuration = """
        topics: [orders, mails]
        events:
          orders:
            APPEND: [\(triggers.joined(separator: ", "))]
        databases:
          default:
            \(databaseLines.replacingOccurrences(of: "\n    ", with: "\n    "))
        """
      var files = EventServer.files(handlers.mapValues { "local URL = \"\(upstream.url)\"\n" + $0 })
      files["app/setup.lua"] = """
        local db = require "db"
        return function() db.exec("CREATE TABLE rows (key TEXT PRIMARY KEY, n INTEGER)") return true end
        """
      files["app/count.lua"] = """
        local db = require "db"
        return function() return db.one("SELECT count(*) AS n FROM rows").n end
        """
      files["app/gateway.lua"] =
        #"return { {"POST", "/append", "append"}, {"POST", "/setup", "setup"}, {"GET", "/count", "count"} }"#
      return try storage.build(configuration, files, named: name)
    }

    /// Runs a server that appends events, whose handler does nothing.
    func fill(_ entries: [String]) throws {
      let artifact = try build(["work": ""], named: "filling")
      let server = try EventServer(artifact)
      guard try server.server.post("/setup", json: "{}").status == 200 else { throw HarnessError("setup") }
      for entry in entries { try server.append("orders", entry) }
      _ = try server.server.stop()
    }

    func compare(_ old: String, _ new: String, _ arguments: [String] = []) throws -> Tool.Outcome {
      try Tool.run(
        ["replay", old, "--compare", new, "--topic", "orders"] + arguments, folder: storage.workspace.path)
    }

    /// Rows, and events of `mails`, after all.
    func left() throws -> (rows: Double?, mails: String) {
      let artifact = try build(["work": ""], named: "looking")
      let server = try EventServer(artifact)
      let rows = try server.server.get("/count").json?["data"]?.number
      _ = try server.server.stop()
      let mails = try Tool.run(
        ["events", "tail", "mails", "--artifact", artifact, "--json"], folder: storage.workspace.path)
      return (rows, mails.output)
    }
  }

  /// Everything that leaves a handler, and everything that chance or time decides.
  private static let everything = """
    local db, topics, http, kv = require "db", require "topics", require "http", require "kv"
    local uuid, time, crypto = require "uuid", require "time", require "crypto"
    local began = os.time()
    sleep(30)
    db.exec("INSERT INTO rows VALUES ($1, $2)", event.key, payload.n)
    local mine = db.one("SELECT n FROM rows WHERE key = $1", event.key)
    local failed = not pcall(db.exec, "INSERT INTO rows VALUES ($1, $2)", event.key, 0)
    pcall(db.transaction, function(tx)
      tx:exec("DELETE FROM rows")
      error("undone")
    end)
    db.transaction(function(tx) tx:exec("UPDATE rows SET n = n + 1 WHERE key = $1", event.key) end)
    local count = kv.incr("count")
    local answer = http.post(URL .. "/mail", { json = { to = event.key }, headers = { ["X-Api-Key"] = "geheim" } })
    topics.append("mails", { [event.key] = { id = uuid.v4(), n = payload.n } })
    defer(function()
      sleep(1)
      topics.append("mails", { later = { key = event.key, n = db.one("SELECT n FROM rows").n } })
    end)
    local order = {}
    for name in pairs({ alpha = 1, beta = 2, gamma = 3, delta = 4, epsilon = 5 }) do order[#order + 1] = name end
    return {
      mine = mine.n, failed = failed, rows = db.one("SELECT count(*) AS n FROM rows").n, count = count,
      status = answer.status, order = order, began = began, now = time.now(), date = os.date(), clock = os.clock(),
      random = math.random(1000000), uuid = uuid.v7(), hex = crypto.random_hex(8), trace = event.trace_id,
    }
    """

  @Test(arguments: TestDriver.allCases)
  func anArtifactEqualsItselfAndNothingIsDone(database: TestDriver) throws {
    let shop = try Shop(database: database)
    try shop.fill((1...6).map { #"{"k\#($0)":{"n":\#($0)}}"# })
    let artifact = try shop.build(["work": Self.everything])
    let outcome = try shop.compare(artifact, artifact, ["--verbose"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("6 events, 6 runs: no difference"))
    #expect(outcome.output.components(separatedBy: "same (done)").count == 7)
    let left = try shop.left()
    #expect(left.rows == 0)
    #expect(left.mails.isEmpty)
    #expect(shop.upstream.requests.isEmpty)
    #expect(shop.upstream.accepted == 0)
  }

  @Test(arguments: TestDriver.allCases)
  func whatDiffersIsShownByKind(database: TestDriver) throws {
    let shop = try Shop(database: database)
    try shop.fill([#"{"k1":{"n":1}}"#, #"{"k2":{"n":2}}"#])
    let old = try shop.build(["work": Self.everything])
    let changed = Self.everything.replacingOccurrences(of: "n = n + 1", with: "n = n + 2")
      .replacingOccurrences(of: "/mail\"", with: "/post\"")
      .replacingOccurrences(of: "id = uuid.v4(), n = payload.n", with: "id = uuid.v4(), number = payload.n")
      .replacingOccurrences(of: "mine = mine.n", with: "own = mine.n")
    let new = try shop.build(["work": changed], named: "new")
    let outcome = try shop.compare(old, new, ["--json"])
    #expect(outcome.status == 1)
    let lines = outcome.output.split(separator: "\n").compactMap { JSONValue(String($0)) }
    #expect(lines.count == 3)
    let first = try #require(lines.first)
    #expect(first["key"]?.string == "k1")
    #expect(first["function"]?.string == "work")
    #expect(
      first["differences"]?.items?.compactMap(\.string) == ["outcome", "appends", "statements", "requests"])
    let run = try #require(first["old"])
    #expect(run["outcome"]?.string == "done")
    #expect(run["returned"]?["mine"]?.number == 1)
    // What a rolled back transaction had done is not listed; the insert that fails is.
    let statements = run["statements"]?.items?.compactMap { $0["sql"]?.string } ?? []
    #expect(statements.map { String($0.prefix(6)) } == ["INSERT", "INSERT", "UPDATE"])
    #expect(run["statements"]?.items?.first?["parameters"] == JSONValue(#"["k1",1]"#))
    #expect(run["appends"]?.items?.count == 2)
    #expect(run["appends"]?.items?.last?["payload"] == JSONValue(#"{"key":"k1","n":2}"#))
    let request = try #require(run["requests"]?.items?.first)
    #expect(request["url"]?.string == "\(shop.upstream.url)/mail")
    #expect(request["body"]?.string == #"{"to":"k1"}"#)
    #expect(request["headers"]?.items?.contains(.string("x-api-key: (hidden)")) == true)
    #expect(!outcome.output.contains("geheim"))
    let summary = try #require(lines.last)
    #expect(summary["events"]?.number == 2)
    #expect(summary["different"]?.number == 2)
    #expect(summary["statements"]?.number == 2)

    let text = try shop.compare(old, new, ["--limit", "1"])
    #expect(text.status == 1)
    #expect(text.output.contains("-     \"mine\": 1,") || text.output.contains("-     \"mine\": 1"))
    #expect(text.output.contains("+   UPDATE rows SET n = n + 2 WHERE key = $1"))
    #expect(text.output.contains("1 event, 1 run: 1 differ"))
    #expect(!text.output.contains("\u{1B}"))
    #expect(try shop.left().rows == 0)
    #expect(shop.upstream.accepted == 0)
  }

  @Test func howARunEndsIsCompared() throws {
    let shop = try Shop()
    try shop.fill((1...4).map { #"{"k":{"n":\#($0)}}"# })
    let old = try shop.build(["work": "return payload.n"])
    let new = try shop.build(
      [
        "work": """
        if payload.n == 2 then error("two") end
        if payload.n == 3 then return nil, "three" end
        return payload.n
        """
      ], named: "new")
    let outcome = try shop.compare(old, new, ["--json"])
    #expect(outcome.status == 1)
    let lines = outcome.output.split(separator: "\n").compactMap { JSONValue(String($0)) }
    #expect(lines.dropLast().compactMap { $0["new"]?["outcome"]?.string } == ["failed", "refused"])
    #expect(lines.first?["new"]?["message"]?.string?.hasSuffix("two") == true)
    #expect(lines.last?["outcome"]?.number == 2)
    #expect(lines.last?["firstOffset"] == lines.first?["offset"])
  }

  @Test func functionsOfOneArtifactOnlyAreReported() throws {
    let shop = try Shop()
    try shop.fill([#"{"k":{"n":1}}"#])
    let old = try shop.build(["work": "", "gone": ""], triggers: ["work", "gone"])
    let new = try shop.build(["work": "", "fresh": ""], triggers: ["work", "fresh"], named: "new")
    let outcome = try shop.compare(old, new)
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("gone: only in the old artifact"))
    #expect(outcome.output.contains("fresh: only in the new artifact"))
    #expect(outcome.output.contains("1 event, 1 run: no difference"))
    #expect(try shop.compare(old, new, ["--function", "work"]).status == 0)
    #expect(try shop.compare(old, new, ["--function", "nothing"]).status == 2)
    #expect(try shop.compare(old, "missing.spx").status == 3)
  }

  @Test func requestsGetCannedAnswers() throws {
    let shop = try Shop()
    try shop.fill([#"{"k":{"n":1}}"#])
    let handler = """
      local http = require "http"
      local answer = http.get(URL .. "/rate")
      return { status = answer.status, rate = answer:json().rate }
      """
    let artifact = try shop.build(["work": handler])
    let other = try shop.build(["work": handler + "\n"], named: "new")
    try shop.storage.workspace.write(
      #"{"url":"\#(shop.upstream.url)/*","status":203,"body":{"rate":7}}"# + "\n", to: "answers.jsonl")
    let changed = try shop.build(
      ["work": handler.replacingOccurrences(of: "return {", with: "return { x = 1,")], named: "changed")
    #expect(try shop.compare(artifact, other, ["--responses", "answers.jsonl"]).status == 0)
    let outcome = try shop.compare(artifact, changed, ["--responses", "answers.jsonl", "--json"])
    let run = try #require(JSONValue(String(outcome.output.split(separator: "\n").first ?? "")))
    #expect(run["old"]?["returned"] == JSONValue(#"{"rate":7,"status":203}"#))
    #expect(shop.upstream.accepted == 0)
  }

  @Test func noStatementEndsTheTransaction() throws {
    let shop = try Shop()
    try shop.fill([#"{"k":{"n":1}}"#])
    let artifact = try shop.build([
      "work": """
      local db = require "db"
      db.exec("INSERT INTO rows VALUES ('x', 1)")
      local texts = {}
      for _, text in ipairs { "COMMIT", "/* a */ end", "ROLLBACK", "BEGIN", "RELEASE spacer_1" } do
        local ok, problem = pcall(db.exec, text)
        texts[#texts + 1] = tostring(ok)
      end
      return texts
      """
    ])
    let outcome = try shop.compare(artifact, artifact, ["--verbose"])
    #expect(outcome.status == 0)
    #expect(try shop.left().rows == 0)
  }
}
