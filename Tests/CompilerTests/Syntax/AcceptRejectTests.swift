// A table of texts with the verdict each must get; the VM's own verdict is checked beside it, so that the
// table cannot be wrong.

import Testing

@testable import SpacerCompiler

@Suite struct AcceptRejectTests {
  static let accepted = [
    "", "#!/usr/bin/lua\nreturn 1", "\u{FEFF}return 1", "\u{FEFF}#x\nreturn 1", "# only", ";;;", "return",
    "return;",
    "local a <const>, b <close> = 1, nil", "local a <const> = 1 do local a a = 2 end",
    "local a <const> = {} a.x = 1",
    "local a <const> = 1 function a.f() end", "goto a ::a::", "::a:: goto a", "do goto a end ::a::",
    "goto a do ::b:: end ::a::", "goto a local x ::a::", "goto a local x ::a:: ; ::b::", "do ::a:: end ::a::",
    "do goto a local x ::a:: end", "while x do goto c local y ::c:: end", "for i = 1, 2 do goto c ::c:: end",
    "while x do break end", "repeat local x until x", "repeat goto c ::c:: until y", "return ...",
    "return function(...) return ... end", "x = 0xffffffffffffffffff", "x = 9223372036854775808", "x = 0x1p4",
    "x = 0x.8p-1", "x = 0xA.", "x = 3.", "x = .5", "x = 3e+2", "x = 1e1", "x = '\\u{7FFFFFFF}'",
    "x = '\\z  \n\r a'",
    "x = '\\x41\\065\\6'", "x = [[a]]", "x = [==[a]]b]=]c]==]", "x = [[\n]]", "-- a\r\nx = 1\r--b\n\rx = 2",
    "--[[ x ]] y = 1", "--[==[ x ]] ]==] y = 1", "--[=x\ny = 1", "--[[x]]", "f 'x' [[y]] {} ()",
    "a.b.c:d(1).e[2] = 3",
    "a, b.c, d[1] = 1", "(a).b = 1", "(f())()", "f\n(g)", "x = {1, 2; 3, a = 1, [2] = 3,}", "x = {f'', ...}",
    "x = not not -~#y", "x = 2^-3", "x = a // b >> c << d & e | f ~ g", "x = a .. b .. c", "x = a < b == c",
    "for i = 1, 2, 3 do end", "for a, b, c in f, g, h do end", "function a.b.c:d() end",
    "local function f() f() end",
    "if a then elseif b then else end", "local _ENV = {} x = 1", "local _ENV <const> = {} x = 1",
    "x = '\\\n'",
    "local goto_ = 1", "x = a.b", "return function() end", "do return end", "x = '\0'", "x = 1--[[a]]+2",
    "x = 0x.1", "a = 1 b = 2", "local function f(a, ...) end", "x = function(a) end", "x = 0xep1", "x = a--b",
    "break_ = 1", "while x do while y do break end break end", "if x then return end", "x = '\u{E9}'",
  ]

  static let rejected = [
    "x", "x =", "= 1", "x = = 1", "x + 1", "1", "'a'", "f() = 1", "(a) = 1", "a, f() = 1", "local", "local 1",
    "local a.b",
    "local a <const> = 1 a = 2", "local a <const> = 1 function a() end", "local a <close> = nil a = 1",
    "local a <const> = 1 return function() a = 2 end", "local a <konst> = 1",
    "local a <close>, b <close> = nil",
    "goto a", "goto a do ::a:: end", "::a:: ::a::", "::a:: do ::a:: end", "goto a local x ::a:: print()",
    "repeat goto c local y ::c:: until y", "function f() goto a end ::a::", "break", "do break end",
    "while x do local function f() break end end", "function f() return ... end", "x = 3x", "x = 0x",
    "x = 1..2",
    "x = 0xp1", "x = 3e", "x = 3e+", "x = 1.2.3", "x = 0x1p", "x = 12abc", "x = 'a", "x = 'a\n'", "x = '\\q'",
    "x = '\\300'", "x = '\\xg1'", "x = '\\x4'", "x = '\\u{80000000}'", "x = '\\u{}'", "x = '\\u41'",
    "x = [[a", "x = [=a",
    "x = [==[a]=]", "--[[ x", "if x", "if x then", "if x do end", "while x then end", "for i do end",
    "for i = 1 do end",
    "for i = 1, 2, 3, 4 do end", "for a.b in x do end", "function f", "function f(", "function f(a,) end",
    "function f(..., a) end", "function f:g:h() end", "function 1() end", "x = function f() end",
    "return 1 x = 2",
    "x = {", "x = {1 2}", "x = {a.b = 1}", "x = {[1] 2}", "f(", "f(1,)", "f(1 2)", "a.1", "a:b", "a:b = 1",
    "a.b:", "x != 1",
    "x += 1", "x++", "a && b", "x = !y", "x = a ? b : c", "x = \u{E9}", "\u{E9} = 1", "x = 1 end", "end",
    "else", "until x",
    "repeat end", "do", "end end", "x = @", "x = $y", "x = `a`", "x = \\", "\0", "\u{1B}Lua", "x = #",
    "x = not",
    "local function a.b() end", "local function() end", "goto 1", "::a", "::a:", "x = ...,", "return return",
    "and",
    "x = 1 1", "x = 'a' 'b'", "x = {} {}", "x = 2 (3)", "nil()", "x.nil = 1", "x = a..", "local x <const",
    "local x < >",
  ]

  @Test(arguments: accepted) func accepts(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(Parser.parse(bytes, path: "v.lua").diagnostics.first?.message == nil)
    #expect(LuaOracle().verdict(bytes) == .accepted)
  }

  @Test(arguments: rejected) func rejects(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(Parser.parse(bytes, path: "v.lua").diagnostics.count == 1)
    #expect(LuaOracle().verdict(bytes) != .accepted)
  }
}
