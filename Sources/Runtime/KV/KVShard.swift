// One part of the key-value store: a hash table whose entries are also in a list by last use and, when they
// expire, in a heap by that time. A pure value: the clock is passed in, the owner has the lock. What is over
// the bound makes room by itself: what has expired goes first, then what was not used for longest.
//
// Invariants: `bytesUsed` is the sum of the costs of all entries and never above `bytesMax`; every entry in use
// is in exactly one bucket's chain and once in the list; `entry.heapPlace` is its place in `heap`, or -1 when
// it never expires; `entry.block` holds the key and behind it the text, and only this type frees it.

/// When a write counts.
package enum KVCondition: Sendable { case always, absent, present }

/// How a write ended.
package enum KVOutcome: Equatable, Sendable {
  case stored
  /// The condition did not hold.
  case unchanged
  /// Key and value are more than a shard holds.
  case tooLarge
}

/// How an increment ended.
package enum KVIncrement: Equatable, Sendable {
  case integer(Int64)
  case float(Double)
  case notANumber
  case overflow
  case tooLarge
}

/// A bounded table of keys and values. For one thread at a time.
package struct KVShard: ~Copyable {
  /// What an entry counts besides its key and text, in bytes: its record and its share of the tables.
  package static let entryBytes = 128
  /// Expired entries that a write removes beyond what it must.
  static let sweepCount = 8

  struct Entry {
    var hash: UInt64 = 0
    var block: UnsafeMutableRawPointer?
    var keyBytes: Int32 = 0
    var textBytes: Int32 = 0
    var kind = KVKind.string
    var bits: UInt64 = 0
    /// Nanoseconds of the caller's clock; `never` when it does not expire.
    var expiry: UInt64 = 0
    var heapPlace: Int32 = -1
    /// The list by last use; -1 at its ends.
    var newer: Int32 = -1
    var older: Int32 = -1
    /// The next in the bucket, or the next free entry.
    var next: Int32 = -1

    var cost: Int { KVShard.entryBytes + Int(keyBytes) + Int(textBytes) }
    var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: block, count: Int(keyBytes)) }
    var text: UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: block.map { $0 + Int(keyBytes) }, count: Int(textBytes))
    }
    var isInUse: Bool { block != nil }
  }

  /// The expiry of what never expires.
  package static let never = UInt64.max

  package let bytesMax: Int
  package internal(set) var bytesUsed = 0
  /// Entries, expired ones that were not removed yet among them.
  package internal(set) var entryCount = 0
  /// Entries that went before their time to make room.
  package internal(set) var evictedCount = 0

  var entries: [Entry] = []
  var heap: [Int32] = []
  var buckets = [Int32](repeating: -1, count: 16)
  var newest: Int32 = -1
  var oldest: Int32 = -1
  var firstFree: Int32 = -1

  package init(bytesMax: Int) { self.bytesMax = bytesMax }

  deinit { for entry in entries { entry.block?.deallocate() } }

  // MARK: Reading

  /// Finds a live entry and makes it the last used one; -1 when there is none.
  private mutating func touch(_ key: UnsafeRawBufferPointer, _ hash: UInt64, now: UInt64) -> Int32 {
    let place = live(key, hash, now: now)
    if place >= 0, place != newest {
      unlink(place)
      linkNewest(place)
    }
    return place
  }

  /// Finds an entry; one that has expired is removed.
  mutating func live(_ key: UnsafeRawBufferPointer, _ hash: UInt64, now: UInt64) -> Int32 {
    let place = find(key, hash)
    guard place >= 0, entries[Int(place)].expiry <= now else { return place }
    remove(place)
    return -1
  }

  /// The value under a key; its text is appended to `text`. Counts as a use.
  package mutating func get(
    _ key: UnsafeRawBufferPointer, hash: UInt64, now: UInt64, text: inout OutputBuffer
  ) -> (kind: KVKind, bits: UInt64)? {
    let place = touch(key, hash, now: now)
    guard place >= 0 else { return nil }
    let entry = entries[Int(place)]
    text.append(entry.text)
    return (entry.kind, entry.bits)
  }

  /// When the key's entry expires, `never` for one that does not; nil when there is none. No use.
  package mutating func expiry(_ key: UnsafeRawBufferPointer, hash: UInt64, now: UInt64) -> UInt64? {
    let place = live(key, hash, now: now)
    return place >= 0 ? entries[Int(place)].expiry : nil
  }

  /// How many entries have not expired.
  package mutating func count(now: UInt64) -> Int {
    removeExpired(now: now, atMost: .max)
    return entryCount
  }

  /// Appends up to `countMax` live keys that begin with `prefix`, looking at `scanCount` places from `start`
  /// on. Returns where to go on, nil at the end.
  package func keys(
    prefix: UnsafeRawBufferPointer, now: UInt64, from start: Int, scanCount: Int, countMax: Int,
    into keys: inout [[UInt8]]
  ) -> Int? {
    var place = start
    let end = min(entries.count, start + scanCount)
    while place < end {
      let entry = entries[place]
      place += 1
      guard entry.isInUse, entry.expiry > now, entry.key.starts(with: prefix) else { continue }
      keys.append(Array(entry.key))
      if keys.count >= countMax { return nil }
    }
    return place < entries.count ? place : nil
  }

  // MARK: Writing

  /// Puts a value under a key, which must not be empty, until `expiry`, which is after `now`.
  package mutating func set(
    _ key: UnsafeRawBufferPointer, hash: UInt64, _ value: KVValue, expiry: UInt64, now: UInt64,
    when condition: KVCondition = .always
  ) -> KVOutcome {
    removeExpired(now: now, atMost: Self.sweepCount)
    let place = live(key, hash, now: now)
    switch condition {
    case .absent where place >= 0: return .unchanged
    case .present where place < 0: return .unchanged
    default: break
    }
    guard Self.entryBytes + key.count + value.text.count <= bytesMax else { return .tooLarge }
    put(key, hash, value, expiry, at: place, now: now)
    return .stored
  }

  /// Stores `value` where `matches` holds for what is there; nil stands for nothing, before and after.
  package mutating func exchange(
    _ key: UnsafeRawBufferPointer, hash: UInt64, _ value: KVValue?, expiry: UInt64, now: UInt64,
    if matches: (KVValue?) -> Bool
  ) -> KVOutcome {
    removeExpired(now: now, atMost: Self.sweepCount)
    let place = live(key, hash, now: now)
    let current = place >= 0 ? entries[Int(place)] : nil
    guard matches(current.map { KVValue(kind: $0.kind, bits: $0.bits, text: $0.text) }) else {
      return .unchanged
    }
    guard let value else {
      if place >= 0 { remove(place) }
      return .stored
    }
    guard Self.entryBytes + key.count + value.text.count <= bytesMax else { return .tooLarge }
    put(key, hash, value, expiry, at: place, now: now)
    return .stored
  }

  /// Adds `step`, an integer or a float, to the number under a key. Where there is none, `initial` plus `step`
  /// is put there until `expiry`; what is there keeps its own.
  package mutating func increment(
    _ key: UnsafeRawBufferPointer, hash: UInt64, by step: KVValue, initial: KVValue, expiry: UInt64,
    now: UInt64
  ) -> KVIncrement {
    removeExpired(now: now, atMost: Self.sweepCount)
    let place = touch(key, hash, now: now)
    let current =
      place >= 0 ? KVValue(kind: entries[Int(place)].kind, bits: entries[Int(place)].bits) : initial
    let sum = Self.sum(current, step)
    let value: KVValue
    switch sum {
    case .integer(let number): value = .integer(number)
    case .float(let number): value = .float(number)
    default: return sum
    }
    if place >= 0 {
      entries[Int(place)].kind = value.kind
      entries[Int(place)].bits = value.bits
    } else {
      guard Self.entryBytes + key.count <= bytesMax else { return .tooLarge }
      put(key, hash, value, expiry, at: -1, now: now)
    }
    return sum
  }

  private static func sum(_ a: KVValue, _ b: KVValue) -> KVIncrement {
    if a.kind == .integer, b.kind == .integer {
      let (sum, overflowed) = Int64(bitPattern: a.bits).addingReportingOverflow(Int64(bitPattern: b.bits))
      return overflowed ? .overflow : .integer(sum)
    }
    guard let first = a.number, let second = b.number else { return .notANumber }
    return .float(first + second)
  }

  /// Gives what is under a key another time to expire. False when there is nothing.
  package mutating func setExpiry(
    _ key: UnsafeRawBufferPointer, hash: UInt64, _ expiry: UInt64, now: UInt64
  ) -> Bool {
    let place = touch(key, hash, now: now)
    guard place >= 0 else { return false }
    schedule(place, expiry)
    return true
  }

  /// Whether there was something to delete.
  package mutating func delete(_ key: UnsafeRawBufferPointer, hash: UInt64, now: UInt64) -> Bool {
    let place = live(key, hash, now: now)
    if place >= 0 { remove(place) }
    return place >= 0
  }

  /// Removes everything; gives the memory of keys and values back.
  package mutating func clear() {
    while oldest >= 0 { remove(oldest) }
  }
}
