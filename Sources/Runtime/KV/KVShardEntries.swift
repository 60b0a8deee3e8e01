// How a shard keeps its entries: the buckets that find them, the list by last use, and what makes room.

import Glibc

extension KVShard {
  func find(_ key: UnsafeRawBufferPointer, _ hash: UInt64) -> Int32 {
    var place = buckets[bucket(hash)]
    while place >= 0 {
      let entry = entries[Int(place)]
      if entry.hash == hash, Int(entry.keyBytes) == key.count, Self.isEqual(entry.key, key) { return place }
      place = entry.next
    }
    return -1
  }

  private static func isEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let first = a.baseAddress, let second = b.baseAddress else { return true }
    return memcmp(first, second, a.count) == 0
  }

  // MARK: Entries

  /// Writes a value into the entry at `place`, or into a new one when that is -1. There is room for it in an
  /// empty shard.
  mutating func put(
    _ key: UnsafeRawBufferPointer, _ hash: UInt64, _ value: KVValue, _ expiry: UInt64, at existing: Int32,
    now: UInt64
  ) {
    var place = existing
    if place >= 0 {
      unlink(place)
      linkNewest(place)
      let growth = value.text.count - Int(entries[Int(place)].textBytes)
      makeRoom(growth, now: now)
      bytesUsed += growth
    } else {
      let cost = Self.entryBytes + key.count + value.text.count
      makeRoom(cost, now: now)
      place = takeEntry()
      bytesUsed += cost
      entryCount += 1
      entries[Int(place)].hash = hash
      entries[Int(place)].keyBytes = Int32(key.count)
      if entryCount > buckets.count { growBuckets() }
      let bucket = bucket(hash)
      entries[Int(place)].next = buckets[bucket]
      buckets[bucket] = place
      linkNewest(place)
    }
    fill(place, key, value)
    schedule(place, expiry)
  }

  private mutating func fill(_ place: Int32, _ key: UnsafeRawBufferPointer, _ value: KVValue) {
    let old = entries[Int(place)].block
    var block = old
    if old == nil || Int(entries[Int(place)].textBytes) != value.text.count {
      block = .allocate(byteCount: max(key.count + value.text.count, 1), alignment: 16)
      if let block, let source = key.baseAddress { memcpy(block, source, key.count) }
    }
    if let block, let source = value.text.baseAddress, value.text.count > 0 {
      memcpy(block + key.count, source, value.text.count)
    }
    if block != old { old?.deallocate() }
    entries[Int(place)].block = block
    entries[Int(place)].textBytes = Int32(value.text.count)
    entries[Int(place)].kind = value.kind
    entries[Int(place)].bits = value.bits
  }

  private mutating func takeEntry() -> Int32 {
    guard firstFree >= 0 else {
      entries.append(Entry())
      return Int32(entries.count - 1)
    }
    let place = firstFree
    firstFree = entries[Int(place)].next
    entries[Int(place)] = Entry()
    return place
  }

  mutating func remove(_ place: Int32) {
    let entry = entries[Int(place)]
    let bucket = bucket(entry.hash)
    if buckets[bucket] == place {
      buckets[bucket] = entry.next
    } else {
      var before = buckets[bucket]
      while entries[Int(before)].next != place { before = entries[Int(before)].next }
      entries[Int(before)].next = entry.next
    }
    unlink(place)
    unschedule(place)
    entry.block?.deallocate()
    bytesUsed -= entry.cost
    entryCount -= 1
    entries[Int(place)] = Entry()
    entries[Int(place)].next = firstFree
    firstFree = place
  }

  /// Removes entries until `growth` more bytes fit: expired ones, then the least recently used.
  private mutating func makeRoom(_ growth: Int, now: UInt64) {
    guard bytesUsed + growth > bytesMax else { return }
    while bytesUsed + growth > bytesMax, removeExpired(now: now, atMost: 1) > 0 {}
    while bytesUsed + growth > bytesMax, oldest >= 0 {
      remove(oldest)
      evictedCount += 1
    }
  }

  // MARK: Buckets and the list by last use

  func bucket(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (buckets.count - 1) }

  private mutating func growBuckets() {
    buckets = [Int32](repeating: -1, count: buckets.count * 2)
    var place = newest
    while place >= 0 {
      let bucket = bucket(entries[Int(place)].hash)
      entries[Int(place)].next = buckets[bucket]
      buckets[bucket] = place
      place = entries[Int(place)].older
    }
  }

  mutating func unlink(_ place: Int32) {
    let entry = entries[Int(place)]
    if entry.newer >= 0 { entries[Int(entry.newer)].older = entry.older } else { newest = entry.older }
    if entry.older >= 0 { entries[Int(entry.older)].newer = entry.newer } else { oldest = entry.newer }
  }

  mutating func linkNewest(_ place: Int32) {
    entries[Int(place)].newer = -1
    entries[Int(place)].older = newest
    if newest >= 0 { entries[Int(newest)].newer = place } else { oldest = place }
    newest = place
  }

  // MARK: Expiry

  /// Removes up to so many expired entries, the earliest first; how many it were.
  @discardableResult
  mutating func removeExpired(now: UInt64, atMost countMax: Int) -> Int {
    var count = 0
    while count < countMax, let first = heap.first, entries[Int(first)].expiry <= now {
      remove(first)
      count += 1
    }
    return count
  }
}
