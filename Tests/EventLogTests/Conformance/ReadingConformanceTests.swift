import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

/// How the log is read without a group, and what is known of topics and records.
@Suite(.blocking) struct ReadingConformanceTests {
  @Test(arguments: StoreUnderTest.all)
  func readingGoesOnPageByPage(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.append((1...250).map { ("k\($0 % 5)", "\($0)") })
    var position = try bench.store.position("orders", .beginning)
    var values: Set<String> = []
    var count = 0
    while count < 250 {
      let page = try bench.store.read("orders", &position, limit: 7, waitMilliseconds: 10_000)
      #expect(page.count <= 7)
      try #require(!page.isEmpty)
      count += page.count
      values.formUnion(page.map { String(decoding: $0.value, as: UTF8.self) })
      // A position outlives its store as text.
      position = try #require(ReadPosition(position.description))
    }
    #expect(count == 250 && values.count == 250)
    #expect(try bench.store.read("orders", &position, limit: 7, waitMilliseconds: 0) == [])
    try bench.reopen()
    try bench.append([("k", "251")])
    let rest = try bench.store.readMore("orders", &position, count: 1)
    #expect(rest.map(\.value) == [Array("251".utf8)])
  }

  @Test func positionsHaveAText() {
    #expect(ReadPosition(next: [1: 17, 0: 42]).description == "0:42,1:17")
    #expect(ReadPosition("0:42,1:17") == ReadPosition(next: [0: 42, 1: 17]))
    #expect(ReadPosition("") == ReadPosition())
    for text in ["0", "0:", ":1", "a:b", "0:-1", "-1:0", "0:1:2", "0:99999999999999999999"] {
      #expect(ReadPosition(text) == nil)
    }
  }

  @Test(arguments: StoreUnderTest.all)
  func readingBeginsWhereItIsTold(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.appendNumbers(1...5, keyCount: 1)
    bench.place.passTime()
    try bench.appendNumbers(6...10, keyCount: 1)
    let events = try bench.readAll(count: 10)
    func values(_ start: ReadStart, count: Int) throws -> [String] {
      var position = try bench.store.position("orders", start)
      let read = try bench.store.readMore("orders", &position, count: count)
      #expect(try bench.store.read("orders", &position, limit: 1, waitMilliseconds: 0) == [])
      return read.map { String(decoding: $0.value, as: UTF8.self) }
    }
    #expect(try values(.beginning, count: 10) == (1...10).map { "\($0)" })
    #expect(try values(.end, count: 0) == [])
    #expect(try values(.offset(events[3].offset), count: 7) == (4...10).map { "\($0)" })
    #expect(try values(.offset(events[9].offset + 1), count: 0) == [])
    #expect(try values(.offset(0), count: 10).count == 10)
    if bench.traits.findsTimes {
      #expect(try values(.time(events[5].timestampMilliseconds), count: 5) == (6...10).map { "\($0)" })
      #expect(try values(.time(0), count: 10).count == 10)
      #expect(try values(.time(events[9].timestampMilliseconds + 1_000_000), count: 0) == [])
    }
    // The end stays where it was, also when the log grows before it is read.
    var end = try bench.store.position("orders", .end)
    try bench.append([("k", "11")])
    #expect(try bench.store.readMore("orders", &end, count: 1).map(\.value) == [Array("11".utf8)])
  }

  /// Offsets and times that no event has, whoever gives them.
  @Test(arguments: StoreUnderTest.all)
  func theEndsOfNumbersAreNoFault(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    try bench.append([("k", "1")])
    var far = try bench.store.position("orders", .offset(.max))
    #expect(try bench.store.read("orders", &far, limit: 10, waitMilliseconds: 0) == [])
    var near = try bench.store.position("orders", .offset(.min))
    #expect(try bench.store.readMore("orders", &near, count: 1).count == 1)
    guard bench.traits.isOneSequence, bench.traits.findsTimes else { return }
    var late = try bench.store.position("orders", .time(.max))
    #expect(try bench.store.read("orders", &late, limit: 10, waitMilliseconds: 0) == [])
    var early = try bench.store.position("orders", .time(.min))
    #expect(try bench.store.readMore("orders", &early, count: 1).count == 1)
    for (number, start) in [ReadStart.offset(.max), .time(.max)].enumerated() {
      let member = try bench.joined("g\(number)", start: start)
      #expect(try member.poll(waitMilliseconds: 50) == [])
      member.close()
    }
  }

  @Test(arguments: StoreUnderTest.all)
  func anAppendWakesAReader(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let reader = try bench.another()
    let position = try reader.position("orders", .end)
    let brought = Monitor<(begun: Bool, events: [EventRecord]?)>((false, nil))
    Threads.start(name: "read") {
      var position = position
      brought.withLock { $0.begun = true }
      brought.signal()
      let events = try? reader.read("orders", &position, limit: 10, waitMilliseconds: 50_000)
      brought.withLock { $0.events = events ?? [] }
      brought.signal()
    }
    _ = brought.wait(milliseconds: nil) { $0.begun ? () : nil }
    let began = SystemClock.machine.monotonicMilliseconds()
    try bench.append([("k", "1")])
    let events = brought.wait(milliseconds: 60_000) { $0.events }
    #expect(events?.map(\.value) == [Array("1".utf8)])
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 20_000)
  }

  @Test(arguments: StoreUnderTest.all)
  func topicsTellHowFarTheyGo(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let empty = try bench.store.status(ofTopic: "Notes_2")
    #expect(empty.topic == "Notes_2")
    #expect(empty.partitionCount == 3)
    #expect(empty.first.isEmpty)
    try bench.appendNumbers(1...12, topic: "Notes_2")
    let status = try bench.store.status(ofTopic: "Notes_2")
    let events = try bench.readAll("Notes_2", count: 12)
    if bench.traits.isOneSequence {
      #expect(status.first == [0: events[0].offset])
      #expect(status.end == [0: events[11].offset + 1])
    } else {
      for partition in Set(events.map(\.partition)) {
        let own = events.filter { $0.partition == partition }.map(\.offset)
        #expect(status.first[partition] == own.first)
        #expect(status.end[partition] == own.last.map { $0 + 1 })
      }
    }
  }

  // MARK: Records

  @Test(arguments: StoreUnderTest.all, RecordTable.allCases)
  func recordsAreKept(_ driver: StoreUnderTest, _ table: RecordTable) throws {
    let bench = try Bench(driver)
    func keys(_ prefix: String, after: String? = nil, limit: Int = 100) throws -> [String] {
      try bench.store.records(table, prefix: prefix, after: after, limit: limit).map(\.key)
    }
    #expect(try keys("") == [])
    let all = ["b/1", "a/2", "a/10", "a/ü", "a/1", "ab", "a/%_"]
    try bench.store.put(table, all.map { StoredRecord(key: $0, value: Array("{\"k\":\"\($0)\"}".utf8)) })
    #expect(try keys("") == ["a/%_", "a/1", "a/10", "a/2", "a/ü", "ab", "b/1"])
    #expect(try keys("a/") == ["a/%_", "a/1", "a/10", "a/2", "a/ü"])
    #expect(try keys("a/%") == ["a/%_"])
    #expect(try keys("a/", limit: 2) == ["a/%_", "a/1"])
    #expect(try keys("a/", after: "a/1") == ["a/10", "a/2", "a/ü"])
    #expect(try keys("a/", after: "a/1", limit: 1) == ["a/10"])
    #expect(try keys("a/", after: "b") == [])
    #expect(try keys("c") == [])
    try bench.store.put(table, [StoredRecord(key: "a/1", value: Array("2".utf8))])
    try bench.reopen()
    let found = try bench.store.records(table, prefix: "a/1", after: nil, limit: 10)
    #expect(found.first == StoredRecord(key: "a/1", value: Array("2".utf8)))
    #expect(found.count == 2)
    try bench.store.remove(table, keys: ["a/1", "not there", "b/1"])
    try bench.store.remove(table, keys: [])
    try bench.reopen()
    #expect(try keys("") == ["a/%_", "a/10", "a/2", "a/ü", "ab"])
    for other in RecordTable.allCases where other != table {
      #expect(try bench.store.records(other, prefix: "", after: nil, limit: 10) == [])
    }
  }

  /// Keys are bytes: two spellings of one letter are two keys, also when they are put together.
  @Test(arguments: StoreUnderTest.all)
  func keysAreComparedByBytes(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let keys = ["caf\u{E9}", "cafe\u{301}"]
    try bench.store.put(.controls, keys.map { StoredRecord(key: $0, value: Array("\($0.utf8.count)".utf8)) })
    let found = try bench.store.records(.controls, prefix: "", after: nil, limit: 10)
    #expect(found.map { Array($0.key.utf8) } == [Array(keys[1].utf8), Array(keys[0].utf8)])
    #expect(found.map(\.value) == [Array("6".utf8), Array("5".utf8)])
    try bench.store.remove(.controls, keys: [keys[0]])
    #expect(try bench.store.records(.controls, prefix: "", after: nil, limit: 10).count == 1)
  }

  /// What one process notes, another sees at once.
  @Test(arguments: StoreUnderTest.all)
  func recordsAreSeenByOthers(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let other = try bench.another()
    let large = StoredRecord(key: "g/t/f/1", value: [UInt8](repeating: 0x31, count: 300_000))
    try other.put(.deadLetters, [large])
    #expect(try bench.store.records(.deadLetters, prefix: "g/", after: nil, limit: 10) == [large])
    try bench.store.remove(.deadLetters, keys: ["g/t/f/1"])
    #expect(try other.records(.deadLetters, prefix: "", after: nil, limit: 10) == [])
  }

  // MARK: Retention

  @Test(arguments: StoreUnderTest.all)
  func trimmingRemovesOnlyWhatIsOld(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.traits.trims else { return }
    let forEver = TopicDefinition(name: "orders")
    let anHour = TopicDefinition(name: "orders", retentionMilliseconds: 3_600_000)
    try bench.appendNumbers(1...30)
    var reader = try bench.store.position("orders", .beginning)
    _ = try bench.store.readMore("orders", &reader, count: 3)
    let member = try bench.joined()
    try member.pump(limit: 5, count: 5)
    try member.commitAll()
    member.close()

    #expect(try bench.store.trim(anHour) == 0)
    try bench.place.makeOlder(topic: "orders", milliseconds: 3_700_000)
    try bench.appendNumbers(31...40)
    #expect(try bench.store.trim(forEver) == 0)
    #expect(try bench.store.trim(anHour) == 30)
    #expect(try bench.store.trim(anHour) == 0)

    let left = (31...40).map { "\($0)" }
    #expect(try bench.readAll(count: 10).map { String(decoding: $0.value, as: UTF8.self) } == left)
    let status = try bench.store.status(ofTopic: "orders")
    #expect(try status.first == [0: bench.readAll(count: 10)[0].offset])
    #expect(try bench.store.readMore("orders", &reader, count: 10).count == 10)
    let next = try bench.joined()
    try next.pump(count: 10)
    #expect(Set(next.values) == Set(left))
    try next.commitAll()
    #expect(
      try bench.store.status(ofGroup: "g").filter { $0.topicPartition.topic == "orders" }.allSatisfy {
        $0.lag == 0
      })
    next.close()
    // Offsets go on growing when the log is empty.
    let last = try #require(left.isEmpty ? nil : bench.readAll(count: 10).last)
    try bench.place.makeOlder(topic: "orders", milliseconds: 3_700_000)
    #expect(try bench.store.trim(anHour) == 10)
    #expect(try bench.store.status(ofTopic: "orders").first == [:])
    try bench.reopen()
    #expect(try #require(bench.append([("k", "41")]).first) > last.offset)
  }
}
