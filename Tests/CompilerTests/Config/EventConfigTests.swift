// Topics, triggers and schedules as they are read, and where the artifact holds them.

import SpacerArtifact
import Testing

@testable import SpacerCompiler

struct EventConfigTests {
  private static let everything = """
    topics:
      - zebras
      - orders:
          partitions: 8
          retention: 30d
          key: required
          schema:
            id: integer
            kind: {enum: [gift, sale], default: sale}
            note: {type: string, max: 80, optional: true}
            lines: {items: {fields: {sku: string}}, min: 1}
      - plain: {retention: forever, key: optional}
    events:
      zebras:
        APPEND:
          - store
          - function: bill
            batch: 100
            batchWindow: 5s
            concurrency: 4
            maxAttempts: 3
            maxAge: 1d
            onExhausted: pause
            timeout: 90s
            transaction: true
            filter:
              vip: {exists: true}
              type: created
              customer.region: {prefix: [eu-, us-], equals: x}
              count: [1, 2.50, true, ~, "1"]
      orders:
        append: [{function: bill, onExhausted: drop}, store]
    schedules:
      nightly:
        cron: "0 3 * * *"
        timeZone: Europe/Berlin
        missed: once
        function: jobs.report
        payload: {b: [1, ~, yes], a: {c: 1.50}}
      tick:
        cron: "@every 90s"
        topic: orders
      2nd-tick: {every: 1h, topic: plain, key: all, payload: hello}
    delivery: {maxAttempts: 5, backoff: 100ms, backoffMax: 5m, concurrency: 8, timeout: 2m}
    logStorage:
      development: {driver: sqlite, durability: relaxed}
      production: {driver: postgres, connString: "postgres://localhost"}
    """

  private static var files: MemoryFiles {
    project([
      "config/application.yml": minimal + everything,
      "app/bill.lua": "return function (payload, event) return event.id end",
      "app/private/unused.lua": "return function () end", "app/store.lua": "return function () end",
      "app/jobs/report.lua": "return function () end",
    ])
  }

  private static let schema =
    #"{"fields":{"id":"integer","kind":{"default":"sale","enum":["gift","sale"],"type":"string"},"#
    + #""lines":{"items":{"fields":{"sku":"string"},"type":"object"},"min":1,"type":"array"},"#
    + #""note":{"max":80,"optional":true,"type":"string"}},"type":"object"}"#

  private static let filter =
    #"[{"equals":[1,2.5,true,null,"1"],"path":["count"]},{"equals":["x"],"path":["customer","region"]},"#
    + #"{"path":["customer","region"],"prefix":["eu-","us-"]},{"equals":["created"],"path":["type"]},"#
    + #"{"exists":true,"path":["vip"]}]"#

  /// The artifact's triggers stand in the order of their topics' names, and so do the indexes of their options.
  @Test func artifactHoldsTheSettings() throws {
    let result = Compiler.build(files: Self.files)
    let bytes = try #require(result.artifact, "\(rendered(result))")
    #expect(result.diagnostics.isEmpty)
    let contents = try ArtifactContents(of: bytes)
    #expect(contents.topics == ["orders", "plain", "zebras"])
    let triggers = contents.triggers.map {
      "\(contents.topics[$0.topic]) \($0.event) \(contents.modules[$0.module].name)"
    }
    #expect(
      triggers == ["orders APPEND bill", "orders APPEND store", "zebras APPEND store", "zebras APPEND bill"])
    let settings = contents.settings.filter { !$0.key.hasPrefix("logStorage") }
      .map { "\($0.key) = \(EventWiring.text($0.value))" }
    #expect(
      settings == [
        "delivery.backoffMaxMilliseconds = 300000",
        "delivery.backoffMilliseconds = 100",
        "delivery.concurrency = 8",
        "delivery.maxAttempts = 5",
        "delivery.timeoutMilliseconds = 120000",
        "schedules.0.everyMilliseconds = 3600000",
        "schedules.0.key = all",
        "schedules.0.name = 2nd-tick",
        #"schedules.0.payload = "hello""#,
        "schedules.0.topic = plain",
        "schedules.1.cron = 1 8 4294967294 8190 127 0 0",
        "schedules.1.expression = 0 3 * * *",
        "schedules.1.function = jobs/report",
        "schedules.1.missed = once",
        "schedules.1.name = nightly",
        #"schedules.1.payload = {"a":{"c":1.5},"b":[1,null,"yes"]}"#,
        "schedules.1.timeZone = Europe/Berlin",
        "schedules.2.everyMilliseconds = 90000",
        "schedules.2.expression = @every 90s",
        "schedules.2.key = tick",
        "schedules.2.name = tick",
        "schedules.2.payload = {}",
        "schedules.2.topic = orders",
        "topicOptions.orders.key = required",
        "topicOptions.orders.partitions = 8",
        "topicOptions.orders.retentionMilliseconds = 2592000000",
        "topicOptions.orders.schema = \(Self.schema)",
        "triggers.0.onExhausted = drop",
        "triggers.3.batch = 100",
        "triggers.3.batchWindowMilliseconds = 5000",
        "triggers.3.concurrency = 4",
        "triggers.3.filter = \(Self.filter)",
        "triggers.3.maxAgeMilliseconds = 86400000",
        "triggers.3.maxAttempts = 3",
        "triggers.3.onExhausted = pause",
        "triggers.3.timeoutMilliseconds = 90000",
        "triggers.3.transaction = true",
      ])
    #expect(contents.settings.contains { $0.key == "logStorage.development.durability" })
  }

  @Test func thePlanShowsThem() throws {
    let plan = try #require(Compiler.check(files: Self.files).plan)
    let text = plan.description
    let start = try #require(text.firstRange(of: "topics\n")?.lowerBound)
    #expect(
      text[start...] == """
        topics
          zebras
            APPEND -> store
            APPEND -> bill  batch 100, batchWindow 5s, concurrency 4, filter \(Self.filter), maxAge 1d, \
        maxAttempts 3, onExhausted pause, timeout 90s, transaction true
          orders  key required, partitions 8, retention 30d, schema \(Self.schema)
            APPEND -> bill  onExhausted drop
            APPEND -> store
          plain
        schedules
          2nd-tick every 1h -> topic plain  key all, payload "hello"
          nightly 0 3 * * * -> jobs/report  missed once, payload {"a":{"c":1.5},"b":[1,null,"yes"]}, \
        timeZone Europe/Berlin
          tick every 90s -> topic orders  key tick, payload {}
        settings
          delivery.backoffMaxMilliseconds = 300000
          delivery.backoffMilliseconds = 100
          delivery.concurrency = 8
          delivery.maxAttempts = 5
          delivery.timeoutMilliseconds = 120000
          logStorage.development.driver = "sqlite"
          logStorage.development.durability = "relaxed"
          logStorage.production.connString = "postgres://localhost"
          logStorage.production.driver = "postgres"

        """)
  }

  @Test func topicsMayBeAMapping() throws {
    let (config, diagnostics) = readConfig(minimal + "topics: {b: , a: {partitions: 3}, c: ~}")
    #expect(diagnostics.isEmpty)
    #expect(config?.topics.map(\.value) == ["b", "a", "c"])
    #expect(config?.settings.map(\.key) == ["topicOptions.a.partitions"])
  }

  @Test(arguments: [
    ("string", #"{"type":"string"}"#), ("{type: string, min: 2}", #"{"min":2,"type":"string"}"#),
    ("{items: integer}", #"{"items":"integer","type":"array"}"#),
    ("{enum: [1, 2]}", #"{"enum":[1,2],"type":"number"}"#),
    ("{enum: [a, 2]}", #"{"enum":["a",2],"type":"any"}"#), ("{}", #"{"fields":{},"type":"object"}"#),
    ("{a: {}, b: any}", nil),
    (
      "{fields: {type: string}, extra: error}",
      #"{"extra":"error","fields":{"type":"string"},"type":"object"}"#
    ),
    (
      "{a: {type: number, default: 1.50, max: 5e3}}",
      #"{"fields":{"a":{"default":1.5,"max":5000,"type":"number"}},"type":"object"}"#
    ),
  ])
  func schemas(_ yaml: String, _ expected: String?) {
    let (config, diagnostics) = readConfig(minimal + "topics: {a: {schema: \(yaml)}}")
    #expect(diagnostics.isEmpty == (expected != nil))
    #expect(config?.settings.first?.value == expected.map { .string($0) })
  }

  /// Which driver it will be is not known here.
  @Test func transactionsOnADriverOfTheEnvironment() {
    let yaml = "topics: [a]\nevents: {a: {APPEND: [{function: f, transaction: true}]}}\nlogStorage:\n"
    #expect(
      summaries(minimal + yaml + "  test: {driver: memory}\n  production: {driver: \"${DRIVER}\"}\n").isEmpty)
    #expect(summaries(minimal + yaml + "  test: {driver: memory}\n").count == 1)
  }

  @Test func schedulesAloneMakeAnApplication() {
    var files = project(["config/application.yml": minimal + "schedules: {n: {every: 5s, function: hello}}"])
    files.contents["app/gateway.lua"] = nil
    let result = Compiler.build(files: files)
    #expect(
      findings(result) == ["warning gateway-missing app/gateway.lua: the project has no app/gateway.lua"])
    #expect(result.artifact != nil)
  }

  @Test func scheduledFunctionsExist() {
    let files = project([
      "config/application.yml": minimal + "schedules: {n: {every: 5s, function: helo}}",
      "app/hello.lua": "return function () end",
    ])
    let result = Compiler.check(files: files)
    #expect(
      findings(result) == [
        "error unknown-function config/application.yml: no function named 'helo' for the schedule 'n': there is "
          + "no app/helo.lua"
      ])
    #expect(result.diagnostics.first?.hint == "did you mean 'hello'?")
    let noFunction = project([
      "config/application.yml": minimal + "schedules: {n: {every: 5s, function: private/job}}",
      "app/private/job.lua": "return 5",
    ])
    #expect(Compiler.check(files: noFunction).diagnostics.map(\.id) == [.notAFunction])
  }

  /// Two names of one function.
  @Test func triggersOfOneFunction() {
    let files = project([
      "config/application.yml": minimal
        + "topics: [a]\nevents: {a: {APPEND: [jobs/bill, jobs.bill]}}",
      "app/jobs/bill.lua": "return function () end",
    ])
    #expect(
      findings(Compiler.check(files: files)) == [
        "error duplicate-trigger config/application.yml: the trigger 'jobs/bill' is listed twice for 'a'"
      ])
  }

  @Test func aScheduleThatBeginsALoopIsNamed() {
    let files = project([
      "config/application.yml": minimal
        + """
        topics: [a, b]
        events: {a: {APPEND: [{function: f, filter: {x: 1}}]}}
        schedules:
          into-a: {every: 5s, function: start}
          into-b: {every: 5s, topic: b}
        """,
      "app/f.lua": "local t = require 'topics' return function (p) t.append('a', {x = p}) end",
      "app/start.lua": "local t = require 'topics' return function (p) t.append('a', {x = p}) end",
    ])
    let result = Compiler.check(files: files)
    #expect(result.diagnostics.map(\.id) == [.eventLoop])
    #expect(
      result.diagnostics.first?.notes.last?.message
        == "the schedule 'into-a' appends to 'a' and begins it each time")
  }
}

extension ArtifactContents {
  /// Reads an artifact back.
  init(of bytes: [UInt8]) throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: bytes.count, alignment: ArtifactLayout.alignment)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    self = try ArtifactImage(verifying: UnsafeRawBufferPointer(memory), reader: nil).contents()
  }
}
