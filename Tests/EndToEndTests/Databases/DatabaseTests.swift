// `require "db"` on PostgreSQL and, with the same functions, on SQLite: statements, errors, configuration.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct DatabaseTests {
  @Test(arguments: TestDriver.allCases)
  func statements(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver,
      [
        "make": """
        db.exec("CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL, price real)")
        local n = db.exec("INSERT INTO books VALUES ($1, $2, $3), ($4, $5, $6)", 1, "One", 1.5, 2, "Two", nil)
        return {n = n, none = db.exec("UPDATE books SET price = 1 WHERE id = $1", 99),
          read = db.exec("SELECT * FROM books"), made = db.exec("CREATE TABLE other (id integer)")}
        """,
        "list": "return db.query('SELECT id, title, price FROM books ORDER BY id')",
        "one": "return db.one('SELECT title FROM books WHERE id = $1', args.id)",
        "none": "return db.query('SELECT id FROM books WHERE id = $1', 77)",
        "null": "return db.one('SELECT price FROM books WHERE id = 2').price == db.null",
        "twice": "return db.query('SELECT id FROM books WHERE id = $1 OR id + 1 = $1', 2)",
        "returning":
          "return db.query('INSERT INTO books (id, title) VALUES ($1, $2) RETURNING id', 5, 'Five')",
        "coroutine": """
        local found = coroutine.wrap(function()
          for id = 1, 2 do coroutine.yield(db.one("SELECT title FROM books WHERE id = $1", id).title) end
        end)
        return {found(), found()}
        """,
      ])
    #expect(try served.data("make") == JSONValue(#"{"n":2,"none":0,"read":2,"made":0}"#))
    #expect(
      try served.data("list")
        == JSONValue(#"[{"id":1,"title":"One","price":1.5},{"id":2,"title":"Two","price":null}]"#))
    #expect(try served.data("one", #"{"id":2}"#) == JSONValue(#"{"title":"Two"}"#))
    #expect(try served.data("one", #"{"id":3}"#) == nil)
    #expect(try served.data("none") == JSONValue("[]"))
    #expect(try served.data("null") == .boolean(true))
    #expect(try served.data("twice") == JSONValue(#"[{"id":1},{"id":2}]"#))
    #expect(try served.data("returning") == JSONValue(#"[{"id":5}]"#))
    #expect(try served.data("coroutine") == JSONValue(#"["One","Two"]"#))
  }

  @Test(arguments: TestDriver.allCases)
  func whatIsNoParameterChangesNothing(_ driver: TestDriver) throws {
    let served = try DatabaseServer(
      driver,
      [
        "make": "db.exec('CREATE TABLE users (name text)') db.exec('INSERT INTO users VALUES ($1)', 'Ann')",
        "find": "return #db.query('SELECT * FROM users WHERE name = $1', args.name)",
        "add": "db.exec('INSERT INTO users VALUES ($1)', args.name) return #db.query('SELECT * FROM users')",
        "several": "db.exec(\"INSERT INTO users VALUES ('x'); DROP TABLE users\")",
        "empty": "db.exec('  -- nothing')",
        "fewer": "db.query('SELECT * FROM users WHERE name = $1')",
        "more": "db.query('SELECT * FROM users WHERE name = $1', 'a', 'b')",
        "kind": "db.query('SELECT $1', print)",
        "nan": "db.query('SELECT $1', {1, {f = 0/0}})",
        "sql": "db.query(12)",
        "nul": "db.query('SELECT 1' .. string.char(0))",
      ])
    _ = try served.data("make")
    let attempt = #"{"name":"x' OR '1'='1"}"#
    #expect(try served.data("find", attempt) == .number(0))
    #expect(try served.data("find", #"{"name":"Ann"}"#) == .number(1))
    #expect(try served.data("add", #"{"name":"'); DROP TABLE users; --"}"#) == .number(2))
    for (function, part) in [
      ("several", "(SQLSTATE 42601)"), ("empty", "empty"), ("fewer", "(SQLSTATE 08P01)"),
      ("more", "(SQLSTATE 08P01)"), ("kind", "app/kind.lua:3: db.query: parameter $1: a function"),
      ("nan", "parameter $1: JSON cannot hold NaN at value[2].f"), ("sql", "must be a string, not a number"),
      ("nul", "holds a NUL"),
    ] {
      let answer = try served.server.post("/\(function)", json: "{}")
      #expect(answer.status == 500)
      let error = answer.json?["error"]
      let text =
        error?.string ?? "\(error?["message"]?.string ?? "") (SQLSTATE \(error?["sqlstate"]?.string ?? ""))"
      #expect(text.contains(part), "\(function): \(answer.text)")
    }
    #expect(try served.data("find", #"{"name":"Ann"}"#) == .number(1))
  }

  @Test(arguments: TestDriver.allCases)
  func errorsTellTheirState(_ driver: TestDriver) throws {
    let functions = [
      "make": """
      db.exec("CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL, n integer CHECK (n > 0))")
      db.exec("CREATE TABLE notes (book integer REFERENCES books (id))")
      db.exec("INSERT INTO books VALUES (1, 'One', 1)")
      """,
      "states": """
      local states = {}
      for name, sql in pairs{unique = "INSERT INTO books VALUES (1, 'x', 1)", null = "INSERT INTO books VALUES (2, NULL, 1)",
        check = "INSERT INTO books VALUES (3, 'x', 0)", foreign = "INSERT INTO notes VALUES (7)",
        syntax = "SELEC 1", table_ = "SELECT * FROM missing_table", column = "SELECT missing FROM books"} do
        local ok, e = pcall(db.exec, sql)
        states[name] = e.sqlstate
      end
      return states
      """,
      "caught": """
      local ok, e = pcall(db.exec, "INSERT INTO books VALUES (1, 'x', 1)")
      local line = "failed: " .. e
      return {ok = ok, text = tostring(e), line = line, kind = type(e), where = e.where,
        branch = e.sqlstate == "23505" and "taken" or "?"}
      """,
      "raised": "db.exec(\"INSERT INTO books VALUES (1, 'x', 1)\")",
    ]
    let served = try DatabaseServer(driver, functions)
    _ = try served.data("make")
    #expect(
      try served.data("states")
        == JSONValue(
          #"{"unique":"23505","null":"23502","check":"23514","foreign":"23503","syntax":"42601","#
            + #""table_":"42P01","column":"42703"}"#))
    let caught = try #require(try served.data("caught"))
    #expect(caught["ok"] == .boolean(false))
    #expect(caught["branch"] == .string("taken"))
    #expect(caught["kind"] == .string("table"))
    #expect(caught["where"] == nil || caught["where"]?.string?.hasPrefix("app/caught.lua") ?? false)
    #expect(caught["text"]?.string?.hasPrefix("db: ") ?? false)
    #expect(caught["text"]?.string?.contains("(SQLSTATE 23505)") ?? false)
    #expect(caught["line"] == .string("failed: " + (caught["text"]?.string ?? "")))
    let raised = try served.server.post("/raised", json: "{}")
    #expect(raised.status == 500)
    #expect(raised.json?["error"]?["sqlstate"] == .string("23505"))
    #expect(raised.json?["error"]?["where"] == .string("app/raised.lua:3"))
    if driver == .postgres {
      #expect(raised.json?["error"]?["constraint"] == .string("books_pkey"))
      #expect(raised.json?["error"]?["detail"]?.string?.contains("already exists") ?? false)
    }

    let production = try DatabaseServer(
      driver, ["raised": "db.exec('SELECT * FROM missing_table')"], environment: ["SPACER_ENV": "production"])
    let apology = try production.server.post("/raised", json: "{}")
    #expect(apology.status == 500)
    #expect(apology.json == JSONValue(#"{"error":"We're sorry, something went wrong"}"#))
    try waitUntil("the cause is logged") { production.server.process.standardOutput.contains("42P01") }
  }

  @Test func positionAndHint() throws {
    let served = try DatabaseServer(
      .postgres,
      ["position": "local ok, e = pcall(db.query, 'SELECT length(1)') return {p = e.position, hint = e.hint}"]
    )
    let found = try #require(try served.data("position"))
    #expect(found["p"] == .number(8))
    #expect(found["hint"]?.string?.contains("explicit type casts") ?? false)
  }

  // MARK: Configuration

  @Test func namedDatabasesAndEnvironments() throws {
    let text = """
      spacerVersion: 1
      appName: test
      databases:
        first:
          driver: postgres
          connString: postgres://nowhere.invalid/x
          test:
            driver: sqlite
            path: ":memory:"
        second:
          test: {driver: sqlite, path: ":memory:"}
        third:
          production: {driver: sqlite}

      """
    let served = try DatabaseServer(
      configuration: text,
      [
        "both": """
        local first, second = db.use "first", db.use "second"
        first.exec("CREATE TABLE IF NOT EXISTS t (n integer)")
        first.exec("INSERT INTO t VALUES (1)")
        second.exec("CREATE TABLE IF NOT EXISTS t (n integer)")
        return {#first.query("SELECT * FROM t"), #second.query("SELECT * FROM t"), first == db.use "first"}
        """,
        "default": "local rows = db.query('SELECT 1') return rows",
        "unknown": "return db.use('third')",
      ], environment: ["SPACER_ENV": "test"])
    #expect(try served.data("both") == JSONValue("[1,0,true]"))
    let ambiguous = try served.server.post("/default", json: "{}").json?["error"]?.string
    #expect(
      ambiguous
        == "app/default.lua:3: db.query: there are several databases: call db.use with one of 'first', 'second'"
    )
    let unknown = try served.server.post("/unknown", json: "{}").json?["error"]?.string
    #expect(unknown?.contains("there is no database 'third'") ?? false, "\(unknown ?? "")")

    let bare = try DatabaseServer(
      configuration: "spacerVersion: 1\nappName: test\n", ["none": "return db.query('SELECT 1')"])
    let none = try bare.server.post("/none", json: "{}").json?["error"]?.string
    #expect(none?.contains("no database is configured") ?? false, "\(none ?? "")")
  }

  @Test func secretsAreNeverShown() throws {
    let connString = "postgres://someone:s3cret@127.0.0.1:1/x"
    for text in [
      connString, "postgres://someone:s3cret@127.0.0.1:bad/x", "password=s3cret nonsense",
      "postgres://someone:s3cret/more@127.0.0.1:1/x", "postgres://someone:x@s3cret@127.0.0.1:1/x",
    ] {
      let served = try DatabaseServer(
        configuration:
          "spacerVersion: 1\nappName: test\ndatabases: {main: {driver: postgres, connString: \"${URL}\"}}\n",
        ["ask": "return db.query('SELECT 1')"], environment: ["URL": text])
      let answer = try served.server.post("/ask", json: "{}")
      #expect(answer.status == 500)
      #expect(answer.json?["error"]?["sqlstate"] == .string("08001"), "\(answer.text)")
      #expect(try served.server.stop() == 0)
      let said = answer.text + served.server.process.standardOutput + served.server.process.standardError
      #expect(!said.contains("s3cret"), "\(said)")
    }
    let missing = try DatabaseServerStart.failure(
      "databases: {main: {driver: postgres, connString: \"${NO_SUCH_URL}\"}}")
    #expect(missing.contains("needs the environment variable NO_SUCH_URL"))
    let driver = try DatabaseServerStart.failure("databases: {main: {driver: \"${D:-oracle}\"}}")
    #expect(driver.contains("databases.main.driver must be postgres or sqlite, not 'oracle'"))
  }
}

/// A server that refuses to start.
enum DatabaseServerStart {
  static func failure(_ line: String) throws -> String {
    let workspace = try Workspace()
    let project = try workspace.project([
      "config/application.yml": "spacerVersion: 1\nappName: test\n\(line)\n",
      "app/a.lua": "return function() end\n",
      "app/gateway.lua": #"return { {"GET", "/", "a"} }"#,
    ])
    let outcome = try Tool.run(["run", try workspace.build(project), "--port", "0"])
    #expect(outcome.status == 3)
    return outcome.errors
  }
}
