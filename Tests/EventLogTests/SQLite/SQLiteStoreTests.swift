import CSystem
import Foundation
import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

/// What the store in a SQLite file does that the others do not.
struct SQLiteStoreTests {
  private static let topics = [TopicDefinition(name: "orders")]

  private static func entry(_ value: String, id: String? = nil) -> AppendEntry {
    AppendEntry(key: Array("k".utf8), value: Array(value.utf8), id: id)
  }

  private static func request(_ value: String) -> AppendRequest {
    AppendRequest(topic: "orders", entries: [entry(value)])
  }

  private static func opened(_ path: String, durability: SQLiteDurability = .full) throws -> SQLiteStore {
    let store = SQLiteStore(path: path, durability: durability)
    try store.open(topics)
    return store
  }

  private static func error(_ body: () throws -> Void) -> EventLogError? {
    do {
      try body()
      return nil
    } catch {
      return error as? EventLogError
    }
  }

  /// The files as they are while the store is open: what an abrupt end leaves.
  @Test(arguments: [SQLiteDurability.full, .relaxed])
  func anAbruptEndLosesNothing(_ durability: SQLiteDurability) throws {
    let place = SQLitePlace()
    let store = try Self.opened(place.path, durability: durability)
    defer { store.close() }
    for number in 1...50 { _ = try store.appendAndWait(Self.request("\(number)")) }
    let consumer = Member(
      try store.join(group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m")))
    try consumer.pump(count: 50)
    try consumer.consumer.commit([consumer.events[0].topicPartition: consumer.events[29].offset])
    // Progress lags by a moment.
    #expect(try store.groups() == ["g"])

    let copy = SQLitePlace()
    try FileManager.default.createDirectory(
      atPath: copy.folder + "/.spacer", withIntermediateDirectories: true)
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: place.path + suffix, toPath: copy.path + suffix)
    }
    let after = try Self.opened(copy.path)
    defer { after.close() }
    var position = try after.position("orders", .beginning)
    let values = try after.readMore("orders", &position, count: 50).map {
      String(decoding: $0.value, as: UTF8.self)
    }
    #expect(values == (1...50).map { "\($0)" })
    let next = Member(
      try after.join(group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m")))
    try next.pump(count: 20)
    #expect(next.values == (31...50).map { "\($0)" })
    next.close()
    consumer.close()
  }

  @Test func manyProcessesAppend() throws {
    let place = SQLitePlace()
    let stores = try (0..<3).map { _ in try Self.opened(place.path) }
    defer { for store in stores { store.close() } }
    let outcomes = Monitor<[Result<AppendOutcome, EventLogError>]>([])
    for number in 0..<300 {
      stores[number % 3].append(Self.request("\(number)")) { result in
        outcomes.withLock { $0.append(result) }
        outcomes.signal()
      }
    }
    let all = outcomes.wait(milliseconds: 60_000) { $0.count == 300 ? $0 : nil }
    let offsets = try #require(all).flatMap { try $0.get().offsets }
    #expect(offsets.sorted() == Array(1...300))
    for store in stores {
      var position = try store.position("orders", .beginning)
      #expect(try store.readMore("orders", &position, count: 300).map(\.offset) == Array(1...300))
    }
  }

  /// Many open a file that is not there yet, at once.
  @Test func manyMakeTheFileAtOnce() throws {
    let place = SQLitePlace()
    let path = place.path
    let results = Monitor<[String]>([])
    for number in 0..<8 {
      Threads.start(name: "open") {
        var result = "done"
        do {
          let store = try Self.opened(path)
          _ = try store.appendAndWait(Self.request("\(number)"))
          store.close()
        } catch {
          result = "\(error)"
        }
        results.withLock { $0.append(result) }
        results.signal()
      }
    }
    let all = results.wait(milliseconds: 60_000) { $0.count == 8 ? $0 : nil }
    #expect(all == Array(repeating: "done", count: 8))
    let store = try Self.opened(path)
    defer { store.close() }
    var position = try store.position("orders", .beginning)
    #expect(try store.readMore("orders", &position, count: 8).count == 8)
  }

  // MARK: Files that are not what they were taken for

  @Test func aNewersFileIsRefused() throws {
    let place = SQLitePlace()
    try Self.opened(place.path).close()
    try Self.sql(place.path, "PRAGMA user_version = 2")
    let error = Self.error { _ = try Self.opened(place.path) }
    #expect(error?.code == .incompatible)
    #expect(error?.message.contains("newer Spacer") == true)
  }

  @Test func aFileThatIsNoDatabaseIsRefused() throws {
    let place = SQLitePlace()
    try FileManager.default.createDirectory(
      atPath: place.folder + "/.spacer", withIntermediateDirectories: true)
    try Data(repeating: 0x41, count: 10_000).write(to: URL(fileURLWithPath: place.path))
    let error = Self.error { _ = try Self.opened(place.path) }
    #expect(error?.code == .incompatible)
    #expect(error?.message.contains("not a SQLite database") == true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.path)).count == 10_000)
  }

  @Test func aDamagedFileIsToldAtItsUse() throws {
    let place = SQLitePlace()
    var store = try Self.opened(place.path)
    for _ in 0..<40 { _ = try store.appendAndWait(Self.request(String(repeating: "7", count: 3_000))) }
    store.close()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: place.path))
    for page in 8..<(bytes.count / 4_096) {
      bytes.replaceSubrange(page * 4_096..<page * 4_096 + 64, with: Data(repeating: 0xFF, count: 64))
    }
    try bytes.write(to: URL(fileURLWithPath: place.path))
    store = SQLiteStore(path: place.path)
    defer { store.close() }
    let error = Self.error {
      try store.open(Self.topics)
      var position = try store.position("orders", .beginning)
      _ = try store.read("orders", &position, limit: 1_000, waitMilliseconds: 0)
    }
    #expect(error?.code == .incompatible)
    #expect(error?.message.contains("damaged") == true)
  }

  @Test func aTableThatIsAnothersIsRefused() throws {
    let place = SQLitePlace()
    try FileManager.default.createDirectory(
      atPath: place.folder + "/.spacer", withIntermediateDirectories: true)
    try Self.sql(place.path, "CREATE TABLE topic_orders(id, event_id)")
    #expect(Self.error { _ = try Self.opened(place.path) }?.code == .incompatible)
  }

  @Test func aPathThatCannotBeIsAnError() {
    #expect(Self.error { _ = try Self.opened("/proc/none/events.db") }?.code == .unavailable)
    let bad = SQLiteStore(path: SQLitePlace().path)
    #expect(
      Self.error { try bad.open([TopicDefinition(name: "a\" (x); DROP TABLE b")]) }?.code == .unknownTopic)
  }

  @Test func aStoreThatIsNotOpenSaysSo() throws {
    let store = SQLiteStore(path: SQLitePlace().path)
    #expect(Self.error { _ = try store.appendAndWait(Self.request("1")) }?.code == .unavailable)
    #expect(Self.error { _ = try store.groups() }?.code == .unavailable)
    store.close()
    store.close()
  }

  // MARK: Failures

  /// A request that the file refuses fails alone: its neighbours of the same commit have success.
  @Test func aFailingRequestFailsAlone() throws {
    let place = SQLitePlace()
    let store = try Self.opened(place.path)
    defer { store.close() }
    try Self.sql(
      place.path,
      """
      CREATE TRIGGER refuse BEFORE INSERT ON topic_orders WHEN new.value = '13'
        BEGIN SELECT raise(ABORT, 'no thirteen'); END
      """)
    let outcomes = Monitor<[Int: Result<AppendOutcome, EventLogError>]>([:])
    for number in 0..<100 {
      let request = AppendRequest(
        topic: "orders", entries: [Self.entry("\(number)a"), Self.entry("\(number)")])
      store.append(request) { result in
        outcomes.withLock { $0[number] = result }
        outcomes.signal()
      }
    }
    let all = try #require(outcomes.wait(milliseconds: 60_000) { $0.count == 100 ? $0 : nil })
    for (number, result) in all {
      switch result {
      case .success(let outcome): #expect(number != 13 && outcome.offsets.count == 2)
      case .failure(let error): #expect(number == 13 && error.code == .failed)
      }
    }
    var position = try store.position("orders", .beginning)
    let values = try store.readMore("orders", &position, count: 198).map(\.value)
    #expect(!values.contains(Array("13a".utf8)))
  }

  /// On a disk of 4 MiB: what does not fit is refused, what was acknowledged stays, and it goes on when there is
  /// place again.
  @Test(.enabled(if: TinyDisk.isPossible, "needs root, to mount a small tmpfs"))
  func aFullDiskLosesNothing() throws {
    let disk = try #require(TinyDisk(mebibytes: 4))
    let ballast = disk.path + "/ballast"
    try Data(count: 1 << 20).write(to: URL(fileURLWithPath: ballast))
    let store = try Self.opened(disk.path + "/events.db")
    var acknowledged: [String] = []
    var refusal: EventLogError?
    while refusal == nil, acknowledged.count < 5_000 {
      let value = "\"\(acknowledged.count)\(String(repeating: "x", count: 5_000))\""
      refusal = Self.error { _ = try store.appendAndWait(Self.request(value)) }
      if refusal == nil { acknowledged.append(value) }
    }
    #expect(refusal?.code == .full)
    #expect(refusal?.message.contains("the disk is full") == true)
    #expect(acknowledged.count > 100)
    // Progress and records are refused the same way, and reading goes on.
    let member = Member(
      try store.join(group: "g", topics: ["orders"], options: ConsumerOptions(memberID: "m")))
    try member.pump(count: acknowledged.count)
    try FileManager.default.removeItem(atPath: ballast)
    _ = try store.appendAndWait(Self.request("\"after\""))
    acknowledged.append("\"after\"")
    try member.pump(count: acknowledged.count)
    #expect(member.values == acknowledged)
    try member.commitAll()
    member.close()
    store.close()
    let again = try Self.opened(disk.path + "/events.db")
    defer { again.close() }
    var position = try again.position("orders", .beginning)
    let values = try again.readMore("orders", &position, count: acknowledged.count).map {
      String(decoding: $0.value, as: UTF8.self)
    }
    #expect(values == acknowledged)
    #expect(try again.status(ofGroup: "g").allSatisfy { $0.lag == 0 })
  }

  // MARK: Groups

  /// Whatever a group is called, its lock is a file beside the database, and no other group's.
  @Test func groupsMayHaveAnyName() throws {
    let place = SQLitePlace()
    let store = try Self.opened(place.path)
    defer { store.close() }
    _ = try store.appendAndWait(Self.request("1"))
    let long = String(repeating: "g", count: 300)
    let names = ["a/../../b", "a b", "ü", "a%20b", long + "1", long + "2", "."]
    let members = try names.map { name in
      Member(
        try store.join(group: name, topics: ["orders"], options: ConsumerOptions(memberID: "of \(name)")))
    }
    for member in members {
      try member.pump(count: 1)
      try member.commitAll()
    }
    #expect(try store.groups() == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    #expect(try store.status(ofGroup: "ü").allSatisfy { $0.owner == "of ü" })
    for member in members { member.close() }
    #expect(try store.status(ofGroup: "ü").allSatisfy { $0.owner == nil })
    let locks = try FileManager.default.contentsOfDirectory(atPath: place.folder + "/.spacer").filter {
      $0.hasSuffix(".lock")
    }
    #expect(locks.count == names.count)
  }

  /// What is trimmed in many transactions is all that is old.
  @Test func trimmingGoesOnInParts() throws {
    let clock = SteppedClock()
    let place = SQLitePlace()
    let store = SQLiteStore(path: place.path, clock: clock.clock)
    try store.open(Self.topics)
    defer { store.close() }
    let entries = (0..<5_000).map { Self.entry("\($0)") }
    _ = try store.appendAndWait(AppendRequest(topic: "orders", entries: entries))
    clock.step(1_000)
    _ = try store.appendAndWait(AppendRequest(topic: "orders", entries: Array(entries.prefix(7))))
    #expect(try store.trim(TopicDefinition(name: "orders", retentionMilliseconds: 500)) == 5_000)
    #expect(try store.status(ofTopic: "orders").first == [0: 5_001])
    #expect(try store.position("orders", .time(0)).next == [0: 5_001])
  }

  /// Runs statements with SQLite's own program, as a stranger would.
  private static func sql(_ path: String, _ text: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [
      "-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.close()",
      path, text,
    ]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}

/// A file system in memory with a few mebibytes.
private final class TinyDisk {
  static var isPossible: Bool { geteuid() == 0 && TinyDisk(mebibytes: 1) != nil }

  let path: String

  init?(mebibytes: Int) {
    path = FileManager.default.temporaryDirectory.path + "/spacer-disk-\(UUID().uuidString)"
    guard mkdir(path, 0o755) == 0 else { return nil }
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
      rmdir(path)
      return nil
    }
  }

  deinit {
    umount(path)
    rmdir(path)
  }
}
