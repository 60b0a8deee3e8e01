import SpacerLuaVM
import Testing

@testable import SpacerCompiler

@Suite struct BytecodeTests {
  func compiled(_ source: String, path: String = "app/foo.lua") throws -> [UInt8] {
    let bytes = Array(source.utf8)
    return try BytecodeCompiler().compile(bytes, from: LuaSource.body(of: bytes), path: path)
  }

  @Test func compilesAndRuns() throws {
    #expect(try runChunk(compiled("return 40 + 2")) == "42")
    #expect(try runChunk(compiled("")) == "nil")
  }

  @Test func skipsMarkAndFirstLine() throws {
    #expect(try runChunk(compiled("\u{FEFF}#!/usr/bin/lua\nerror('x')")) == "app/foo.lua:2: x")
    #expect(try runChunk(compiled("# only a line")) == "nil")
  }

  @Test func oneCompilerServesManyModules() throws {
    let compiler = BytecodeCompiler()
    for i in 0..<300 {
      let source = "local t = {} for i = 1, \(i) do t[i] = 'k\(i)' .. i end return #t"
      #expect(runChunk(try compiler.compile(Array(source.utf8), path: "app/m\(i).lua")) == "\(i)")
      #expect(throws: BytecodeCompiler.Failure.self) { try compiler.compile(Array("x =".utf8), path: "a") }
    }
  }

  @Test func rejectionsHaveTheirLine() throws {
    let many = (0..<201).map { "local a\($0)\n" }.joined()
    #expect(
      throws: BytecodeCompiler.Failure.rejected(
        message: "too many local variables (limit is 200) in main function near <eof>", line: 202)
    ) { try compiled(many) }
    let long = "app/" + String(repeating: "d/", count: 60) + "x:3: y.lua"
    #expect(
      throws: BytecodeCompiler.Failure.rejected(message: "unexpected symbol near <eof>", line: 2)
    ) { try compiled("\nx =", path: long) }
    #expect(throws: BytecodeCompiler.Failure.self) { try compiled("\u{1B}Lua") }
    #expect(throws: BytecodeCompiler.Failure.invalidName) { try compiled("", path: "a\0b") }
  }

  static let sources = [
    "return 1",
    "local a, b = 1, 2.5 local function f(x, ...) local y = x return y, ... end return f(a)",
    "local t = {} for k, v in pairs({a = 1, b = 'two'}) do t[k] = function() return v, t end end return 1",
    "local s = [[" + String(repeating: "long ", count: 100) + "]] return #s",
    (0..<300).map { "x\($0) = \($0) .. 'a'" }.joined(separator: "\n") + "\nreturn true, false, nil, 1 << 40",
    "goto e; do local x <close> = nil end ::e:: return -3 // 2",
  ]

  @Test(arguments: sources) func identityRewritingGivesTheSameBytes(source: String) throws {
    let chunk = try compiled(source)
    #expect(try BytecodeRewriter.rewrite(chunk, mode: .identity) == chunk)
  }

  @Test(arguments: sources) func withoutLocalsBehavesTheSame(source: String) throws {
    let chunk = try compiled(source)
    let rewritten = try BytecodeRewriter.rewrite(chunk)
    #expect(rewritten.count <= chunk.count)
    #expect(runChunk(rewritten) == runChunk(chunk))
    // It differs in what Lua's own stripping drops, and in nothing else.
    #expect(!strippedByLua(chunk).isEmpty)
    #expect(strippedByLua(rewritten) == strippedByLua(chunk))
    // Nothing is left to drop.
    #expect(try BytecodeRewriter.rewrite(rewritten) == rewritten)
  }

  @Test func errorsKeepFileLineAndGlobal() throws {
    let source = "local x = 1\nlocal function f()\n  foo()\nend\nf()"
    let rewritten = try BytecodeRewriter.rewrite(compiled(source))
    #expect(runChunk(rewritten) == "app/foo.lua:3: attempt to call a nil value (global 'foo')")
    // Upvalue names stay, a local's name goes.
    let upvalue = "local up\nlocal function f() return up.x end\nreturn f()"
    #expect(
      try runChunk(BytecodeRewriter.rewrite(compiled(upvalue)))
        == "app/foo.lua:2: attempt to index a nil value (upvalue 'up')")
    let local = "local up\nreturn up.x"
    #expect(try runChunk(compiled(local)) == "app/foo.lua:2: attempt to index a nil value (local 'up')")
    #expect(
      try runChunk(BytecodeRewriter.rewrite(compiled(local)))
        == "app/foo.lua:2: attempt to index a nil value")
  }

  @Test func damageIsAnErrorAndNeverATrap() throws {
    let chunk = try compiled(Self.sources[2])
    for end in chunk.indices {
      #expect(throws: BytecodeRewriter.Malformed.self) {
        try BytecodeRewriter.rewrite(Array(chunk[..<end]))
      }
    }
    for index in chunk.indices {
      for flip in [0x01, 0x80, 0xFF] as [UInt8] {
        var damaged = chunk
        damaged[index] ^= flip
        _ = try? BytecodeRewriter.rewrite(damaged)
      }
    }
  }
}
