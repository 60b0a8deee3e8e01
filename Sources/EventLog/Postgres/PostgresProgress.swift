// What a member has of one topic: where each of its partitions has been read to, what came of it, and what may
// still come late. A pure value.
//
// A partition's position is the offset up to which it was read. Partitions are read together: those at the front,
// and in turn with them those that are behind, after a pause or from another member. An event that comes late, at
// or below the position, stands in `late` until it is delivered.
//
// What is stored of a partition (`durable`) never passes an offset that may still come: after a crash whoever goes
// on looks for it again.

struct PostgresProgress {
  struct Lane: Equatable {
    var epoch: Int64
    /// What had been done when the partition came: nothing up to it concerns this member.
    let base: Int64
    var position: Int64
    /// All that was delivered up to it is done.
    var committed: Int64
    /// The highest offset that was delivered.
    var delivered: Int64
    /// What the database has.
    var stored: Int64
    /// Came late and is not delivered, in order.
    var late: [Int64] = []
    var isPaused = false
    var isRevoking = false
    /// Given back; the database does not know yet.
    var isReleased = false

    init(epoch: Int64, done: Int64) {
      self.epoch = epoch
      base = done
      position = done
      committed = done
      delivered = done
      stored = done
    }

    var isActive: Bool { !isPaused && !isRevoking && !isReleased }
    var isIdle: Bool { committed >= delivered && late.isEmpty }
  }

  /// A stretch to read: everything after an offset, up to another.
  struct Stretch: Equatable {
    var after: Int64
    var upTo: Int64
    var partitions: Set<Int32>
  }

  private(set) var lanes: [Int32: Lane] = [:]
  var gaps = GapTracker()
  /// What partitions of other numbers had done: by number, by partition.
  private var earlier: [Int32: [Int32: Int64]] = [:]
  private var isFrontNext = true

  // MARK: Partitions

  mutating func assign(_ partition: Int32, epoch: Int64, done: Int64) {
    lanes[partition] = Lane(epoch: epoch, done: done)
  }

  mutating func remove(_ partition: Int32) {
    lanes[partition] = nil
    // Without partitions nothing is read, so that nobody would look after them.
    if lanes.isEmpty { gaps = GapTracker() }
  }

  mutating func setEarlier(_ earlier: [Int32: [Int32: Int64]]) { self.earlier = earlier }

  /// In place: a copy of a lane would copy all that came late.
  mutating func change(_ partition: Int32, _ body: (inout Lane) -> Void) {
    if let index = lanes.index(forKey: partition) { body(&lanes.values[index]) }
  }

  // MARK: Reading

  /// The stretch to read next: the front, or what is behind it, in turn. Nil when nothing is to be read.
  mutating func nextStretch() -> Stretch? {
    let active = lanes.filter { $0.value.isActive }
    guard let front = active.values.map(\.position).max(), let last = active.values.map(\.position).min()
    else {
      return nil
    }
    isFrontNext.toggle()
    if last == front || isFrontNext {
      return Stretch(
        after: front, upTo: .max, partitions: Set(active.filter { $0.value.position == front }.keys))
    }
    return Stretch(
      after: last, upTo: front, partitions: Set(active.filter { $0.value.position < front }.keys))
  }

  /// Some active partition is behind the others.
  var hasBehind: Bool {
    let positions = lanes.values.lazy.filter(\.isActive).map(\.position)
    return positions.min() != positions.max()
  }

  /// Takes what a stretch brought; gives the events to deliver, at most `limit`, and whether all were.
  mutating func take(
    _ batch: PostgresScan.Batch, of stretch: Stretch, limit: Int
  ) -> (events: [EventRecord], isWhole: Bool) {
    var events: [EventRecord] = []
    var through = batch.isFull ? batch.last : max(batch.last, stretch.upTo == .max ? -1 : stretch.upTo)
    var isWhole = true
    for event in batch.events {
      guard let lane = lanes[event.partition], event.offset > lane.base, !isDoneEarlier(event) else {
        continue
      }
      if event.offset <= lane.position {
        if batch.filled.contains(event.offset) { noteLate(event.offset, event.partition) }
      } else if isWhole, stretch.partitions.contains(event.partition) {
        if events.count == limit {
          isWhole = false
          through = events.last?.offset ?? stretch.after
        } else {
          events.append(event)
        }
      }
    }
    for partition in stretch.partitions {
      change(partition) { $0.position = max($0.position, through) }
    }
    for event in events { change(event.partition) { $0.delivered = max($0.delivered, event.offset) } }
    return (events, isWhole)
  }

  /// What stands before a stretch is taken.
  struct Mark {
    fileprivate var after: Int64
    fileprivate var lanes: [Int32: (position: Int64, delivered: Int64)]
  }

  func mark(_ stretch: Stretch) -> Mark {
    var mark = Mark(after: stretch.after, lanes: [:])
    for partition in stretch.partitions {
      if let lane = lanes[partition] { mark.lanes[partition] = (lane.position, lane.delivered) }
    }
    return mark
  }

  /// Gives up what was taken of a stretch behind the events that are kept, its first ones: it is read again.
  mutating func retreat(to mark: Mark, keeping events: [EventRecord]) {
    let through = events.last?.offset ?? mark.after
    for (partition, before) in mark.lanes {
      change(partition) { lane in
        let position = max(before.position, through)
        lane.position = position
        lane.delivered = before.delivered
        // What lies above the position is no longer late.
        while let last = lane.late.last, last > position { lane.late.removeLast() }
      }
    }
    for event in events { change(event.partition) { $0.delivered = max($0.delivered, event.offset) } }
  }

  // MARK: What comes late

  /// Notes that an offset that had been missing is there, with the partition it belongs to.
  mutating func noteLate(_ offset: Int64, _ partition: Int32) {
    change(partition) { lane in
      // What is above the position will be read there.
      guard offset <= lane.position, offset > lane.base else { return }
      var (low, high) = (0, lane.late.count)
      if let last = lane.late.last, last < offset { low = high }
      while low < high {
        let middle = (low + high) / 2
        if lane.late[middle] < offset { low = middle + 1 } else { high = middle }
      }
      if low == lane.late.count || lane.late[low] != offset { lane.late.insert(offset, at: low) }
    }
  }

  /// Late events, delivered or not as their partitions may.
  var lateCount: Int { lanes.values.reduce(0) { $0 + $1.late.count } }

  var hasDeliverableLate: Bool { lanes.values.contains { $0.isActive && !$0.late.isEmpty } }

  /// Late events that can be delivered, the lowest ones, in order.
  func deliverableLate(limit: Int) -> [Int64] {
    var offsets: [Int64] = []
    for lane in lanes.values where lane.isActive { offsets += lane.late.prefix(max(0, limit)) }
    offsets.sort()
    return Array(offsets.prefix(max(0, limit)))
  }

  /// Takes late events that were asked for, the lowest of `deliverableLate`; gives those to deliver. What is not
  /// there any more was trimmed.
  mutating func takeLate(_ offsets: [Int64], _ found: [EventRecord]) -> [EventRecord] {
    let asked = Set(offsets)
    for partition in Array(lanes.keys) {
      change(partition) { lane in lane.late.removeFirst(lane.late.prefix { asked.contains($0) }.count) }
    }
    let events = found.filter {
      asked.contains($0.offset) && lanes[$0.partition] != nil && !isDoneEarlier($0)
    }
    for event in events {
      change(event.partition) { lane in
        lane.delivered = max(lane.delivered, event.offset)
        // A commit says that all that was brought before it is done; this was not.
        lane.committed = min(lane.committed, event.offset - 1)
      }
    }
    return events
  }

  private func isDoneEarlier(_ event: EventRecord) -> Bool {
    guard !earlier.isEmpty else { return false }
    return earlier.contains { count, dones in
      event.offset <= dones[KeyPartition.of(event.key, count: count)] ?? -1
    }
  }

  // MARK: Progress

  /// Notes what is done. False when the partition is not the member's.
  mutating func commit(_ offset: Int64, _ partition: Int32) -> Bool {
    guard let lane = lanes[partition], !lane.isReleased else { return false }
    change(partition) { lane in
      lane.committed = max(lane.committed, offset)
      lane.position = max(lane.position, offset)
    }
    return true
  }

  /// What may be stored of a partition.
  func durable(_ partition: Int32) -> Int64? {
    guard let lane = lanes[partition] else { return nil }
    var done = lane.isIdle ? max(lane.position, lane.committed) : lane.committed
    if let late = lane.late.first { done = min(done, late - 1) }
    if let gap = gaps.first { done = min(done, gap - 1) }
    return max(done, lane.stored)
  }

  /// Nothing that was delivered is open.
  var isIdle: Bool { lanes.values.allSatisfy(\.isIdle) }
}
