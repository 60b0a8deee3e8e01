// Reading a member's topics: what came late, then what is new.
//
// Offsets are taken in the order in which appends begin, so events that are there together and are handed out in
// the order of their offsets are in order whoever appended them. What makes that hard is an offset that was missing
// when higher ones were handed out. When it is there, and its append has been answered, its appender may append
// another event of the same key; that one must not come first. So after a scan has brought events the gaps that
// were open before it are looked at once more: what was there before one of these events was appended is there
// now, and goes before it. What does not fit into the caller's limit is given up with the scan's events behind it,
// and read again.
//
// Each step is bounded, however much comes late at once, so that the member's sign of life is not held up.

import SpacerSystem

extension PostgresConsumer {
  /// Adds events of all topics, each topic first in turn, to `events`, as many as `limit` has room for. True when
  /// there may be more at once.
  func read(limit: Int, into events: inout [EventRecord]) throws(PostgresFailure) -> Bool {
    firstReading = (firstReading + 1) % max(1, readings.count)
    var hasMore = false
    for step in readings.indices where events.count < limit {
      if step > 0, clock.monotonicMilliseconds() >= tickDue { return true }
      if try read((firstReading + step) % readings.count, limit, into: &events) { hasMore = true }
    }
    return hasMore
  }

  private func read(
    _ index: Int, _ limit: Int, into events: inout [EventRecord]
  ) throws(PostgresFailure) -> Bool {
    events += try takeLate(index, limit: limit - events.count)
    guard events.count < limit, !readings[index].progress.hasDeliverableLate else { return true }
    guard readings[index].progress.lateCount < PostgresLimits.lateCountMax else { return false }
    let isWhole = try lookAtGaps(index)
    events += try takeLate(index, limit: limit - events.count)
    guard isWhole, !readings[index].progress.hasDeliverableLate else { return true }
    // What is behind and the front take turns.
    for _ in 0..<2 where readings[index].needsScan && events.count < limit {
      events += try scan(index, limit: limit - events.count)
      if readings[index].progress.hasDeliverableLate { return true }
    }
    return readings[index].needsScan
  }

  private func scan(_ index: Int, limit: Int) throws(PostgresFailure) -> [EventRecord] {
    // Before the look: what is notified during it counts for the next one.
    readings[index].needsScan = false
    guard readings[index].progress.gaps.gaps.count <= PostgresLimits.gapCountMax,
      let stretch = readings[index].progress.nextStretch()
    else { return [] }
    let hadGaps = !readings[index].progress.gaps.isEmpty
    var mark: PostgresProgress.Mark?
    do throws(PostgresFailure) {
      let batch = try look(index, stretch, limit: limit)
      if !hadGaps, !readings[index].progress.gaps.isEmpty {
        readings[index].gapsPause = PostgresLimits.gapPollMillisecondsMin
        readings[index].gapsDue = clock.monotonicMilliseconds() + Int64(readings[index].gapsPause)
      }
      let before = readings[index].progress.mark(stretch)
      mark = before
      let (events, isWhole) = readings[index].progress.take(batch, of: stretch, limit: limit)
      if batch.isFull || !isWhole || readings[index].progress.hasBehind || stretch.upTo != .max {
        readings[index].needsScan = true
      }
      guard !events.isEmpty, hadGaps || readings[index].progress.hasDeliverableLate else { return events }
      return try inOrder(index, events, before, limit: limit)
    } catch {
      if let mark { readings[index].progress.retreat(to: mark, keeping: []) }
      readings[index].needsScan = true
      throw error
    }
  }

  private func look(
    _ index: Int, _ stretch: PostgresProgress.Stretch, limit: Int
  ) throws(PostgresFailure) -> PostgresScan.Batch {
    let topic = readings[index].topic
    // As many rows as are likely to hold `limit` of the stretch's partitions.
    let share = max(1, stretch.partitions.count)
    let likely = min(limit, PostgresLimits.scanRowsMax) * Int(topic.partitionCount) / share + 1
    return try PostgresScan(topic: topic, partitions: readings[index].progress.lanes.keys.sorted()).run(
      session, after: stretch.after, upTo: stretch.upTo, rowsMax: min(PostgresLimits.scanRowsMax, likely),
      &readings[index].progress.gaps)
  }

  /// Puts what came late into a scan's events; gives up those of them for which there is no room then.
  private func inOrder(
    _ index: Int, _ events: [EventRecord], _ mark: PostgresProgress.Mark, limit: Int
  ) throws(PostgresFailure) -> [EventRecord] {
    let isWhole = try fillGaps(index)
    let offsets = readings[index].progress.deliverableLate(limit: limit)
    let found = try fetch(index, offsets)
    var kept: [EventRecord] = []
    if isWhole {
      // The lowest of both, and nothing above what is still to come.
      let all = (offsets + events.map(\.offset)).sorted()
      let last = min(found.through, all.count > limit ? all[limit - 1] : .max)
      kept = events.filter { $0.offset <= last }
    } else {
      // More of what came late is to be found first.
      readings[index].gapsDue = 0
    }
    if kept.count < events.count {
      readings[index].progress.retreat(to: mark, keeping: kept)
      readings[index].needsScan = true
    }
    let late = take(index, found, limit: limit - kept.count)
    return late.isEmpty ? kept : (late + kept).sorted { $0.offset < $1.offset }
  }

  // MARK: What was missing

  /// When it is time: asks again who may bring what is missing, and looks for a page of it. False when there was
  /// more of it than that.
  private func lookAtGaps(_ index: Int) throws(PostgresFailure) -> Bool {
    let now = clock.monotonicMilliseconds()
    guard !readings[index].progress.gaps.isEmpty, now >= readings[index].gapsDue else { return true }
    let gaps = readings[index].progress.gaps.gaps
    readings[index].progress.gaps.look(
      holders: try PostgresScan.holders(session, readings[index].topic))
    guard try fillGaps(index) else {
      readings[index].needsScan = true
      readings[index].gapsDue = 0
      return false
    }
    readings[index].progress.gaps.closeSettled()
    let hasMoved = readings[index].progress.gaps.gaps != gaps
    if hasMoved { readings[index].needsScan = true }
    readings[index].gapsPause =
      hasMoved
      ? PostgresLimits.gapPollMillisecondsMin
      : min(readings[index].gapsPause * 2, PostgresLimits.gapPollMillisecondsMax)
    readings[index].gapsDue = clock.monotonicMilliseconds() + Int64(readings[index].gapsPause)
    return true
  }

  /// Looks for a page of what is missing, the lowest first. False when there may be more of it.
  private func fillGaps(_ index: Int) throws(PostgresFailure) -> Bool {
    let topic = readings[index].topic
    let gaps = readings[index].progress.gaps.gaps
    var parameters = PostgresParameters()
    parameters.addNumbers(gaps.map(\.first))
    parameters.addNumbers(gaps.map(\.last))
    parameters.add(Int64(PostgresLimits.scanRowsMax))
    let rows = try session.run(topic.present, parameters)
    for row in 0..<rows.count {
      guard let offset = rows.number(row, 0), readings[index].progress.gaps.fill(offset) else { continue }
      // What the original appends has no hash.
      let hash = rows.number(row, 1) ?? Int64(KeyPartition.hash(rows.bytes(row, 2) ?? []))
      readings[index].progress.noteLate(
        offset, Int32(truncatingIfNeeded: hash % Int64(topic.partitionCount)))
    }
    return rows.count < PostgresLimits.scanRowsMax
  }

  // MARK: What came late

  private func takeLate(_ index: Int, limit: Int) throws(PostgresFailure) -> [EventRecord] {
    let offsets = readings[index].progress.deliverableLate(limit: limit)
    return take(index, try fetch(index, offsets), limit: limit)
  }

  private func fetch(
    _ index: Int, _ offsets: [Int64]
  ) throws(PostgresFailure) -> (events: [EventRecord], through: Int64) {
    guard !offsets.isEmpty else { return ([], .max) }
    return try PostgresScan(topic: readings[index].topic, partitions: nil).fetch(session, offsets)
  }

  /// Takes what was fetched of late events, as far as it is late still.
  private func take(
    _ index: Int, _ found: (events: [EventRecord], through: Int64), limit: Int
  ) -> [EventRecord] {
    let offsets = readings[index].progress.deliverableLate(limit: limit).filter { $0 <= found.through }
    guard !offsets.isEmpty else { return [] }
    return readings[index].progress.takeLate(offsets, found.events)
  }
}
