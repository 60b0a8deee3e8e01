import Testing

@testable import SpacerEventLog

struct DeadLetterTests {
  private func letter(
    key: [UInt8] = Array("c1".utf8), value: String = #"{"a": [1, 2.50]}"#, id: String? = nil
  )
    -> DeadLetter
  {
    DeadLetter(
      group: "spacer-shop", topic: "orders", function: "ship/now",
      event: EventRecord(
        topic: "orders", partition: 3, offset: 42, key: key, value: Array(value.utf8),
        timestampMilliseconds: 1_760_000_000_000, givenID: id, trace: "00-1-2-01"),
      reason: .attempts, message: "no \"stock\"", attempts: 10, firstFailureMilliseconds: 1_760_000_000_100,
      lastFailureMilliseconds: 1_760_000_600_000)
  }

  @Test func isReadableJSON() {
    #expect(
      String(decoding: letter().json, as: UTF8.self) == #"""
        {"group":"spacer-shop","topic":"orders","function":"ship/now","reason":"attempts","message":"no \"stock\"",\#
        "attempts":10,"firstFailure":1760000000100,"lastFailure":1760000600000,"event":{"id":"orders:42",\#
        "partition":3,"offset":42,"key":"c1","timestamp":1760000000000,"trace":"00-1-2-01","payload":{"a": [1, 2.50]}}}
        """#)
    #expect(letter().recordKey == "spacer-shop/orders/ship/now/orders:42")
    #expect(letter(id: "x\0y").recordKey == "spacer-shop/orders/ship/now/x%00y")
  }

  @Test func comesBack() throws {
    for letter in [
      letter(), letter(id: "order-7"), letter(key: [0xFF, 0x00]), letter(value: "no JSON"), letter(value: ""),
      letter(value: String(repeating: "[", count: 1_020) + String(repeating: "]", count: 1_020)),
    ] {
      #expect(try DeadLetter(json: letter.json) == letter)
      #expect(try InternalEvent(json: InternalEvent.retry(letter).json) == .retry(letter))
    }
  }

  @Test func schedulesComeBack() throws {
    for target in [InternalEvent.Schedule.Target.function("nightly"), .append(topic: "orders", key: "k")] {
      let schedule = InternalEvent.Schedule(
        name: "s", target: target, payload: Array("{\"x\":1}".utf8), dueMilliseconds: 5_000)
      #expect(try InternalEvent(json: InternalEvent.schedule(schedule).json) == .schedule(schedule))
      #expect(InternalEvent.schedule(schedule).entry.id == "schedule:s:5000")
    }
  }

  @Test func refusesDamage() {
    let bytes = letter().json
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: EventLogError.self) { try DeadLetter(json: Array(bytes[..<count])) }
    }
    for text in ["{}", "[]", #"{"retry":{}}"#, #"{"schedule":{"name":"s"}}"#, #"{"retry":1,"schedule":2}"#] {
      #expect(throws: EventLogError.self) { try InternalEvent(json: Array(text.utf8)) }
    }
  }
}
