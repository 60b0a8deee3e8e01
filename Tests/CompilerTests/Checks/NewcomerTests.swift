// What newcomers get wrong, and the hint that each mistake is answered with.

import SpacerArtifact
import Testing

@testable import SpacerCompiler

@Suite struct NewcomerTests {
  /// `message | hint` of each finding.
  private func hints(_ files: [String: String]) -> [String] {
    Compiler.check(files: project(files)).diagnostics.map { "\($0.message) | \($0.hint ?? "")" }
  }

  private func hints(in function: String, _ others: [String: String] = [:]) -> [String] {
    hints(others.merging(["app/hello.lua": function]) { $1 })
  }

  @Test func hintsNameWhatExists() {
    let found = hints(in: "return function () io.open('x') ngx.shared.x() ngx.timer.at() end")
    #expect(found.count == 3)
    for (hint, name) in zip(found, ["no files", "\"kv\"", "defer(function"]) {
      #expect(hint.contains(name), "\(hint)")
    }
  }

  @Test func brokenLibrariesAreReported() {
    let result = Compiler.check(files: project(["lib/broken.lua": "local unused = 1 return ("]))
    #expect(result.diagnostics.map(\.id) == [.syntaxError])
    let both = Compiler.check(
      files: project(["app/hello.lua": "local b = require 'b' return (", "lib/b.lua": "return ("]))
    #expect(both.diagnostics.map(\.location.path) == ["app/hello.lua", "lib/b.lua"])
    let unused = Compiler.check(files: project(["lib/unused.lua": "local x = 1 return y"]))
    #expect(unused.diagnostics.isEmpty)
    #expect(unused.plan?.contents.modules.map(\.path) == ["app/hello.lua"])
  }

  @Test(arguments: [
    ("string", "uper", "upper"), ("table", "instert", "insert"), ("os", "tiem", "time"),
    ("cjson", "encod", "encode"), ("flow", "cal", "call"),
  ])
  func misspeltMembers(table: String, member: String, name: String) {
    let require = BuiltinModules.names.contains(table) ? "local \(table) = require '\(table)' " : ""
    #expect(
      hints(in: "\(require)return function () return \(table).\(member)('x') end")
        == ["'\(table)' has no field '\(member)' | did you mean '\(name)'?"])
  }

  @Test(arguments: [
    "local string = {} return function () return string.uper end",
    "local f = string.trim or string.upper return function () return f() end",
    "return function () if table.maxn then return table.maxn({}) end end",
    "function string.trim(s) return s end return function () return string.trim('x') end",
    "local flow = require 'flow' flow = {} return function () return flow.cal end",
  ])
  func membersInDoubt(function: String) { #expect(hints(in: function) == []) }

  @Test func ownModulesComeFirst() {
    #expect(
      hints(
        in: "local cjson = require 'cjson' return function () return cjson.x() end",
        ["lib/cjson.lua": "return {}"]) == [])
  }

  @Test func routes() {
    #expect(
      hints(["app/gateway.lua": "return {{'GET', '/a/{id}', 'hello'}}"])
        == ["a path has no braces: '/a/{id}' | parameters are written ':id', the rest of a path '*rest'"])
    #expect(hints(["app/gateway.lua": "return {}"]).first?.hasPrefix("the gateway lists no routes") == true)
    #expect(hints(["app/gateway.lua": "return {{'GET', '/x'}}"]).first?.contains("write it as") == true)
    for name in ["hello.lua", "app/hello", "app/hello.lua"] {
      let found = hints(["app/gateway.lua": "return {{'GET', '/x', '\(name)'}}"])
      #expect(found.first?.hasSuffix("| write 'hello'") == true, "\(found)")
    }
  }

  @Test func names() {
    let found = hints(
      in: "local g = require 'lib/greet' return function () return g end", ["lib/greet.lua": "return 1"])
    #expect(found.first?.hasSuffix("| write 'greet'") == true, "\(found)")
    #expect(
      hints(in: "return function () return flow.call('hello', {}) end").first?
        .hasSuffix("| add: local flow = require \"flow\"") == true)
    #expect(
      hints(["config/application.yml": "spacerVersion: 1\n"])
        == ["'appName' is missing | add a line like 'appName: shop'"])
  }

  @Test func functionsThatAreNotReturned() {
    for text in ["local G = function () end", "local function G() end"] {
      #expect(
        hints(in: text) == [
          "'app/hello.lua' is used as a function but returns nothing | add 'return G' at the end"
        ])
    }
  }
}
