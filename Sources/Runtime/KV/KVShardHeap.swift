// The entries of a shard that expire, in a binary heap by that time, the earliest first.

extension KVShard {
  /// Gives the entry a time to expire, or takes it away for `never`.
  mutating func schedule(_ place: Int32, _ expiry: UInt64) {
    guard expiry != Self.never else {
      unschedule(place)
      entries[Int(place)].expiry = expiry
      return
    }
    if entries[Int(place)].heapPlace < 0 {
      entries[Int(place)].heapPlace = Int32(heap.count)
      heap.append(place)
    }
    entries[Int(place)].expiry = expiry
    settle(Int(entries[Int(place)].heapPlace))
  }

  /// Takes the entry out of the heap.
  mutating func unschedule(_ place: Int32) {
    let gap = Int(entries[Int(place)].heapPlace)
    guard gap >= 0 else { return }
    entries[Int(place)].heapPlace = -1
    let last = heap.removeLast()
    guard gap < heap.count else { return }
    move(last, to: gap)
    settle(gap)
  }

  private func expiry(at heapPlace: Int) -> UInt64 { entries[Int(heap[heapPlace])].expiry }

  private mutating func move(_ place: Int32, to heapPlace: Int) {
    heap[heapPlace] = place
    entries[Int(place)].heapPlace = Int32(heapPlace)
  }

  /// Brings the entry at a place of the heap up or down to where it belongs.
  private mutating func settle(_ start: Int) {
    let moving = heap[start]
    let expiry = entries[Int(moving)].expiry
    var position = start
    while position > 0, self.expiry(at: (position - 1) / 2) > expiry {
      move(heap[(position - 1) / 2], to: position)
      position = (position - 1) / 2
    }
    while true {
      var child = 2 * position + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, self.expiry(at: child + 1) < self.expiry(at: child) { child += 1 }
      guard self.expiry(at: child) < expiry else { break }
      move(heap[child], to: position)
      position = child
    }
    move(moving, to: position)
  }
}
