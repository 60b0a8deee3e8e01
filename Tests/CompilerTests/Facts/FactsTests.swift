// What the extractor finds in small modules.

import Testing

@testable import SpacerCompiler

/// Facts of a text, with the pieces of it that ranges point at.
struct FactsProbe {
  let text: String
  let facts: ModuleFacts

  init(_ text: String) {
    self.text = text
    facts = FactsExtractor.extract(path: "app/x.lua", bytes: Array(text.utf8))
  }

  func piece(_ range: SourceRange) -> String {
    let bytes = Array(text.utf8)
    return String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self)
  }

  func names(_ references: [ModuleFacts.Reference]) -> [String] {
    references.map { $0.name + ($0.isGuarded ? "?" : "") }
  }

  /// `id: message [text]`, one a diagnostic.
  var findings: [String] {
    facts.diagnostics.map { diagnostic in
      "\(diagnostic.id.rawValue): \(diagnostic.message) [\(diagnostic.location.range.map(piece) ?? "")]"
    }
  }
}

@Suite struct FactsTests {
  @Test func requires() {
    let probe = FactsProbe(
      """
      local a = require "a"
      local b = require("lib.b")
      local require = require
      local c = require 'c/d'
      local name = "e"
      require(name)
      require("pre" .. "fix")
      require(other)
      require("x" .. other)
      local function load() return require "late" end
      local ok, f = pcall(require, "f")
      pcall(function() require "g" end);
      (function() require "h" end)()
      return load, a, b, c, ok, f
      """)
    let found = probe.facts.requires.map {
      $0.reference.name + ($0.reference.isGuarded ? "?" : "") + ($0.isLoadTime ? "" : " late")
    }
    #expect(found == ["a", "lib.b", "c/d", "e", "prefix", "late late", "f?", "g?", "h"])
    #expect(probe.facts.dynamicRequires.map(probe.piece) == ["require(other)", "require(\"x\" .. other)"])
    #expect(probe.piece(probe.facts.requires[0].reference.range) == "\"a\"")
  }

  @Test func requireOfAnotherValueIsNone() {
    let probe = FactsProbe("local require = x\nrequire 'a'\nlocal t = {}\nt.require 'b'\nreturn t")
    #expect(probe.facts.requires.isEmpty)
    #expect(probe.facts.dynamicRequires.isEmpty)
  }

  @Test func appends() {
    let probe = FactsProbe(
      """
      local topics = require "topics"
      local append = topics.append
      local TOPIC = "third"
      topics.append("first", {})
      append("second", {})
      topics["append"](TOPIC, {})
      require("topics").append("fourth", {})
      pcall(topics.append, "fifth", {})
      pcall(function() topics.append("sixth", {}) end)
      topics.append(dynamic, {})
      topics.remove("seventh")
      """)
    #expect(probe.names(probe.facts.appends) == ["first", "second", "third", "fourth", "fifth?", "sixth?"])
  }

  @Test func globalModulesCountToo() {
    let probe = FactsProbe("topics.append('a', {})\nflow.call('b')")
    #expect(probe.names(probe.facts.appends) == ["a"])
    #expect(probe.names(probe.facts.calls) == ["b"])
    #expect(probe.names(probe.facts.globalReads) == ["topics", "flow"])
  }

  @Test func callsAndGetenvs() {
    let probe = FactsProbe(
      """
      local flow = require "flow"
      flow.call("users/get", { id = 1 })
      local ok, r = xpcall(flow.call, print, "a")
      flow.all { { "b", {} }, c = { "c" }, { dynamic } }
      pcall(flow.all, { { "d" } })
      local getenv = os.getenv
      return { os.getenv("HOME"), getenv "PATH", ok, r }
      """)
    #expect(probe.names(probe.facts.calls) == ["users/get", "a?", "b", "c", "d?"])
    #expect(probe.names(probe.facts.getenvs) == ["HOME", "PATH"])
    #expect(probe.piece(probe.facts.calls[0].range) == "\"users/get\"")
  }

  @Test func reassignedLocalsMeanNothing() {
    let probe = FactsProbe("local flow = require 'flow'\nflow = x\nflow.call('a')")
    #expect(probe.facts.calls.isEmpty)
    let late = FactsProbe("local flow\nflow = require 'flow'\nreturn function() flow.call('a') end")
    #expect(late.names(late.facts.calls) == ["a"])
  }

  @Test func globals() {
    let probe = FactsProbe(
      """
      pritn(print, _VERSION, string.format("x"))
      counter = counter + 1
      function helper() end
      function table.extra() end
      local t = {}
      t.field, other = pcall(function() return missing end)
      """)
    #expect(probe.names(probe.facts.globalReads) == ["pritn", "counter", "missing?"])
    #expect(probe.names(probe.facts.globalWrites) == ["counter", "helper", "table.extra", "other"])
    #expect(probe.piece(probe.facts.globalWrites[1].range) == "helper")
  }

  @Test func environments() {
    let local = FactsProbe("local _ENV = { print = print }\nprint(x)\ny = 1")
    #expect(local.facts.globalReads.isEmpty)
    #expect(local.facts.globalWrites.isEmpty)
    let parameter = FactsProbe("return function(_ENV) return x end, y")
    #expect(parameter.names(parameter.facts.globalReads) == ["y"])
    let replaced = FactsProbe("_ENV = {}\nx = y")
    #expect(replaced.facts.globalReads.isEmpty && replaced.facts.globalWrites.isEmpty)
  }

  @Test(arguments: [
    ("return function(args) return 1 end", ModuleFacts.ReturnShape.function),
    ("local G = function(args) return args end return G", .function),
    ("local function f() end return f", .function),
    ("local function f() end f = x return f", .unknown),
    ("return (function() end)", .function),
    ("return print", .function),
    ("return {}", .notAFunction),
    ("return 'x'", .notAFunction),
    ("return a + 1", .notAFunction),
    ("return not x", .notAFunction),
    ("return string", .notAFunction),
    ("local M = {} M.f = function() end return M", .notAFunction),
    ("local M = {} table.insert(M, 1) return M", .notAFunction),
    ("local M = {} setmetatable(M, {}) return M", .unknown),
    ("local M = {} class(M) return M", .unknown),
    ("local M = setmetatable({}, {}) return M", .unknown),
    ("return setmetatable({}, {})", .unknown),
    ("local x return x", .notAFunction),
    ("local x, y = f() return y", .unknown),
    ("local x = nil return x", .notAFunction),
    ("return a and b", .unknown),
    ("return ...", .unknown),
    ("return f()", .unknown),
    ("return M.handler", .unknown),
    ("print 'x'", .nothing),
    ("", .nothing),
    ("return", .nothing),
    ("if x then return f end", .unknown),
    ("if x then return end", .nothing),
    ("error 'not ready'", .unknown),
    ("local function f() return 1 end", .nothing),
  ])
  func returnShapes(_ text: String, _ shape: ModuleFacts.ReturnShape) {
    #expect(FactsProbe(text).facts.returnShape == shape, "\(text)")
  }

  @Test func returnRanges() {
    let table = FactsProbe("local M = {}\nreturn M\n")
    #expect(table.piece(table.facts.returnRange) == "M")
    let none = FactsProbe("local _x = 1\n")
    #expect(none.facts.returnRange == SourceRange(start: 13, end: 13))
  }

  @Test func ignores() {
    let probe = FactsProbe(
      """
      #!/usr/bin/lua
      local a = 1 -- spacer: ignore unused-local
      -- spacer:ignore undefined-global, unreachable-code: as meant
      --- spacer: ignored
      --[[ a comment
      ]] x = 1 -- spacer: ignore undefined-global -- why
      """)
    #expect(
      probe.facts.ignores.map { "\($0.line) \($0.id)" } == [
        "2 unused-local", "3 undefined-global", "3 unreachable-code", "6 undefined-global",
      ])
    #expect(probe.piece(probe.facts.ignores[0].range) == "-- spacer: ignore unused-local")
  }

  @Test func syntaxErrorsLeaveOnlyThemselves() {
    let broken = FactsProbe("require 'a' local x = = 1 -- spacer: ignore unused-local")
    #expect(broken.facts.requires.isEmpty)
    #expect(broken.facts.diagnostics.count == 1)
  }
}
