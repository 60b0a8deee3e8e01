import SpacerArtifact
import SpacerLuaVM
import Testing

@testable import SpacerCompiler

@Suite struct GatewayTests {
  /// Evaluates a gateway among modules under lib/.
  func evaluate(_ text: String, libraries: [String: String] = [:]) -> GatewayEvaluation {
    var files = ["app/gateway.lua": text]
    for (name, text) in libraries { files["lib/\(name).lua"] = text }
    let memory = MemoryFiles(text: files)
    let scan = ProjectScanner.scan(memory)
    return GatewayEvaluator(scan: scan, read: { try? memory.read($0) })
      .evaluate(path: "app/gateway.lua", bytes: Array(text.utf8))
  }

  /// The source text at a place.
  func source(_ location: SpacerCompiler.SourceLocation, _ text: String) -> String {
    guard let range = location.range else { return location.path }
    return String(decoding: Array(text.utf8)[Int(range.start)..<Int(range.end)], as: UTF8.self)
  }

  @Test func literalEntriesHaveTheirLiterals() throws {
    let text = "return {\n  {'get', '/a/', 'f'},\n  {\"ANY\", [[/b]], 'g'};\n}"
    let evaluation = evaluate(text)
    #expect(evaluation.diagnostics.isEmpty)
    try #require(evaluation.entries.count == 2)
    let (first, second) = (evaluation.entries[0], evaluation.entries[1])
    #expect(first.methods == RouteMethods(.get))
    #expect(first.pattern == "/a")
    #expect(second.methods == .any)
    #expect(source(first.places.entry, text) == "{'get', '/a/', 'f'}")
    #expect(first.places.fields.map { source($0, text) } == ["'get'", "'/a/'", "'f'"])
    #expect(second.places.fields.map { source($0, text) } == ["\"ANY\"", "[[/b]]", "'g'"])
    #expect(second.places.gatewayLine == 3)
  }

  @Test func helpersAreTracedToTheirCalls() throws {
    let text = """
      local function get(path, name) return {"GET", path, name} end
      local R = {
        get("/a", "f"),
      }
      for i = 1, 2 do
        R[#R + 1] = {"POST", "/n" .. i, "g"}
      end
      return R
      """
    let evaluation = evaluate(text)
    try #require(evaluation.entries.count == 3)
    let first = evaluation.entries[0].places
    #expect(source(first.entry, text) == "get(\"/a\", \"f\"),")
    #expect(source(first.path, text) == "\"/a\"")
    #expect(source(first.function, text) == "\"f\"")
    #expect(first.gatewayLine == 3)
    let second = evaluation.entries[2].places
    #expect(evaluation.entries[2].pattern == "/n2")
    #expect(source(second.entry, text) == "{\"POST\", \"/n\" .. i, \"g\"}")
    #expect(source(second.path, text) == "\"/n\" .. i")
    #expect(second.gatewayLine == 6)
  }

  @Test func modulesOfTheProjectCanListRoutes() throws {
    let library = "return {\n  {\"GET\", \"/a\", \"f\"},\n}\n"
    let evaluation = evaluate("return require('routes')", libraries: ["routes": library])
    try #require(evaluation.entries.count == 1)
    #expect(evaluation.entries[0].places.path.path == "lib/routes.lua")
    #expect(source(evaluation.entries[0].places.path, library) == "\"/a\"")
    #expect(evaluation.requires == [.init(name: "routes", path: "lib/routes.lua")])
  }

  @Test func builtInModulesAreRefused() {
    let evaluation = evaluate("local flow = require 'flow'\nreturn {}")
    #expect(evaluation.diagnostics.map(\.id) == [.gatewayFailed])
    #expect(evaluation.diagnostics.first?.message.contains("without it") == true)
    #expect(evaluate("return require('none')").requires == [.init(name: "none", path: nil)])
  }

  @Test(arguments: [
    ("return nil", "the gateway returns nothing, not a list of routes"),
    ("return 'x'", "the gateway returns 'x', not a list of routes"),
    (
      "local R = {} R[1] = {'GET', '/a', 'f'} R[3] = {'GET', '/b', 'f'} return R",
      "the list of routes has a hole: nothing at index 2"
    ),
    ("return {{'GET', '/a', 'f'}, x = 1}", "the list of routes has a key 'x' that is no index"),
    (
      "return {{'GET', nil, 'f'}}",
      "a route has three parts, {METHOD, PATH, FUNCTION}; this one has nothing as part 2"
    ),
    ("return {{'GET', 1, 'f'}}", "PATH is the number 1, not a string"),
    ("return {{'GET', '/\\xFF', 'f'}}", "PATH is not valid UTF-8"),
    ("return {{{}, '/a', 'f'}}", "METHOD is a table, not a string"),
  ])
  func malformed(text: String, message: String) {
    let evaluation = evaluate(text)
    #expect(evaluation.diagnostics.map(\.id) == [.malformedRoute])
    #expect(evaluation.diagnostics.first?.message == message)
  }

  @Test func malformedEntriesAreNotRepeatedForEver() {
    let evaluation = evaluate("local R = {} for i = 1, 5000 do R[i] = {} end return R")
    #expect(evaluation.diagnostics.count == CompilerLimits.malformedRoutesMax)
  }

  @Test(arguments: [
    "return {f = function(...) return ... end, {1, {2, 3}}, [{}] = {}}",
    "#!shebang\nlocal t = {}\nfunction t:m(a) return self, a end\nreturn t:m{1}, t.m{t}{2}",
    "local function f(t) return f end f{}{}{} return f{f{}}, 'x' .. #{...} -- end",
    "return setmetatable({}, {__index = {a = {}}})",
    "local _ENV = {} return {{}}",
  ])
  func instrumentedTextIsLuaWithTheSameLines(text: String) throws {
    let bytes = Array(text.utf8)
    let tree = Parser.parse(bytes, path: "x").tree
    let marked = GatewayInstrumenter.instrument(bytes, tree: tree, firstID: 5)
    #expect(marked.constructors.count == tree.nodes.count { $0.kind == .table })
    _ = try BytecodeCompiler().compile(marked.text, path: "x")
    let newlines = { (bytes: [UInt8]) in bytes.count { $0 == 10 } }
    #expect(newlines(marked.text) == newlines(bytes) + 1)
  }

  @Test func nothingInTheTextCanHideTheMark() throws {
    let text = "local _mark = 1 local _ENV = {_mark1x = 2} return {{'GET', '/a', 'f'}}"
    let evaluation = evaluate(text)
    #expect(evaluation.entries.first.map { source($0.places.path, text) } == "'/a'")
  }

  @Test func aGatewayAtTheLimitsRunsWithoutMarks() throws {
    // 190 nested tables parse, and with marks they would not.
    let nest = String(repeating: "{", count: 190) + String(repeating: "}", count: 190)
    let evaluation = evaluate("local x = \(nest) return {{'GET', '/a', 'f'}}")
    #expect(evaluation.diagnostics.isEmpty)
    #expect(evaluation.entries.first?.places.entry.range == nil)
  }

  @Test func anEntryMadeTwiceHasBothPlaces() throws {
    let text = "local e = {'GET', '/a', 'f'}\nreturn {e, e}"
    #expect(evaluate(text).entries.map { source($0.places.path, text) } == ["'/a'", "'/a'"])
  }
}
