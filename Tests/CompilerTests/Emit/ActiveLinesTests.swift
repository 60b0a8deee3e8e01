import SpacerLuaVM
import Testing

@testable import SpacerCompiler

@Suite struct ActiveLinesTests {
  private func lines(_ text: String) throws -> [Int] {
    ActiveLines.lines(of: try BytecodeCompiler().compile(Array(text.utf8), path: "app/a.lua"))
  }

  @Test func linesWithInstructionsCount() throws {
    #expect(try lines("") == [])
    #expect(try lines("-- nothing\n\nlocal a = 1\n\nreturn a\n") == [3, 5])
    // The `end` of a function that has returned before is no line that could be left out.
    #expect(
      try lines("return function (x)\n  if x then\n    return 1\n  end\n  return 2\nend\n") == [2, 3, 5, 6])
    #expect(try lines("local function f()\n  g()\nend\nf()\n") == [2, 3, 4])
  }

  @Test func linesFarApartAreRead() throws {
    let gap = String(repeating: "\n", count: 1_000)
    let many = (1...500).map { _ in "f()" }.joined(separator: "\n")
    #expect(try lines("f()" + gap + "g()\n") == [1, 1_001])
    #expect(try lines(many).count == 500)
  }

  @Test func whatIsNoChunkHasNone() throws {
    let chunk = try BytecodeCompiler().compile(Array("local a = f() return a".utf8), path: "app/a.lua")
    #expect(ActiveLines.lines(of: []) == [])
    for length in 0..<chunk.count { #expect(ActiveLines.lines(of: Array(chunk[..<length])) == []) }
  }
}
