// Contract sections 2 and 4: functions that wait park their coroutine, and the worker serves others meanwhile.
// Servers here have one worker, so that whatever happens at once happens on one loop.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct WaitTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Serves functions by name, each at a route of its name.
  private func serve(
    _ functions: [String: String], settings: String = "", environment: String = "production"
  ) throws -> RunningServer {
    var files = ["config/application.yml": "spacerVersion: 1\nappName: test\n" + settings]
    for (name, text) in functions { files[name.contains("/") ? name : "app/\(name).lua"] = text + "\n" }
    let routes = functions.keys.filter { !$0.contains("/") }.sorted().map { #"{"ANY", "/\#($0)", "\#($0)"}"# }
    files["app/gateway.lua"] = "return { \(routes.joined(separator: ", ")) }\n"
    return try RunningServer.serving(
      files, in: workspace, arguments: ["--workers", "1", "--env", environment])
  }

  /// Sends a request and does not wait for its answer.
  private func begin(_ server: RunningServer, _ path: String) throws -> HTTPConnection {
    let connection = try HTTPConnection(port: server.port)
    try connection.send("GET \(path) HTTP/1.1\r\nHost: t\r\n\r\n")
    return connection
  }

  /// A module whose fields every request of the worker sees, to tell one what another has come to.
  private static let shared = ["lib/shared.lua": "return {}"]

  @Test func aWaitPassesThroughEverythingTheVMCanSuspend() throws {
    let server = try serve([
      "protected": """
      return function()
        local ok, e = pcall(function() sleep(0.001) error("x", 0) end)
        local ok2, e2 = xpcall(function() sleep(0.001) error("y", 0) end, function(e) return "handled " .. e end)
        return { ok, e, ok2, e2 }
      end
      """,
      "metamethods": """
      local meta = {
        __index = function(_, k) sleep(0.001) return k end,
        __add = function() sleep(0.001) return 7 end,
        __lt = function() sleep(0.001) return true end,
        __concat = function() sleep(0.001) return "joined" end,
        __call = function(_, x) sleep(0.001) return x end,
        __len = function() sleep(0.001) return 3 end,
        __eq = function() sleep(0.001) return true end,
      }
      return function()
        local a, b = setmetatable({}, meta), setmetatable({}, meta)
        return { a.field, a + b, a < b, a .. b, a(5), #a, a == b }
      end
      """,
      "iterator": """
      return function()
        local sum = 0
        for i in function(_, i) sleep(0.001) i = (i or 0) + 1 if i <= 3 then return i end end do sum = sum + i end
        return sum
      end
      """,
      "closing": """
      return function()
        local closed = false
        do local _c <close> = setmetatable({}, { __close = function() sleep(0.001) closed = true end }) end
        return closed
      end
      """,
      "coroutines": """
      return function()
        local f = coroutine.wrap(function(x)
          sleep(0.001)
          local y = coroutine.yield(x + 1)
          local inner = coroutine.wrap(function() sleep(0.001) coroutine.yield("deep") end)
          local deep = inner()
          sleep(0.001)
          return y * 2, deep
        end)
        local first = f(1)
        local co = coroutine.create(function() sleep(0.001) error("raised") end)
        local ok, message = coroutine.resume(co)
        return { first, { f(10) }, ok, message, coroutine.status(co) }
      end
      """,
    ])
    for (path, data) in [
      ("/protected", #"[false, "x", false, "handled y"]"#),
      ("/metamethods", #"["field", 7, true, "joined", 5, 3, true]"#), ("/iterator", "6"),
      ("/closing", "true"),
      ("/coroutines", #"[2, [20, "deep"], false, "app/coroutines.lua:11: raised", "dead"]"#),
    ] {
      #expect(try server.get(path).json == JSONValue("{\"data\":\(data)}"), "\(path)")
    }
  }

  @Test func whereLuaCannotBeSuspendedTheCallIsNamed() throws {
    let server = try serve([
      "sort": """
      return function() return select(2, pcall(table.sort, { 2, 1 }, function(a, b) sleep(0) return a < b end)) end
      """,
      "gsub": """
      return function() return select(2, pcall(string.gsub, "a", "a", function() sleep(0) end)) end
      """,
      "text": """
      local meta = { __tostring = function() sleep(0) return "x" end }
      return function() return select(2, pcall(tostring, setmetatable({}, meta))) end
      """,
      "nested": """
      return function()
        local less = function(a, b) return coroutine.wrap(function() sleep(0) return a < b end)() end
        return select(2, pcall(table.sort, { 2, 1 }, less))
      end
      """,
      "module": """
      return function() return select(2, pcall(require, "sleepy")) end
      """,
      "lib/sleepy.lua": "sleep(0) return {}",
    ])
    for (path, place) in [
      ("/sort", "table.sort"), ("/gsub", "string.gsub"), ("/text", "tostring"), ("/nested", "table.sort"),
      ("/module", "while a module loads"),
    ] {
      let text = try server.get(path).text
      #expect(text.contains("sleep cannot wait") && text.contains(place), "\(path): \(text)")
    }
  }

  @Test func othersAreServedMeanwhile() throws {
    let server = try serve(
      [
        "wait": """
        local shared = require "shared"
        return function()
          shared.waiting = (shared.waiting or 0) + 1
          while not shared.go do sleep(0.002) end
          return "went"
        end
        """,
        "count": "local shared = require 'shared' return function() return shared.waiting or 0 end",
        "go": "local shared = require 'shared' return function() shared.go = true end",
      ].merging(Self.shared) { $1 })
    let count = 500
    let waiting = try (0..<count).map { _ in try begin(server, "/wait") }
    try waitUntil("all wait") { try server.get("/count").json == JSONValue("{\"data\":\(count)}") }
    _ = try server.get("/go")
    for connection in waiting {
      #expect(try connection.response(to: "GET").json == JSONValue(#"{"data":"went"}"#))
    }
  }

  @Test func aClientThatGoesAwayCancelsItsCallAndThoseItMade() throws {
    let server = try serve(
      [
        "outer": "local flow = require 'flow' return function() return flow.call('inner', {}) end",
        "inner": """
        local shared = require "shared"
        local closing = { __close = function() shared.ended = true end }
        return function()
          local _c <close> = setmetatable({}, closing)
          shared.begun = true
          coroutine.wrap(function() sleep(100) end)()
        end
        """,
        "state": """
        local shared = require "shared"
        return function() return { shared.begun or false, shared.ended or false } end
        """,
      ].merging(Self.shared) { $1 })
    var connection: HTTPConnection? = try begin(server, "/outer")
    try waitUntil("it waits") { try server.get("/state").json == JSONValue(#"{"data":[true, false]}"#) }
    connection = nil
    try waitUntil("it is closed") { try server.get("/state").json == JSONValue(#"{"data":[true, true]}"#) }
    _ = connection
  }

  @Test func theWallLimitEndsACallAndThoseItMade() throws {
    let server = try serve(
      [
        "outer": "local flow = require 'flow' return function() return flow.call('inner', {}) end",
        "inner": """
        local shared = require "shared"
        local closing = { __close = function() shared.ended = true end }
        return function() local _c <close> = setmetatable({}, closing) sleep(100) end
        """,
        "caught": "return function() while true do pcall(sleep, 100) end end",
        "ended": "local shared = require 'shared' return function() return shared.ended or false end",
      ].merging(Self.shared) { $1 }, settings: "limits:\n  wallMilliseconds: 200\n")
    for path in ["/outer", "/caught"] {
      let answer = try server.get(path)
      #expect(answer.status == 504)
      #expect(answer.text.contains("wallMilliseconds"), "\(answer.text)")
    }
    #expect(try server.get("/ended").json == JSONValue(#"{"data":true}"#))
  }

  @Test func aThreadThatAnotherRequestKeptCanBeNeitherResumedNorClosed() throws {
    let server = try serve(
      [
        "keep": """
        local shared = require "shared"
        return function()
          shared.outer = coroutine.running()
          local inner = coroutine.create(function() while not shared.go do sleep(0.002) end return "inner" end)
          shared.inner = inner
          return select(2, coroutine.resume(inner))
        end
        """,
        "meddle": """
        local shared = require "shared"
        return function()
          if not shared.inner then return "not yet" end
          local a, b = coroutine.resume(shared.outer), coroutine.resume(shared.inner)
          local c, d = pcall(coroutine.close, shared.outer), pcall(coroutine.close, shared.inner)
          shared.go = true
          return { a, b, c, d }
        end
        """,
      ].merging(Self.shared) { $1 })
    let kept = try begin(server, "/keep")
    let refusals = JSONValue(#"{"data":[false, false, false, false]}"#)
    try waitUntil("the meddler met it") { try server.get("/meddle").json == refusals }
    #expect(try kept.response(to: "GET").json == JSONValue(#"{"data":"inner"}"#))
  }

  @Test func flowAllCallsAtOnceAndCancelsTheRestOnTheFirstError() throws {
    let server = try serve(
      [
        "all": """
        local flow = require "flow"
        return function()
          -- The first can end only when the second runs beside it.
          return flow.all{ { "taker" }, { "giver", { n = 5 } }, named = { "echo", { a = 1 } }, none = { "nothing" } }
        end
        """,
        "taker": """
        local shared = require "shared"
        return function() while not shared.given do sleep(0.001) end return shared.given end
        """,
        "giver":
          "local shared = require 'shared' return function(args) shared.given = args.n return 'gave' end",
        "echo": "return function(args) return args end",
        "nothing": "return function() sleep(0.001) end",
        "failing": """
        local flow = require "flow"
        return function()
          local ok, e = pcall(flow.all, { { "endless" }, { "fails" }, { "endless" } })
          -- At once, while another has begun to wait: a yield of the function's own stays its own.
          pcall(flow.all, { { "endless" }, { "echo", print }, { "missing" } })
          pcall(flow.all, { { "endless" }, { "refuses" } })
          local numbers = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end)
          return { ok = ok, e = e, sum = numbers() + numbers() }
        end
        """,
        "endless": """
        local shared = require "shared"
        local closing = { __close = function() shared.cancelled = (shared.cancelled or 0) + 1 end }
        return function() local _c <close> = setmetatable({}, closing) sleep(100) end
        """,
        "refuses": "return function() return nil, 'no' end",
        "fails": "return function() sleep(0.001) return nil, 'no' end",
        "cancelled": "local shared = require 'shared' return function() return shared.cancelled end",
        "wrong": """
        local flow = require "flow"
        return function()
          local _, a = pcall(flow.all, "x")
          local _, b = pcall(flow.all, { { "echo" }, 3 })
          local _, c = pcall(flow.all, { { "echo", print } })
          local many = {}
          for i = 1, 300 do many[i] = { "echo" } end
          local _, d = pcall(flow.all, many)
          return { a, b, c, d, flow.all{} }
        end
        """,
      ].merging(Self.shared) { $1 }, environment: "development")
    #expect(
      try server.get("/all").json
        == JSONValue(#"{"data":{"1":5,"2":"gave","named":{"a":1}}}"#))
    #expect(
      try server.get("/failing").json
        == JSONValue(#"{"data":{"ok":false,"e":"{\"error\":\"no\"}\n","sum":3}}"#))
    #expect(try server.get("/cancelled").json == JSONValue(#"{"data":3}"#))
    let wrong = try server.get("/wrong").text
    for part in ["takes a table", "entry 2 is not", "a function at entry 1", "at most 256"] {
      #expect(wrong.contains(part), "\(part): \(wrong)")
    }
  }

  @Test func deferredFunctionsRunAfterTheAnswer() throws {
    let server = try serve(
      [
        "later": """
        local shared = require "shared"
        return function(args)
          defer(function()
            while not shared.asked do sleep(0.001) end
            print("deferred " .. args.name)
            pcall(defer, function() print("never") end)
          end)
          defer(function() error("a deferred error") end)
          return "now"
        end
        """,
        "failing": "return function() defer(function() print('after an error') end) error('x') end",
        "calling":
          "local flow = require 'flow' return function() return flow.call('later', { name = 'child' }) end",
        "ask": "local shared = require 'shared' return function() shared.asked = true end",
        "wrong": "return function() return { pcall(defer, 1) } end",
      ].merging(Self.shared) { $1 })
    #expect(try server.get("/later?name=one").json == JSONValue(#"{"data":"now"}"#))
    #expect(try server.get("/calling").json == JSONValue(#"{"data":"now"}"#))
    #expect(try server.get("/failing").status == 500)
    #expect(try server.get("/wrong").text.contains("defer takes a function"))
    #expect(!server.process.standardOutput.contains("deferred one"))
    // A drain waits for what was deferred.
    _ = try server.get("/ask")
    #expect(try server.stop() == 0)
    let log = server.process.standardOutput
    for line in ["deferred one", "deferred child", "after an error", "a deferred error"] {
      #expect(log.contains(line), "\(line): \(log)")
    }
    #expect(!log.contains("never"))
  }

  @Test func aDeferredFunctionHasTheLimitsOfACall() throws {
    let server = try serve(
      ["later": "return function() defer(function() sleep(100) end) end"],
      settings: "limits:\n  wallMilliseconds: 100\n")
    #expect(try server.get("/later").status == 200)
    _ = try server.process.waitForOutput("that it was ended") { $0.contains("wallMilliseconds") ? true : nil }
    // A drain would wait for it else.
    #expect(try server.stop() == 0)
  }

  @Test func aCallThatWaitsIsAnsweredAfterSIGTERMAndAcrossAReload() throws {
    let server = try serve(
      [
        "wait": """
        local shared = require "shared"
        return function() shared.waits = true while not shared.go do sleep(0.002) end return "old" end
        """,
        "waits": "local shared = require 'shared' return function() return shared.waits or false end",
        "go":
          "local shared = require 'shared' return function() shared.go = true sleep(0.01) return 'ok' end",
      ].merging(Self.shared) { $1 })
    let waiting = try begin(server, "/wait")
    try waitUntil("it waits") { try server.get("/waits").json == JSONValue(#"{"data":true}"#) }
    let asked = try begin(server, "/go")
    server.process.signal(SIGTERM)
    #expect(try asked.response(to: "GET").status == 200)
    #expect(try waiting.response(to: "GET").json == JSONValue(#"{"data":"old"}"#))
    #expect(try server.process.waitForExit() == 0)
  }

  @Test func sleepAndTime() throws {
    let server = try serve([
      "slept": """
      local time = require "time"
      return function()
        local before = time.monotonic()
        sleep(0.02)
        local elapsed = time.monotonic() - before
        local wall, monotonic = time.now()
        return { elapsed >= 0.02, math.abs(wall - os.time()) < 10, monotonic >= before }
      end
      """,
      "wrong": """
      return function()
        return { select(2, pcall(sleep)), select(2, pcall(sleep, -1)), select(2, pcall(sleep, 0 / 0)) }
      end
      """,
    ])
    #expect(try server.get("/slept").json == JSONValue(#"{"data":[true, true, true]}"#))
    let wrong = try server.get("/wrong").text
    #expect(
      wrong.contains("sleep takes a number of seconds") && wrong.contains("sleep takes 0 to"), "\(wrong)")
  }
}
