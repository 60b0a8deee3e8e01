// The mistakes people make, each answered with its place and its name.

import Testing

@Suite struct MistakeTests {
  /// One mistake: the files that make it, and how its diagnostic begins.
  struct Mistake: Sendable {
    var files: [String: String]
    var place: String
    var id: String

    init(_ id: String, at place: String, _ files: [String: String]) {
      self.files = files
      self.place = place
      self.id = id
    }

    init(_ id: String, in handler: String, at place: String) {
      self.init(id, at: "app/f.lua:" + place, ["app/f.lua": handler])
    }

    init(_ id: String, routes: String, at place: String) {
      self.init(id, at: "app/gateway.lua:" + place, ["app/gateway.lua": routes])
    }

    init(_ id: String, configuration: String, at place: String) {
      self.init(id, at: "config/application.yml:" + place, ["config/application.yml": configuration])
    }
  }

  private static let mistakes = [
    Mistake("syntax-error", in: "return function( end\n", at: "1:18: error:"),
    Mistake("syntax-error", in: "return function()\n  if x then\n  return 1\n", at: "4:1: error:"),
    Mistake("syntax-error", in: "goto nowhere\nreturn function() end\n", at: "1:1: error:"),
    Mistake("not-a-function", in: "return 42\n", at: "1:8: error:"),
    Mistake("not-a-function", in: "local x = 1\nprint(x)\n", at: "3:1: error:"),
    Mistake(
      "unresolved-require", in: "local s = require \"stor\"\nreturn function() return s end\n",
      at: "1:19: error:"),
    Mistake(
      "require-cycle", at: "lib/",
      [
        "app/f.lua": "local a = require \"a\"\nreturn function() return a end\n",
        "lib/a.lua": "local b = require \"b\"\nreturn {b = b}\n",
        "lib/b.lua": "local a = require \"a\"\nreturn {a = a}\n",
      ]),
    Mistake("engine-only", in: "return function() return ngx.now() end\n", at: "1:26: error:"),
    Mistake(
      "undeclared-topic",
      in: "local topics = require \"topics\"\nreturn function() topics.append(\"Nope\", {a = 1}) end\n",
      at: "2:33: error:"),
    Mistake(
      "unknown-callee",
      in: "local flow = require \"flow\"\nreturn function() return flow.call(\"g\", {}) end\n",
      at: "2:36: error:"),
    Mistake(
      "undeclared-environment", in: "return function() return os.getenv(\"HOME\") end\n", at: "1:36: warning:"
    ),
    Mistake("undefined-global", in: "return function() pritn(1) end\n", at: "1:19: warning:"),
    Mistake("undefined-global", in: "return function() counter = 1 end\n", at: "1:19: warning:"),
    Mistake("unused-local", in: "return function()\n  local x = 1\n  return 2\nend\n", at: "2:9: warning:"),
    Mistake(
      "unreachable-code", in: "return function()\n  while true do end\n  print(1)\nend\n", at: "3:3: warning:"
    ),
    Mistake("unknown-function", routes: "return {\n  {\"GET\", \"/f\", \"ff\"},\n}\n", at: "2:17: error:"),
    Mistake("malformed-route", routes: "return {\n  {\"GTE\", \"/f\", \"f\"},\n}\n", at: "2:4: error:"),
    Mistake("malformed-route", routes: "return {\n  {\"GET\", \"f\", \"f\"},\n}\n", at: "2:11: error:"),
    Mistake("malformed-route", routes: "return {\n  {\"GET\", \"/f\"},\n}\n", at: "2:3: error:"),
    Mistake(
      "duplicate-route", routes: "return {\n  {\"GET\", \"/f\", \"f\"},\n  {\"GET\", \"/f/\", \"f\"},\n}\n",
      at: "3:"),
    Mistake(
      "private-route", at: "app/gateway.lua:2:17: error:",
      [
        "app/gateway.lua": "return {\n  {\"GET\", \"/f\", \"private/p\"},\n}\n",
        "app/private/p.lua": "return function() end\n",
      ]),
    Mistake("gateway-failed", routes: "return {\n  nil + 1\n}\n", at: "2"),
    Mistake(
      "config-unknown-key", configuration: "spacerVersion: 1\nappNmae: x\nappName: x\n", at: "2:1: error:"),
    Mistake("config-type", configuration: "spacerVersion: 1\nappName: x\ntopics: 7\n", at: "3:9: error:"),
    Mistake("config-syntax", configuration: "spacerVersion: 1\nappName: [x\n", at: ""),
    Mistake(
      "topic-name", configuration: "spacerVersion: 1\nappName: x\ntopics:\n  - 1abc\n", at: "4:5: error:"),
  ]

  private func project(_ mistake: Mistake, in workspace: Workspace, name: String) throws -> String {
    var files = [
      "app/gateway.lua": "return { {\"GET\", \"/f\", \"f\"} }\n",
      "app/f.lua": "return function() end\n",
      "lib/store.lua": "return {}\n",
    ]
    files.merge(mistake.files) { $1 }
    return try workspace.project(files, named: name)
  }

  @Test func everyMistakeIsNamedAtItsPlace() throws {
    let workspace = try Workspace()
    for (number, mistake) in Self.mistakes.enumerated() {
      let project = try project(mistake, in: workspace, name: "m\(number)")
      let outcome = try Tool.run(["check", "--strict", project])
      #expect(outcome.status == 1, "\(mistake.id): \(outcome.errors)")
      let heads = outcome.errors.split(separator: "\n").filter { $0.hasSuffix("[\(mistake.id)]") }
      #expect(
        heads.contains { $0.hasPrefix(mistake.place) }, "\(mistake.id) at \(mistake.place): \(outcome.errors)"
      )
    }
  }

  @Test func allMistakesAtOnceAndSorted() throws {
    let workspace = try Workspace()
    let project = try workspace.project([
      "app/gateway.lua": "return {\n  {\"GET\", \"/a\", \"nope\"},\n  {\"GET\", \"/b\", \"b\"},\n}\n",
      "app/b.lua": "local x = require \"zzz\"\nreturn x(\n",
      "app/c.lua": "return 1\n",
      "config/application.yml": "spacerVersion: 1\nappName: a_b\n",
    ])
    let outcome = try Tool.run(["check", project])
    #expect(outcome.status == 1)
    let places = outcome.errors.split(separator: "\n").filter { $0.contains(": error: ") }
      .compactMap { $0.split(separator: ":").first }
    #expect(places == places.sorted(), "\(outcome.errors)")
    #expect(
      Set(places).isSuperset(of: ["app/b.lua", "app/gateway.lua", "config/application.yml"]),
      "\(outcome.errors)")
  }

  @Test func toolsGetJSON() throws {
    let workspace = try Workspace()
    let project = try project(
      Mistake("undefined-global", in: "return function() pritn(1) end\n", at: ""), in: workspace, name: "p")
    let outcome = try Tool.run(["check", project, "--format", "json"])
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    let item = try #require(JSONValue(outcome.output)?["diagnostics"]?.items?.first)
    #expect(item["id"] == .string("undefined-global"))
    #expect(item["severity"] == .string("warning"))
    #expect(item["path"] == .string("app/f.lua"))
    #expect(item["line"] == .number(1))
    #expect(item["column"] == .number(19))
    #expect(item["hint"]?.string?.contains("print") == true)
    let clean = try Tool.run(["check", Tool.fixture("example"), "--format", "json"])
    #expect(JSONValue(clean.output)?["diagnostics"]?.items?.isEmpty == true, "\(clean.output)")
  }
}
