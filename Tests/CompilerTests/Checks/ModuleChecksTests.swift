import SpacerArtifact
import Testing

@testable import SpacerCompiler

/// What the checks must not say, and the cases that Fixtures/mistakes does not show.
@Suite struct ModuleChecksTests {
  func check(_ files: [String: String]) -> [String] {
    findings(Compiler.check(files: project(files)))
  }

  @Test func theSmallestProjectIsClean() {
    #expect(check([:]) == [])
  }

  @Test func requiresResolve() {
    #expect(
      check([
        "app/hello.lua": """
        local a = require "models.user"
        local b = require "models/user"
        local c, d = require "helper", require "cjson.safe"
        return function () return {a, b, c, d, require "topics", require "request"} end
        """, "app/models/user.lua": "return {}", "lib/helper.lua": "return {}",
      ]) == [])
  }

  @Test func onlyReachableLibrariesAreLookedAt() {
    #expect(check(["lib/unused.lua": "local x = 1 return y"]) == [])
    #expect(
      check([
        "lib/a.lua": "return require 'b'", "lib/b.lua": "return (",
        "app/hello.lua":
          "return function () return require 'a' end",
      ]).count == 1)
  }

  @Test func deferredRequiresMayGoInCircles() {
    #expect(
      check([
        "lib/a.lua": "return {f = function () return require 'b' end}",
        "lib/b.lua":
          "local a = require 'a' return {a}",
        "app/hello.lua": "local b = require 'b' return function () return b end",
      ]) == [])
  }

  @Test func cycles() {
    #expect(
      check(["lib/a.lua": "return require 'a'", "app/hello.lua": "return function () return require 'a' end"])
        == ["error require-cycle lib/a.lua: 'lib/a.lua' requires itself while it loads"])
    #expect(
      check([
        "lib/a.lua": "local ok = pcall(require, 'b') return ok", "lib/b.lua": "return require 'a'",
        "app/hello.lua": "return function () return require 'a' end",
      ]) == [
        "warning require-cycle lib/a.lua: 'lib/a.lua' and 'lib/b.lua' require each other while they load"
      ])
  }

  @Test func globalsAssignedAnywhereAreKnown() {
    #expect(
      check([
        "lib/a.lua": "shared = {}", "app/hello.lua": "require 'a' return function () return shared end",
      ]) == ["warning undefined-global lib/a.lua: assignment to the undefined global 'shared'"])
  }

  @Test func anIgnoredGlobalIsStillAssigned() {
    #expect(
      check([
        "lib/a.lua": "shared = {} -- spacer: ignore undefined-global",
        "app/hello.lua":
          "require 'a' return function () return shared end",
      ]) == [])
  }

  @Test func onlyNamedFilesMustReturnFunctions() {
    #expect(check(["app/models/user.lua": "return {name = 'x'}"]) == [])
    #expect(
      check([
        "app/private/helper.lua": "return {}",
        "app/hello.lua":
          "local h = require 'private/helper' return function () return h end",
      ]) == [])
    #expect(
      check(["app/private/job.lua": "return {}"]) == [
        "error not-a-function app/private/job.lua: 'app/private/job.lua' is used as a function but does not "
          + "return one"
      ])
  }

  @Test func privateFunctionsCanBeCalled() {
    #expect(
      check([
        "app/private/job.lua": "return function () return 1 end",
        "app/hello.lua":
          "local flow = require 'flow' return function () return flow.call('private/job', {}) end",
      ]) == [])
  }

  @Test func triggersAndTopics() {
    let yml = """
      spacerVersion: 1
      appName: example
      topics:
        - orders
      events:
        orders:
          APPEND:
            - bill
      """
    #expect(
      check([
        "config/application.yml": yml, "app/bill.lua": "return function (order) return order end",
        "app/hello.lua":
          "local t = require 'topics' return function (a) return t.append('orders', {[a.id] = a}) end",
      ]) == [])
    // The function that is appended to by another function of its own chain, through flow.call.
    let loop = check([
      "config/application.yml": yml,
      "app/bill.lua":
        "local flow = require 'flow' return function (o) return flow.call('store', o) end",
      "app/store.lua":
        "local t = require 'topics' return function (a) return t.append('orders', {[a.id] = a}) end",
    ])
    #expect(
      loop == [
        "warning event-loop app/store.lua: an event loop: each event of 'orders' leads to another one of 'orders'"
      ])
  }

  @Test func includeAddsLibraries() {
    let yml = "spacerVersion: 1\nappName: example\ninclude:\n  - plugins/*\n"
    let files = project([
      "config/application.yml": yml, "lib/plugins/a.lua": "return require 'plugins/deep/b'",
      "lib/plugins/deep/b.lua": "return 1", "lib/plugins/deep/c.lua": "return 1",
    ])
    let paths = Compiler.check(files: files).plan?.contents.modules.map(\.path) ?? []
    #expect(paths == ["app/hello.lua", "lib/plugins/a.lua", "lib/plugins/deep/b.lua"])
  }

  @Test(arguments: [
    ("a", "a", true), ("a", "b", false), ("*", "abc", true), ("*", "a/b", false), ("**", "a/b/c", true),
    ("a/*", "a/b", true), ("a/*", "a/b/c", false), ("a/**", "a/b/c", true), ("a/*/c", "a/b/c", true),
    ("*x*", "axb", true), ("", "", true), ("", "a", false), ("a*", "a", true), ("***", "a/b", true),
  ])
  func namePatterns(pattern: String, name: String, isMatch: Bool) {
    #expect(NamePattern(pattern).matches(name) == isMatch)
  }

  @Test func graphSearch() {
    let edges = [[1], [2], [0, 3], [4], [4, 5], []]
    #expect(StronglyConnected.groups(count: 6) { edges[$0] } == [[0, 1, 2], [4]])
    let steps = ShortestCycle.find(from: 1) { edges[$0].map { ($0, 0) } }
    #expect(steps?.map(\.node) == [1, 2, 0])
    #expect(ShortestCycle.find(from: 3) { edges[$0].map { ($0, 0) } } == nil)
    // Deep graphs need no stack.
    #expect(StronglyConnected.groups(count: 200_000) { $0 + 1 < 200_000 ? [$0 + 1] : [0] }.count == 1)
  }
}
