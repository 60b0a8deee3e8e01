import CLua
import SpacerLuaVM
import Testing

@testable import SpacerRuntime

/// The sandbox's own pattern matcher and table functions against the VM's.
@Suite("Library functions, fuzzed")
final class PatternFuzzTests {
  private let host: LuaHostState
  private let plain: OpaquePointer

  init() throws {
    guard let host = LuaHostState(), let plain = luaL_newstate() else { throw OutOfMemory() }
    luaL_openlibs(plain)
    self.host = host
    self.plain = plain
  }

  deinit { lua_close(plain) }

  /// Runs `source` with the globals of the sandbox or of a plain state; results as text, `error` for any.
  private func run(_ source: String, inSandbox: Bool) -> String {
    let main = host.main
    let state = inSandbox ? lua_tothread(main, Int32(SPACER_INDEX_LOADER)) ?? plain : plain
    let stack = LuaStack(state)
    lua_settop(state, 0)
    guard luaL_loadbufferx(state, source, source.utf8.count, "=test", "t") == LUA_OK else { return "syntax" }
    if inSandbox {
      lua_pushvalue(main, Int32(SPACER_INDEX_BASE))
      lua_xmove(main, state, 1)
      lua_setupvalue(state, 1, 1)
    }
    guard lua_pcallk(state, 0, 1, 0, 0, nil) == LUA_OK else { return "error" }
    return stack.text(at: -1) ?? "no text"
  }

  private func quoted(_ alphabet: String, _ length: Int, _ generator: inout SeededGenerator) -> String {
    let text = (0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "a" }
    return "\"\(String(text))\""
  }

  @Test("patterns give what the VM's give")
  func patterns() throws {
    var generator = SeededGenerator(state: Fuzz.seed("patterns"))
    try Fuzz.run {
      for _ in 0..<100 {
        let subject = quoted("ab1 xA()", Int.random(in: 0..<14, using: &generator), &generator)
        let pattern = quoted("ab%.*+-?()[]^$1fb0 xA", Int.random(in: 0..<10, using: &generator), &generator)
        let replacement = quoted("%01ab", Int.random(in: 0..<5, using: &generator), &generator)
        let start = Int.random(in: -4...4, using: &generator)
        let calls = [
          "string.find(\(subject), \(pattern), \(start))", "string.match(\(subject), \(pattern), \(start))",
          "string.gsub(\(subject), \(pattern), \(replacement))",
          "string.gsub(\(subject), \(pattern), function(a, b) return b or a end, 3)",
        ]
        let call = calls.randomElement(using: &generator) ?? ""
        let source = """
          local t = {\(call)}
          for a, b in string.gmatch(\(subject), \(pattern), \(start)) do t[#t + 1] = a t[#t + 1] = b or false end
          for i = 1, #t do t[i] = tostring(t[i]) end
          return table.concat(t, ";")
          """
        try #require(run(source, inSandbox: true) == run(source, inSandbox: false), "\(source)")
      }
    }
  }

  @Test("table functions give what the VM's give")
  func tables() throws {
    var generator = SeededGenerator(state: Fuzz.seed("tables"))
    for _ in 0..<2000 {
      var numbers: [Int] = []
      for _ in 0..<4 { numbers.append(Int.random(in: -2...7, using: &generator)) }
      let call =
        [
          "table.move(t, \(numbers[0]), \(numbers[1]), \(numbers[2]))",
          "table.move(t, \(numbers[0]), \(numbers[1]), \(numbers[2]), {})",
          "table.insert(t, \(numbers[0]), 9)",
          "table.insert(t, 9)", "table.remove(t, \(numbers[0]))", "table.remove(t)",
          "table.remove({}, \(numbers[0]))",
          "string.rep('', \(numbers[0]))", "string.rep('ab', \(numbers[0]), ',')",
        ].randomElement(using: &generator) ?? ""
      let source = """
        local t = {1, 2, 3, 4, 5}
        local r = \(call.hasPrefix("table.insert") ? "nil \(call)" : call)
        if type(r) == "table" then for i = 1, 7 do t[#t + 1] = tostring(r[i]) end r = "table" end
        return tostring(r) .. table.concat(t, ",")
        """
      try #require(run(source, inSandbox: true) == run(source, inSandbox: false), "\(source)")
    }
  }
}
