// Triggers as their author sees them: what a handler gets, and what becomes of what it does.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct TriggerTests {
  private func serve(
    _ driver: EventDriver, _ configuration: String, _ functions: [String: String], workers: Int = 2
  ) throws -> (storage: EventStorage, server: EventServer) {
    let storage = try EventStorage(driver)
    let artifact = try storage.build(configuration, EventServer.files(functions))
    return (storage, try EventServer(artifact, workers: workers, keeping: storage))
  }

  @Test(arguments: EventDriver.allCases)
  func aHandlerGetsThePayloadAndItsEvent(driver: EventDriver) throws {
    let (storage, server) = try serve(
      driver, "topics: [orders]\nevents:\n  orders:\n    APPEND: [record]\ndelivery:\n  backoff: 10ms",
      ["record": "seen { payload = payload, event = event }"])
    try server.append("orders", #"{"b":{"n":[1,2]},"a":"text","7":null}"#)
    let seen = try server.waitForSeen(3)
    #expect(Set(seen.compactMap { $0["event"]?["key"]?.string }) == ["a", "b", "7"])
    let event = try #require(seen.first { $0["event"]?["key"]?.string == "b" })
    #expect(event["payload"] == JSONValue(#"{"n":[1,2]}"#))
    let fields = event["event"]
    #expect(fields?["topic"]?.string == "orders")
    #expect(fields?["group"]?.string == "spacer-\(storage.appName)")
    #expect(fields?["attempt"]?.number == 1)
    #expect(fields?["offset"]?.number != nil)
    #expect(fields?["partition"]?.number != nil)
    #expect(abs((fields?["timestamp"]?.number ?? 0) / 1000 - Date().timeIntervalSince1970) < 60)
    #expect(fields?["id"]?.string?.hasPrefix("orders:") == true)
    // The trace of the request that appended it.
    let trace = try #require(fields?["trace_id"]?.string)
    #expect(server.server.process.standardOutput.contains("/append append"))
    #expect(
      server.server.process.standardOutput.split(separator: "\n").contains {
        $0.contains("POST /append") && $0.contains(trace)
      })
    #expect(try server.server.stop() == 0)
  }

  @Test(arguments: EventDriver.allCases)
  func keysKeepTheirOrderAndRetriesHoldUpNobodyElse(driver: EventDriver) throws {
    let (_, server) = try serve(
      driver, "topics: [orders]\nevents:\n  orders:\n    APPEND: [record]\ndelivery:\n  backoff: 20ms",
      [
        "record": """
        seen { key = event.key, n = payload.n, attempt = event.attempt }
        if event.key == "slow" and payload.n == 1 and event.attempt < 4 then error("not yet") end
        """
      ], workers: 1)
    for n in 1...5 {
      try server.append("orders", #"{"slow":{"n":\#(n)},"fast":{"n":\#(n)}}"#)
    }
    let seen = try server.waitForSeen(13)
    let fast = seen.filter { $0["key"]?.string == "fast" }.compactMap { $0["n"]?.number }
    let slow = seen.filter { $0["key"]?.string == "slow" }.compactMap { $0["n"]?.number }
    #expect(fast == [1, 2, 3, 4, 5])
    #expect(slow == [1, 1, 1, 1, 2, 3, 4, 5])
    #expect(try server.server.stop() == 0)
  }

  @Test(arguments: EventDriver.durable)
  func aRestartGoesOnBehindWhatIsDone(driver: EventDriver) throws {
    let storage = try EventStorage(driver)
    let artifact = try storage.build(
      "topics: [orders]\nevents:\n  orders:\n    APPEND: [record]",
      EventServer.files(["record": "seen { n = payload.n }"]))
    let first = try EventServer(artifact)
    for n in 1...20 { try first.append("orders", #"{"k\#(n % 4)":{"n":\#(n)}}"#) }
    try first.waitForSeen(20)
    #expect(try first.server.stop() == 0)
    let second = try EventServer(artifact)
    try second.append("orders", #"{"k1":{"n":21}}"#)
    let seen = try second.waitForSeen(1)
    #expect(seen.compactMap { $0["n"]?.number } == [21])
    #expect(try second.server.stop() == 0)
  }

  @Test func aRefusalIsFinalAndAttemptsEnd() throws {
    let (_, server) = try serve(
      .memory,
      """
      topics: [orders]
      events:
        orders:
          APPEND:
            - { function: refuse }
            - { function: fail, maxAttempts: 3 }
            - { function: drop, maxAttempts: 2, onExhausted: drop }
      delivery: { backoff: 10ms }
      """,
      [
        "refuse": #"seen { f = "refuse" } return nil, "never""#,
        "fail": #"seen { f = "fail", attempt = event.attempt } error("broken")"#,
        "drop": #"seen { f = "drop" } error("broken")"#,
      ])
    try server.append("orders", #"{"a":{}}"#)
    try server.waitForLog("dead letter: event orders:")
    try server.waitForLog("dropped: event orders:")
    try server.waitForLog("for fail, after 3 attempts")
    let seen = try server.waitForSeen(6).compactMap { $0["f"]?.string }
    #expect(seen.filter { $0 == "refuse" }.count == 1)
    #expect(seen.filter { $0 == "fail" }.count == 3)
    #expect(seen.filter { $0 == "drop" }.count == 2)
    // What user code said is not in the platform's lines.
    #expect(!server.server.process.standardOutput.contains("dead letter: broken"))
  }

  @Test func aTimeoutIsAnAttempt() throws {
    let (_, server) = try serve(
      .memory,
      """
      topics: [orders]
      events: { orders: { APPEND: [{ function: slow, timeout: 100ms, maxAttempts: 2 }] } }
      delivery: { backoff: 10ms }
      """,
      ["slow": "seen { attempt = event.attempt } sleep(20)"])
    try server.append("orders", #"{"a":{}}"#)
    try server.waitForLog("for slow, after 2 attempts")
    #expect(server.seen.compactMap { $0["attempt"]?.number } == [1, 2])
    #expect(server.server.process.standardOutput.contains("slow timed out"))
  }

  @Test func batchesFailInPart() throws {
    let (_, server) = try serve(
      .memory,
      """
      topics: [orders]
      events: { orders: { APPEND: [{ function: many, batch: 10, batchWindow: 200ms, maxAttempts: 2 }] } }
      delivery: { backoff: 10ms }
      """,
      [
        "many": """
        local keys, failed = {}, {}
        for i, one in ipairs(event) do
          keys[i] = one.key
          if payload[i].bad then failed[#failed + 1] = i end
        end
        seen { keys = keys, count = #payload }
        return { failed = failed }
        """
      ])
    try server.append("orders", #"{"a":{},"b":{"bad":true},"c":{}}"#)
    try server.waitForLog("for many, after 2 attempts")
    let seen = try server.waitForSeen(2)
    #expect(seen.first?["count"]?.number == 3)
    #expect(seen.last?["keys"] == JSONValue(#"["b"]"#))
  }

  @Test func filtersChoose() throws {
    let (_, server) = try serve(
      .memory,
      """
      topics: [orders]
      events:
        orders:
          APPEND:
            - { function: record, filter: { kind: [new, old], "who.country": { prefix: d }, vip: { exists: true } } }
      """,
      ["record": "seen { n = payload.n }"])
    try server.append(
      "orders",
      """
      {"1":{"n":1,"kind":"new","who":{"country":"de"},"vip":false},"2":{"n":2,"kind":"gone","who":{"country":"de"},"vip":1},
       "3":{"n":3,"kind":"old","who":{"country":"fr"},"vip":1},"4":{"n":4,"kind":"old","who":{"country":"dk"}},
       "5":{"n":5,"kind":"old","who":{"country":"dk"},"vip":null}}
      """)
    let seen = try server.waitForSeen(2)
    try server.append("orders", #"{"6":{"n":6,"kind":"new","who":{"country":"de"},"vip":1}}"#)
    try server.waitForSeen(3)
    #expect(Set(seen.compactMap { $0["n"]?.number }) == [1, 5])
    #expect(Set(server.seen.compactMap { $0["n"]?.number }) == [1, 5, 6])
  }

  @Test func stoppingFinishesWhatRuns() throws {
    let storage = try EventStorage(.sqlite)
    let artifact = try storage.build(
      "topics: [orders]\nevents: { orders: { APPEND: [slow] } }",
      EventServer.files(["slow": #"seen { at = "begin" } sleep(0.5) seen { at = "end" }"#]))
    let server = try EventServer(artifact)
    try server.append("orders", #"{"a":{}}"#)
    try server.waitForSeen(1)
    #expect(try server.server.stop() == 0)
    #expect(server.seen.compactMap { $0["at"]?.string } == ["begin", "end"])
    let second = try EventServer(artifact)
    try second.append("orders", #"{"b":{}}"#)
    try second.waitForSeen(1)
    #expect(try second.server.stop() == 0)
    // The first event did not come again.
    #expect(second.seen.count == 2)
  }
}
