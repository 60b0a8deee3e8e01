import SpacerSystem
import SpacerTestSupport
import Synchronization
import Testing

@testable import SpacerEventLog

/// Appends whose batch, connection or server fails.
@Suite struct PostgresAppendTests {
  private static func request(
    _ value: [UInt8], id: String? = nil, topic: String = "orders", timeoutMilliseconds: Int = 30_000
  ) -> AppendRequest {
    AppendRequest(
      topic: topic, entries: [AppendEntry(key: Array("k".utf8), value: value, id: id)],
      timeoutMilliseconds: timeoutMilliseconds)
  }

  /// What came of appends, by their numbers.
  private final class Outcomes: Sendable {
    private let results = Monitor<[Int: Result<AppendOutcome, EventLogError>]>([:])

    func append(_ number: Int, to store: any EventStore, _ request: AppendRequest) {
      store.append(request) { result in
        let isFirst = self.results.withLock { $0.updateValue(result, forKey: number) == nil }
        #expect(isFirst, "completed twice")
        self.results.signal()
      }
    }

    func wait(_ count: Int) throws -> [Int: Result<AppendOutcome, EventLogError>] {
      try #require(
        results.wait(milliseconds: Int(Bench.patienceMilliseconds)) { $0.count == count ? $0 : nil })
    }
  }

  /// The appends' connection waits for the table's lock, and what is appended meanwhile becomes one batch.
  private static func inOneBatch(
    _ place: PostgresPlace, _ store: any EventStore, _ outcomes: Outcomes, _ body: () throws -> Void
  ) throws {
    let session = try place.session()
    try session.run("BEGIN; LOCK TABLE topic_orders IN SHARE MODE")
    outcomes.append(-1, to: store, request([0x31]))
    try waitUntil("the append waits") {
      try place.sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'topic_orders'::regclass")
        == "1"
    }
    try body()
    try session.run("COMMIT")
  }

  @Test func onlyTheRequestThatIsToBlameFails() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let outcomes = Outcomes()
    try Self.inOneBatch(place, bench.store, outcomes) {
      for number in 0..<60 {
        // Not UTF-8, and with a NUL.
        let value: [UInt8] = number == 17 ? [0xFF] : number == 40 ? [0x31, 0] : Array("\(number)".utf8)
        outcomes.append(
          number, to: bench.store,
          Self.request(
            value, id: number % 3 == 0 ? "id\(number)" : nil, topic: number % 4 == 0 ? "Notes_2" : "orders"))
      }
    }
    let results = try outcomes.wait(61)
    for (number, result) in results {
      switch result {
      case .success(let outcome): #expect(outcome.offsets.count == 1 && number != 17 && number != 40)
      case .failure(let error): #expect(error.code == .failed && (number == 17 || number == 40), "\(error)")
      }
    }
    #expect(try bench.readAll("orders", count: 44).count == 44)
    #expect(try bench.readAll("Notes_2", count: 14).count == 14)
  }

  /// The commit waits in the server when its connection is cut: without an id nobody knows, with one it is repeated.
  @Test func aConnectionCutInMidCommit() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    try place.sql(
      """
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON topic_orders DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold()
      """)
    for id in [nil, "given"] {
      let session = try place.session()
      try session.run("SELECT pg_advisory_lock(42)")
      let outcomes = Outcomes()
      outcomes.append(0, to: bench.store, Self.request([0x31], id: id))
      try waitUntil("the commit waits") {
        try place.sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'") == "1"
      }
      try place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
      try session.run("SELECT pg_advisory_unlock(42)")
      let result = try #require(try outcomes.wait(1)[0])
      switch result {
      case .success(let outcome): #expect(id != nil && outcome.offsets.count == 1)
      case .failure(let error): #expect(id == nil && error.code == .outcomeUnknown, "\(error)")
      }
    }
    #expect(try bench.readAll(count: 1).map(\.givenID) == ["given"])
  }

  /// The server's last words have come and wait to be read; no answer is owed behind which they would be.
  @Test func anIdleConnectionThatWasCutIsNotWrittenTo() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    for number in 1...5 {
      #expect(throws: EventLogError.self) { try bench.store.appendAndWait(Self.request([0xFF])) }
      try place.sql(
        """
        SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'spacer'
        """)
      try bench.append([("k", "\(number)")])
    }
  }

  @Test func aConnectionThatWasCutWhileIdleIsMadeAnew() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    for number in 1...5 {
      try bench.append([("k", "\(number)")])
      // All of the store's connections.
      try place.sql(
        """
        SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'spacer'
        """)
    }
    #expect(try bench.readAll(count: 5).map(\.value) == (1...5).map { Array("\($0)".utf8) })
  }

  /// The server goes away and comes back under appends, a reader and a member of a group.
  @Test func aServerThatIsAwayComesBack() throws {
    let server = try PostgresServer(["max_connections = 50"])
    let place = try PostgresPlace(server)
    let store = try place.makeStore()
    defer { store.close() }
    try store.open(Bench.topics)
    let member = Member(
      try store.join(
        group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m", leaseMilliseconds: 1_000)))
    try member.pump { member.owned.count == 16 }
    _ = try store.appendAndWait(Self.request(Array("1".utf8)))
    try member.pump(count: 1)

    try server.kill()
    let outcomes = Outcomes()
    let began = SystemClock.machine.monotonicMilliseconds()
    for number in 0..<50 {
      outcomes.append(number, to: store, Self.request([0x32], timeoutMilliseconds: 1_500))
    }
    for (_, result) in try outcomes.wait(50) {
      guard case .failure(let error) = result else {
        Issue.record("appended without a server")
        continue
      }
      // The one that was on its way when the server's process had not yet ended: nobody knows.
      #expect([.unavailable, .timedOut, .outcomeUnknown].contains(error.code), "\(error)")
    }
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 10_000)
    #expect(throws: EventLogError.self) { try member.consumer.poll(limit: 10, waitMilliseconds: 0) }
    #expect(throws: EventLogError.self) { try store.status(ofTopic: "orders") }
    // Memory is bounded: what is above it is refused at once.
    let large = [UInt8](repeating: 0x31, count: 4 << 20)
    let many = Outcomes()
    for number in 0..<40 { many.append(number, to: store, Self.request(large, timeoutMilliseconds: 1_500)) }
    let codes = try many.wait(40).values.compactMap { result in
      if case .failure(let error) = result { error.code } else { nil }
    }
    #expect(codes.count == 40 && codes.contains(.overloaded))

    try server.restart()
    _ = try store.appendAndWait(Self.request(Array("3".utf8)))
    while member.events.count < 2 {
      do { try member.poll() } catch { #expect(error.isTemporary) }
    }
    #expect(member.values == ["1", "3"])
    try member.commitAll()
    member.close()
  }

  @Test func anAppendThatHangsIsToldInTime() throws {
    let bench = try Bench(.postgres)
    let place = try #require(bench.place as? PostgresPlace)
    let session = try place.session()
    try session.run("BEGIN; LOCK TABLE topic_orders IN SHARE MODE")
    let outcomes = Outcomes()
    outcomes.append(0, to: bench.store, Self.request([0x31], timeoutMilliseconds: 300))
    try waitUntil("the append waits") {
      try place.sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'topic_orders'::regclass")
        == "1"
    }
    // One that waits behind it as well.
    outcomes.append(1, to: bench.store, Self.request([0x32], timeoutMilliseconds: 300))
    let results = try outcomes.wait(2)
    func code(_ number: Int) -> EventLogError.Code? {
      if case .failure(let error) = results[number] { error.code } else { nil }
    }
    #expect(code(0) == .outcomeUnknown)
    #expect(code(1) == .timedOut)
    try session.run("COMMIT")
    try bench.append([("k", "3")])
  }
}
