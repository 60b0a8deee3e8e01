// The key-value store of a process: shards, each behind a lock of its own, so that workers rarely meet. A key's
// shard is decided by its hash, which is seeded anew in each process, so that nobody can choose keys that meet.

import Synchronization

/// What all workers of a server share. Lives as long as the server, so that it survives reloads.
/// Thread rule: every method may be called from any thread; each works on one shard under its lock, and what
/// it is given or gives back is copied there. `count`, `clear` and `keys` go from shard to shard and are no
/// snapshot.
package final class KVStore: Sendable {
  package static let shardCountMax = 64
  /// What a shard holds at least, as far as the store's bound allows: many values of the largest size.
  package static let shardBytesMin = 4 << 20
  package static let keyBytesMax = 1 << 10
  /// Of a string, or of a table's JSON text.
  package static let valueBytesMax = 1 << 20
  /// Places that `keys` looks at under one hold of a lock.
  private static let scanCount = 1024

  /// Unsafe: `state` is touched by `withLock` only, while the lock is held.
  private final class Shard: @unchecked Sendable {
    private let lock = Mutex(())
    private var state: KVShard

    init(bytesMax: Int) { state = KVShard(bytesMax: bytesMax) }

    @inline(__always)
    func withLock<Result: Sendable>(_ body: (inout KVShard) -> Result) -> Result {
      lock.withLock { _ in body(&state) }
    }
  }

  private let shards: [Shard]

  /// - Parameter bytesMax: What all entries may hold, in bytes, `KVShard.entryBytes` for each included.
  package init(bytesMax: Int) {
    var count = 1
    while count < Self.shardCountMax, bytesMax / (count * 2) >= Self.shardBytesMin { count *= 2 }
    shards = (0..<count).map { _ in Shard(bytesMax: bytesMax / count) }
  }

  package var shardCount: Int { shards.count }

  private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: key)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  /// The shard's choice takes bits that its buckets do not.
  private func shard(_ hash: UInt64) -> Shard { shards[Int(hash >> 48) & (shards.count - 1)] }

  /// See `KVShard.get`.
  package func get(
    _ key: UnsafeRawBufferPointer, now: UInt64, text: inout OutputBuffer
  ) -> (kind: KVKind, bits: UInt64)? {
    let hash = Self.hash(key)
    return shard(hash).withLock { $0.get(key, hash: hash, now: now, text: &text) }
  }

  /// See `KVShard.set`.
  package func set(
    _ key: UnsafeRawBufferPointer, _ value: KVValue, expiry: UInt64, now: UInt64,
    when condition: KVCondition = .always
  ) -> KVOutcome {
    let hash = Self.hash(key)
    return shard(hash).withLock {
      $0.set(key, hash: hash, value, expiry: expiry, now: now, when: condition)
    }
  }

  /// Stores `value`, or deletes for nil, when what is there equals `expected`, nil standing for nothing.
  package func exchange(
    _ key: UnsafeRawBufferPointer, expected: KVValue?, _ value: KVValue?, expiry: UInt64, now: UInt64
  ) -> KVOutcome {
    let hash = Self.hash(key)
    return shard(hash).withLock { shard in
      shard.exchange(key, hash: hash, value, expiry: expiry, now: now) { current in
        guard let current, let expected else { return current == nil && expected == nil }
        return current.equals(expected)
      }
    }
  }

  /// See `KVShard.increment`.
  package func increment(
    _ key: UnsafeRawBufferPointer, by step: KVValue, initial: KVValue, expiry: UInt64, now: UInt64
  ) -> KVIncrement {
    let hash = Self.hash(key)
    return shard(hash).withLock {
      $0.increment(key, hash: hash, by: step, initial: initial, expiry: expiry, now: now)
    }
  }

  /// See `KVShard.delete`.
  package func delete(_ key: UnsafeRawBufferPointer, now: UInt64) -> Bool {
    let hash = Self.hash(key)
    return shard(hash).withLock { $0.delete(key, hash: hash, now: now) }
  }

  /// See `KVShard.expiry`.
  package func expiry(_ key: UnsafeRawBufferPointer, now: UInt64) -> UInt64? {
    let hash = Self.hash(key)
    return shard(hash).withLock { $0.expiry(key, hash: hash, now: now) }
  }

  /// See `KVShard.setExpiry`.
  package func setExpiry(_ key: UnsafeRawBufferPointer, _ expiry: UInt64, now: UInt64) -> Bool {
    let hash = Self.hash(key)
    return shard(hash).withLock { $0.setExpiry(key, hash: hash, expiry, now: now) }
  }

  /// How many entries have not expired.
  package func count(now: UInt64) -> Int {
    shards.reduce(0) { sum, shard in sum + shard.withLock { $0.count(now: now) } }
  }

  /// Removes everything.
  package func clear() {
    for shard in shards { shard.withLock { $0.clear() } }
  }

  /// Up to `countMax` keys that begin with `prefix`, in no order.
  package func keys(prefix: UnsafeRawBufferPointer, countMax: Int, now: UInt64) -> [[UInt8]] {
    var found: [[UInt8]] = []
    guard countMax > 0 else { return found }
    for shard in shards {
      var place: Int? = 0
      while let start = place {
        place = shard.withLock {
          $0.keys(
            prefix: prefix, now: now, from: start, scanCount: Self.scanCount, countMax: countMax, into: &found
          )
        }
      }
      if found.count >= countMax { break }
    }
    return found
  }
}
