// Builds of changes that are nothing but code: when they are taken, and that they give what a whole build gives.

import Testing

@testable import SpacerCompiler

@Suite struct QuickBuildTests {
  private static let files = project([
    "config/application.yml": """
    spacerVersion: 1
    appName: quick
    topics: [orders]
    envVar: [A]
    """,
    "app/gateway.lua": "local routes = require 'routes'\nreturn routes\n",
    "lib/routes.lua": "return {{'GET', '/a', 'a'}}\n",
    "app/a.lua": """
    local validate, topics, money = require "validate", require "topics", require "money"
    local check = validate { n = "integer" }
    return function(args)
      topics.append("orders", { k = check(args) })
      return money.format(1)
    end
    """,
    "lib/money.lua": "return { format = function(x) return x end }",
    "lib/unused.lua": "return 1",
    "app/warned.lua": "local x = 1\nreturn function() end",
    "app/ignoring.lua": "local x = 1 -- spacer: ignore unused-local\nreturn function() end",
  ])

  private static let a = source("app/a.lua")
  private static let money = source("lib/money.lua")

  private static func source(_ path: String) -> String {
    String(decoding: files.contents[path] ?? [], as: UTF8.self)
  }

  static let changesOfCode: [(path: String, text: String)] = [
    ("app/a.lua", a + "\n"), ("app/a.lua", "-- a comment\n\n" + a),
    ("app/a.lua", a.replacing("format(1)", with: "format(args.n * 2 + 40)")), ("app/a.lua", a),
    ("lib/money.lua", money.replacing("return x", with: "if x then return 'much' end return x")),
    ("lib/money.lua", "-- \n" + money),
  ]

  static let otherChanges: [(path: String, text: String?)] = [
    // Something else to the rest of the project.
    ("app/a.lua", a.replacing("\"money\"", with: "\"unused\"")),
    ("app/a.lua", a + " -- spacer: ignore unused-local"),
    ("app/a.lua", a.replacing("\"orders\"", with: "\"other\"")),
    ("app/a.lua", a.replacing("\"integer\"", with: "\"string\"")),
    ("app/a.lua", a.replacing("money.format(1)", with: "os.getenv('A')")),
    ("app/a.lua", a.replacing("money.format(1)", with: "unknown(1)")),
    ("app/a.lua", a.replacing("local check", with: "local unused, check")), ("app/a.lua", "return ("),
    ("lib/money.lua", "return tostring, require 'unused'"), ("lib/money.lua", "x = 1 " + money),
    ("lib/money.lua", ""),
    // What the gateway is evaluated with, or no part of the artifact.
    ("app/gateway.lua", "local routes = require 'routes'\nreturn  routes\n"),
    ("lib/routes.lua", "return {{'GET', '/b', 'a'}}\n"), ("lib/unused.lua", "return 2"),
    ("config/application.yml", "spacerVersion: 1\nappName: slow\ntopics: [orders]\nenvVar: [A]\n"),
    // Files with findings.
    ("app/warned.lua", "local y = 1\nreturn function() end"),
    ("app/ignoring.lua", "local y = 1 -- spacer: ignore unused-local\nreturn function() end"),
    // Files that come and go.
    ("app/new.lua", "return function() end"), ("app/a.lua", nil),
  ]

  /// A session with a good build, and the files after the change.
  private func change(_ path: String, _ text: String?) -> (session: BuildSession, files: MemoryFiles) {
    let session = BuildSession()
    #expect(session.build(Self.files).artifact != nil)
    var files = Self.files
    files.contents[path] = text.map { Array($0.utf8) }
    return (session, files)
  }

  @Test(arguments: QuickBuildTests.changesOfCode)
  func codeAloneIsQuick(path: String, text: String) throws {
    let (session, files) = change(path, text)
    let quick = try #require(session.quickBuild(files, changed: [path]))
    let clean = Compiler.build(files: files)
    #expect(quick.artifact == clean.artifact)
    #expect(quick.plan == clean.plan)
    #expect(rendered(quick) == rendered(clean))
    #expect(quick.statistics.modulesCompiled == (text == Self.source(path) ? 0 : 1))
    // And so is what is built on it.
    let whole = session.build(files)
    #expect(whole.artifact == clean.artifact)
    #expect(whole.statistics.modulesCompiled == 0)
  }

  @Test(arguments: QuickBuildTests.otherChanges)
  func everythingElseIsAWholeBuild(path: String, text: String?) {
    let (session, files) = change(path, text)
    #expect(session.quickBuild(files, changed: [path]) == nil)
    let ours = session.build(files, changed: [path])
    let clean = Compiler.build(files: files)
    #expect(ours.artifact == clean.artifact)
    #expect(rendered(ours) == rendered(clean))
  }

  @Test func severalFilesAtOnce() throws {
    var (session, files) = change("app/a.lua", "\n" + Self.a)
    files.contents["lib/money.lua"] = Array(("-- \n" + Self.money).utf8)
    let quick = try #require(session.quickBuild(files, changed: ["app/a.lua", "lib/money.lua"]))
    #expect(quick.artifact == Compiler.build(files: files).artifact)
    #expect(session.build(files, changed: []).artifact == quick.artifact)
  }

  @Test func afterAFailureAWholeBuildIsNeeded() {
    var (session, files) = change("app/a.lua", "return (")
    #expect(session.build(files, changed: ["app/a.lua"]).artifact == nil)
    files.contents["app/a.lua"] = Array(Self.a.utf8)
    #expect(session.quickBuild(files, changed: ["app/a.lua"]) == nil)
    #expect(session.build(files, changed: ["app/a.lua"]).artifact == Compiler.build(files: files).artifact)
  }

  @Test func theCacheIsWrittenWhenItIsTaken() throws {
    let cache = MemoryCache()
    let session = BuildSession(cache: cache, storesLater: true)
    _ = session.build(Self.files)
    #expect(cache.load("modules") == nil)
    var files = Self.files
    files.contents["app/a.lua"] = Array(("\n" + Self.a).utf8)
    #expect(session.quickBuild(files, changed: ["app/a.lua"]) != nil)
    let storing = try #require(session.takeStoring())
    storing()
    let more = session.takeStoring()
    #expect(more == nil)
    let next = BuildSession(cache: cache).build(files)
    #expect(next.statistics.modulesCompiled == 0)
  }
}
