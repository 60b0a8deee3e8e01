// Contract section 7: what is over a limit is refused, and everybody else is served on.

import Testing

@Suite struct LimitTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func serve(_ limits: String, _ functions: [String: String] = [:]) throws -> RunningServer {
    var files = [
      "config/application.yml": "spacerVersion: 1\nappName: test\nlimits:\n\(limits)",
      "app/echo.lua": "return function(args) return args end\n",
    ]
    var routes = #"{"ANY", "/echo", "echo"}"#
    for (name, body) in functions {
      files["app/\(name).lua"] = body + "\n"
      routes += #", {"GET", "/\#(name)", "\#(name)"}"#
    }
    files["app/gateway.lua"] = "return { \(routes) }\n"
    return try RunningServer.serving(files, in: workspace)
  }

  @Test func bodyBytes() throws {
    let server = try serve("  bodyBytes: 100\n")
    let fits = #"{"a":""# + String(repeating: "x", count: 92) + #""}"#
    #expect(fits.utf8.count == 100)
    #expect(try server.post("/echo", json: fits).status == 200)
    let over = try server.post("/echo", json: " " + fits)
    #expect(over.status == 413)
    #expect(over.json?["error"] != nil)

    let chunked = try HTTPConnection(port: server.port)
    try chunked.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n")
    try chunked.send(" " + fits + "\r\n0\r\n\r\n")
    #expect(try chunked.response(to: "POST").status == 413)
    #expect(chunked.isClosedByPeer())
  }

  @Test func aBodyThatIsTooLargeIsRefusedBeforeItComes() throws {
    let server = try serve("  bodyBytes: 100\n")
    let connection = try HTTPConnection(port: server.port)
    try connection.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n")
    #expect(try connection.response(to: "POST", interim: true).status == 413)
  }

  @Test func uriAndHeaderBytes() throws {
    let server = try serve("  uriBytes: 1024\n  headerBytes: 4096\n")
    let longURI = try server.get("/echo?a=" + String(repeating: "x", count: 1100))
    #expect(longURI.status == 414)
    #expect(longURI.json?["error"] != nil)
    let longHeader = try server.get("/echo", headers: [("X", String(repeating: "x", count: 5000))])
    #expect(longHeader.status == 431)
    #expect(longHeader.json?["error"] != nil)
    let many = (0..<400).map { ("X-\($0)", "0123456789") }
    #expect(try server.get("/echo", headers: many).status == 431)
    #expect(try server.get("/echo?a=" + String(repeating: "x", count: 900)).status == 200)
  }

  @Test func aFunctionThatNeverEnds() throws {
    let server = try serve(
      "  cpuMilliseconds: 100\n",
      [
        "spin": "return function() while true do end end",
        "caught": "return function() while true do pcall(function() while true do end end) end end",
        "inner":
          "return function() while true do pcall(coroutine.wrap(function() while true do end end)) end end",
        "pattern": "return function() return (string.rep('a', 200)):find(string.rep('.-', 20) .. 'b') end",
        "handler":
          "return function() xpcall(function() while true do end end, function() while true do end end) end",
        "close": """
        local loops = {__close = function() while true do end end}
        return function() local x <close> = setmetatable({}, loops) while true do end end
        """,
        "closed": """
        local loops = {__close = function() while true do end end}
        return function()
          local co = coroutine.create(function()
            local x <close> = setmetatable({}, loops) coroutine.yield()
          end)
          coroutine.resume(co)
          coroutine.close(co)
        end
        """,
        "wrapped": """
        local loops = {__close = function() while true do end end}
        return function()
          coroutine.wrap(function() local x <close> = setmetatable({}, loops) error("x") end)()
        end
        """,
        "load": "while true do end return function() end",
        "move": "return function() table.move({}, 1, 1e15, 2) end",
        "insert":
          "return function() table.insert(setmetatable({}, {__len = function() return 1e15 end}), 1, 0) end",
      ])
    #expect(try server.get("/echo?a=1").status == 200)
    for path in [
      "/spin", "/caught", "/inner", "/pattern", "/handler", "/close", "/closed", "/wrapped", "/load", "/move",
      "/insert",
    ] {
      let answer = try server.get(path)
      #expect(answer.status == 504, "\(path): \(answer.text)")
      #expect(try server.get("/echo?a=1").json == JSONValue(#"{"data":{"a":"1"}}"#))
    }
  }

  @Test func aFunctionThatEatsMemory() throws {
    let server = try serve(
      "  callMemoryBytes: 4194304\n",
      [
        "eat": "return function() local t = {} for i = 1, 1e9 do t[i] = {i} end end",
        "string": "return function() return #string.rep('x', 1e9) end",
        "host": """
        local cjson = require "cjson"
        return function()
          local s = ("x"):rep(1000000)
          local t = {}
          for i = 1, 40 do t[i] = cjson.encode(s) end
        end
        """,
        "nothing": "return function() return #string.rep('', 1e15) end",
      ])
    #expect(try server.get("/nothing").json == JSONValue(#"{"data":0}"#))
    for path in ["/eat", "/string", "/host"] {
      let answer = try server.get(path)
      #expect(answer.status == 503, "\(path): \(answer.text)")
      #expect(try server.get("/echo?a=1").json == JSONValue(#"{"data":{"a":"1"}}"#))
    }
  }

  @Test func tablesWhoseTextExplodes() throws {
    let server = try serve(
      "  cpuMilliseconds: 1000\n",
      [
        "shared": "return function() local t = {} for i = 1, 34 do t = {t, t} end return t end",
        "mixed": "return function() local t = {} for i = 1, 200 do t = {t, tag = 'div'} end return t end",
      ])
    #expect(try server.get("/shared").status == 500)
    #expect(try server.get("/mixed").status == 200)
  }

  @Test func aBodyOfManySmallValues() throws {
    let server = try serve("  callMemoryBytes: 4194304\n")
    let body = "[" + String(repeating: "[],", count: 400_000) + "[]]"
    let answer = try server.post("/echo", json: body)
    #expect(answer.status == 413, "\(answer.text.prefix(200))")
    #expect(try server.get("/echo?a=1").status == 200)
  }

  @Test func whatTheSandboxHides() throws {
    let probe = """
      return function()
        local seen = {}
        for _, name in ipairs({"io", "debug", "dofile", "loadfile", "collectgarbage", "unpack", "loadstring"}) do
          seen[name] = type(_G[name])
        end
        -- Names that the compiler cannot see through: it refuses these as they are.
        seen.execute = type(os["exe" .. "cute"])
        seen.exit = type(os["ex" .. "it"])
        seen.getenv = type(os["get" .. "env"]("HOME"))
        seen.bytecode = load("\\27Lua") ~= nil
        local library = string
        seen.frozen = pcall(function() library["for" .. "mat"] = nil end)
        return seen
      end
      """
    let seen = try #require(try serve("  uriBytes: 1024\n", ["probe": probe]).get("/probe").json?["data"])
    for name in ["io", "debug", "dofile", "loadfile", "execute", "exit", "getenv"] {
      #expect(seen[name] == .string("nil"), "\(name)")
    }
    for name in ["unpack", "loadstring", "collectgarbage"] {
      #expect(seen[name] == .string("function"), "\(name)")
    }
    #expect(seen["bytecode"] == .boolean(false))
    #expect(seen["frozen"] == .boolean(false))
  }
}
