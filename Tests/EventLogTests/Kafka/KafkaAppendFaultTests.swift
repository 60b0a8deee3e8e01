import CKafkaMock
import SpacerEventLog
import SpacerSystem
import Testing

/// Appends while the cluster fails: what was acknowledged is there, in the order of its key, and what was not is
/// told in time. Against librdkafka's mock cluster.
@Suite(.blocking) struct KafkaAppendFaultTests {
  /// Appends in the background, several callers at a time, each the next event when the last has completed.
  private final class Load: Sendable {
    struct State {
      var next: [Int]
      var running: Int
      var acknowledged: [Int: [Int]] = [:]
      var codes: Set<String> = []
    }
    let state: Monitor<State>
    private let store: KafkaStore
    private let perCaller: Int

    init(_ store: KafkaStore, callers: Int, perCaller: Int) {
      self.store = store
      self.perCaller = perCaller
      state = Monitor(State(next: [Int](repeating: 0, count: callers), running: callers))
      for caller in 0..<callers { append(caller) }
    }

    private func append(_ caller: Int) {
      let number: Int? = state.withLock { state in
        guard state.next[caller] < perCaller else {
          state.running -= 1
          return nil
        }
        defer { state.next[caller] += 1 }
        return state.next[caller]
      }
      guard let number else { return state.signal() }
      store.append(KafkaAppendFaultTests.request("k\(caller)", "\(number)")) { [self] result in
        state.withLock { state in
          switch result {
          case .success: state.acknowledged[caller, default: []].append(number)
          case .failure(let error): state.codes.insert(error.code.rawValue)
          }
        }
        state.signal()
        append(caller)
      }
    }

    func waitUntil(_ what: String, _ condition: (State) -> Bool) throws {
      let isMet = state.wait(milliseconds: Int(Bench.patienceMilliseconds)) { condition($0) ? true : nil }
      try #require(isMet == true, "it never came that \(what)")
    }

    func count() -> Int { state.withLock { $0.acknowledged.values.reduce(0) { $0 + $1.count } } }
  }

  private static func request(_ key: String, _ value: String, timeoutMilliseconds: Int = 30_000)
    -> AppendRequest
  {
    AppendRequest(
      topic: "orders", entries: [AppendEntry(key: Array(key.utf8), value: Array(value.utf8))],
      timeoutMilliseconds: timeoutMilliseconds)
  }

  private static func open(
    _ mock: KafkaMock, replicas: Int32 = 1, appendTimeoutMilliseconds: Int = 30_000,
    _ properties: [String: String] = [:]
  ) throws -> KafkaStore {
    mock.createTopics("app", Bench.topics, replicas: replicas)
    var settings = KafkaSettings.test(brokers: mock.brokers, properties)
    settings.appendTimeoutMilliseconds = appendTimeoutMilliseconds
    let store = KafkaStore(settings)
    try store.open(Bench.topics)
    return store
  }

  private static func code(_ store: KafkaStore, _ request: AppendRequest) -> EventLogError.Code? {
    do {
      _ = try store.appendAndWait(request)
      return nil
    } catch {
      return (error as? EventLogError)?.code
    }
  }

  /// All that was acknowledged is there, each caller's events in the order in which it appended them; the mock
  /// cluster does not know one that comes twice, so the first of each counts.
  private static func expectKept(_ store: KafkaStore, _ load: Load) throws {
    let count = try store.status(ofTopic: "orders").end.values.reduce(0, +)
    var position = try store.position("orders", .beginning)
    let events = try store.readMore("orders", &position, count: Int(count))
    for (caller, numbers) in load.state.withLock({ $0.acknowledged }) {
      var seen: Set<Int> = []
      let own = events.filter { $0.key == Array("k\(caller)".utf8) }
        .compactMap { Int(String(decoding: $0.value, as: UTF8.self)) }
        .filter { seen.insert($0).inserted }
      #expect(seen.isSuperset(of: numbers), "an acknowledged event is lost")
      #expect(own == own.sorted(), "events of one key changed places")
    }
  }

  @Test func errorsThatPassAreNotSeen() throws {
    let mock = try KafkaMock(brokers: 3)
    let store = try Self.open(mock)
    defer { store.close() }
    mock.fail(
      .produce,
      [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      ])
    let load = Load(store, callers: 8, perCaller: 100)
    try load.waitUntil("all appends completed") { $0.running == 0 }
    #expect(load.state.withLock { $0.codes } == [])
    #expect(load.count() == 800)
    try Self.expectKept(store, load)
  }

  @Test func whatTheClusterRefusesIsTold() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock)
    defer { store.close() }
    #expect(Self.code(store, Self.request("k", "1")) == nil)
    mock.fail(.produce, [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
    #expect(Self.code(store, Self.request("k", "2")) == .tooLarge)
    mock.fail(.produce, [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
    #expect(Self.code(store, Self.request("k", "3")) == .failed)
    let large = AppendRequest(
      topic: "orders",
      entries: [
        AppendEntry(key: [0x6B], value: [0x31]),
        AppendEntry(key: [0x6B], value: [UInt8](repeating: 0x31, count: 1_100_000)),
      ])
    #expect(Self.code(store, large) == .tooLarge)
    // Nothing of what was too large was sent.
    #expect(try store.status(ofTopic: "orders").end.values.reduce(0, +) == 1)
    try Self.expectRecovery(store)
  }

  @Test func anErrorSaysHowManyOfSeveralAreStored() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock)
    defer { store.close() }
    let entries = (0..<40).map { AppendEntry(key: Array("k\($0)".utf8), value: [0x31]) }
    _ = try store.appendAndWait(AppendRequest(topic: "orders", entries: entries))
    mock.fail(.produce, [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
    do {
      _ = try store.appendAndWait(AppendRequest(topic: "orders", entries: entries))
      Issue.record("no error")
    } catch {
      let error = try #require(error as? EventLogError)
      let stored = try store.status(ofTopic: "orders").end.values.reduce(0, +) - 40
      // The client may put all into the request that is refused.
      #expect(stored < 40)
      #expect(error.code == (stored > 0 ? .outcomeUnknown : .failed))
      if stored > 0 {
        #expect(error.message.hasPrefix("\(stored) of 40 events were stored"), "\(error.message)")
      }
    }
  }

  /// The caller hears in time that it will not hear; the event may be stored, and is.
  @Test func aSlowClusterIsToldInTime() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock)
    defer { store.close() }
    #expect(Self.code(store, Self.request("k", "1")) == nil)
    mock.delay(milliseconds: 2_000)
    let began = SystemClock.machine.monotonicMilliseconds()
    #expect(Self.code(store, Self.request("k", "2", timeoutMilliseconds: 300)) == .outcomeUnknown)
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 1_500)
    mock.delay(milliseconds: 0)
    var position = try store.position("orders", .beginning)
    #expect(try store.readMore("orders", &position, count: 2).map(\.value) == [[0x31], [0x32]])
  }

  @Test func theLeaderChanges() throws {
    let mock = try KafkaMock(brokers: 3)
    let store = try Self.open(mock, replicas: 3)
    defer { store.close() }
    let load = Load(store, callers: 16, perCaller: 300)
    for turn in 0..<3 {
      try load.waitUntil("appends go on") { state in
        state.acknowledged.values.reduce(0) { $0 + $1.count } > 800 * turn || state.running == 0
      }
      for partition in 0..<16 {
        mock.lead("app_orders", Int32(partition), broker: Int32((partition + turn) % 3 + 1))
      }
    }
    try load.waitUntil("all appends completed") { $0.running == 0 }
    #expect(load.state.withLock { $0.codes } == [])
    #expect(load.count() == 16 * 300)
    try Self.expectKept(store, load)
  }

  @Test func theClusterGoesAndComesBack() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock)
    defer { store.close() }
    let load = Load(store, callers: 8, perCaller: 4_000)
    try load.waitUntil("appends go on") { $0.acknowledged.values.reduce(0) { $0 + $1.count } > 500 }
    mock.down()
    let before = load.count()
    mock.up()
    try load.waitUntil("appends go on") { state in
      state.acknowledged.values.reduce(0) { $0 + $1.count } > before + 500 || state.running == 0
    }
    try load.waitUntil("all appends completed") { $0.running == 0 }
    #expect(load.state.withLock { $0.codes } == [])
    try Self.expectKept(store, load)
  }

  /// Nobody is there: each append is told so within its time, memory is bounded, and nothing of it is stored later.
  @Test func aClusterThatStaysAwayIsTold() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock, appendTimeoutMilliseconds: 3_000)
    defer { store.close() }
    #expect(Self.code(store, Self.request("k", "1")) == nil)
    mock.down()
    let began = SystemClock.machine.monotonicMilliseconds()
    let outcomes = Monitor<[EventLogError.Code?]>([])
    let large = String(repeating: "7", count: 900_000)
    for _ in 0..<100 {
      store.append(Self.request("k", large, timeoutMilliseconds: 4_000)) { result in
        let code: EventLogError.Code? = if case .failure(let error) = result { error.code } else { nil }
        outcomes.withLock { $0.append(code) }
        outcomes.signal()
      }
    }
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 2_000, "appends block")
    let all = outcomes.wait(milliseconds: Int(Bench.patienceMilliseconds)) { $0.count == 100 ? $0 : nil }
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 6_000)
    let codes = try #require(all)
    #expect(codes.filter { $0 == .overloaded }.count == 100 - (64 << 20) / 900_194)
    // The one that was on its way when the connection broke may be stored.
    #expect(
      codes.filter { $0 == .unavailable || $0 == .timedOut }.count >= 70
        - codes.filter { $0 == .outcomeUnknown }.count)
    #expect(
      codes.allSatisfy { $0 == .overloaded || $0 == .unavailable || $0 == .timedOut || $0 == .outcomeUnknown }
    )
    mock.up()
    try Self.expectRecovery(store)
  }

  /// Appends succeed again, after a while.
  private static func expectRecovery(_ store: KafkaStore) throws {
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while code(store, request("k", "again")) != nil {
      try #require(SystemClock.machine.monotonicMilliseconds() < end, "appends never succeed again")
    }
    #expect(code(store, request("k", "and again")) == nil)
  }

  /// The cluster lost what it had acknowledged to the client: that ends the client, and another goes on.
  @Test func aFatalErrorEndsOnlyTheClient() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock)
    defer { store.close() }
    // More than once: the one that goes on may end in the same way.
    for turn in 0..<3 {
      for number in 1...3 { #expect(Self.code(store, Self.request("k", "\(turn)/\(number)")) == nil) }
      mock.fail(.produce, [RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER])
      #expect(Self.code(store, Self.request("k", "\(turn)/4")) != nil)
      try Self.expectRecovery(store)
    }
    // All reports came: nothing is left that a close would wait for.
    let began = SystemClock.machine.monotonicMilliseconds()
    store.close()
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 5_000)
  }

  /// The client takes so many at a time: what is more would be stored in part.
  @Test func aRequestThatTheClientCannotHoldIsRefused() throws {
    let mock = try KafkaMock()
    let store = try Self.open(mock, ["queue.buffering.max.messages": "50"])
    defer { store.close() }
    func request(_ count: Int) -> AppendRequest {
      AppendRequest(
        topic: "orders", entries: (0..<count).map { AppendEntry(key: [0x6B], value: Array("\($0)".utf8)) })
    }
    #expect(Self.code(store, request(51)) == .tooLarge)
    #expect(Self.code(store, request(50)) == nil)
    #expect(try store.status(ofTopic: "orders").end.values.reduce(0, +) == 50)
  }
}
