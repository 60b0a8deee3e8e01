// One look at a topic's events after an offset, with what is missing between them.

struct PostgresScan {
  let topic: PostgresTopic
  /// Partitions whose events are wanted; nil for all.
  let partitions: [Int32]?

  struct Batch {
    var events: [EventRecord]
    /// The last offset that was looked at; all lower ones are in `events`, in other partitions, or missing.
    var last: Int64
    /// There may be more.
    var isFull: Bool
    /// Offsets that had been missing and are there now, of all partitions.
    var filled: Set<Int64>
  }

  /// Looks; offsets that are missing and may still come are put into `gaps`.
  ///
  /// When some are missing, it is asked who may bring them, and then everything up to the last one is looked at
  /// again: what is there now comes in its order, and what is not can only come from one of these.
  func run(
    _ session: PostgresSession, after: Int64, upTo: Int64 = .max, rowsMax: Int, _ gaps: inout GapTracker
  ) throws(PostgresFailure) -> Batch {
    let first = try look(session, after: after, upTo: upTo, rowsMax)
    guard let last = first.offsets.last else {
      return Batch(events: [], last: after, isFull: false, filled: [])
    }
    guard !GapTracker.missing(after: after, in: first.offsets).isEmpty else { return batch(first, &gaps) }
    let holders = try Self.holders(session, topic)
    var second = try look(session, after: after, upTo: last, rowsMax)
    guard second.offsets.last != nil else {
      // Trimmed meanwhile.
      return Batch(events: [], last: after, isFull: true, filled: [])
    }
    gaps.note(missing: GapTracker.missing(after: after, in: second.offsets), holders: holders)
    second.isFull = first.isFull || second.offsets.last != last
    return batch(second, &gaps)
  }

  /// Who may still bring offsets that were taken before this is asked.
  static func holders(_ session: PostgresSession, _ topic: PostgresTopic) throws(PostgresFailure) -> Set<
    String
  > {
    var parameters = PostgresParameters()
    parameters.add(topic.sequence)
    let rows = try session.run(PostgresTopic.holders, parameters)
    return Set((0..<rows.count).compactMap { rows.text($0, 0) })
  }

  /// Events by their offsets, as far as they are there and have room, and the offset up to which that is all.
  func fetch(
    _ session: PostgresSession, _ offsets: [Int64]
  ) throws(PostgresFailure) -> (events: [EventRecord], through: Int64) {
    var parameters = PostgresParameters()
    parameters.addNumbers(offsets)
    parameters.add(PostgresLimits.scanBytesMax)
    let rows = try session.run(topic.fetch, parameters)
    let last = rows.count - 1
    return (
      (0..<rows.count).compactMap { topic.event(rows, $0) },
      rows.flag(last, PostgresTopic.isFullColumn) ? rows.number(last, 0) ?? .max : .max
    )
  }

  private struct Look {
    var events: [EventRecord] = []
    var offsets: [Int64] = []
    var isFull = false
  }

  private func look(
    _ session: PostgresSession, after: Int64, upTo: Int64, _ rowsMax: Int
  ) throws(PostgresFailure) -> Look {
    var parameters = PostgresParameters()
    parameters.add(after)
    parameters.add(upTo)
    parameters.add(Int64(rowsMax))
    parameters.add(PostgresLimits.scanBytesMax)
    parameters.add(partitions == nil ? 1 : topic.partitionCount)
    parameters.addNumbers(partitions ?? [0])
    let rows = try session.run(topic.scan, parameters)
    var look = Look()
    look.offsets.reserveCapacity(rows.count)
    look.events.reserveCapacity(rows.count)
    for row in 0..<rows.count {
      guard let offset = rows.number(row, 0) else { continue }
      look.offsets.append(offset)
      if let event = topic.event(rows, row) { look.events.append(event) }
    }
    look.isFull =
      look.offsets.count >= rowsMax || rows.flag(rows.count - 1, PostgresTopic.isFullColumn)
    return look
  }

  private func batch(_ look: Look, _ gaps: inout GapTracker) -> Batch {
    var filled: Set<Int64> = []
    if !gaps.isEmpty { for offset in look.offsets where gaps.fill(offset) { filled.insert(offset) } }
    return Batch(
      events: look.events, last: look.offsets.last ?? 0, isFull: look.isFull, filled: filled)
  }
}
