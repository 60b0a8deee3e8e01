import SpacerSystem
import Testing

@testable import SpacerEventLog

/// What a member has of a topic, as a value.
@Suite struct PostgresProgressTests {
  private static func event(_ offset: Int64, _ partition: Int32) -> EventRecord {
    EventRecord(
      topic: "t", partition: partition, offset: offset, key: [], value: [], timestampMilliseconds: 0)
  }

  private static func batch(_ events: [EventRecord], isFull: Bool = false) -> PostgresScan.Batch {
    PostgresScan.Batch(events: events, last: events.last?.offset ?? 0, isFull: isFull, filled: [])
  }

  /// Partitions 0 and 1, read up to an offset.
  private static func read(to offset: Int64) throws -> PostgresProgress {
    var progress = PostgresProgress()
    for partition in 0..<Int32(2) { progress.assign(partition, epoch: 1, done: 0) }
    let next = progress.nextStretch()
    let stretch = try #require(next)
    _ = progress.take(batch([event(offset, 0)]), of: stretch, limit: 10)
    return progress
  }

  @Test func lateOffsetsStandInOrderWhateverTheirNumber() throws {
    let count: Int64 = 200_000
    var progress = try Self.read(to: count + 1)
    let began = SystemClock.machine.monotonicMilliseconds()
    for offset in 1...count { progress.noteLate(offset, Int32(offset % 2)) }
    // Some of them again, and what does not concern the lane.
    for offset in [1, 2, 77, count, count + 2, -4] { progress.noteLate(offset, Int32(abs(offset) % 2)) }
    progress.noteLate(5, 9)
    #expect(progress.lateCount == Int(count))
    var taken: [Int64] = []
    while progress.hasDeliverableLate {
      let offsets = progress.deliverableLate(limit: 5_000)
      taken += progress.takeLate(offsets, offsets.map { Self.event($0, Int32($0 % 2)) }).map(\.offset)
    }
    #expect(taken == Array(1...count))
    #expect(SystemClock.machine.monotonicMilliseconds() - began < 20_000)
  }

  @Test func lateOffsetsInAnyOrder() throws {
    var progress = try Self.read(to: 100)
    for offset: Int64 in [50, 10, 90, 50, 70, 10] { progress.noteLate(offset, 0) }
    #expect(progress.deliverableLate(limit: 3) == [10, 50, 70])
    #expect(progress.durable(0) == 0)
    progress.change(0) { $0.isPaused = true }
    #expect(!progress.hasDeliverableLate && progress.lateCount == 4)
  }

  /// What is given up is as if it had not been taken, and what came late above it is read with it.
  @Test func whatIsGivenUpIsReadAgain() throws {
    var progress = try Self.read(to: 10)
    let before = progress.lanes
    let stretch = PostgresProgress.Stretch(after: 10, upTo: .max, partitions: [0, 1])
    let mark = progress.mark(stretch)
    let events = [Self.event(12, 0), Self.event(14, 1), Self.event(16, 0)]
    func take() {
      let taken = progress.take(Self.batch(events), of: stretch, limit: 10).events
      #expect(taken == events)
    }
    take()
    progress.noteLate(13, 0)
    progress.noteLate(5, 1)
    progress.retreat(to: mark, keeping: [events[0]])
    #expect(progress.lanes[0]?.position == 12 && progress.lanes[1]?.position == 12)
    #expect(progress.lanes[0]?.delivered == 12 && progress.lanes[1]?.delivered == before[1]?.delivered)
    #expect(progress.lanes[0]?.late == [] && progress.lanes[1]?.late == [5])
    progress.retreat(to: mark, keeping: [])
    #expect(progress.lanes[0] == before[0])
    take()
  }
}
