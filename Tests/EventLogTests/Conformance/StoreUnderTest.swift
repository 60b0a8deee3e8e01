import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

// The conformance suite: what every driver of `EventStore` does alike. A driver joins by adding itself to
// `StoreUnderTest.all`. Each check makes a place of its own, so that checks do not see one another.

/// What a driver is like, where drivers may differ; the rest is the same for all.
struct StoreTraits: Sendable {
  /// A topic is one sequence of offsets, and partitions are computed from keys.
  var isOneSequence = true
  /// Members of a group share its partitions. Otherwise one has them all and the next is a standby.
  var sharesWork = false
  /// What was done may come again when members come and go, and for a moment two may think a partition theirs. Kafka
  /// throws a member out that does not join anew in time, and this peer gives it a few hundred milliseconds only.
  var mayRepeat = false
  /// `trim` removes what is old. Otherwise the storage does it by itself.
  var trims = true
  /// The shortest lease that works, in milliseconds.
  var leaseMilliseconds = 1_000
  /// The largest payload that the checks try, in bytes.
  var payloadBytes = 900_000
  /// A key may be empty.
  var takesEmptyKeys = true
  /// Reading can begin at a time.
  var findsTimes = true
  /// Groups can be listed, and tell who owns what.
  var listsGroups = true
}

/// Where stores of one check keep their events: a file, a database, a cluster's topics.
protocol StorePlace: AnyObject, Sendable {
  var traits: StoreTraits { get }
  /// A store on this place, not yet opened. Several may be used at a time where `promises.isDurable`.
  func makeStore() throws -> any EventStore
  /// Makes the events that are in the topic older.
  func makeOlder(topic: String, milliseconds: Int64) throws
  /// Returns when events that are appended from now on get a later timestamp.
  func passTime()
}

extension StorePlace {
  func passTime() {
    let now = SystemClock.machine.wallMilliseconds()
    while SystemClock.machine.wallMilliseconds() <= now {}
  }
}

/// A driver.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
  var name: String
  var makePlace: @Sendable () throws -> any StorePlace

  var testDescription: String { name }

  static let all: [StoreUnderTest] = [memory, sqlite, postgres, kafkaMock, kafka]
  /// For checks with consumer groups: without the mock cluster, which takes three seconds to let a member in and
  /// cannot tell how far a group is.
  static let joining: [StoreUnderTest] = all.filter { $0.name != kafkaMock.name }

  static let memory = StoreUnderTest(name: "memory") { MemoryPlace() }
}

/// A clock that tests step.
final class SteppedClock: Sendable {
  private let time = Atomic<Int64>(1_700_000_000_000)

  func step(_ milliseconds: Int64) { time.wrappingAdd(milliseconds, ordering: .sequentiallyConsistent) }

  /// The wall clock is stepped, the monotonic one is the machine's: waiting goes on.
  var clock: SystemClock {
    SystemClock(
      wallMilliseconds: { self.time.load(ordering: .sequentiallyConsistent) },
      monotonicMilliseconds: SystemClock.machine.monotonicMilliseconds)
  }
}

private final class MemoryPlace: StorePlace {
  let traits = StoreTraits()
  private let clock = SteppedClock()

  func makeStore() throws -> any EventStore { MemoryStore(clock: clock.clock) }

  func makeOlder(topic: String, milliseconds: Int64) { clock.step(milliseconds) }

  func passTime() { clock.step(10) }
}

/// A place with an open store on it.
final class Bench {
  static let topics = [
    TopicDefinition(name: "orders"), TopicDefinition(name: "Notes_2", partitionCount: 3),
  ]
  static let patienceMilliseconds: Int64 = 60_000

  let place: any StorePlace
  private(set) var store: any EventStore
  private var others: [any EventStore] = []

  init(_ driver: StoreUnderTest) throws {
    place = try driver.makePlace()
    store = try place.makeStore()
    try store.open(Self.topics)
  }

  deinit {
    for store in others { store.close() }
    store.close()
  }

  var traits: StoreTraits { place.traits }

  /// As after a restart. A store that keeps nothing stays.
  func reopen() throws {
    guard store.promises.isDurable else { return }
    store.close()
    store = try place.makeStore()
    try store.open(Self.topics)
  }

  /// As another process has; the same one where the place is a process's own.
  func another() throws -> any EventStore {
    guard store.promises.isDurable else { return store }
    let another = try place.makeStore()
    try another.open(Self.topics)
    others.append(another)
    return another
  }

  @discardableResult
  func append(_ entries: [(String, String)], topic: String = "orders", trace: String? = nil) throws -> [Int64]
  {
    let entries = entries.map { AppendEntry(key: Array($0.0.utf8), value: Array($0.1.utf8)) }
    let request = AppendRequest(topic: topic, entries: entries, trace: trace.flatMap { TraceParent($0) })
    return Array(try store.appendAndWait(request).offsets)
  }

  /// Events `from` to `through` with the keys k0 … k(keyCount - 1) in turn; the values are their numbers.
  func appendNumbers(_ range: ClosedRange<Int>, keyCount: Int = 40, topic: String = "orders") throws {
    for number in range { try append([("k\(number % keyCount)", "\(number)")], topic: topic) }
  }

  /// All events from the beginning.
  func readAll(_ topic: String = "orders", count: Int, store: (any EventStore)? = nil) throws -> [EventRecord]
  {
    let store = store ?? self.store
    var position = try store.position(topic, .beginning)
    return try store.readMore(topic, &position, count: count)
  }

  func join(
    _ group: String = "g", topics: [String] = ["orders"], member: String = "m1",
    start: ReadStart = .beginning, store: (any EventStore)? = nil
  ) throws -> Member {
    let options = ConsumerOptions(
      memberID: member, leaseMilliseconds: traits.leaseMilliseconds, start: start)
    return Member(try (store ?? self.store).join(group: group, topics: topics, options: options))
  }

  /// A member that has got its partitions.
  func joined(
    _ group: String = "g", topics: [String] = ["orders"], member: String = "m1",
    start: ReadStart = .beginning
  ) throws -> Member {
    let member = try join(group, topics: topics, member: member, start: start)
    try member.pump(limit: 0, until: { !member.owned.isEmpty })
    return member
  }
}

extension EventStore {
  /// Appends and waits for what comes of it.
  func appendAndWait(_ request: AppendRequest) throws -> AppendOutcome {
    let outcome = Monitor<Result<AppendOutcome, EventLogError>?>(nil)
    append(request) { result in
      outcome.withLock { $0 = result }
      outcome.signal()
    }
    let result = outcome.wait(milliseconds: Int(Bench.patienceMilliseconds)) { $0 }
    return try #require(result, "the append did not complete").get()
  }

  /// Reads on until there are `count` events.
  func readMore(_ topic: String, _ position: inout ReadPosition, count: Int) throws -> [EventRecord] {
    var events: [EventRecord] = []
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while events.count < count, SystemClock.machine.monotonicMilliseconds() < end {
      events += try read(topic, &position, limit: count - events.count, waitMilliseconds: 200)
    }
    #expect(events.count == count)
    return events
  }
}

/// A consumer with what it was told. A check uses it from its own thread.
final class Member {
  let consumer: any GroupConsumer
  private(set) var owned: Set<TopicPartition> = []
  private(set) var revoking: Set<TopicPartition> = []
  private(set) var lost: Set<TopicPartition> = []
  private(set) var events: [EventRecord] = []
  /// What it was told, in words, for a check that fails.
  private(set) var history: [String] = []

  init(_ consumer: any GroupConsumer) { self.consumer = consumer }

  var values: [String] { events.map { String(decoding: $0.value, as: UTF8.self) } }

  /// Offsets by partition, in the order in which they came.
  var offsets: [TopicPartition: [Int64]] {
    events.reduce(into: [:]) { $0[$1.topicPartition, default: []].append($1.offset) }
  }

  /// One poll.
  @discardableResult
  func poll(limit: Int = 100, waitMilliseconds: Int = 100) throws(EventLogError) -> [EventRecord] {
    var brought: [EventRecord] = []
    for notice in try consumer.poll(limit: limit, waitMilliseconds: waitMilliseconds) {
      history.append(Self.words(notice))
      switch notice {
      case .assigned(let partitions):
        owned.formUnion(partitions)
        revoking.subtract(partitions)
        lost.subtract(partitions)
      case .revoking(let partitions):
        #expect(owned.isSuperset(of: partitions))
        revoking.formUnion(partitions)
      case .lost(let partitions):
        owned.subtract(partitions)
        revoking.subtract(partitions)
        lost.formUnion(partitions)
      case .events(let records):
        for record in records {
          #expect(owned.contains(record.topicPartition), "an event of a partition that is not the member's")
          #expect(
            !revoking.contains(record.topicPartition), "an event of a partition that is being revoked")
        }
        brought += records
      }
    }
    #expect(brought.count <= limit, "more events than asked for")
    events += brought
    return brought
  }

  private static func words(_ notice: ConsumerNotice) -> String {
    func places(_ partitions: [TopicPartition]) -> String {
      partitions.map { "\($0.partition)" }.joined(separator: ",")
    }
    let time = SystemClock.machine.monotonicMilliseconds() % 1_000_000
    return switch notice {
    case .assigned(let partitions): "\(time) assigned \(places(partitions))"
    case .revoking(let partitions): "\(time) revoking \(places(partitions))"
    case .lost(let partitions): "\(time) lost \(places(partitions))"
    case .events(let events):
      "\(time) events " + events.map { "\($0.partition):\($0.offset)" }.joined(separator: ",")
    }
  }

  /// Polls until the condition holds.
  func pump(limit: Int = 100, until condition: () -> Bool) throws {
    let end = SystemClock.machine.monotonicMilliseconds() + Bench.patienceMilliseconds
    while !condition() {
      try #require(SystemClock.machine.monotonicMilliseconds() < end, "it did not come about in time")
      try poll(limit: limit)
    }
  }

  func pump(limit: Int = 100, count: Int) throws { try pump(limit: limit) { events.count >= count } }

  /// Commits all that came, but for some partitions.
  func commitAll(except partitions: Set<TopicPartition> = []) throws {
    var done: [TopicPartition: Int64] = [:]
    for event in events where owned.contains(event.topicPartition) {
      guard !partitions.contains(event.topicPartition) else { continue }
      done[event.topicPartition] = max(done[event.topicPartition] ?? -1, event.offset)
    }
    try consumer.commit(done)
  }

  func release(_ partitions: Set<TopicPartition>) throws {
    try consumer.release(Array(partitions))
    owned.subtract(partitions)
    revoking.subtract(partitions)
  }

  func forgetEvents() { events = [] }

  func close() { consumer.close() }

  /// That partitions' events are in the order of their offsets, each once, or those that come for the first time are.
  func expectOrder(mayRepeat: Bool = false) {
    for var offsets in offsets.values {
      if mayRepeat {
        var seen: Set<Int64> = []
        offsets = offsets.filter { seen.insert($0).inserted }
      }
      #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 })
    }
  }
}
