import SpacerEventLog
import SpacerSystem
import Testing

/// What the store in memory does that the others do not: it is bounded.
struct MemoryStoreTests {
  private static func request(_ bytes: Int) -> AppendRequest {
    AppendRequest(
      topic: "t", entries: [AppendEntry(key: [0x6B], value: [UInt8](repeating: 0x31, count: bytes))])
  }

  private static func code(_ body: () throws -> Void) -> EventLogError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? EventLogError)?.code
    }
  }

  @Test func aFullStoreSaysSo() throws {
    let store = MemoryStore(bytesMax: 10_000)
    try store.open([TopicDefinition(name: "t")])
    #expect(Self.code { _ = try store.appendAndWait(Self.request(20_000)) } == .tooLarge)
    for _ in 0..<9 { _ = try store.appendAndWait(Self.request(900)) }
    #expect(Self.code { _ = try store.appendAndWait(Self.request(1_900)) } == .full)
    _ = try store.appendAndWait(Self.request(300))
    // What is there is read all the same.
    var position = try store.position("t", .beginning)
    #expect(try store.read("t", &position, limit: 100, waitMilliseconds: 0).count == 10)
    store.close()
  }

  /// Retention makes place when it is needed, also when nobody trims.
  @Test func retentionMakesPlace() throws {
    let clock = SteppedClock()
    let store = MemoryStore(bytesMax: 10_000, clock: clock.clock)
    try store.open([TopicDefinition(name: "t", retentionMilliseconds: 1_000)])
    for _ in 0..<9 { _ = try store.appendAndWait(Self.request(900)) }
    clock.step(2_000)
    for _ in 0..<9 { _ = try store.appendAndWait(Self.request(900)) }
    #expect(try store.status(ofTopic: "t").first == [0: 10])
    #expect(Self.code { _ = try store.appendAndWait(Self.request(1_900)) } == .full)
    // An id of an event that is gone may be used again.
    let withID = AppendRequest(topic: "t", entries: [AppendEntry(key: [], value: [0x31], id: "a")])
    #expect(try store.appendAndWait(withID).offsets.count == 1)
    #expect(try store.appendAndWait(withID).isDuplicate)
    clock.step(2_000)
    #expect(try store.trim(TopicDefinition(name: "t", retentionMilliseconds: 1_000)) == 10)
    #expect(try store.appendAndWait(withID).offsets == [20])
    store.close()
  }

  /// Chunks end and begin, also while the oldest events go.
  @Test func manyEventsComeAndGo() throws {
    let clock = SteppedClock()
    let store = MemoryStore(clock: clock.clock)
    let topic = TopicDefinition(name: "t", retentionMilliseconds: 10)
    try store.open([topic])
    var appended: Int64 = 0
    for round in 1...5 {
      for _ in 0..<7 {
        let entries = (0..<111).map { AppendEntry(key: [], value: Array("\(appended + Int64($0))".utf8)) }
        appended += Int64(
          try store.appendAndWait(AppendRequest(topic: "t", entries: entries)).offsets.count)
      }
      var position = try store.position("t", .beginning)
      let events = try store.read("t", &position, limit: 10_000, waitMilliseconds: 0)
      #expect(events.map(\.offset) == Array(events[0].offset...appended))
      #expect(events.allSatisfy { $0.value == Array("\($0.offset - 1)".utf8) })
      let half = events[events.count / 2]
      #expect(try store.position("t", .time(half.timestampMilliseconds)).next[0] ?? 0 <= half.offset)
      clock.step(11)
      if round % 2 == 0 { #expect(try store.trim(topic) == events.count) }
    }
    store.close()
  }
}
