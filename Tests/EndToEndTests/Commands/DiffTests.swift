// `spacer diff`: what changed, and what of it breaks callers.

import Foundation
import SpacerTestSupport
import Testing

@testable import spacer

@Suite struct DiffTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let configuration = "spacerVersion: 1\nappName: test\n"

  /// The lines of areas, their marks first, of a diff between two projects.
  private func diff(_ old: [String: String], _ new: [String: String]) throws -> (
    lines: [String], status: Int32
  ) {
    let base = [
      "config/application.yml": Self.configuration, "app/gateway.lua": "return {}\n",
      "app/a.lua": "return function() return 1 end\n", "app/b.lua": "return function() return 2 end\n",
    ]
    let names = ["old", "new"]
    var artifacts: [String] = []
    for (name, files) in zip(names, [old, new]) {
      let project = try workspace.project(base.merging(files) { $1 }, named: name)
      artifacts.append(try workspace.build(project, to: name + ".spx"))
      try FileManager.default.removeItem(atPath: project)
    }
    let outcome = try Tool.run(["diff"] + artifacts)
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("  ") }.map {
      String($0.dropFirst(2))
    }
    // What is said as text is said as JSON.
    let json = try #require(JSONValue(try Tool.run(["diff", "--json"] + artifacts).output))
    #expect(json["changes"]?.items?.count == lines.count)
    #expect(json["isBreaking"] == .boolean(outcome.status == 1))
    return (lines, outcome.status)
  }

  private func gateway(_ routes: String...) -> [String: String] {
    let entries = routes.map { route in
      "{" + route.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ", ") + "}"
    }
    return ["app/gateway.lua": "return { \(entries.joined(separator: ", ")) }\n"]
  }

  @Test func nothingChanged() throws {
    let found = try diff(gateway("GET /a a"), gateway("GET /a a"))
    #expect(found.lines.isEmpty && found.status == 0)
  }

  // MARK: Routes

  @Test func routesThatBreakNothing() throws {
    let added = try diff(gateway("GET /a a"), gateway("GET /a a", "GET /b/:id b"))
    #expect(added.lines == ["+ GET /b/:id: 'b'"])
    #expect(added.status == 0)
    // A wider method takes what the narrow one took.
    let wider = try diff(gateway("GET /a a"), gateway("ANY /a a"))
    #expect(wider.lines == ["- GET /a: its requests go to 'a' by other routes", "+ ANY /a: 'a'"])
    #expect(wider.status == 0)
    // A literal path beside a parameter, to the same function.
    let order = try diff(gateway("GET /a a", "GET /b b"), gateway("GET /b b", "GET /a a"))
    #expect(order.lines.isEmpty)
  }

  @Test func aRouteThatIsGone() throws {
    let gone = try diff(gateway("GET /a/:id a", "GET /b b"), gateway("GET /b b"))
    #expect(gone.lines == ["- GET /a/:id: GET /a/id was answered by 'a', and is answered 404 [breaking]"])
    #expect(gone.status == 1)
    let method = try diff(gateway("GET /a a"), gateway("POST /a a"))
    #expect(
      method.lines == [
        "- GET /a: GET /a was answered by 'a', and is answered 405 [breaking]", "+ POST /a: 'a'",
      ])
    let narrower = try diff(gateway("ANY /a a"), gateway("GET /a a"))
    #expect(narrower.status == 1)
  }

  @Test func aRouteToAnotherFunction() throws {
    let moved = try diff(gateway("GET /a a"), gateway("GET /a b"))
    #expect(moved.lines == ["~ GET /a: goes to 'b' in place of 'a' [breaking]"])
    #expect(moved.status == 1)
  }

  @Test func parametersAreArguments() throws {
    let renamed = try diff(gateway("GET /a/:id a"), gateway("GET /a/:key a"))
    #expect(
      renamed.lines == [
        "~ GET /a/:id: the parameters of GET /a/id are args.key by GET /a/:key, and were args.id [breaking]"
      ])
    // The same names at other places.
    let swapped = try diff(gateway("GET /a/:x/:y a"), gateway("GET /a/:y/:x a"))
    #expect(swapped.status == 1)
    // A literal route to the same function takes a parameter away.
    let literal = try diff(gateway("GET /a/:id a"), gateway("GET /a/:id a", "GET /a/me a"))
    #expect(literal.status == 1, "\(literal.lines)")
  }

  @Test func aNewRouteThatTakesRequestsFromAnother() throws {
    let found = try diff(gateway("GET /a/:id a"), gateway("GET /a/:id a", "GET /a/me b"))
    #expect(
      found.lines == [
        "~ GET /a/:id: GET /a/me goes to 'b' by GET /a/me, in place of 'a' [breaking]", "+ GET /a/me: 'b'",
      ])
    let suffix = try diff(gateway("GET /a/*rest a"), gateway("GET /a/*rest a", "GET /a/:x/:y.json b"))
    #expect(suffix.lines.first?.contains("GET /a/x/y.json goes to 'b'") == true, "\(suffix.lines)")
    #expect(suffix.status == 1)
    // One that stood in the way of a wider one.
    let uncovered = try diff(
      gateway("GET /a/:id a", "GET /a/me b"), gateway("GET /a/:id a"))
    #expect(
      uncovered.lines == ["- GET /a/me: GET /a/me goes to 'a' by GET /a/:id, in place of 'b' [breaking]"])
    // HEAD falls back to GET until it has a route of its own.
    let head = try diff(gateway("GET /a a"), gateway("GET /a a", "HEAD /a b"))
    #expect(
      head.lines.first == "~ GET /a: HEAD /a goes to 'b' by HEAD /a, in place of 'a' [breaking]",
      "\(head.lines)")
  }

  // MARK: Functions

  @Test func functions() throws {
    let code = try diff([:], ["app/a.lua": "return function() return 3 end\n"])
    #expect(code.lines == ["~ a: its code"])
    #expect(code.status == 0)
    let library = [
      "app/a.lua": "local x = require \"x\"\nreturn function() return x.y end\n",
      "lib/x.lua": "return { y = 1 }\n",
    ]
    let required = try diff(library, library.merging(["lib/x.lua": "return { y = 2 }\n"]) { $1 })
    #expect(required.lines == ["~ a: what it requires: lib/x.lua"])
    let added = try diff([:], ["app/c.lua": "return function() return 1 end\n"])
    #expect(added.lines == ["+ c"] && added.status == 0)
    let removed = try diff(["app/private/c.lua": "return function() return 1 end\n"], [:])
    #expect(
      removed.lines == [
        "- private/c: flow.call, loopback and the internal token reached it by its name [breaking]"
      ])
    #expect(removed.status == 1)
  }

  @Test func whatFunctionsReach() throws {
    let old = """
      local http = require "http"
      return function () return http.get("https://a.example/").status end
      """
    let new = """
      local topics = require "topics"
      local send = require "send"
      return function (args) topics.append("t", {}) return send(args.url) end
      """
    let configuration = Self.configuration + "topics: [t]\n"
    let found = try diff(
      ["app/a.lua": old, "config/application.yml": configuration],
      [
        "app/a.lua": new, "config/application.yml": configuration,
        "lib/send.lua":
          "local http = require \"http\"\nreturn function (url) return http.get(url).status end\n",
      ])
    #expect(
      found.lines == [
        "~ a: its code, and what it requires: lib/send.lua", "+ a: reaches any server",
        "+ a: reaches topic t",
        "- a: no longer reaches server https://a.example", "+ a: uses the module topics",
      ])
    #expect(found.status == 0)
  }

  // MARK: Descriptions

  private static let descriptionPairs: [(old: String, new: String, refusals: [String])] = [
    (#"{"a":"string"}"#, #"{"a":{"type":"string","description":"x"}}"#, []),
    (#"{"a":"integer"}"#, #"{"a":"number"}"#, []), (#"{"a":"number"}"#, #"{"a":"any"}"#, []),
    (#"{"a":"number"}"#, #"{"a":"integer"}"#, ["'a' is integer, and was number"]),
    (#"{"a":"string"}"#, #"{}"#, []),
    (#"{}"#, #"{"a":"string"}"#, ["'a' is new and required"]),
    (#"{}"#, #"{"a":{"type":"string","optional":true},"b":{"type":"string","default":"x"}}"#, []),
    (#"{"a":{"type":"string","optional":true}}"#, #"{"a":"string"}"#, ["'a' is required"]),
    (#"{"a":"string"}"#, #"{"a":{"type":"string","optional":true}}"#, []),
    (#"{"a":{"type":"string","nullable":true}}"#, #"{"a":"string"}"#, ["'a' can no longer be null"]),
    (#"{"a":{"type":"string","max":5}}"#, #"{"a":{"type":"string","max":4}}"#, ["'a' has a lower max"]),
    (#"{"a":{"type":"string","max":5}}"#, #"{"a":{"type":"string","max":6}}"#, []),
    (#"{"a":"integer"}"#, #"{"a":{"type":"integer","min":0.5}}"#, ["'a' has a higher min"]),
    (#"{"a":"string"}"#, #"{"a":{"type":"string","format":"uuid"}}"#, ["'a' has another format"]),
    (#"{"a":{"type":"string","pattern":"x"}}"#, #"{"a":"string"}"#, []),
    (#"{"a":{"enum":["x","y"]}}"#, #"{"a":{"enum":["y","x","z"]}}"#, []),
    (#"{"a":{"enum":["x","y"]}}"#, #"{"a":{"enum":["x"]}}"#, ["'a' has fewer values"]),
    (#"{"a":"string"}"#, #"{"a":{"type":"string","enum":["x"]}}"#, ["'a' is one of few values, and was any"]),
    (#"{"a":{"items":"string"}}"#, #"{"a":{"items":"integer"}}"#, ["'a[]' is integer, and was string"]),
    (#"{"a":"array"}"#, #"{"a":{"items":"integer"}}"#, ["'a[]' is integer, and was any"]),
    (#"{"a":{"items":"integer"}}"#, #"{"a":"array"}"#, []),
    (
      #"{"a":{"fields":{"b":"string"}}}"#, #"{"a":{"fields":{"b":"boolean","c":"any"}}}"#,
      ["'a.b' is boolean, and was string", "'a.c' is new and required"]
    ),
    (
      #"{"a":{"fields":{"b":"any"}}}"#, #"{"a":{"fields":{},"extra":"error"}}"#,
      ["'a' can no longer have other fields", "'a.b' is refused"]
    ),
    (#"{"a":{"enum":[1,2]}}"#, #"{"a":{"enum":[1,2,"all"]}}"#, ["'a' takes no texts any more"]),
    (
      #"{"a":"object"}"#, #"{"a":{"fields":{"b":{"type":"string","optional":true}}}}"#,
      ["'a.b' is string, and was any"]
    ),
    (#"{"a":"object"}"#, #"{"a":{"type":"object","extra":"error"}}"#, []),
    (
      #"{"a":{"type":"object","extra":"error"}}"#, #"{"a":{"fields":{},"extra":"error"}}"#,
      ["'a' can no longer have other fields"]
    ),
    (
      #"{"a":{"type":"string","nullable":true,"optional":true}}"#,
      #"{"a":{"type":"string","optional":true}}"#, []
    ),
    (#"{"a":7}"#, #"{"a":"string"}"#, ["'a' is described in another way"]),
  ]

  /// What a description refuses that another one took.
  @Test(arguments: descriptionPairs)
  func descriptions(old: String, new: String, refusals: [String]) {
    let whole = { (fields: String) in #"{"fields":\#(fields),"type":"object"}"# }
    #expect(DescriptionChange(old: whole(old), new: whole(new)).refusals == refusals, "\(old) → \(new)")
    #expect(DescriptionChange(old: whole(old), new: whole(old)).refusals.isEmpty)
    #expect(!DescriptionChange(old: "{", new: whole(new)).refusals.isEmpty)
  }

  @Test func validatedArguments() throws {
    let module = { (fields: String) in
      [
        "app/a.lua": """
        local check = require "validate" \(fields)
        return function(args) return check(args) end
        """
      ]
    }
    let wider = try diff(module("{ id = 'integer' }"), module("{ id = 'number' }"))
    #expect(wider.status == 0)
    #expect(
      wider.lines.count == 2 && wider.lines[1].contains("no longer {\"fields\":{\"id\":\"integer\"}"),
      "\(wider.lines)")
    let narrower = try diff(module("{ id = 'number' }"), module("{ id = 'number', n = 'any' }"))
    #expect(narrower.status == 1)
    #expect(
      narrower.lines.last == "~ a: the arguments that it validates: 'n' is new and required [breaking]",
      "\(narrower.lines)")
    let first = try diff([:], module("{ id = 'number' }"))
    #expect(first.status == 1, "\(first.lines)")
  }

  // MARK: Configuration

  private func configured(_ old: String, _ new: String) throws -> (lines: [String], status: Int32) {
    try diff(
      ["config/application.yml": Self.configuration + old],
      ["config/application.yml": Self.configuration + new])
  }

  @Test(arguments: [
    ("topics: [t, u]", "topics: [t]", "- u: appends to it fail, and its triggers do not run [breaking]"),
    ("topics: [t]", "topics: [t, u]", "+ u"),
    ("topics: [t]", "topics: [t: {partitions: 8}]", "~ t: partitions 8 in place of the default [breaking]"),
    (
      "topics: [t: {partitions: 8}]", "topics: [t: {partitions: 4}]",
      "~ t: partitions 4 in place of 8 [breaking]"
    ),
    ("topics: [t]", "topics: [t: {key: required}]", "~ t: key required in place of the default [breaking]"),
    (
      "topics: [t: {schema: {n: integer}}]", "topics: [t: {schema: {n: string}}]",
      "~ t: schema: 'n' is string, and was integer [breaking]"
    ),
    (
      "topics: [t: {schema: {n: integer}}]", "topics: [t: {schema: {n: number}}]",
      #"~ t: schema {"fields":{"n":"number"},"type":"object"} in place of "#
        + #"{"fields":{"n":"integer"},"type":"object"}"#
    ),
    (
      "topics: [t]\nevents: {t: {APPEND: [a]}}", "topics: [t]",
      "- t APPEND 'a': nothing is done for such events any more [breaking]"
    ),
    ("topics: [t]", "topics: [t]\nevents: {t: {APPEND: [a]}}", "+ t APPEND 'a'"),
    (
      "topics: [t]\nevents: {t: {APPEND: [{function: a}]}}",
      "topics: [t]\nevents: {t: {APPEND: [{function: a, concurrency: 3}]}}",
      "~ t APPEND 'a': concurrency 3 in place of the default"
    ),
    (
      "topics: [t]\nevents: {t: {APPEND: [{function: a}]}}",
      "topics: [t]\nevents: {t: {APPEND: [{function: a, filter: {x: 1}}]}}",
      #"~ t APPEND 'a': filter [{"equals":[1],"path":["x"]}] in place of the default [breaking]"#
    ),
    (
      "schedules: {s: {every: 1m, function: a}}", "schedules: {s: {every: 2m, function: a}}",
      "~ s: every 2m in place of every 1m"
    ),
    (
      "schedules: {s: {every: 1m, function: a}}", "",
      "- s: a is not run any more [breaking]"
    ),
    ("envVar: [X]", "", "- X"),
    ("", "envVar: [X]", "+ X: functions may read it"),
    ("consumerGroup: g", "consumerGroup: h", "~ consumerGroup: h in place of g [breaking]"),
    (
      "", "limits: {bodyBytes: 1MiB}",
      "+ limits.bodyBytes: 1048576 in place of the default [breaking]"
    ),
    (
      "limits: {bodyBytes: 1MiB}", "limits: {bodyBytes: 2MiB}",
      "~ limits.bodyBytes: 2097152 in place of 1048576"
    ),
    ("", "limits: {wallMilliseconds: 60000}", "+ limits.wallMilliseconds: 60000 in place of the default"),
    (
      "limits: {wallMilliseconds: 60000}", "",
      "- limits.wallMilliseconds: the default in place of 60000 [breaking]"
    ),
    ("functionInvoker: 3000", "functionInvoker: 4000", "~ functionInvoker: 4000 in place of 3000 [breaking]"),
  ])
  func configurations(old: String, new: String, expected: String) throws {
    let found = try configured(old + "\n", new + "\n")
    #expect(found.lines == [expected], "\(old) → \(new)")
    #expect(found.status == (expected.hasSuffix("[breaking]") ? 1 : 0))
  }

  @Test func variablesThatAreNeeded() throws {
    let read = { (expression: String) in
      [
        "config/application.yml": Self.configuration + "envVar: [X]\n",
        "app/a.lua": "return function() return \(expression) end\n",
      ]
    }
    let required = try diff([:], read("os.getenv \"X\""))
    #expect(required.lines.contains("+ X: newly required: 'a' reads it [breaking]"), "\(required.lines)")
    let optional = try diff([:], read("os.getenv \"X\" or 1"))
    #expect(optional.lines.contains("+ X: functions may read it"), "\(optional.lines)")
    #expect(optional.status == 0)
    let start = try configured("", "databases: {default: {driver: postgres, connString: \"${DB}\"}}\n")
    #expect(
      start.lines.contains("+ DB: newly required: databases.default.connString needs it at start [breaking]"),
      "\(start.lines)")
    let fallback = try configured("", "databases: {default: {driver: sqlite, path: \"${DB:-x}\"}}\n")
    #expect(fallback.status == 0, "\(fallback.lines)")
  }

  @Test func anotherApplication() throws {
    let found = try diff([:], ["config/application.yml": "spacerVersion: 1\nappName: other\n"])
    #expect(found.status == 1)
    #expect(found.lines.first?.hasPrefix("~ appName: other in place of test") == true)
  }

  // MARK: Files

  @Test func whatIsNoArtifact() throws {
    try workspace.write("text\n", to: "text.spx")
    let outcome = try Tool.run(["diff", workspace.path + "/text.spx", workspace.path + "/missing.spx"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("text.spx: this is not a Spacer artifact"), "\(outcome.errors)")
  }
}
