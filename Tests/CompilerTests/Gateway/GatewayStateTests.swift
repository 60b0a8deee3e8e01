import SpacerLuaVM
import Testing

@Suite struct GatewayStateTests {
  func run(
    _ text: String, modules: [String: String] = [:],
    bounds: GatewayState.Bounds = .init(instructionsMax: 2_000_000, memoryBytesMax: 32 << 20)
  ) -> Result<GatewayState.Value, GatewayState.Failure> {
    GatewayState.run(bounds: bounds) { name in
      guard let name else {
        return .success(.init(text: Array(text.utf8), path: "app/gateway.lua", isWrapped: false))
      }
      guard let module = modules[name] else { return .failure(.init("no module '\(name)'")) }
      return .success(.init(text: Array(module.utf8), path: "lib/\(name).lua", isWrapped: false))
    }
  }

  func text(_ code: String, modules: [String: String] = [:]) -> String {
    switch run(code, modules: modules) {
    case .success(.string(let bytes)): String(decoding: bytes, as: UTF8.self)
    case .success(let value): "\(value)"
    case .failure(let failure): "\(failure.kind): \(failure.message) @\(failure.frames.map(\.line))"
    }
  }

  @Test func valuesAreCopied() {
    guard case .success(.table(let table)) = run("return {{'GET', '/a', 'f'}, {1.5, true, print, 7}, x = 1}")
    else {
      Issue.record("no table")
      return
    }
    #expect(table.items.count == 2)
    #expect(table.others.count == 1)
    guard case .table(let first) = table.items[0], case .table(let second) = table.items[1] else {
      Issue.record("no entries")
      return
    }
    #expect(first.items == [.string(Array("GET".utf8)), .string(Array("/a".utf8)), .string(Array("f".utf8))])
    #expect(second.items == [.float(1.5), .boolean(true), .other("function"), .integer(7)])
  }

  @Test func cyclesEnd() {
    guard case .success(.table) = run("local t = {} t[1] = t return t") else {
      Issue.record("no table")
      return
    }
  }

  @Test(arguments: [
    "os", "io", "debug", "load", "loadstring", "dofile", "loadfile", "collectgarbage", "package",
    "math.random", "math.randomseed", "string.dump", "warn",
  ])
  func absent(name: String) {
    #expect(text("return type(\(name))") == "nil")
  }

  @Test func keysHaveAFixedOrder() {
    let walk = """
      local t = {b = 1, [2] = 1, a = 1, [-1] = 1, [1.5] = 1, [true] = 1, [false] = 1, ["\\xFF"] = 1, B = 1}
      for i = 1, 40 do t["k" .. i] = nil end
      local out = {}
      """
    let expected = "-1 1.5 2 B a b \u{FFFD} false true"
    #expect(
      text(walk + "for k in pairs(t) do out[#out + 1] = tostring(k) end return table.concat(out, ' ')")
        == expected)
    #expect(
      text(
        walk
          + "local k = next(t) while k ~= nil do out[#out + 1] = tostring(k) k = next(t, k) end "
          + "return table.concat(out, ' ')") == expected)
    #expect(
      text("local t = {} t[t] = 1 for k in pairs(t) do end")
        == "raised: a key is a table: the order of keys would not be fixed in the gateway @[1]")
  }

  @Test func walkingMayRemoveAndChange() {
    #expect(
      text(
        "local t = {a=1,b=2,c=3} local n = 0 for k, v in pairs(t) do n = n + v t[k] = nil t.c = nil end "
          + "return n .. ' ' .. tostring(next(t))") == "3 nil")
    #expect(text("return tostring(next({}, 'x'))").hasPrefix("nil"))
    #expect(text("local k = next({a = 1}, 'x')") == "raised: invalid key to 'next' @[1]")
    #expect(
      text(
        "local mt = {__pairs = function(t) return function(_, k) if not k then return 'p', 1 end end, t end}"
          + " for k in pairs(setmetatable({}, mt)) do return k end") == "p")
    #expect(
      text("pairs(nil)") == "raised: bad argument #1 to 'for iterator' (table expected, got nil) @[1]")
  }

  @Test func textHoldsNoAddress() {
    #expect(
      text("local a, b = {}, print return tostring(a) .. ' ' .. tostring(b) .. ' ' .. tostring(a)")
        == "table: 1 function: 2 table: 1")
    #expect(text("return string.format('%s|%5.1f|%%|%s|%d', {}, 2, nil, 3)") == "table: 1|  2.0|%|nil|3")
    #expect(text("local s = ('%p'):format({})") == "raised: '%p' is not available in the gateway @[1]")
    #expect(text("return tostring(setmetatable({}, {__tostring = function() return 'me' end}))") == "me")
    #expect(
      text("local s = ('%d'):format('x')")
        == "raised: bad argument #2 to 'format' (number expected, got string) @[1]")
  }

  @Test func sortingIsStable() {
    let code = """
      local t = {}
      for i = 1, 300 do t[i] = {key = (i * 7) % 5, place = i} end
      table.sort(t, function(a, b) return a.key < b.key end)
      for i = 2, 300 do
        assert(t[i - 1].key <= t[i].key)
        assert(t[i - 1].key < t[i].key or t[i - 1].place < t[i].place)
      end
      local names = {"b", "c", "a"}
      table.sort(names)
      return table.concat(names)
      """
    #expect(text(code) == "abc")
    #expect(text("table.sort({1, 'x'})") == "raised: attempt to compare string with number @[1]")
  }

  @Test func boundsHoldEvenWhenCaught() {
    for code in [
      "while true do end", "while true do pcall(function() while true do end end) end",
      "local function f() return pcall(f) end while true do f() end",
      "while true do coroutine.wrap(function() while true do end end)() end",
      "local s = {} while true do table.sort(s, function() end) end",
    ] {
      guard case .failure(let failure) = run(code) else {
        Issue.record("ended: \(code)")
        continue
      }
      #expect(failure.kind == .outOfInstructions)
    }
    for code in [
      "local s = 'x' while true do s = s .. s end",
      "pcall(string.rep, 'x', 1e7) pcall(string.rep, 'xxxxxxxx', 9e6) return {}",
      "local t = {} for i = 1, 1e9 do t[i] = {i} end",
    ] {
      guard case .failure(let failure) = run(code, bounds: .init(memoryBytesMax: 16 << 20)) else {
        Issue.record("ended: \(code)")
        continue
      }
      #expect(failure.kind == .outOfMemory)
    }
  }

  @Test func longLoopsInCAreRefused() {
    #expect(text("return (''):rep(1e18)").hasPrefix("raised: too many repetitions"))
    #expect(text("table.move({}, 1, 1e18, 2)").hasPrefix("raised: range too long"))
    #expect(text("table.concat({}, '', 1, 1e18)").hasPrefix("raised: range too long"))
    let long = "setmetatable({}, {__len = function() return 1e18 // 1 | 0 end})"
    for call in ["insert(t, 1)", "remove(t)", "concat(t)", "sort(t)"] {
      #expect(text("local t = \(long) table.\(call)").hasPrefix("raised: table too long"))
    }
  }

  @Test func modules() {
    let modules = [
      "a": "return {name = ... .. require('b')}", "b": "return 'b'", "n": "loads = (loads or 0) + 1",
    ]
    #expect(text("return require('a').name", modules: modules) == "ab")
    #expect(text("require 'n' require 'n' return 'x' .. loads", modules: modules) == "x1")
    #expect(text("return require 'flow'") == "raised: no module 'flow' @[1]")
    let cycle = ["x": "return require 'y'", "y": "return require 'x'"]
    #expect(
      text("require 'x'", modules: cycle) == "raised: module 'x' requires itself while it loads @[1, 1, 1]")
  }

  @Test func failuresHaveTheirFrames() {
    #expect(text("\nlocal x = nil\nreturn x.y") == "raised: attempt to index a nil value (local 'x') @[3]")
    #expect(text("error('bad', 0)") == "raised: bad @[1]")
    #expect(text("error({})") == "raised: the error value is a table @[1]")
    #expect(text("local function f() error('deep', 2) end\nf()") == "raised: deep @[2]")
    #expect(
      text("\nrequire 'lib'", modules: ["lib": "error('in lib')"]) == "raised: in lib @[1, 2]")
    guard case .failure(let failure) = run("local function f() return f() .. '' end f()", bounds: .init())
    else { return }
    #expect(failure.message.hasPrefix("stack overflow"))
  }

  @Test func marksTellWhereATableWasMade() {
    let wrapped = """
      local mark = ... return function(...) local function get(p) return mark({'GET', p}, 7) end
      return mark({
        get('/a')
      }, 8)
      end
      """
    let result = GatewayState.run(bounds: .init()) { _ in
      .success(.init(text: Array(wrapped.utf8), path: "app/gateway.lua", isWrapped: true))
    }
    guard case .success(.table(let table)) = result, case .table(let entry)? = table.items.first else {
      Issue.record("\(result)")
      return
    }
    #expect(table.mark == 8)
    #expect(entry.mark == 7)
    #expect(entry.gatewayLine == 3)
  }
}
