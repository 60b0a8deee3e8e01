// `spacer routes` and `spacer inspect`: the plan, shown.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct RoutesTests {
  private let workspace: Workspace
  private let project: String

  init() throws {
    workspace = try Workspace()
    project = try workspace.project([
      "app/gateway.lua": """
      return {
        {"GET", "/hello", "hello"},
        {"GET", "/users/:id", "users/get"},
        {"POST", "/users/me", "users/me"},
      }

      """,
      "app/hello.lua": "return function() return 1 end\n",
      "app/users/get.lua":
        "local store = require \"store\"\nreturn function(args) return store[args.id] end\n",
      "app/users/me.lua":
        "local flow = require \"flow\"\nreturn function() return flow.call(\"hello\", {}) end\n",
      "lib/store.lua": "return {}\n",
    ])
  }

  @Test func table() throws {
    let artifact = try workspace.build(project)
    for target in [project, artifact] {
      let outcome = try Tool.run(["routes", target])
      #expect(outcome.status == 0, "\(outcome.errors)")
      for row in [#/GET +/hello +hello/#, #/GET +/users/:id +users/get/#, #/POST +/users/me +users/me/#] {
        #expect(outcome.output.contains(row), "\(outcome.output)")
      }
      #expect(outcome.output.contains("app/gateway.lua:3"))
    }
  }

  @Test func json() throws {
    let outcome = try Tool.run(["routes", project, "--json"])
    let routes = try #require(JSONValue(outcome.output)?.items, "\(outcome.output)")
    #expect(routes.count == 3)
    #expect(
      routes.contains { $0["pattern"] == .string("/users/:id") && $0["function"] == .string("users/get") })
  }

  @Test func match() throws {
    for arguments in [
      ["routes", project, "--match", "GET /users/me"], ["routes", project, "--match", "GET", "/users/me"],
      ["routes", "--match", "GET", "/users/me", project], ["routes", "--match", "GET /users/me", project],
    ] {
      let outcome = try Tool.run(arguments)
      #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      #expect(outcome.output.contains("users/get"), "\(outcome.output)")
      #expect(outcome.output.contains("/users/:id"), "\(outcome.output)")
    }
    let wrong = try Tool.run(["routes", project, "--match", "DELETE /hello"])
    #expect(wrong.output.contains("405"), "\(wrong.output)")
    let missing = try Tool.run(["routes", project, "--match", "GET /nope"])
    #expect(missing.output.contains("404"), "\(missing.output)")
  }

  @Test func inspect() throws {
    let artifact = try workspace.build(project)
    let text = try Tool.run(["inspect", artifact])
    #expect(text.status == 0, "\(text.errors)")
    for word in ["users/get", "/users/:id", "store", "Lua 5.4"] {
      #expect(text.output.contains(word), "\(word): \(text.output)")
    }
    let outcome = try Tool.run(["inspect", artifact, "--json"])
    let json = try #require(JSONValue(outcome.output), "\(outcome.output)")
    let modules = try #require(json["modules"]?.items)
    let get = try #require(modules.first { $0["name"] == .string("users/get") })
    #expect(get["requires"]?.items == [.string("store")])
    #expect(json["routes"]?.items?.count == 3)
    #expect(json["sections"]?.items?.isEmpty == false)
  }

  /// A second reader of the format, written from its specification, sees what `inspect` shows.
  @Test func theSecondReaderAgrees() throws {
    let events = try workspace.project(
      [
        "app/gateway.lua": "return { {\"ANY\", \"/a/:b\", \"f\"} }\n",
        "app/f.lua": "return function() return os.getenv(\"HOME\") end\n",
        "config/application.yml": """
        spacerVersion: 1
        appName: events
        topics: [orders]
        events:
          orders:
            APPEND: [f]
        envVar: [HOME]
        limits:
          bodyBytes: 1000

        """,
      ], named: "events")
    for source in [Tool.fixture("example"), Tool.fixture("original"), project, events] {
      for options in [[], ["--release", "--env", "production"]] {
        let artifact = try workspace.build(source, to: "read.spx", options)
        let reader = try ChildProcess(
          ["/usr/bin/python3", Tool.checkout + "/Tests/artifact_reader.py", artifact],
          environment: Tool.environment)
        #expect(try reader.waitForExit() == 0, "\(reader.standardError)")
        let ours = try #require(JSONValue(try Tool.run(["inspect", artifact, "--json"]).output))
        let theirs = try #require(JSONValue(reader.standardOutput))
        #expect(ours.covers(theirs), "\(source): \(ours) \(theirs)")
        #expect(theirs["modules"]?.items?.isEmpty == false)
      }
    }
  }

  @Test func whatCannotBeInspected() throws {
    for (content, word) in [("", "broken.spx"), ("not an artifact at all", "broken.spx")] {
      try workspace.write(content, to: "broken.spx")
      let outcome = try Tool.run(["inspect", workspace.path + "/broken.spx"])
      #expect(outcome.status == 3)
      #expect(outcome.errors.contains(word), "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
    #expect(try Tool.run(["inspect", workspace.path + "/missing.spx"]).status == 3)
  }
}
