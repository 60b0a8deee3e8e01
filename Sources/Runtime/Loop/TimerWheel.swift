// Timers as a hierarchical wheel: six levels of 64 buckets, a bucket of level n spans 64ⁿ milliseconds.
// A timer hangs in the level of the highest digit (base 64) in which its expiry differs from the present,
// and sinks a level when that digit's turn comes; so scheduling, cancelling and expiring touch a constant
// number of cells, and an empty wheel costs nothing. The value knows no clock: the time is passed in.
//
// Invariants: `nodes[0 ..< nodeCount]` are initialised; a node is in exactly one list, the free one or a
// bucket's; a bucket's occupancy bit is set exactly when its list is not empty; a node's generation
// changes when it is freed, which makes stale identifiers harmless.

/// Names one scheduled timer; stale when it fired or was cancelled.
package struct TimerID: Hashable, Sendable, BitwiseCopyable {
  let rawValue: UInt64
  /// No timer.
  package static let none = TimerID(rawValue: .max)
}

/// Timers with millisecond resolution, ordered by a wheel. Used from one thread.
package struct TimerWheel: ~Copyable {
  private struct Node {
    var expiry: UInt64 = 0
    var token: UInt64 = 0
    var generation: UInt32 = 0
    var previous: Int32 = -1
    var next: Int32 = -1
    var bucket: Int32 = -1
  }

  private static let levelCount = 6
  /// The list of expired timers that were not taken yet stands behind the buckets.
  private static let dueBucket = Int32(levelCount * 64)
  private static let expiryMax: UInt64 = 1 << 36 - 1

  private var nodes: UnsafeMutablePointer<Node>
  private var nodeCapacity: Int
  private var nodeCount = 0
  private var freeNode: Int32 = -1
  private let heads: UnsafeMutablePointer<Int32>
  private let occupied: UnsafeMutablePointer<UInt64>
  private var present: UInt64 = 0
  /// Timers scheduled and neither fired nor cancelled.
  package private(set) var count = 0

  package init(capacity: Int = 256) {
    nodeCapacity = max(1, capacity)
    nodes = .allocate(capacity: nodeCapacity)
    heads = .allocate(capacity: Int(Self.dueBucket) + 1)
    heads.initialize(repeating: -1, count: Int(Self.dueBucket) + 1)
    occupied = .allocate(capacity: Self.levelCount)
    occupied.initialize(repeating: 0, count: Self.levelCount)
  }

  deinit {
    nodes.deallocate()
    heads.deallocate()
    occupied.deallocate()
  }

  /// Schedules a timer to expire at a time in milliseconds of the caller's clock, which begins near 0.
  package mutating func schedule(at expiry: UInt64, token: UInt64) -> TimerID {
    let index: Int32
    if freeNode >= 0 {
      index = freeNode
      freeNode = nodes[Int(index)].next
    } else {
      if nodeCount == nodeCapacity { grow() }
      index = Int32(nodeCount)
      (nodes + nodeCount).initialize(to: Node())
      nodeCount += 1
    }
    nodes[Int(index)].expiry = min(expiry, Self.expiryMax)
    nodes[Int(index)].token = token
    insert(index)
    count += 1
    return TimerID(rawValue: UInt64(nodes[Int(index)].generation) << 32 | UInt64(UInt32(index)))
  }

  /// Cancels a timer; false when it had fired or been cancelled before.
  @discardableResult
  package mutating func cancel(_ timer: TimerID) -> Bool {
    let index = Int(UInt32(truncatingIfNeeded: timer.rawValue))
    guard index < nodeCount, nodes[index].generation == UInt32(timer.rawValue >> 32),
      nodes[index].bucket >= 0
    else { return false }
    unlink(Int32(index))
    free(Int32(index))
    return true
  }

  /// Takes one timer that has expired by `now` and returns its token; nil when there is none left.
  /// Timers of different milliseconds come in order.
  package mutating func takeExpired(now: UInt64) -> UInt64? {
    while heads[Int(Self.dueBucket)] < 0 {
      guard let next = nextBucket(), next.start <= now else {
        present = max(present, now)
        return nil
      }
      present = next.start
      sink(next.bucket)
    }
    let index = heads[Int(Self.dueBucket)]
    unlink(index)
    free(index)
    return nodes[Int(index)].token
  }

  /// The time by which `takeExpired` is to be called next, nil without timers. Never later than the
  /// earliest expiry; it can be earlier, when far timers have to sink.
  package func nextTime() -> UInt64? {
    if heads[Int(Self.dueBucket)] >= 0 { return present }
    return nextBucket()?.start
  }

  // MARK: Lists

  private mutating func insert(_ index: Int32) {
    let expiry = nodes[Int(index)].expiry
    guard expiry > present else { return push(index, Self.dueBucket) }
    let level = (63 - (expiry ^ present).leadingZeroBitCount) / 6
    let digit = Int(expiry >> UInt64(level * 6)) & 63
    occupied[level] |= 1 << UInt64(digit)
    push(index, Int32(level * 64 + digit))
  }

  private mutating func push(_ index: Int32, _ bucket: Int32) {
    let head = heads[Int(bucket)]
    nodes[Int(index)].bucket = bucket
    nodes[Int(index)].previous = -1
    nodes[Int(index)].next = head
    if head >= 0 { nodes[Int(head)].previous = index }
    heads[Int(bucket)] = index
  }

  private mutating func unlink(_ index: Int32) {
    let node = nodes[Int(index)]
    if node.next >= 0 { nodes[Int(node.next)].previous = node.previous }
    if node.previous >= 0 {
      nodes[Int(node.previous)].next = node.next
    } else {
      heads[Int(node.bucket)] = node.next
      if node.next < 0, node.bucket < Self.dueBucket {
        occupied[Int(node.bucket) / 64] &= ~(1 << UInt64(node.bucket & 63))
      }
    }
  }

  private mutating func free(_ index: Int32) {
    nodes[Int(index)].generation &+= 1
    nodes[Int(index)].bucket = -1
    nodes[Int(index)].next = freeNode
    freeNode = index
    count -= 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Node>.allocate(capacity: nodeCapacity * 2)
    larger.moveInitialize(from: nodes, count: nodeCount)
    nodes.deallocate()
    nodes = larger
    nodeCapacity *= 2
  }

  /// The first bucket in time that holds timers, and the time at which its span begins.
  private func nextBucket() -> (bucket: Int, start: UInt64)? {
    for level in 0..<Self.levelCount where occupied[level] != 0 {
      let shift = UInt64(level * 6)
      // All digits above this level's are the present's, and this level's is larger: that is how a
      // timer came into its level, and the present never passes a bucket without emptying it.
      let digit = occupied[level].trailingZeroBitCount
      let above = (present >> (shift + 6)) << (shift + 6)
      return (level * 64 + digit, above | UInt64(digit) << shift)
    }
    return nil
  }

  /// Hangs each timer of a bucket whose time has come into a lower level, or among the expired.
  private mutating func sink(_ bucket: Int) {
    var index = heads[bucket]
    heads[bucket] = -1
    occupied[bucket / 64] &= ~(1 << UInt64(bucket & 63))
    while index >= 0 {
      let next = nodes[Int(index)].next
      insert(index)
      index = next
    }
  }
}
