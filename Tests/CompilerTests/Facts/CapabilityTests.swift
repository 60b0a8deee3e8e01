// What a module reaches, by its text.

import SpacerArtifact
import Testing

@testable import SpacerCompiler

@Suite struct CapabilityTests {
  /// `http https://a.example`, `topic *`.
  private func found(_ text: String) -> [String] {
    FactsProbe(text).facts.capabilities.map { "\($0.kind) \($0.target ?? "*")" }
  }

  @Test(arguments: [
    (#"http.get("https://a.example/x")"#, ["http https://a.example"]),
    (#"http.post("HTTP://A.example:80", {})"#, ["http http://a.example"]),
    (#"http.get("https://me:secret@a.example:8443?x")"#, ["http https://a.example:8443"]),
    (#"http.get("https://a.example/users/" .. id)"#, ["http https://a.example"]),
    (#"http.get("https://a." .. domain)"#, ["http *"]),
    (#"http.get("https://" .. host .. "/x")"#, ["http *"]),
    (#"http.get(("https://a.example/%s"):format(id))"#, ["http https://a.example"]),
    (#"http.get(string.format("https://%s/x", id))"#, ["http *"]),
    (#"http.get(string.format("https://a.example/x/%d", id))"#, ["http https://a.example"]),
    (#"http.request { method = "GET", url = "https://a.example" }"#, ["http https://a.example"]),
    (#"http.request(options)"#, ["http *"]),
    (#"http.request { method = "GET" }"#, ["http *"]),
    (#"http.get(url)"#, ["http *"]),
    (#"http.get()"#, ["http *"]),
    (#"pcall(http.get, "https://a.example")"#, ["http https://a.example"]),
    (#"local get = http.get; get "https://a.example""#, ["http https://a.example"]),
    (#"local base = "https://a.example"; http.get(base .. "/x")"#, ["http https://a.example"]),
    (#"local base = "https://a.example"; base = other; http.get(base .. "/x")"#, ["http *"]),
    (
      #"http.get(os.getenv("A_URL") .. "/x")"#, ["http ${A_URL}", "variable A_URL"]
    ),
    (
      #"local base = os.getenv("A_URL") or "https://a.example"; http.get(base .. "/x")"#,
      ["http ${A_URL}", "http https://a.example", "optionalVariable A_URL"]
    ),
    (#"http.get(args.url or "https://a.example")"#, ["http *", "http https://a.example"]),
    (#"http.get("https://a.example\\@b.example/")"#, ["http *"]),
    (#"http.get("/relative")"#, ["http *"]),
    // Where it is not followed.
    (#"fetch(http)"#, ["http *"]),
    (#"M.client = http"#, ["http *"]),
    (#"local t = { http }"#, ["http *"]),
    (#"local get = args.x and http.get or nil"#, ["http *"]),
    (#"http[verb]("https://a.example")"#, ["http *"]),
    (#"http:get("https://a.example")"#, ["http *"]),
    (#"map(http.get, urls)"#, ["http *"]),
    (#"return http"#, ["http *"]),
    (#"print(type(1))"#, []),
  ])
  func servers(code: String, expected: [String]) {
    #expect(found("local http = require \"http\"\n" + code) == expected, "\(code)")
  }

  @Test(arguments: [
    (#"db.query("SELECT 1")"#, ["database default"]),
    (#"local one = db.one; one("SELECT 1")"#, ["database default"]),
    (#"db.transaction(function (tx) end)"#, ["database default"]),
    (#"local reports = db.use "reports"; reports.query("SELECT 1")"#, ["database reports"]),
    (#"db.use(name).exec("x")"#, ["database *"]),
    (#"local t = { null = db.null }"#, []),
    (#"f(db)"#, ["database *"]),
    (#"map(db.use, names)"#, ["database *"]),
  ])
  func databases(code: String, expected: [String]) {
    #expect(found("local db = require \"db\"\n" + code) == expected, "\(code)")
  }

  @Test(arguments: [
    (#"host.greet("Ada")"#, ["host greet"]),
    (#"local greet = host.greet; greet(1); greet(2)"#, ["host greet"]),
    (#"pcall(host.greet)"#, ["host greet"]),
    (#"host["greet"]()"#, ["host greet"]),
    (#"M.greet = host.greet"#, ["host greet"]),
    (#"if host.greet then host.part() end"#, ["host greet", "host part"]),
    (#"host[name]()"#, ["host *"]),
    (#"for name in pairs(host) do end"#, ["host *"]),
    (#"print(1)"#, []),
  ])
  func hostFunctions(code: String, expected: [String]) {
    #expect(found("local host = require \"host\"\n" + code) == expected, "\(code)")
  }

  @Test(arguments: [
    (#"topics.append("a", {}); require("topics").append("b", {})"#, ["topic a", "topic b"]),
    (#"topics.append(name, {})"#, ["topic *"]),
    (#"local append = topics.append; each(append)"#, ["topic *"]),
    (#"local t = topics; t.append("a", {})"#, ["topic a"]),
    (#"flow.call("a"); flow.all { { "b" }, x = { "c", {} } }"#, ["function a", "function b", "function c"]),
    (#"flow.call(name)"#, ["function *"]),
    (#"flow.all(calls)"#, ["function *"]),
    (#"flow.all { { name } }"#, ["function *"]),
    (#"local x = os.getenv "A"; local y = os.getenv("B") or "b""#, ["variable A", "optionalVariable B"]),
    (#"local x = os.getenv(name)"#, ["variable *"]),
    (#"local now = os.time()"#, []),
    (#"local o = os; local x = o.getenv "A""#, ["variable A"]),
    (#"require(name)"#, ["module *"]),
    (#"map(require, names)"#, ["module *"]),
    (#"pcall(require, "a")"#, []),
    (#"load(text)()"#, ["module *"]),
    (#"local f = _G[name]"#, ["module *"]),
    (#"local f = _G.print"#, []),
    (#"local f = _G.topics"#, ["module *"]),
    (#"local e = _ENV"#, ["module *"]),
    (#"setmetatable({}, { __index = _G })"#, ["module *"]),
    (#"require "http""#, []),
    (
      #"local http; if x then http = require "http" end; http.get "https://a.example""#,
      ["http https://a.example"]
    ),
    (#"local http = x; http = require "http"; http.get "https://a.example""#, ["http *"]),
  ])
  func others(code: String, expected: [String]) {
    #expect(found(code) == expected, "\(code)")
  }

  @Test func theArtifactHasThemByModule() throws {
    let files = project([
      "config/application.yml":
        "spacerVersion: 1\nappName: shop\ndatabases:\n  main:\n    driver: sqlite\n",
      "app/a.lua": """
      local client = require "client"
      local db = require "db"
      return function () return client.get(1), db.query("SELECT 1") end
      """,
      "lib/client.lua": """
      local http = require "http"
      return { get = function (id) return http.get("https://a.example/" .. id) end }
      """,
    ])
    let contents = try #require(Compiler.check(files: files).plan).contents
    #expect(contents.hasCapabilities)
    let index = try #require(contents.modules.firstIndex { $0.name == "a" })
    #expect(contents.modules[index].capabilities == [.init(.database, "main")])
    let reach = contents.reach(ofModule: index)
    #expect(reach.capabilities == [.init(.http, "https://a.example"), .init(.database, "main")])
    #expect(reach.builtins == ["db", "http"])
  }

  /// A module of the project's own under a built-in one's name is what `require` gives.
  @Test func aModuleOfTheProjectHidesTheBuiltInOne() throws {
    let files = project([
      "app/a.lua": "local http = require \"http\"\nreturn function () return http.get(\"x\") end",
      "lib/http.lua": "return { get = tostring }",
    ])
    let contents = try #require(Compiler.check(files: files).plan).contents
    #expect(contents.modules.allSatisfy { $0.capabilities.isEmpty })
  }
}
