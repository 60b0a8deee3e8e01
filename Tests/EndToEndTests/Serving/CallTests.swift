// Contract section 4: functions that call others, private functions and the internal token.

import SpacerTestSupport
import Testing

@Suite struct CallTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func serve(_ environment: [String: String] = [:]) throws -> RunningServer {
    try RunningServer.serving(
      [
        "app/gateway.lua": """
        return {
          {"GET", "/call", "call"}, {"GET", "/caught", "caught"}, {"GET", "/private-call", "private_call"},
          {"GET", "/loop", "loop"}, {"GET", "/copy", "copy"},
        }

        """,
        "app/add.lua": "return function(args) return args.n + 1 end\n",
        "app/refuse.lua": "return function() return nil, 'no' end\n",
        "app/mutate.lua": "return function(args) args.n = 99 return args end\n",
        "app/call.lua": """
        local flow = require "flow"
        return function() return flow.call("add", {n = 1}) end

        """,
        "app/caught.lua": """
        local flow = require "flow"
        return function()
          local ok, e = pcall(flow.call, "refuse", {})
          return {ok = ok, e = e}
        end

        """,
        "app/copy.lua": """
        local flow = require "flow"
        return function()
          local t = {n = 1}
          flow.call("mutate", t)
          return t.n
        end

        """,
        "app/loop.lua": """
        local flow = require "flow"
        return function() return flow.call("loop", {}) end

        """,
        "app/private_call.lua": """
        local flow = require "flow"
        return function() return flow.call("private/secret", {k = "v"}) end

        """,
        "app/private/secret.lua": "return function(args) return {secret = args.k} end\n",
      ], in: workspace, environment: environment)
  }

  @Test func callsCopyAndRaise() throws {
    let server = try serve()
    #expect(try server.get("/call").json == JSONValue(#"{"data":2}"#))
    #expect(try server.get("/copy").json == JSONValue(#"{"data":1}"#))
    #expect(try server.get("/caught").json == JSONValue(#"{"data":{"ok":false,"e":"{\"error\":\"no\"}\n"}}"#))
    #expect(try server.get("/private-call").json == JSONValue(#"{"data":{"secret":"v"}}"#))
  }

  @Test func aCallThatNeverEndsIsAnError() throws {
    let server = try serve()
    #expect(try server.get("/loop").status == 500)
    #expect(try server.get("/call").status == 200)
  }

  @Test func privateFunctionsAnswerLoopbackOnly() throws {
    let server = try serve()
    #expect(
      try server.post("/private/secret", json: #"{"k":"v"}"#).json == JSONValue(#"{"data":{"secret":"v"}}"#))
    for header in ["X-Forwarded-For", "Forwarded", "x-forwarded-for"] {
      let answer = try server.request("POST", "/private/secret", headers: [(header, "127.0.0.1")], body: "{}")
      #expect(answer.status == 403, "\(header)")
      #expect(answer.json?["error"] != nil)
    }
    #expect(try server.get("/private/none").status == 404)
  }

  @Test func theInternalTokenCallsAFunctionDirectly() throws {
    let server = try serve(["SPACER_INTERNAL_TOKEN": "tok-123"])
    #expect(
      try server.post("/add?spacer_internal_token=tok-123", json: #"{"n":7}"#).json
        == JSONValue(#"{"data":8}"#))
    #expect(try server.post("/add?spacer_internal_token=tok-124", json: #"{"n":7}"#).status == 404)
    #expect(try server.post("/add?spacer_internal_token=", json: #"{"n":7}"#).status == 404)
    #expect(try server.stop() == 0)
    let said = server.process.standardOutput + server.process.standardError
    #expect(!said.contains("tok-123"), "the token is never logged")
  }

  @Test func withoutATokenThereIsNoWayIn() throws {
    let server = try serve()
    #expect(try server.post("/add?spacer_internal_token=", json: #"{"n":7}"#).status == 404)
  }
}
