// Places a node's static children in an open hash table whose probe length is known when it is written.
// Reading is `slot = hash >> shift & mask`, then at most `probes` consecutive slots; the array is extended
// by `probes - 1` slots past the mask, so a reader never wraps around.

/// The arrangement of one node's static children.
struct StaticSlots {
  let mask: Int
  let shift: Int
  let probes: Int
  /// Indexes into the keys; nil is an empty slot.
  let slots: [Int?]

  /// Finds a small arrangement, preferring one probe. The result depends on the keys' order alone.
  init(keys: [SegmentKey]) {
    var bits = 0
    while 1 << bits < keys.count { bits += 1 }
    // A large node settles for the first few shifts: trying them all would cost too much for little.
    let isLarge = keys.count > 512
    var best: StaticSlots?
    for extra in isLarge ? 1...1 : 0...3 {
      let highest = min(64 - (bits + extra), 63)
      for shift in stride(from: highest, through: isLarge ? highest - 4 : 0, by: -1) {
        let candidate = StaticSlots(keys: keys, bits: bits + extra, shift: shift)
        if candidate.probes < best?.probes ?? Int.max { best = candidate }
        if candidate.probes == 1 { break }
      }
      if best?.probes == 1 { break }
    }
    self = best ?? StaticSlots(keys: keys, bits: bits, shift: 0)
  }

  private init(keys: [SegmentKey], bits: Int, shift: Int) {
    mask = 1 << bits - 1
    self.shift = shift
    var slots: [Int?] = Array(repeating: nil, count: 1 << bits)
    var probes = 1
    for (index, key) in keys.enumerated() {
      let home = Int(truncatingIfNeeded: key.hash >> UInt64(shift)) & mask
      var slot = home
      while slot < slots.count, slots[slot] != nil { slot += 1 }
      if slot == slots.count { slots.append(nil) }
      slots[slot] = index
      probes = max(probes, slot - home + 1)
    }
    slots.append(contentsOf: repeatElement(nil, count: 1 << bits + probes - 1 - slots.count))
    self.probes = probes
    self.slots = slots
  }
}
