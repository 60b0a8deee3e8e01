// Schedules: functions and events at set times, once in the group.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct ScheduleTests {
  private static let files = EventServer.files([
    "tick": "seen { schedule = event.schedule, payload = payload, at = event.timestamp, id = event.id }",
    "record": "seen { key = event.key, payload = payload }",
  ])

  @Test(arguments: EventDriver.allCases)
  func aFunctionAndAnEventEverySecond(driver: EventDriver) throws {
    let storage = try EventStorage(driver)
    let artifact = try storage.build(
      """
      topics: [ticks]
      events: { ticks: { APPEND: [record] } }
      schedules:
        call: { every: 1s, function: tick, payload: { n: 7 } }
        note: { cron: "@every 1s", topic: ticks, key: clock, payload: { tock: true } }
      """, Self.files)
    let server = try EventServer(artifact)
    let seen = try server.waitForSeen(6)
    let calls = seen.filter { $0["schedule"]?.string == "call" }
    let notes = seen.filter { $0["key"]?.string == "clock" }
    #expect(calls.count >= 2)
    #expect(notes.count >= 2)
    #expect(calls.first?["payload"] == JSONValue(#"{"n":7}"#))
    #expect(notes.first?["payload"] == JSONValue(#"{"tock":true}"#))
    let times = calls.compactMap { $0["at"]?.number }
    #expect(times.allSatisfy { $0.truncatingRemainder(dividingBy: 1000) == 0 }, "\(times)")
    #expect(Set(times).count == times.count, "a time came twice: \(times)")
    #expect(try server.server.stop() == 0)
  }

  /// Two instances on one storage: each time once.
  @Test(arguments: [EventDriver.postgres])
  func twoInstancesRunEachTimeOnce(driver: EventDriver) throws {
    let storage = try EventStorage(driver)
    let artifact = try storage.build(
      """
      topics: [ticks]
      events: { ticks: { APPEND: [record] } }
      schedules: { call: { every: 1s, function: tick } }
      """, Self.files)
    let servers = [try EventServer(artifact), try EventServer(artifact)]
    try waitUntil("five ticks were seen") { servers.map(\.seen.count).reduce(0, +) >= 5 }
    let times = servers.flatMap { $0.seen.compactMap { $0["at"]?.number } }
    #expect(Set(times).count == times.count, "a time came twice: \(times.sorted())")
    for server in servers { #expect(try server.server.stop() == 0) }
  }
}
