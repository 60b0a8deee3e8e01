import Testing

@testable import SpacerRuntime

/// A shard with keys and values as text, and a hash that makes keys meet.
final class ShardHarness {
  var shard: KVShard

  init(bytesMax: Int) { shard = KVShard(bytesMax: bytesMax) }

  static func hash(_ key: String) -> UInt64 { key.utf8.reduce(5) { ($0 &* 31) &+ UInt64($1) } & 0xFF }

  private func withKey<Result>(_ key: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Array(key.utf8).withUnsafeBytes(body)
  }

  func set(
    _ key: String, _ text: String, expiry: UInt64 = KVShard.never, now: UInt64 = 0,
    when condition: KVCondition = .always
  ) -> KVOutcome {
    Array(key.utf8).withUnsafeBytes { key in
      Array(text.utf8).withUnsafeBytes { text in
        shard.set(
          key, hash: Self.hash(String(decoding: key, as: UTF8.self)), KVValue(kind: .string, text: text),
          expiry: expiry, now: now, when: condition)
      }
    }
  }

  func get(_ key: String, now: UInt64 = 0) -> String? {
    var text = OutputBuffer()
    let found = Array(key.utf8).withUnsafeBytes {
      shard.get($0, hash: Self.hash(key), now: now, text: &text)
    }
    guard let found else { return nil }
    return found.kind == .integer
      ? String(Int64(bitPattern: found.bits)) : String(decoding: text.bytes, as: UTF8.self)
  }

  func increment(
    _ key: String, by step: KVValue = .integer(1), initial: Int64 = 0, expiry: UInt64 = KVShard.never,
    now: UInt64 = 0
  ) -> KVIncrement {
    Array(key.utf8).withUnsafeBytes {
      shard.increment(
        $0, hash: Self.hash(key), by: step, initial: .integer(initial), expiry: expiry, now: now)
    }
  }

  func delete(_ key: String, now: UInt64 = 0) -> Bool {
    Array(key.utf8).withUnsafeBytes { shard.delete($0, hash: Self.hash(key), now: now) }
  }

  func exchange(_ key: String, from old: String?, to new: String?, now: UInt64 = 0) -> KVOutcome {
    Array(key.utf8).withUnsafeBytes { key in
      Array((old ?? "").utf8).withUnsafeBytes { oldText in
        Array((new ?? "").utf8).withUnsafeBytes { newText in
          let expected = old.map { _ in KVValue(kind: .string, text: oldText) }
          return shard.exchange(
            key, hash: Self.hash(String(decoding: key, as: UTF8.self)),
            new.map { _ in KVValue(kind: .string, text: newText) }, expiry: KVShard.never, now: now
          ) { current in
            guard let current, let expected else { return current == nil && expected == nil }
            return current.equals(expected)
          }
        }
      }
    }
  }

  func count(now: UInt64) -> Int { shard.count(now: now) }
  var bytesUsed: Int { shard.bytesUsed }
  var entryCount: Int { shard.entryCount }
  var evictedCount: Int { shard.evictedCount }

  /// What all entries together should count.
  var countedBytes: Int { shard.entries.reduce(0) { $0 + ($1.isInUse ? $1.cost : 0) } }
}

@Suite("Key-value shard")
struct KVShardTests {
  @Test("keeps what it was given, by key")
  func basics() {
    let harness = ShardHarness(bytesMax: 10_000)
    #expect(harness.get("a") == nil)
    #expect(harness.set("a", "one") == .stored)
    #expect(harness.set("b", "") == .stored)
    #expect(harness.get("a") == "one")
    #expect(harness.get("b") == "")
    #expect(harness.set("a", "three") == .stored)
    #expect(harness.get("a") == "three")
    #expect(harness.set("a", "no", when: .absent) == .unchanged)
    #expect(harness.set("c", "no", when: .present) == .unchanged)
    #expect(harness.get("a") == "three")
    #expect(harness.delete("a"))
    #expect(!harness.delete("a"))
    #expect(harness.bytesUsed == KVShard.entryBytes + 1)
    harness.shard.clear()
    #expect(harness.bytesUsed == 0)
    #expect(harness.entryCount == 0)
  }

  @Test("what has expired is gone at that time and not before")
  func expiry() {
    let harness = ShardHarness(bytesMax: 10_000)
    _ = harness.set("a", "x", expiry: 100, now: 0)
    _ = harness.set("b", "y", expiry: 50, now: 0)
    #expect(harness.get("a", now: 99) == "x")
    #expect(harness.get("a", now: 100) == nil)
    #expect(harness.set("a", "z", now: 100, when: .absent) == .stored)
    #expect(harness.count(now: 1_000) == 1)
    #expect(harness.get("a", now: .max - 1) == "z")
  }

  @Test("a write removes some expired entries, read or not")
  func sweep() {
    let harness = ShardHarness(bytesMax: 100_000)
    for number in 0..<20 { _ = harness.set("k\(number)", "", expiry: 10, now: 0) }
    _ = harness.set("new", "", now: 20)
    #expect(harness.entryCount == 13)
  }

  @Test("makes room by what has expired, then by what was not used for longest")
  func eviction() {
    let entry = KVShard.entryBytes + 2
    let harness = ShardHarness(bytesMax: 3 * entry)
    _ = harness.set("a", "1")
    _ = harness.set("b", "2")
    _ = harness.set("c", "3")
    #expect(harness.get("a") == "1")
    _ = harness.set("d", "4")
    #expect(harness.get("b") == nil)
    #expect(harness.get("a") == "1")
    #expect(harness.evictedCount == 1)
    _ = harness.set("d", "4", expiry: 5, now: 0)
    _ = harness.set("e", "5", now: 10)
    #expect(harness.get("c", now: 10) == "3")
    #expect(harness.get("a", now: 10) == "1")
    #expect(harness.evictedCount == 1)
    // One that grows drives out others, not itself.
    #expect(harness.set("a", String(repeating: "x", count: 1 + 2 * entry), now: 10) == .stored)
    #expect(harness.count(now: 10) == 1)
    #expect(harness.bytesUsed == 3 * entry)
    #expect(harness.set("a", String(repeating: "x", count: 2 + 2 * entry), now: 10) == .tooLarge)
    #expect(harness.get("a", now: 10)?.utf8.count == 1 + 2 * entry)
  }

  @Test("increments keep integers apart from floats and never wrap")
  func increments() {
    let harness = ShardHarness(bytesMax: 10_000)
    #expect(harness.increment("n") == .integer(1))
    #expect(harness.increment("n", by: .integer(41)) == .integer(42))
    #expect(harness.increment("n", by: .float(0.5)) == .float(42.5))
    #expect(harness.increment("m", by: .integer(.max)) == .integer(.max))
    #expect(harness.increment("m") == .overflow)
    #expect(harness.get("m") == String(Int64.max))
    _ = harness.set("t", "text")
    #expect(harness.increment("t") == .notANumber)
    // The time to live is that of the one that began it.
    #expect(harness.increment("x", initial: 10, expiry: 100, now: 0) == .integer(11))
    #expect(harness.increment("x", expiry: 900, now: 50) == .integer(12))
    #expect(harness.increment("x", now: 100) == .integer(1))
  }

  @Test("compares as Lua does")
  func comparison() {
    #expect(KVValue.integer(1).equals(.float(1)))
    #expect(!KVValue.integer(.max).equals(.float(Double(Int64.max))))
    #expect(!KVValue.float(.nan).equals(.float(.nan)))
    #expect(KVValue.float(0).equals(.float(-0.0)))
    #expect(!KVValue.integer(1).equals(.boolean(true)))
    let harness = ShardHarness(bytesMax: 10_000)
    #expect(harness.exchange("a", from: "x", to: "y") == .unchanged)
    #expect(harness.exchange("a", from: nil, to: "y") == .stored)
    #expect(harness.exchange("a", from: nil, to: "z") == .unchanged)
    #expect(harness.exchange("a", from: "y", to: "z") == .stored)
    #expect(harness.exchange("a", from: "z", to: nil) == .stored)
    #expect(harness.get("a") == nil)
  }

  @Test("lists keys in steps")
  func keys() {
    let harness = ShardHarness(bytesMax: 100_000)
    for number in 0..<30 { _ = harness.set(number % 2 == 0 ? "even\(number)" : "odd\(number)", "") }
    var found: [[UInt8]] = []
    var place: Int? = 0
    while let start = place {
      place = Array("even".utf8).withUnsafeBytes {
        harness.shard.keys(prefix: $0, now: 0, from: start, scanCount: 7, countMax: 100, into: &found)
      }
    }
    #expect(found.count == 15)
    #expect(found.allSatisfy { $0.starts(with: Array("even".utf8)) })
  }
}
