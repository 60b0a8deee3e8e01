// Findings that need no other file: unused locals, unreachable code, names of the original's engine.

import Testing

@testable import SpacerCompiler

@Suite struct FactsDiagnosticsTests {
  @Test func unusedLocals() {
    let probe = FactsProbe(
      """
      local used, unused = 1, 2
      local _, _ignored = f()
      local written
      written = used
      local function never(parameter) return parameter end
      for i = 1, 2 do end
      for k, v in pairs({}) do end
      local guard <close> = nil
      local limit <const> = 1
      return function(self, args) end
      """)
    #expect(
      probe.findings == [
        "unused-local: local 'unused' is never used [unused]",
        "unused-local: local 'written' is assigned but never read [written]",
        "unused-local: local function 'never' is never used [never]",
        "unused-local: local 'limit' is never used [limit]",
      ])
    #expect(probe.facts.diagnostics[0].fix?.replacement == "_unused")
    #expect(probe.facts.diagnostics.allSatisfy { $0.severity == .warning })
  }

  @Test(arguments: [
    ("do return end print(1)", "print(1)"),
    ("while true do print(1) end print(2)", "print(2)"),
    ("while 1 do if x then break end end print(2)", nil),
    ("while true do while true do break end end print(2)", "print(2)"),
    ("while x do end print(2)", nil),
    ("repeat print(1) until false print(2)", "print(2)"),
    ("repeat do return end until x print(2)", "print(2)"),
    ("repeat if x then break end until false print(2)", nil),
    ("error('x') print(1) print(2)", "print(1) print(2)"),
    ("local error = print error('x') print(1)", nil),
    ("if x then return 1 else error() end print(1)", "print(1)"),
    ("if x then return 1 elseif y then return 2 else return 3 end print(1)", "print(1)"),
    ("if x then return 1 elseif y then else return 3 end print(1)", nil),
    ("if x then return 1 end print(1)", nil),
    ("for i = 1, 2 do break print(i) end", "print(i)"),
    ("goto done print(1) ::done:: print(2)", "print(1)"),
    ("goto done ::done:: print(2)", nil),
    ("while true do goto out end ::out:: print(2)", nil),
    ("for i = 1, 2 do do goto continue end print(i) ::continue:: end", "print(i)"),
    ("function f() do return end print(1) end print(2)", "print(1)"),
  ])
  func unreachableCode(_ text: String, _ dead: String?) {
    let probe = FactsProbe(text)
    let found = probe.facts.diagnostics.filter { $0.id == .unreachableCode }
    #expect(found.compactMap { $0.location.range.map(probe.piece) } == [dead].compactMap { $0 }, "\(text)")
    #expect(found.allSatisfy { $0.severity == .warning && $0.notes.count == 1 })
  }

  @Test(arguments: [
    ("ngx.say('x')", "ngx.say", "return the value"),
    ("local v = ngx.var.uri return v", "ngx.var", "require \"request\""),
    ("local n = ngx n.log(n.ERR)", "ngx.log", "print(…)"),
    ("ngx.timer.at(0, f)", "ngx.timer", "defer(function"),
    ("return ngx.shared.cache", "ngx.shared", "require \"kv\""),
    ("return ngx.location.capture('/x')", "ngx.location", "flow.call"),
    ("return bit.band(1, 2)", "bit.band", "a & b"),
    ("local ffi = require 'ffi' return ffi", "require \"ffi\"", "plain Lua"),
    ("return require 'ngx.re'", "require \"ngx.re\"", "string.find"),
    ("setfenv(1, {})", "setfenv", "_ENV"),
    ("module('x')", "module", "return it"),
    ("return io.open('x')", "io.open", "no files"),
    ("io.write('x')", "io.write", "log"),
    ("return debug.traceback()", "debug.traceback", "logged"),
    ("dofile('x')", "dofile", "require"),
    ("os.exit(1)", "os.exit", "error("),
  ])
  func engineOnlyNames(_ text: String, _ name: String, _ hint: String) {
    let found = FactsProbe(text).facts.diagnostics.filter { $0.id == .engineOnly }
    #expect(found.first?.message == "'\(name)' does not exist here", "\(text)")
    #expect(found.first?.severity == .error)
    #expect(found.first?.hint?.contains(hint) == true, "\(found.first?.hint ?? "")")
  }

  @Test(arguments: [
    "if ngx then ngx.say('x') end", "return io and io.write", "local setfenv = setfenv or f return setfenv",
    "local ok, ffi = pcall(require, 'ffi') return ok, ffi", "local ngx = {} return ngx.say",
    "if type(ngx) == 'table' then ngx.say('x') end", "return os.time(), os.getenv 'X'", "return a.ngx.say",
    "return require 'resty.hmac'",
  ])
  func engineNamesThatAreFine(_ text: String) {
    let probe = FactsProbe(text)
    #expect(probe.facts.diagnostics.filter { $0.id == .engineOnly }.isEmpty, "\(probe.findings)")
    #expect(!probe.names(probe.facts.globalReads).contains("ngx"))
  }

  @Test func engineNamesAreReportedOnce() {
    let probe = FactsProbe("ngx.say(1)\nngx.say(2)\nngx.print(3)\npcall(function() ngx.exit() end)")
    #expect(
      probe.findings == [
        "engine-only: 'ngx.say' does not exist here [ngx.say]",
        "engine-only: 'ngx.print' does not exist here [ngx.print]",
        "engine-only: 'ngx.exit' does not exist here [ngx.exit]",
      ])
    #expect(probe.facts.diagnostics[0].notes.count == 1)
    #expect(probe.facts.diagnostics[2].severity == .warning)
  }

  @Test func modulesOfTheEngine() {
    #expect(EngineOnlyNames.equivalent(ofModule: "resty/http") != nil)
    #expect(EngineOnlyNames.equivalent(ofModule: "resty.session")?.contains("lib/") == true)
    #expect(EngineOnlyNames.equivalent(ofModule: "helper") == nil)
  }
}
