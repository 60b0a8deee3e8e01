// How far a consumer group has come in a topic that is one sequence of offsets, partition by partition: a slow
// partition holds up neither the others nor what is known of them after a restart. A pure value.
//
// Each partition has a lane: a cursor (all its events before it were read) and the offsets that were read and are
// not done. What is stored is one number, the offset up to which everything is done (the original's
// `group_offset`), and the lanes that are further. The stored lanes carry the number of partitions they were
// computed with: when it changes, the earlier lanes go on as a filter until the minimum has passed them.

/// A group's progress in one topic.
package struct PartitionProgress: Equatable, Sendable {
  /// A partition that is further than the group's minimum.
  package struct StoredLane: Hashable, Sendable {
    /// The number of partitions that `partition` was computed with.
    package var partitionCount: Int32
    package var partition: Int32
    /// All events of the partition up to and including this offset are done.
    package var done: Int64

    package init(partitionCount: Int32, partition: Int32, done: Int64) {
      self.partitionCount = partitionCount
      self.partition = partition
      self.done = done
    }
  }

  /// What is kept of a progress over a restart.
  package struct Stored: Equatable, Sendable {
    /// All events of the topic up to and including this offset are done.
    package var minimum: Int64
    /// Sorted by partition count and partition; each beyond the minimum.
    package var lanes: [StoredLane]

    package init(minimum: Int64, lanes: [StoredLane] = []) {
      self.minimum = minimum
      self.lanes = lanes
    }

    /// The last offset up to which all events of a partition are done.
    package func done(partition: Int32, of partitionCount: Int32) -> Int64 {
      let lane = lanes.first { $0.partitionCount == partitionCount && $0.partition == partition }
      return max(minimum, lane?.done ?? minimum)
    }
  }

  /// A stretch of the log that some partitions have to read.
  package struct Stretch: Equatable, Sendable {
    package var from: Int64
    /// The last offset of it.
    package var through: Int64
    /// By partition.
    fileprivate var isIncluded: [Bool]
  }

  private struct Lane: Equatable, Sendable {
    var cursor: Int64
    var outstanding = OffsetQueue()

    var doneThrough: Int64 { (outstanding.first ?? cursor) - 1 }
  }

  package let partitionCount: Int32
  private var lanes: [Lane]
  /// Lanes of other partition counts, by count: `done` by partition.
  private var earlier: [Int32: [Int32: Int64]] = [:]
  /// Which of two stretches is read first: they take turns.
  private var isFrontFirst = false

  /// Goes on after what was stored.
  package init(partitionCount: Int32, stored: Stored) {
    self.partitionCount = max(1, partitionCount)
    let minimum = max(-1, min(stored.minimum, Int64.max - 1))
    lanes = Array(repeating: Lane(cursor: minimum + 1), count: Int(self.partitionCount))
    for lane in stored.lanes where lane.done > minimum && lane.done < Int64.max {
      if lane.partitionCount != self.partitionCount {
        earlier[lane.partitionCount, default: [:]][lane.partition] = lane.done
      } else if let index = index(lane.partition) {
        lanes[index].cursor = max(lanes[index].cursor, lane.done + 1)
      }
    }
  }

  /// All events up to and including this offset are done.
  package var minimum: Int64 { lanes.reduce(Int64.max) { min($0, $1.doneThrough) } }

  /// Events that were read and are not done.
  package var outstandingCount: Int { lanes.reduce(0) { $0 + $1.outstanding.count } }

  /// What to keep.
  package var stored: Stored {
    let minimum = minimum
    var kept: [StoredLane] = []
    for (index, lane) in lanes.enumerated() where lane.doneThrough > minimum {
      kept.append(
        StoredLane(partitionCount: partitionCount, partition: Int32(index), done: lane.doneThrough))
    }
    for (count, dones) in earlier {
      for (partition, done) in dones where done > minimum {
        kept.append(StoredLane(partitionCount: count, partition: partition, done: done))
      }
    }
    kept.sort { ($0.partitionCount, $0.partition) < ($1.partitionCount, $1.partition) }
    return Stored(minimum: minimum, lanes: kept)
  }

  /// What is to be read next for the partitions that `isActive` names: where the log grows, and what those that
  /// were held up have left out. Each time another of the two is first.
  package mutating func stretches(isActive: (Int32) -> Bool) -> [Stretch] {
    let active = lanes.indices.map { isActive(Int32($0)) }
    var front: Int64 = -1
    var last = Int64.max
    for (index, lane) in lanes.enumerated() where active[index] {
      front = max(front, lane.cursor)
      last = min(last, lane.cursor)
    }
    guard front >= 0 else { return [] }
    let ahead = Stretch(
      from: front, through: .max, isIncluded: lanes.indices.map { active[$0] && lanes[$0].cursor == front })
    guard last < front else { return [ahead] }
    let behind = Stretch(
      from: last, through: front - 1,
      isIncluded: lanes.indices.map { active[$0] && lanes[$0].cursor < front })
    isFrontFirst.toggle()
    return isFrontFirst ? [ahead, behind] : [behind, ahead]
  }

  /// The event's partition, when it is to be delivered for the stretch; nil when it was, or is not the stretch's.
  package func partition(ofKey key: [UInt8], at offset: Int64, in stretch: Stretch) -> Int32? {
    let partition = KeyPartition.of(key, count: partitionCount)
    guard let index = index(partition), stretch.isIncluded[index], offset >= lanes[index].cursor,
      !isDoneEarlier(key, offset)
    else { return nil }
    return partition
  }

  /// Notes an event that is delivered and not done, in order within a partition.
  package mutating func take(_ offset: Int64, partition: Int32) {
    guard let index = index(partition) else { return }
    lanes[index].outstanding.append(offset)
    lanes[index].cursor = max(lanes[index].cursor, offset + 1)
  }

  /// Notes that all of a stretch up to and including an offset was looked at, and taken where it was to be.
  package mutating func pass(_ stretch: Stretch, through offset: Int64) {
    let next = min(offset, Int64.max - 1) + 1
    for index in lanes.indices where stretch.isIncluded[index] {
      lanes[index].cursor = max(lanes[index].cursor, next)
    }
    guard !earlier.isEmpty else { return }
    let minimum = minimum
    earlier = earlier.mapValues { $0.filter { $0.value > minimum } }.filter { !$0.value.isEmpty }
  }

  /// Notes that all delivered events of a partition up to and including an offset are done.
  package mutating func commit(_ offset: Int64, partition: Int32) {
    guard let index = index(partition) else { return }
    lanes[index].outstanding.removeAll(through: offset)
  }

  private func index(_ partition: Int32) -> Int? {
    partition >= 0 && partition < partitionCount ? Int(partition) : nil
  }

  private func isDoneEarlier(_ key: [UInt8], _ offset: Int64) -> Bool {
    for (count, dones) in earlier {
      if let done = dones[KeyPartition.of(key, count: count)], offset <= done { return true }
    }
    return false
  }
}

/// Growing offsets, taken from the front.
private struct OffsetQueue: Equatable, Sendable {
  private var offsets: [Int64] = []
  private var start = 0

  var first: Int64? { start < offsets.count ? offsets[start] : nil }
  var count: Int { offsets.count - start }

  mutating func append(_ offset: Int64) {
    if let last = offsets.last, start < offsets.count, offset <= last { return }
    offsets.append(offset)
  }

  mutating func removeAll(through offset: Int64) {
    while start < offsets.count, offsets[start] <= offset { start += 1 }
    if start == offsets.count {
      offsets.removeAll(keepingCapacity: offsets.count <= 1_024)
      start = 0
    } else if start > 1_024, start > offsets.count / 2 {
      offsets.removeFirst(start)
      start = 0
    }
  }

  static func == (a: Self, b: Self) -> Bool { a.offsets[a.start...] == b.offsets[b.start...] }
}
