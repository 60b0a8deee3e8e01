// The tree's shape, its ranges, and what names mean.

import CLua
import Testing

@testable import SpacerCompiler

@Suite struct TreeTests {
  static func tree(_ text: String) -> SyntaxTree { Parser.parse(Array(text.utf8), path: "x.lua").tree }

  /// The nodes of one kind as the text they cover.
  static func pieces(_ text: String, _ kind: NodeKind) -> [String] {
    let bytes = Array(text.utf8)
    return tree(text).nodes.filter { $0.kind == kind }.map {
      String(decoding: bytes[Int($0.start)..<Int($0.end)], as: UTF8.self)
    }
  }

  @Test func ranges() {
    let text = "local a <const>, b = f(x, 1) + 2 ^ -3 -- c\nfunction t.u:v(p, ...) return p[1].q, self end\n"
    #expect(Self.pieces(text, .localStatement) == ["local a <const>, b = f(x, 1) + 2 ^ -3"])
    #expect(Self.pieces(text, .localName) == ["a", "b", "", "p"])
    #expect(Self.pieces(text, .binary) == ["2 ^ -3", "f(x, 1) + 2 ^ -3"])
    #expect(Self.pieces(text, .call) == ["f(x, 1)"])
    #expect(Self.pieces(text, .index) == ["t.u", "t.u:v", "p[1]", "p[1].q"])
    #expect(Self.pieces(text, .function) == ["function t.u:v(p, ...) return p[1].q, self end"])
    #expect(Self.pieces(text, .returnStatement) == ["return p[1].q, self"])
    #expect(Self.pieces(text, .block) == [String(text.dropLast()), "return p[1].q, self"])
  }

  @Test func childrenPrecedeParents() {
    for file in LuaCorpus.load().prefix(60) {
      let tree = Parser.parse(file.bytes, path: file.path).tree
      var violations = 0
      for index in tree.nodes.indices {
        let outer = tree.nodes[index]
        tree.forEachChild(of: outer) { child in
          let inner = tree.nodes[Int(child)]
          let isInside = inner.start >= outer.start && inner.end <= outer.end && inner.start <= inner.end
          if !isInside || index > 0 && Int(child) >= index { violations += 1 }
        }
      }
      #expect(violations == 0, "\(file.path)")
    }
  }

  @Test func symbols() {
    let tree = Self.tree(
      """
      local a = 1
      local a, b = a, a
      local function f(p) return f(p), a end
      for i = 1, 2 do b = i end
      function f() end
      g = a
      """)
    let found = tree.symbols.map {
      "\(tree.text($0.name)) \($0.kind) r\($0.reads) w\($0.writes)\($0.isTopLevel ? " top" : "")"
    }
    #expect(
      found == [
        "a local r2 w0 top", "a local r2 w0 top", "b local r0 w1 top", "f function r1 w1 top",
        "p parameter r1 w0",
        "i loop r1 w0 top",
      ])
    #expect(tree.nodes.filter { $0.kind == .globalReference }.map { tree.text($0.a) } == ["g"])
  }

  @Test func environmentNames() {
    let tree = Self.tree("x = 1 local _ENV = {} y = x")
    #expect(tree.nodes.filter { $0.kind == .globalReference }.map { tree.text($0.a) } == ["x"])
    #expect(tree.nodes.filter { $0.kind == .index && $0.c == 2 }.count == 2)
    #expect(tree.symbols[0].reads == 2)
  }

  @Test func comments() {
    let text = "#!x\n-- a\nx = 1 --[[ b\n]] --c"
    let bytes = Array(text.utf8)
    let found = Self.tree(text).comments.map {
      String(decoding: bytes[Int($0.range.start)..<Int($0.range.end)], as: UTF8.self)
    }
    #expect(found == ["-- a", "--[[ b\n]]", "--c"])
  }

  @Test func bodies() {
    #expect(LuaSource.body(of: Array("return".utf8)) == 0)
    #expect(LuaSource.body(of: Array("\u{FEFF}return".utf8)) == 3)
    #expect(LuaSource.body(of: Array("#!x\nreturn".utf8)) == 3)
    #expect(LuaSource.body(of: Array("\u{FEFF}# x".utf8)) == 6)
    #expect(LuaSource.line(of: 6, in: Array("a\r\nb\rc\n\nd".utf8)) == 3)
    #expect(LuaSource.line(of: 8, in: Array("a\r\nb\rc\n\nd".utf8)) == 5)
  }

  /// Literals have the VM's own values.
  @Test func literals() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("literals: seed \(seed)")
    var generator = LuaGenerator(random: SeededGenerator(seed: seed))
    let state = try #require(luaL_newstate())
    defer { lua_close(state) }
    var texts = [
      "0x7fffffffffffffff", "0xffffffffffffffffff", "9223372036854775807", "9223372036854775808", "1e308",
      "1e309",
      "0x1p-1074", "3.", ".5", "0x.8", "0xA.", "0x1.8p1", "1e-5", "0.1", "123456789012345678901234567890",
      "5e-324",
      "[[\r\na\r\rb\n\rc]]", "'\\u{7FFFFFFF}\\u{800}\\u{FFFF}\\u{10FFFF}\\u{3FFFFFF}'",
      "'\\z \r\n  x\\\r\ny'",
    ].map { "return \($0)" }
    for _ in 0..<1_000 { texts.append(Bool.random() ? generator.numeral() : generator.string()) }
    var compared = 0
    for text in texts {
      let bytes = Array(text.utf8)
      let tree = Parser.parse(bytes, path: "x").tree
      guard let last = tree.nodes.last, tree.nodes.count == 3, last.kind == .returnStatement else { continue }
      let status = bytes.withUnsafeBytes {
        luaL_loadbufferx(state, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "=v", "t")
      }
      guard status == 0 else { continue }
      lua_callk(state, 0, 1, 0, nil)
      let literal = tree.nodes[1]
      let bits = UInt64(literal.a) | UInt64(literal.b) << 32
      switch literal.kind {
      case .integerLiteral:
        #expect(
          lua_isinteger(state, -1) == 1 && lua_tointegerx(state, -1, nil) == Int64(bitPattern: bits),
          "\(text)")
      case .floatLiteral:
        #expect(lua_isinteger(state, -1) == 0 && lua_tonumberx(state, -1, nil).bitPattern == bits, "\(text)")
      case .stringLiteral:
        var length = 0
        let content = lua_tolstring(state, -1, &length).map { pointer in
          UnsafeRawBufferPointer(start: pointer, count: length).map { $0 }
        }
        #expect(content == Array(tree.strings[Int(literal.a)]), "\(text)")
      default: compared -= 1
      }
      compared += 1
      lua_settop(state, 0)
    }
    #expect(compared > 50)
  }
}
