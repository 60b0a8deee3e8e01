// The prepared statements of one connection, as a value: which are there, under which name, and which has to
// go for a new one. Names are never used twice, so one that lingers on the server collides with nothing.

/// A bounded set of prepared statements; the one unused longest goes first.
struct StatementCache<Handle> {
  private struct Entry {
    var handle: Handle
    var lastUse: UInt64
  }

  let countMax: Int
  private var entries: [[UInt8]: Entry] = [:]
  private var clock: UInt64 = 0

  init(countMax: Int) { self.countMax = countMax }

  var count: Int { entries.count }

  /// The statement of a text.
  mutating func find(_ key: [UInt8]) -> Handle? {
    clock += 1
    entries[key]?.lastUse = clock
    return entries[key]?.handle
  }

  /// Keeps a statement; returns the one that goes for it. Nothing is kept when `countMax` is 0.
  mutating func insert(_ key: [UInt8], _ handle: Handle) -> Handle? {
    guard countMax > 0 else { return handle }
    clock += 1
    var evicted: Handle?
    if entries[key] == nil, entries.count >= countMax,
      let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    {
      evicted = oldest.value.handle
      entries[oldest.key] = nil
    }
    let replaced = entries.updateValue(Entry(handle: handle, lastUse: clock), forKey: key)
    return evicted ?? replaced?.handle
  }

  /// Forgets a statement.
  @discardableResult
  mutating func remove(_ key: [UInt8]) -> Handle? { entries.removeValue(forKey: key)?.handle }

  /// Forgets all.
  mutating func removeAll() -> [Handle] {
    defer { entries = [:] }
    return entries.values.map(\.handle)
  }
}
