import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

/// How events get into the log, whichever driver it has.
@Suite(.blocking) struct AppendingConformanceTests {
  @Test(arguments: StoreUnderTest.all)
  func offsetsGrowInTheOrderOfAppending(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    var offsets: [Int64] = []
    for number in 1...20 {
      offsets += try bench.append([("same", "\(number)"), ("same", "\(number * 100)")])
    }
    #expect(offsets.count == 40)
    #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 })
    let events = try bench.readAll(count: 40)
    #expect(events.map(\.offset) == offsets)
    #expect(events.first?.value == Array("1".utf8))
    #expect(events.last?.value == Array("2000".utf8))
  }

  @Test(arguments: StoreUnderTest.all)
  func whatWasAppendedIsRead(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let before = SystemClock.machine.wallMilliseconds()
    _ = try bench.store.appendAndWait(
      AppendRequest(
        topic: "orders",
        entries: [
          AppendEntry(
            key: Array("ключ 🗝 ' \" \\ %".utf8), value: Array(#"{"a":"ü\u0000","b":[1,2.5,null]}"#.utf8)),
          AppendEntry(key: Array("k".utf8), value: Array("null".utf8), id: "given-1"),
        ], trace: TraceParent(trace)))
    let events = try bench.readAll(count: 2).sorted { $0.key.count > $1.key.count }
    #expect(events[0].key == Array("ключ 🗝 ' \" \\ %".utf8))
    #expect(events[0].value == Array(#"{"a":"ü\u0000","b":[1,2.5,null]}"#.utf8))
    #expect(events[0].trace == trace)
    #expect(events[0].givenID == nil)
    let place =
      events[0].offsetIsOfPartition ? "\(events[0].partition):\(events[0].offset)" : "\(events[0].offset)"
    #expect(events[0].id == "orders:\(place)")
    #expect(events[1].value == Array("null".utf8))
    #expect(events[1].id == "given-1")
    #expect(events.allSatisfy { $0.topic == "orders" && $0.timestampMilliseconds > 0 })
    // Times of a real clock are near.
    if events[0].timestampMilliseconds > 1_750_000_000_000 {
      #expect(abs(events[0].timestampMilliseconds - before) < 120_000)
    }
    if bench.traits.isOneSequence {
      #expect(events[0].partition == KeyPartition.of(events[0].key, count: 16))
    }
  }

  @Test(arguments: StoreUnderTest.all)
  func keysMayBeEmptyAndPayloadsLarge(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let large = [UInt8](repeating: UInt8(ascii: "7"), count: bench.traits.payloadBytes)
    _ = try bench.store.appendAndWait(
      AppendRequest(topic: "orders", entries: [AppendEntry(key: Array("large".utf8), value: large)]))
    var events = try bench.readAll(count: 1)
    #expect(events.first?.value == large)
    guard bench.traits.takesEmptyKeys else { return }
    try bench.append([("", "1")], topic: "Notes_2")
    events = try bench.readAll("Notes_2", count: 1)
    #expect(events.first?.key == [])
  }

  @Test(arguments: StoreUnderTest.all)
  func manyEventsGoInAtOnce(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let offsets = try bench.append((1...3_000).map { ("k\($0 % 7)", "\($0)") })
    #expect(offsets.count == 3_000)
    let events = try bench.readAll(count: 3_000)
    let numbers = events.reduce(into: [Int32: [Int]]()) {
      $0[$1.partition, default: []].append(Int(String(decoding: $1.value, as: UTF8.self)) ?? -1)
    }
    for numbers in numbers.values { #expect(numbers == numbers.sorted()) }
    #expect(numbers.values.reduce(0) { $0 + Set($1).count } == 3_000)
  }

  /// Each thread's events of one key stay in the order in which it appended them, and all are there.
  @Test(arguments: StoreUnderTest.all)
  func threadsAppendAtOnce(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let store = bench.store
    let (threadCount, perThread) = (16, 40)
    let ended = Monitor(0)
    let faults = Mutex<[String]>([])
    let acknowledged = Mutex<Set<Int64>>([])
    for thread in 0..<threadCount {
      Threads.start(name: "append") {
        for number in 0..<perThread {
          let request = AppendRequest(
            topic: "orders",
            entries: [AppendEntry(key: Array("t\(thread)".utf8), value: Array("\(number)".utf8))])
          do {
            let offsets = try store.appendAndWait(request).offsets
            acknowledged.withLock { $0.formUnion(offsets) }
          } catch {
            faults.withLock { $0.append("\(error)") }
          }
        }
        ended.withLock { $0 += 1 }
        ended.signal()
      }
    }
    _ = ended.wait(milliseconds: Int(Bench.patienceMilliseconds)) { $0 == threadCount ? () : nil }
    #expect(faults.withLock { $0 } == [])
    let events = try bench.readAll(count: threadCount * perThread)
    for thread in 0..<threadCount {
      let own = events.filter { $0.key == Array("t\(thread)".utf8) }
      #expect(own.map { String(decoding: $0.value, as: UTF8.self) } == (0..<perThread).map { "\($0)" })
    }
    if bench.traits.isOneSequence {
      #expect(events.map(\.offset) == acknowledged.withLock { $0.sorted() })
    }
  }

  /// Many appends are on their way when the store is closed: each completes, and what was acknowledged is there.
  @Test(arguments: StoreUnderTest.all)
  func closingCompletesAppends(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    let outcomes = Mutex<(done: Int, failed: Int)>((0, 0))
    for number in 0..<300 {
      bench.store.append(
        AppendRequest(
          topic: "orders", entries: [AppendEntry(key: Array("k".utf8), value: Array("\(number)".utf8))])
      ) { result in
        outcomes.withLock {
          if case .success = result { $0.done += 1 } else { $0.failed += 1 }
        }
      }
    }
    bench.store.close()
    let (done, failed) = outcomes.withLock { $0 }
    #expect(done + failed == 300)
    #expect(done > 0)
    #expect(throws: EventLogError.self) {
      try bench.store.appendAndWait(
        AppendRequest(topic: "orders", entries: [AppendEntry(key: [0x6B], value: [0x31])]))
    }
    guard bench.store.promises.isDurable else { return }
    try bench.reopen()
    let events = try bench.readAll(count: done)
    #expect(Set(events.map(\.offset)).count == done)
  }

  @Test(arguments: StoreUnderTest.all)
  func unknownTopicsAreErrors(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    func expectUnknown(_ body: () throws -> Void) {
      do {
        try body()
        Issue.record("no error")
      } catch {
        #expect((error as? EventLogError)?.code == .unknownTopic, "\(error)")
      }
    }
    expectUnknown { try bench.append([("k", "1")], topic: "nowhere") }
    expectUnknown { _ = try bench.store.position("nowhere", .beginning) }
    expectUnknown {
      var position = ReadPosition(next: [0: 0])
      _ = try bench.store.read("nowhere", &position, limit: 1, waitMilliseconds: 0)
    }
    expectUnknown { _ = try bench.store.status(ofTopic: "nowhere") }
    expectUnknown {
      _ = try bench.store.join(group: "g", topics: ["nowhere"], options: ConsumerOptions(memberID: "m"))
    }
  }

  // MARK: Ids

  private static func request(_ ids: [String?], _ value: String = "1", topic: String = "orders")
    -> AppendRequest
  {
    AppendRequest(
      topic: topic,
      entries: ids.map { AppendEntry(key: Array("k".utf8), value: Array(value.utf8), id: $0) })
  }

  @Test(arguments: StoreUnderTest.all)
  func anIDIsAppendedOnce(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.store.promises.dropsDuplicates else { return }
    let first = try bench.store.appendAndWait(Self.request(["a"]))
    #expect(first.offsets.count == 1 && !first.isDuplicate)
    #expect(
      try bench.store.appendAndWait(Self.request(["a"], "2")) == AppendOutcome(offsets: [], isDuplicate: true)
    )
    // Another topic has ids of its own, and what looks alike is not the same.
    #expect(try bench.store.appendAndWait(Self.request(["a"], topic: "Notes_2")).offsets.count == 1)
    #expect(try bench.store.appendAndWait(Self.request(["e\u{301}", "\u{E9}", "A"])).offsets.count == 3)
    try bench.reopen()
    #expect(try bench.store.appendAndWait(Self.request(["a"], "3")).isDuplicate)
    // Some are new.
    let mixed = try bench.store.appendAndWait(Self.request(["a", "b", nil]))
    #expect(mixed.offsets.count == 2 && !mixed.isDuplicate)
    // Equal ones in one request.
    let twice = try bench.store.appendAndWait(Self.request(["c", "c", "d"]))
    #expect(twice.offsets.count == 2 && !twice.isDuplicate)
    let events = try bench.readAll(count: 8)
    #expect(events.map(\.givenID) == ["a", "e\u{301}", "\u{E9}", "A", "b", nil, "c", "d"])
    #expect(events[0].value == Array("1".utf8))
    var position = try bench.store.position("orders", .end)
    #expect(try bench.store.read("orders", &position, limit: 10, waitMilliseconds: 0) == [])
  }

  @Test(arguments: StoreUnderTest.all)
  func anIDThatManyAppendAtOnceIsThereOnce(_ driver: StoreUnderTest) throws {
    let bench = try Bench(driver)
    guard bench.store.promises.dropsDuplicates else { return }
    let results = Monitor<[Result<AppendOutcome, EventLogError>]>([])
    for number in 0..<200 {
      bench.store.append(Self.request(["id-\(number % 10)"])) { result in
        results.withLock { $0.append(result) }
        results.signal()
      }
    }
    let all = results.wait(milliseconds: Int(Bench.patienceMilliseconds)) { $0.count == 200 ? $0 : nil }
    let outcomes = try #require(all).map { try $0.get() }
    #expect(outcomes.filter { !$0.isDuplicate }.count == 10)
    #expect(try Set(bench.readAll(count: 10).map(\.givenID)).count == 10)
  }
}
