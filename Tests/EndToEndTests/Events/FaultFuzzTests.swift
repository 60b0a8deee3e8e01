// The process killed at random moments under load, and the storage with it, again and again; then everything that
// was acknowledged is accounted for: nothing lost, each key in order, offsets in the order of the appends, and no
// event that came again without a kill in between.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

/// Clients that append for as long as they are told, each with a key of its own, one event after the other.
final class AppendLoad: @unchecked Sendable {
  // Thread rule: everything is touched under `lock`.
  private let lock = NSLock()
  private var port: UInt16
  private var isStopping = false
  private var quota = Int.max
  private var running = 0
  private var acknowledgedByKey: [String: [Int]] = [:]
  private var nextByKey: [String: Int] = [:]
  private let keys: [String]

  init(port: UInt16, clients: Int) {
    self.port = port
    keys = (0..<clients).map { "k\($0)" }
  }

  var acknowledged: [String: [Int]] { lock.withLock { acknowledgedByKey } }
  var count: Int { lock.withLock { acknowledgedByKey.values.reduce(0) { $0 + $1.count } } }

  /// Lets the clients append to a server; they stop with its first error that is no answer.
  /// - Parameter quota: How many events each of them may send.
  func start(port: UInt16, quota: Int = .max) {
    lock.withLock {
      self.port = port
      self.quota = quota
      isStopping = false
      running += keys.count
    }
    for key in keys { Thread.detachNewThread { self.work(key) } }
  }

  func stop() throws {
    lock.withLock { isStopping = true }
    try waitUntil("the clients have stopped") { lock.withLock { running == 0 } }
  }

  private func work(_ key: String) {
    defer { lock.withLock { running -= 1 } }
    guard let connection = try? HTTPConnection(port: lock.withLock { port }) else { return }
    for _ in 0..<lock.withLock({ quota }) {
      if lock.withLock({ isStopping }) { return }
      let number = lock.withLock {
        defer { nextByKey[key, default: 0] += 1 }
        return nextByKey[key, default: 0]
      }
      let body = #"{"topic":"orders","entries":{"\#(key)":{"n":\#(number)}}}"#
      do {
        try connection.send(
          "POST /append HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        let answer = try connection.response(to: "POST")
        if answer.status == 200 { lock.withLock { acknowledgedByKey[key, default: []].append(number) } }
      } catch {
        return
      }
    }
  }
}

/// What a handler saw of one event.
struct Delivery: Equatable {
  var key: String
  var number: Int
  var partition: Int
  var offset: Int
}

@Suite struct FaultFuzzTests {
  /// A handful in CI; `make fuzz` sets more.
  static let cycles = ProcessInfo.processInfo.environment["SPACER_FUZZ_SECONDS"] == nil ? 3 : 200

  static func deliveries(_ server: EventServer) -> [Delivery] {
    server.seen.compactMap { seen in
      guard let key = seen["key"]?.string, let number = seen["n"]?.number,
        let partition = seen["partition"]?.number,
        let offset = seen["offset"]?.number
      else { return nil }
      return Delivery(key: key, number: Int(number), partition: Int(partition), offset: Int(offset))
    }
  }

  static func build(_ storage: EventStorage) throws -> String {
    try storage.build(
      "topics: [orders]\nevents: { orders: { APPEND: [record] } }\ndelivery: { backoff: 10ms }",
      EventServer.files([
        // The line is out before the handler is done: the log is written at most 10 ms late.
        "record": """
        seen { key = event.key, n = payload.n, partition = event.partition, offset = event.offset }
        sleep(0.03)
        """
      ]))
  }

  /// Holds the deliveries of several lives of a server against what clients were told.
  /// - Parameter repeats: Events may come again within a life, as they may when the storage was away.
  static func check(_ lives: [[Delivery]], acknowledged: [String: [Int]], repeats: Bool = false) {
    let all = lives.flatMap { $0 }
    var firsts: [String: [Delivery]] = [:]
    var offsets: [String: Int] = [:]
    for delivery in all {
      let event = "\(delivery.key)/\(delivery.number)"
      if let offset = offsets[event] {
        #expect(offset == delivery.offset, "\(event) was stored twice")
        continue
      }
      offsets[event] = delivery.offset
      firsts[delivery.key, default: []].append(delivery)
    }
    for (key, numbers) in acknowledged {
      for number in numbers where offsets["\(key)/\(number)"] == nil {
        Issue.record("\(key)/\(number) was acknowledged and is lost")
      }
    }
    for (key, deliveries) in firsts {
      #expect(deliveries.map(\.number) == deliveries.map(\.number).sorted(), "the order of \(key)")
      #expect(deliveries.map(\.offset) == deliveries.map(\.offset).sorted(), "the offsets of \(key)")
    }
    for (number, life) in lives.enumerated() where !repeats {
      #expect(
        Set(life.map { "\($0.partition)/\($0.offset)" }).count == life.count,
        "an event came again in life \(number), without a kill in between")
    }
  }

  @Test(arguments: EventDriver.durable)
  func killedAtRandomMomentsNothingIsLost(driver: EventDriver) throws {
    let kafka = driver == .kafka ? try KafkaServer() : nil
    let storage = try EventStorage(driver, kafka: kafka)
    let artifact = try Self.build(storage)
    var random = SystemRandomNumberGenerator()
    var lives: [[Delivery]] = []
    // One worker: the lines of several are in no order.
    var server = try EventServer(artifact, workers: 1)
    let load = AppendLoad(port: server.server.port, clients: 8)
    for cycle in 1...Self.cycles {
      // A member that takes over from one that was killed waits for it. Events that came meanwhile, unbounded, would
      // take their handlers minutes.
      load.start(port: server.server.port, quota: 1)
      try waitUntil("a handler was called") { !Self.deliveries(server).isEmpty }
      try load.stop()
      load.start(port: server.server.port)
      let goal = load.count + Int.random(in: 20...200, using: &random)
      try waitUntil("\(goal) appends were acknowledged") { load.count >= goal }
      server.server.process.signal(SIGKILL)
      _ = try server.server.process.waitForExit()
      try load.stop()
      lives.append(Self.deliveries(server))
      // This peer never gives up a member that was killed, if it led its group: only with the server does it go.
      kafka?.stop()
      try kafka?.restart()
      server = try EventServer(artifact, workers: 1)
      // Whoever waits for 200 cycles, or stops them, sees how far they came and what was found until then.
      if cycle.isMultiple(of: 10) {
        print("fuzz kill \(driver): cycle \(cycle) of \(Self.cycles), \(load.count) events acknowledged")
        fflush(nil)
      }
    }
    load.start(port: server.server.port)
    let goal = load.count + 50
    try waitUntil("the clients have gone on") { load.count >= goal }
    try load.stop()
    let acknowledged = load.acknowledged
    let wanted = Set(acknowledged.flatMap { key, numbers in numbers.map { "\(key)/\($0)" } })
    let earlier = Set(lives.flatMap { $0 }.map { "\($0.key)/\($0.number)" })
    try waitUntil("everything acknowledged was handled", seconds: 120) {
      wanted.subtracting(earlier).subtracting(Self.deliveries(server).map { "\($0.key)/\($0.number)" })
        .isEmpty
    }
    #expect(try server.server.stop() == 0)
    lives.append(Self.deliveries(server))
    Self.check(lives, acknowledged: acknowledged)
  }

  /// Kafka's server ended and started again, the application serving on.
  @Test func kafkaEndedAndRestartedNothingIsLost() throws {
    let kafka = try KafkaServer()
    let storage = try EventStorage(.kafka, kafka: kafka)
    let server = try EventServer(try Self.build(storage), workers: 1)
    let load = AppendLoad(port: server.server.port, clients: 8)
    func appendMore() throws {
      let goal = load.count + 100
      try waitUntil("\(goal) appends were acknowledged") { load.count >= goal }
      try load.stop()
    }
    for _ in 0..<2 {
      load.start(port: server.server.port)
      // This peer loses what it acknowledges while it ends: handlers go on meanwhile, clients wait.
      try appendMore()
      kafka.stop()
      load.start(port: server.server.port)
      try kafka.restart()
      try appendMore()
    }
    let acknowledged = load.acknowledged
    let wanted = Set(acknowledged.flatMap { key, numbers in numbers.map { "\(key)/\($0)" } })
    try waitUntil("everything acknowledged was handled", seconds: 120) {
      wanted.subtracting(Self.deliveries(server).map { "\($0.key)/\($0.number)" }).isEmpty
    }
    #expect(try server.server.stop() == 0)
    Self.check([Self.deliveries(server)], acknowledged: acknowledged, repeats: true)
  }

  /// PostgreSQL itself killed in mid-commit and started again, the application serving on.
  @Test func postgresKilledAndRestartedNothingIsLost() throws {
    let postgres = try PostgresServer(["fsync = on", "synchronous_commit = on"])
    let storage = try EventStorage(.postgres, postgres: postgres)
    let server = try EventServer(try Self.build(storage))
    let load = AppendLoad(port: server.server.port, clients: 8)
    for _ in 0..<2 {
      let goal = load.count + 100
      load.start(port: server.server.port)
      try waitUntil("\(goal) appends were acknowledged") { load.count >= goal }
      try postgres.kill()
      try load.stop()
      try postgres.restart()
      try waitUntil("appends work again") {
        try server.server.post("/append", json: #"{"topic":"orders","entries":{"probe":{"n":0}}}"#).status
          == 200
      }
    }
    let acknowledged = load.acknowledged
    let wanted = Set(acknowledged.flatMap { key, numbers in numbers.map { "\(key)/\($0)" } })
    try waitUntil("everything acknowledged was handled", seconds: 120) {
      wanted.subtracting(Self.deliveries(server).map { "\($0.key)/\($0.number)" }).isEmpty
    }
    #expect(try server.server.stop() == 0)
  }

  /// Callers get an error within their time, and nothing grows, while the storage is away.
  @Test func withTheStorageAwayAppendsFailInTime() throws {
    let postgres = try PostgresServer()
    let storage = try EventStorage(.postgres, postgres: postgres)
    let server = try EventServer(try Self.build(storage))
    try server.append("orders", #"{"a":{"n":1}}"#)
    try postgres.kill()
    let start = Date()
    let answer = try server.server.post(
      "/append", json: #"{"topic":"orders","entries":{"a":{"n":2}},"options":{"timeout":1}}"#)
    #expect(answer.status == 500, "\(answer.text)")
    #expect(Date().timeIntervalSince(start) < 5)
    // Other requests go on.
    #expect(try server.server.get("/nothing").status == 404)
    try postgres.restart()
    try waitUntil("appends work again") {
      try server.server.post("/append", json: #"{"topic":"orders","entries":{"a":{"n":3}}}"#).status == 200
    }
    try waitUntil("the event was handled") { server.seen.contains { $0["n"]?.number == 3 } }
    #expect(try server.server.stop() == 0)
  }
}
