// A shard against a slow model, and a store under several threads.

import Dispatch
import Synchronization
import Testing

@testable import SpacerRuntime

/// Live entries in the order of their last use.
private struct Model {
  var bytesMax: Int
  var entries: [(key: String, text: String, expiry: UInt64)] = []

  mutating func expire(_ now: UInt64) { entries.removeAll { $0.expiry <= now } }

  mutating func take(_ key: String) -> (key: String, text: String, expiry: UInt64)? {
    entries.firstIndex { $0.key == key }.map { entries.remove(at: $0) }
  }

  func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  static func cost(_ entry: (key: String, text: String, expiry: UInt64)) -> Int {
    KVShard.entryBytes + entry.key.utf8.count + entry.text.utf8.count
  }

  var bytes: Int { entries.reduce(0) { $0 + Self.cost($1) } }

  mutating func get(_ key: String, _ now: UInt64) -> String? {
    expire(now)
    guard let entry = take(key) else { return nil }
    entries.append(entry)
    return entry.text
  }

  mutating func put(_ key: String, _ text: String, _ expiry: UInt64) -> KVOutcome {
    let entry = (key: key, text: text, expiry: expiry)
    guard Self.cost(entry) <= bytesMax else { return .tooLarge }
    _ = take(key)
    entries.append(entry)
    while bytes > bytesMax { entries.removeFirst() }
    return .stored
  }

  mutating func set(_ key: String, _ text: String, _ expiry: UInt64, _ now: UInt64, _ condition: KVCondition)
    -> KVOutcome
  {
    expire(now)
    if condition == .absent && has(key) || condition == .present && !has(key) { return .unchanged }
    return put(key, text, expiry)
  }

  mutating func exchange(_ key: String, _ old: String?, _ new: String?, _ now: UInt64) -> KVOutcome {
    expire(now)
    guard entries.first(where: { $0.key == key })?.text == old else { return .unchanged }
    guard let new else {
      _ = take(key)
      return .stored
    }
    return put(key, new, KVShard.never)
  }
}

@Suite("Key-value store")
struct KVFuzzTests {
  @Test("agrees with a slow model")
  func model() throws {
    var random = SeededGenerator(state: Fuzz.seed("kv"))
    try Fuzz.run {
      let bytesMax = Int.random(in: 1...3_000, using: &random)
      let harness = ShardHarness(bytesMax: bytesMax)
      var model = Model(bytesMax: bytesMax)
      var now: UInt64 = 1
      for _ in 0..<400 {
        now += UInt64.random(in: 0...3, using: &random)
        let key = "k\(Int.random(in: 0..<40, using: &random))"
        let text = String(repeating: "v", count: Int.random(in: 0..<100, using: &random))
        let expiry = Bool.random(using: &random) ? now + .random(in: 1...40, using: &random) : KVShard.never
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1: try #require(harness.get(key, now: now) == model.get(key, now))
        case 2:
          model.expire(now)
          try #require(harness.delete(key, now: now) == (model.take(key) != nil))
        case 3:
          let old = Bool.random(using: &random) ? model.entries.first { $0.key == key }?.text : text
          let new = Bool.random(using: &random) ? text : nil
          try #require(
            harness.exchange(key, from: old, to: new, now: now) == model.exchange(key, old, new, now))
        case 4:
          model.expire(now)
          try #require(harness.count(now: now) == model.entries.count)
          try #require(harness.bytesUsed == model.bytes)
        default:
          let condition = [KVCondition.always, .absent, .present].randomElement(using: &random) ?? .always
          let outcome = harness.set(key, text, expiry: expiry, now: now, when: condition)
          try #require(outcome == model.set(key, text, expiry, now, condition))
        }
        try #require(harness.bytesUsed <= bytesMax)
        try #require(harness.bytesUsed == harness.countedBytes)
      }
      model.expire(now)
      for entry in model.entries { try #require(harness.get(entry.key, now: now) == entry.text) }
    }
  }

  @Test("no increment is lost between threads")
  func threads() {
    let store = KVStore(bytesMax: 64 << 20)
    #expect(store.shardCount == 16)
    let failures = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<4_000 {
        let key = Array("counter\(round % 5)".utf8)
        let sum = key.withUnsafeBytes {
          store.increment($0, by: .integer(1), initial: .integer(0), expiry: KVShard.never, now: 1)
        }
        if case .integer = sum {} else { failures.add(1, ordering: .relaxed) }
        let own = Array("own\(thread)/\(round % 50)".utf8)
        own.withUnsafeBytes { own in
          _ = store.set(own, KVValue(kind: .string, text: own), expiry: KVShard.never, now: 1)
          var text = OutputBuffer()
          guard store.get(own, now: 1, text: &text) != nil, text.bytes.elementsEqual(own) else {
            failures.add(1, ordering: .relaxed)
            return
          }
        }
      }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
    for number in 0..<5 {
      var text = OutputBuffer()
      let found = Array("counter\(number)".utf8).withUnsafeBytes { store.get($0, now: 1, text: &text) }
      #expect(found?.kind == .integer)
      #expect(found?.bits == 8 * 4_000 / 5)
    }
    #expect(store.count(now: 1) == 5 + 8 * 50)
    #expect(
      store.keys(prefix: UnsafeRawBufferPointer(start: nil, count: 0), countMax: 1_000, now: 1).count == 405)
    store.clear()
    #expect(store.count(now: 1) == 0)
  }

  @Test("a small store has few shards, so that each holds a value of any size")
  func shards() {
    #expect(KVStore(bytesMax: 1 << 20).shardCount == 1)
    #expect(KVStore(bytesMax: 8 << 20).shardCount == 2)
    #expect(KVStore(bytesMax: 1 << 40).shardCount == 64)
  }
}
