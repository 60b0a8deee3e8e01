import SpacerEventLog
import Testing

/// A group's progress as a value, in a log that is made up here.
struct PartitionProgressTests {
  /// A log with gaps: offsets and keys.
  private struct Log {
    var events: [(offset: Int64, key: [UInt8])] = []

    mutating func append(_ count: Int, _ random: inout SeededRandom) {
      for _ in 0..<count {
        let offset = (events.last?.offset ?? 0) + 1 + Int64(random.next() % 3)
        events.append((offset, Array("k\(random.next() % 24)".utf8)))
      }
    }
  }

  private struct SeededRandom {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ state >> 31) &* 0x9E37_79B9_7F4A_7C15 >> 16
    }
  }

  private static let start = PartitionProgress.Stored(minimum: 0)

  /// Reads what the stretches ask for, at most `limit` events; what it takes as (partition, offset).
  private static func read(
    _ progress: inout PartitionProgress, _ log: Log, limit: Int, isActive: (Int32) -> Bool = { _ in true }
  ) -> [(partition: Int32, offset: Int64)] {
    var taken: [(partition: Int32, offset: Int64)] = []
    for stretch in progress.stretches(isActive: isActive) {
      var last: Int64?
      var isWhole = true
      for event in log.events where event.offset >= stretch.from && event.offset <= stretch.through {
        if taken.count >= limit {
          isWhole = false
          break
        }
        last = event.offset
        if let partition = progress.partition(ofKey: event.key, at: event.offset, in: stretch) {
          taken.append((partition, event.offset))
          progress.take(event.offset, partition: partition)
        }
      }
      if isWhole, stretch.through < .max { last = stretch.through }
      if let last { progress.pass(stretch, through: last) }
    }
    return taken
  }

  @Test func theMinimumIsBeforeTheFirstThatIsOpen() {
    var random = SeededRandom(state: 1)
    var log = Log()
    log.append(50, &random)
    var progress = PartitionProgress(partitionCount: 4, stored: Self.start)
    let taken = Self.read(&progress, log, limit: 1_000)
    #expect(taken.map(\.offset) == log.events.map(\.offset))
    #expect(progress.minimum == taken[0].offset - 1)
    let stuck = taken[0].partition
    for event in taken where event.partition != stuck {
      progress.commit(event.offset, partition: event.partition)
    }
    #expect(progress.minimum == taken[0].offset - 1)
    #expect(progress.stored.lanes.count == 3)
    let second = taken.filter { $0.partition == stuck }[1]
    progress.commit(taken[0].offset, partition: stuck)
    #expect(progress.minimum == second.offset - 1)
    progress.commit(.max, partition: stuck)
    #expect(progress.stored == PartitionProgress.Stored(minimum: taken.last?.offset ?? 0))
    #expect(progress.outstandingCount == 0)
  }

  @Test func whatIsStoredIsBounded() {
    let lanes = (Int32(-3)...70).map {
      PartitionProgress.StoredLane(partitionCount: 8, partition: $0, done: .max)
    }
    let odd = PartitionProgress(
      partitionCount: 8, stored: PartitionProgress.Stored(minimum: .max, lanes: lanes))
    #expect(odd.minimum == .max - 1)
    let negative = PartitionProgress(partitionCount: 0, stored: PartitionProgress.Stored(minimum: -50))
    #expect(negative.minimum == -1)
    #expect(negative.partitionCount == 1)
  }

  /// Random reading, pausing, committing, stopping and going on with what was stored, also with other numbers of
  /// partitions: each event is taken once a run, in order within its partition, all that is not done comes again,
  /// and nothing that is done does.
  @Test(arguments: 1...300 as ClosedRange<UInt64>)
  func nothingIsLostOrDoneTwice(_ seed: UInt64) {
    var random = SeededRandom(state: seed)
    var log = Log()
    var done: Set<Int64> = []
    var stored = Self.start
    for _ in 0..<6 {
      let count = [Int32(1), 4, 7, 16][Int(random.next() % 4)]
      var progress = PartitionProgress(partitionCount: count, stored: stored)
      var open: [Int32: [Int64]] = [:]
      var seen: Set<Int64> = []
      var lastTaken: [Int32: Int64] = [:]
      let doneBefore = done
      for _ in 0..<20 {
        log.append(Int(random.next() % 12), &random)
        let pattern = random.next()
        let taken = Self.read(
          &progress, log, limit: 1 + Int(random.next() % 9),
          isActive: { pattern >> UInt64($0) & 1 == 1 })
        for event in taken {
          #expect(seen.insert(event.offset).inserted, "taken twice")
          #expect(!doneBefore.contains(event.offset), "done before")
          #expect(event.offset > lastTaken[event.partition] ?? -1, "out of order")
          lastTaken[event.partition] = event.offset
          open[event.partition, default: []].append(event.offset)
        }
        // Some partitions get something done.
        for (partition, offsets) in open where random.next() % 3 == 0 && !offsets.isEmpty {
          let part = Int(random.next() % UInt64(offsets.count)) + 1
          progress.commit(offsets[part - 1], partition: partition)
          done.formUnion(offsets.prefix(part))
          open[partition] = Array(offsets.dropFirst(part))
        }
        for event in log.events where event.offset <= progress.minimum {
          #expect(done.contains(event.offset))
        }
        #expect(progress.outstandingCount == open.values.reduce(0) { $0 + $1.count })
      }
      stored = progress.stored
      #expect(stored.lanes.allSatisfy { $0.done > stored.minimum })
    }
    // To the end: all that is not done comes.
    var progress = PartitionProgress(partitionCount: 5, stored: stored)
    var rest: Set<Int64> = []
    while true {
      let taken = Self.read(&progress, log, limit: 50)
      if taken.isEmpty { break }
      rest.formUnion(taken.map(\.offset))
    }
    #expect(rest == Set(log.events.map(\.offset)).subtracting(done))
  }
}
