// Contract section 7: a hostile function is ended within its bound, its neighbours on the same worker keep
// their answers, and its memory comes back.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct HostileTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// What each is and how it must end.
  private static let functions: [(name: String, body: String, status: Int)] = [
    ("spin", "while true do end", 504), ("rep", "return #string.rep('x', 1e9)", 503),
    ("pattern", "return (string.rep('a', 200)):find(string.rep('.-', 20) .. 'b')", 504),
    ("recursion", "local function f(n) return 1 + f(n + 1) end return f(1)", 503),
    ("coroutines", "local function f() return coroutine.wrap(f)() end return f()", 500),
    ("tables", "local t = {} for i = 1, 1e7 do t[i] = {i} end", 503),
    ("nothing", "return #string.rep('', 1e15)", 200),
    ("move", "table.move({}, 1, 1e15, 2)", 504),
    ("insert", "table.insert(setmetatable({}, {__len = function() return 1e15 end}), 1, 0)", 504),
    ("remove", "table.remove(setmetatable({}, {__len = function() return 1e15 end}), 1)", 504),
    (
      "concat",
      "return table.concat(setmetatable({}, {__len = function() return 1e15 end, __index = function() return '' end}))",
      504
    ),
    ("sort", "table.sort({1, 2, 3}, function() while true do end end)", 504),
    ("unpack", "return {table.unpack({}, 1, 1e8)}", 500),
    ("finalizer", "setmetatable({}, {__gc = function() while true do end end})", 500),
    ("globals", "setmetatable(_G, {__index = function() return 'mine' end})", 500),
    ("dump", "return string.dump(function() end)", 500), ("bytecode", "return load('\\27Lua')()", 500),
    ("library", "string.format = nil", 500), ("rawlibrary", "rawset(string, 'format', nil)", 500),
    ("metatable", "getmetatable('').__index = nil", 500),
    ("format", "return string.format('%99999d', 1)", 500),
    ("catch", "while true do pcall(function() while true do end end) end", 504),
    ("buffer", "local s = 'x' while true do s = s .. s end", 503),
    ("parse", "return load('return ' .. string.rep('(', 1e6))()", 500),
    ("depth", "local t = {} for _ = 1, 1e5 do t = {t} end return t", 500),
  ]

  @Test func eachEndsWithinItsBoundAndHarmsNobody() throws {
    var files = [
      "config/application.yml": """
      spacerVersion: 1
      appName: test
      limits:
        cpuMilliseconds: 150
        callMemoryBytes: 16MiB

      """,
      "app/v.lua": "return function() return string.format('%s', 'v') end\n",
      "app/memory.lua": "return function() return collectgarbage('count') * 1024 end\n",
    ]
    var routes = [#"{"GET", "/v", "v"}"#, #"{"GET", "/memory", "memory"}"#]
    for function in Self.functions {
      files["app/\(function.name).lua"] = "return function() \(function.body) end\n"
      routes.append(#"{"GET", "/\#(function.name)", "\#(function.name)"}"#)
    }
    files["app/gateway.lua"] = "return { \(routes.joined(separator: ", ")) }\n"
    let server = try RunningServer.serving(files, in: workspace, arguments: ["--workers", "1"])
    let load = try Load(port: server.port)
    try load.waitForAnswer("v")
    for function in Self.functions {
      let answer = try server.get("/\(function.name)")
      #expect(
        answer.status == function.status, "\(function.name): \(answer.status) \(answer.text.prefix(200))")
      #expect(try server.get("/v").json == JSONValue(#"{"data":"v"}"#), "after \(function.name)")
    }
    let failures = load.stop()
    #expect(failures.isEmpty, "\(failures)")
    // A later call collects: what the hostile ones held is gone.
    try waitUntil("the memory is back") {
      for _ in 0..<20 { _ = try server.get("/rep") }
      return (try server.get("/memory").json?["data"]?.number ?? .infinity) < 4_000_000
    }
    #expect(try server.stop() == 0)
  }

  /// What `math.randomseed` sets is gone with the run that set it.
  @Test func theSeedOfOneRequestIsNotThatOfAnother() throws {
    let server = try RunningServer.serving(
      [
        "app/gateway.lua": #"return { {"GET", "/seed", "seed"}, {"GET", "/draw", "draw"} }"#,
        "app/seed.lua": """
        return function()
          math.randomseed(42)
          local first = math.random(1 << 40)
          math.randomseed(42)
          return first == math.random(1 << 40)
        end

        """,
        "app/draw.lua": "return function() return math.random(1 << 40) end\n",
      ], in: workspace, arguments: ["--workers", "1"])
    var drawn: Set<Double> = []
    for _ in 0..<5 {
      #expect(try server.get("/seed").json == JSONValue(#"{"data":true}"#))
      drawn.insert(try #require(try server.get("/draw").json?["data"]?.number))
    }
    #expect(drawn.count == 5, "\(drawn)")
  }

  /// A call that is over its memory in the moment in which it begins to wait, and then others that wait.
  @Test func aWaitThatBeginsOverTheMemoryHarmsNobody() throws {
    let server = try RunningServer.serving(
      [
        "config/application.yml": """
        spacerVersion: 1
        appName: test
        limits:
          callMemoryBytes: 8MiB

        """,
        "app/gateway.lua":
          #"return { {"GET", "/many", "many"}, {"GET", "/v", "v"}, {"GET", "/wait", "wait"} }"#,
        "app/v.lua": "return function() return 'v' end\n",
        "app/wait.lua": "return function() sleep(0.3) return 'waited' end\n",
        "app/big.lua": "return function() return { string.rep('x', 5000000) } end\n",
        "app/late.lua": "return function() sleep(0.1) return string.rep('y', 6000000) end\n",
        "app/many.lua": """
        local flow = require "flow"
        return function()
          local held = string.rep("z", 3000000)
          local ok = pcall(flow.all, { { "wait" }, { "big" }, { "late" }, { "late" } })
          pcall(sleep, 0.01)
          return { ok, #held }
        end

        """,
      ], in: workspace, arguments: ["--workers", "1"])
    for _ in 0..<3 {
      let connections = try (0..<4).map { number in
        let connection = try HTTPConnection(port: server.port)
        try connection.send("GET /\(number == 0 ? "many" : "wait") HTTP/1.1\r\nHost: t\r\n\r\n")
        return connection
      }
      let many = try connections[0].response(to: "GET")
      #expect(
        many.status == 503 || many.json == JSONValue(#"{"data":[false,3000000]}"#), "\(many.text.prefix(200))"
      )
      for connection in connections.dropFirst() {
        #expect(try connection.response(to: "GET").json == JSONValue(#"{"data":"waited"}"#))
      }
    }
    #expect(try server.get("/v").status == 200)
    #expect(try server.stop() == 0)
  }

  @Test func theCallThatHoldsMostIsEndedWhenTheWorkersMemoryIsUsedUp() throws {
    let files = [
      "config/application.yml": """
      spacerVersion: 1
      appName: test
      limits:
        callMemoryBytes: 40MiB
        workerMemoryBytes: 24MiB

      """,
      "lib/shared.lua": "return { waiting = 0 }\n",
      "app/hold.lua": """
      local shared = require "shared"
      return function(args)
        local held = string.rep("x", args.bytes)
        shared.waiting = shared.waiting + 1
        while not shared.go do sleep(0.002) end
        return #held
      end

      """,
      "app/waiting.lua": "local shared = require 'shared' return function() return shared.waiting end\n",
      "app/go.lua": "local shared = require 'shared' return function() shared.go = true end\n",
      "app/gateway.lua":
        #"return { {"GET", "/hold/:bytes", "hold"}, {"GET", "/waiting", "waiting"}, {"GET", "/go", "go"} }"#,
    ]
    let server = try RunningServer.serving(files, in: workspace, arguments: ["--workers", "1"])
    func begin(_ bytes: Int) throws -> HTTPConnection {
      let connection = try HTTPConnection(port: server.port)
      try connection.send("GET /hold/\(bytes) HTTP/1.1\r\nHost: t\r\n\r\n")
      return connection
    }
    let small = try (0..<3).map { _ in try begin(2_000_000) }
    let large = try begin(12_000_000)
    try waitUntil("they wait") { try server.get("/waiting").json == JSONValue(#"{"data":4}"#) }
    let last = try begin(9_000_000)
    let ended = try large.response(to: "GET")
    #expect(ended.status == 503)
    #expect(ended.text.contains("workerMemoryBytes"), "\(ended.text)")
    try waitUntil("the last waits") { try server.get("/waiting").json == JSONValue(#"{"data":5}"#) }
    _ = try server.get("/go")
    for (connection, bytes) in small.map({ ($0, 2_000_000) }) + [(last, 9_000_000)] {
      #expect(try connection.response(to: "GET").json == JSONValue("{\"data\":\(bytes)}"))
    }
  }
}
