import SpacerArtifact
import Testing

@testable import SpacerCompiler

/// The same files, listed in another order.
private struct ShuffledFiles: ProjectFiles {
  let files: MemoryFiles
  let seed: UInt64

  func list() throws(FileReadError) -> [ProjectFile] {
    var state = seed
    return try files.list().map { file in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state, file)
    }.sorted { $0.0 < $1.0 }.map(\.1)
  }

  func read(_ path: String) throws(FileReadError) -> [UInt8] { try files.read(path) }
}

@Suite struct BuildTests {
  static let shop = project([
    "config/application.yml": """
    spacerVersion: 1
    appName: shop
    topics:
      - orders
    events:
      orders:
        APPEND:
          - bill
    envVar:
      - B
      - A
    """,
    "app/gateway.lua": """
    return {
      {"GET", "/hello/", "hello"},
      {"ANY", "/bill/:id", "bill"},
    }
    """,
    "app/bill.lua": """
    local topics, flow = require "topics", require "flow"
    local money = require "money"
    return function (order)
      flow.call("private/store", order)
      topics.append("audit", {}) -- spacer: ignore undeclared-topic
      return money.format(order.total)
    end
    """,
    "app/private/store.lua": "return function (args) return args end",
    "lib/money.lua": "return {format = tostring}",
    "lib/unused.lua": "return {}",
  ])

  /// Without what makes it fail.
  static var goodShop: MemoryFiles {
    var files = shop
    let text = String(decoding: files.contents["app/bill.lua"] ?? [], as: UTF8.self)
    files.contents["app/bill.lua"] = Array(
      text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.contains("audit") }
        .joined(separator: "\n").utf8)
    return files
  }

  @Test func planIsPrinted() throws {
    let result = Compiler.check(files: Self.goodShop)
    let plan = try #require(result.plan, "\(rendered(result))")
    #expect(
      plan.description == """
        application shop
        with debug information
        modules
          app/bill.lua  requires money flow topics  calls private/store
          app/hello.lua
          app/private/store.lua
          lib/money.lua
        routes
          GET /hello -> hello  (line 2)
          ANY /bill/:id -> bill  (line 3)
        topics
          orders
            APPEND -> bill
        environment variables A B
        settings

        """)
    #expect(result.artifact == nil)
  }

  @Test func errorsCannotBeIgnored() {
    let result = Compiler.build(files: Self.shop)
    #expect(result.artifact == nil)
    #expect(result.plan == nil)
    #expect(result.diagnostics.contains { $0.id == .undeclaredTopic && $0.severity == .error })
  }

  @Test func strictTurnsWarningsIntoFailure() {
    let files = project(["app/hello.lua": "return function (args) pritn(args) end"])
    #expect(Compiler.build(files: files).artifact != nil)
    #expect(Compiler.build(files: files, options: BuildOptions(isStrict: true)).artifact == nil)
  }

  @Test func artifactHoldsTheBytecode() throws {
    let options = BuildOptions(environment: "production", isRelease: true)
    let result = Compiler.build(files: Self.goodShop, options: options)
    let plan = try #require(result.plan)
    #expect(plan.contents.isRelease)
    #expect(plan.contents.environment == "production")
    #expect(
      result.artifact?.starts(with: try #require(Compiler.build(files: Self.goodShop).artifact).prefix(4))
        == true)
    let text = try #require(result.artifact)
    // A local's name is dropped, the function's file stays.
    #expect(!contains(text, "order"))
    #expect(contains(text, "@app/bill.lua"))
    #expect(contains(try #require(Compiler.build(files: Self.goodShop).artifact), "order"))
  }

  private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
    // The topic is called orders: the local's record has its length in front.
    let wanted = [UInt8(0x80 | (text.utf8.count + 1))] + Array(text.utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
  }

  @Test func bytesDoNotDependOnTheOrderOfFiles() throws {
    let expected = try #require(Compiler.build(files: Self.goodShop).artifact)
    for seed in 1...5 {
      #expect(
        Compiler.build(files: ShuffledFiles(files: Self.goodShop, seed: UInt64(seed))).artifact == expected)
    }
    #expect(Compiler.build(files: Self.goodShop, cache: MemoryCache()).artifact == expected)
  }

  @Test func aProjectThatIsNotThereIsOneError() {
    let result = Compiler.build(files: DiskFiles(root: fixturesFolder + "/nowhere"))
    #expect(result.diagnostics.map(\.id) == [.unreadableFile])
  }

  /// The deepest nesting that Lua allows, on the threads that compile.
  @Test func deepModulesFitTheStack() {
    let deep = String(repeating: "(", count: 180) + "1" + String(repeating: ")", count: 180)
    let files = (0..<40).map { ("app/deep\($0).lua", "return function () return \(deep) end") }
    let result = Compiler.build(files: project(Dictionary(files) { $1 }))
    #expect(result.artifact != nil)
    #expect(result.statistics.modulesCompiled == 42)
  }

  @Test func theOriginalsProjectBuilds() throws {
    let result = Compiler.build(files: DiskFiles(root: fixturesFolder + "/original"))
    #expect(result.artifact != nil)
    #expect(
      findings(result) == [
        "warning unused-local app/flow_missing.lua: local 'e' is never used",
        "warning unknown-callee app/flow_missing.lua: flow.call names 'does_not_exist', and there is no "
          + "app/does_not_exist.lua",
      ])
  }

  // MARK: Builds one after the other

  @Test func secondBuildCompilesNothing() {
    let cache = MemoryCache()
    let first = Compiler.build(files: Self.goodShop, cache: cache)
    #expect(first.statistics.modulesCompiled == 6)
    let second = Compiler.build(files: Self.goodShop, cache: cache)
    #expect(second.statistics.modulesCompiled == 0)
    #expect(second.statistics.modulesCached == 6)
    #expect(second.artifact == first.artifact)
    // Another kind of build has other bytecode.
    let release = Compiler.build(files: Self.goodShop, options: BuildOptions(isRelease: true), cache: cache)
    #expect(release.statistics.modulesCompiled == 6)
  }

  @Test func damagedCachesAreRebuilt() {
    let cache = MemoryCache()
    let first = Compiler.build(files: Self.goodShop, cache: cache)
    cache.store("modules", Array("nonsense".utf8))
    let second = Compiler.build(files: Self.goodShop, cache: cache)
    #expect(second.statistics.modulesCompiled == 6)
    #expect(second.artifact == first.artifact)
  }

  /// Every build of a session is what a fresh one would give, whatever changed in between.
  @Test func sessionsFollowEveryChange() {
    let session = BuildSession()
    var files = Self.goodShop
    let changes: [(String, String?)] = [
      ("app/hello.lua", "return function () return 'hi' end"),
      ("lib/money.lua", "return {format = function (x) return helper(x) end}"),
      ("lib/money.lua", "return ("),
      ("lib/money.lua", "local u = require 'unused' return {format = u}"),
      ("lib/unused.lua", "return tostring"),
      ("app/gateway.lua", "return require 'routes'"),
      ("lib/routes.lua", "return {{'GET', '/x', 'hello'}}"),
      ("lib/routes.lua", "return {{'GET', '/y', 'hello'}}"),
      ("app/routes.lua", "return {{'GET', '/z', 'hello'}}"),
      ("app/routes.lua", nil),
      ("lib/routes.lua", nil),
      ("app/bill.lua", nil),
      ("config/application.yml", "spacerVersion: 1\nappName: other\n"),
      ("app/gateway.lua", nil),
      ("config/application.yml", nil),
    ]
    _ = session.build(files)
    for (path, text) in changes {
      files.contents[path] = text.map { Array($0.utf8) }
      let fresh = Compiler.build(files: files)
      let next = session.build(files, changed: [path])
      #expect(next.artifact == fresh.artifact, "\(path)")
      #expect(next.diagnostics == fresh.diagnostics, "\(path)")
      #expect(rendered(next) == rendered(fresh))
      #expect(session.build(files, changed: []).diagnostics == fresh.diagnostics)
      #expect(session.build(files).artifact == fresh.artifact)
      #expect(next.statistics.modulesCompiled <= 2)
    }
  }
}
