// Positions, reading in order, trimming by time.

import Glibc
import SpacerSystem

extension PostgresStore {
  package func position(_ name: String, _ start: ReadStart) throws(EventLogError) -> ReadPosition {
    let topic = try topic(name)
    return try run { (session) throws(PostgresFailure) in
      ReadPosition(next: [0: try Self.offset(of: start, topic, session)])
    }
  }

  /// The offset that reading from `start` begins at.
  static func offset(
    of start: ReadStart, _ topic: PostgresTopic, _ session: PostgresSession
  ) throws(PostgresFailure) -> Int64 {
    switch start {
    case .beginning: return max(0, PostgresTopic.ends(try session.run(topic.ends)).first)
    case .end: return PostgresTopic.ends(try session.run(topic.ends)).newest.nextOffset
    case .offset(let offset): return max(0, offset)
    case .time(let time): return try offset(since: time, topic, session)
    }
  }

  /// The years 0 and 9999, in milliseconds since 1970.
  private static let timeMin: Int64 = -62_167_219_200_000
  private static let timeMax: Int64 = 253_402_300_799_000

  /// The first event that is not older than a time, found by halving, since times grow with offsets but for the
  /// length of transactions that ran side by side. Events without a time, of the original, are older than all.
  private static func offset(
    since time: Int64, _ topic: PostgresTopic, _ session: PostgresSession
  ) throws(PostgresFailure) -> Int64 {
    let (first, newest) = PostgresTopic.ends(try session.run(topic.ends))
    guard newest >= 0 else { return 0 }
    // What PostgreSQL has as a time, with room to both sides.
    let time = min(max(time, Self.timeMin), Self.timeMax)
    // The halving is for a time somewhat earlier, the rest is looked through.
    let safeTime = time - 60_000
    var (low, high) = (first, newest.nextOffset)
    while low < high {
      let middle = low + (high - low) / 2
      var parameters = PostgresParameters()
      parameters.add(middle)
      let rows = try session.run(topic.timeFrom, parameters)
      guard let offset = rows.number(0, 0) else {
        high = middle
        continue
      }
      if rows.time(0, 1) ?? Int64.min >= safeTime { high = middle } else { low = offset.nextOffset }
    }
    var parameters = PostgresParameters()
    parameters.add(low)
    parameters.add(time)
    return try session.run(topic.firstSince, parameters).number(0, 0) ?? newest.nextOffset
  }

  package func read(
    _ name: String, _ position: inout ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> [EventRecord] {
    let topic = try topic(name)
    guard limit > 0 else { return [] }
    let deadline = clock.monotonicMilliseconds() + Int64(max(0, waitMilliseconds))
    while true {
      let next = position.next[0] ?? 0
      let (events, end) = try withShared { (shared) throws(PostgresFailure) in
        try Self.read(topic, after: next - 1, limit: limit, &shared)
      }
      position.next[0] = max(next, end.nextOffset)
      let left = deadline - clock.monotonicMilliseconds()
      if !events.isEmpty || left <= 0 { return events }
      // Without the lock: others use the connection meanwhile.
      _ = poll(nil, 0, Int32(min(left, Int64(PostgresLimits.readPollMilliseconds))))
    }
  }

  /// Gives events in order, up to the first offset that a transaction may still bring, and the last offset that is
  /// done with.
  private static func read(
    _ topic: PostgresTopic, after: Int64, limit: Int, _ shared: inout Shared
  ) throws(PostgresFailure) -> ([EventRecord], Int64) {
    var gaps = shared.gaps[topic.name] ?? GapTracker()
    defer {
      gaps.keepNewest(PostgresLimits.gapCountMax)
      shared.gaps[topic.name] = gaps
    }
    let scan = PostgresScan(topic: topic, partitions: nil)
    let batch = try scan.run(
      shared.session, after: after, rowsMax: min(limit, PostgresLimits.scanRowsMax), &gaps)
    let end = gaps.first(from: after + 1).map { min($0 - 1, batch.last) } ?? batch.last
    return (batch.events.filter { $0.offset <= end }, max(end, after))
  }

  @discardableResult
  package func trim(_ definition: TopicDefinition) throws(EventLogError) -> Int {
    guard let retention = definition.retentionMilliseconds else { return 0 }
    let topic = try topic(definition.name)
    let boundary = try run { (session) throws(PostgresFailure) -> Int64? in
      let now = try session.run(PostgresTopic.now).number(0, 0) ?? 0
      let boundary = try Self.offset(since: now - retention, topic, session)
      var parameters = PostgresParameters()
      parameters.add(boundary)
      // Events without a time go once one that is newer than they are has gone past its own.
      return try session.run(topic.timeBefore, parameters).time(0, 1) == nil ? nil : boundary
    }
    guard let boundary else { return 0 }
    var total = 0
    while true {
      var parameters = PostgresParameters()
      parameters.add(boundary)
      parameters.add(Int64(PostgresLimits.trimRowsMax))
      let count = try run { [parameters] (session) throws(PostgresFailure) in
        try session.run(topic.trim, parameters).number(0, 0) ?? 0
      }
      total += Int(count)
      if count < PostgresLimits.trimRowsMax { return total }
    }
  }
}
