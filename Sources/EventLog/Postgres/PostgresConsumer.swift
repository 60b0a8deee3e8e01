// A member of a consumer group on PostgreSQL, with a connection of its own.
//
// Promises, and where they come from:
// - Each partition has one owner at a time, and an owner that was replaced writes nothing any more: PostgresLeases.
// - No event is skipped, whatever the order in which transactions commit: GapTracker.
// - Reading does not wait for missing offsets; only what is stored does. So two events of one key that were
//   appended by transactions running side by side may come in the order in which these were committed.
//
// All methods but `wake` are called from one thread.

import CSystem
import Glibc
import SpacerSystem

final class PostgresConsumer: GroupConsumer {
  /// A topic that the member reads.
  struct Reading {
    let topic: PostgresTopic
    /// The name that the original's row of the group has for the topic.
    var originalName: String
    var progress = PostgresProgress()
    /// There may be something to read.
    var needsScan = true
    /// When the gaps are looked at next, and how long after that again.
    var gapsDue: Int64 = 0
    var gapsPause = PostgresLimits.gapPollMillisecondsMin

    init(topic: PostgresTopic) {
      self.topic = topic
      originalName = topic.name
    }
  }

  let group: String
  let options: ConsumerOptions
  let clock: SystemClock
  let session: PostgresSession
  var readings: [Reading]
  /// What the next poll tells first.
  var notices: [ConsumerNotice] = []
  /// On the monotonic clock.
  var tickDue: Int64 = 0
  var scanDue: Int64 = 0
  var hasCommitted = false
  private var generation = 0
  private var isClosed = false
  private var firstReading = 0
  /// An eventfd: `wake` writes it.
  private let wakeDescriptor: Int32

  init(
    store: PostgresStore, group: String, topics: [PostgresTopic], options: ConsumerOptions
  ) throws(EventLogError) {
    self.group = group
    self.options = options
    clock = store.clock
    session = PostgresSession(
      connString: store.connString, settings: PostgresStore.readSettings, clock: store.clock)
    readings = topics.map { Reading(topic: $0) }
    wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeDescriptor >= 0 else { throw EventLogError(.unavailable, "eventfd: errno \(errno)") }
  }

  deinit { Glibc.close(wakeDescriptor) }

  // MARK: Polling

  func poll(limit: Int, waitMilliseconds: Int) throws(EventLogError) -> [ConsumerNotice] {
    guard !isClosed else { throw EventLogError(.unavailable, "the member has left its group") }
    let deadline = clock.monotonicMilliseconds() + Int64(max(0, waitMilliseconds))
    do throws(PostgresFailure) {
      while true {
        try connect()
        if clock.monotonicMilliseconds() >= tickDue { try tick() }
        var result = notices
        notices = []
        noteNews()
        let events = limit > 0 ? try read(limit: limit) : []
        if !events.isEmpty { result.append(.events(events)) }
        let now = clock.monotonicMilliseconds()
        if !result.isEmpty || now >= deadline { return result }
        let until = min(deadline, tickDue, limit > 0 ? min(scanDue, gapsDue) : .max)
        try session.waitForInput(milliseconds: Int(clamping: until - now), or: wakeDescriptor)
        if takeWake() { return [] }
      }
    } catch {
      throw error.error
    }
  }

  /// Connects when it is not; then everything is asked anew.
  private func connect() throws(PostgresFailure) {
    try session.connect()
    guard session.generation != generation else { return }
    let channels = readings.map(\.topic.table) + [PostgresLeases.channel(group)]
    try session.script(channels.map { "LISTEN \"\($0)\"" }.joined(separator: "; "))
    generation = session.generation
    tickDue = 0
    for index in readings.indices { readings[index].needsScan = true }
  }

  /// Notes what was notified, and that it is time to look without.
  private func noteNews() {
    let now = clock.monotonicMilliseconds()
    let notified = session.takeNotified()
    let isDue = now >= scanDue
    if isDue { scanDue = now + Int64(PostgresLimits.pollMilliseconds) }
    for index in readings.indices where isDue || notified.contains(readings[index].topic.table) {
      readings[index].needsScan = true
    }
    if notified.contains(PostgresLeases.channel(group)) { tickDue = 0 }
  }

  private var gapsDue: Int64 {
    readings.lazy.filter { !$0.progress.gaps.isEmpty }.map(\.gapsDue).min() ?? .max
  }

  func wake() {
    var one: UInt64 = 1
    _ = Glibc.write(wakeDescriptor, &one, 8)
  }

  private func takeWake() -> Bool {
    var count: UInt64 = 0
    return Glibc.read(wakeDescriptor, &count, 8) == 8
  }

  // MARK: Events

  /// Brings events of all topics, each topic first in turn.
  private func read(limit: Int) throws(PostgresFailure) -> [EventRecord] {
    var events: [EventRecord] = []
    firstReading = (firstReading + 1) % max(1, readings.count)
    for step in readings.indices where events.count < limit {
      let index = (firstReading + step) % readings.count
      try lookAtGaps(index)
      events += try readLate(index, limit: limit - events.count)
      // What is behind and the front take turns.
      var turns = 2
      while turns > 0, readings[index].needsScan, events.count < limit {
        events += try scan(index, limit: limit - events.count)
        turns -= 1
      }
    }
    return events
  }

  private func scan(_ index: Int, limit: Int) throws(PostgresFailure) -> [EventRecord] {
    let reading = readings[index]
    // Before the look: what is notified during it counts for the next one.
    readings[index].needsScan = false
    guard let stretch = readings[index].progress.nextStretch() else { return [] }
    guard reading.progress.gaps.gaps.count <= PostgresLimits.gapCountMax else { return [] }
    let owned = reading.progress.lanes.keys.sorted()
    // As many rows as are likely to hold `limit` of the stretch's partitions.
    let share = max(1, stretch.partitions.count)
    let rowsMax = min(PostgresLimits.scanRowsMax, limit * Int(reading.topic.partitionCount) / share + 1)
    let batch: PostgresScan.Batch
    do throws(PostgresFailure) {
      batch = try PostgresScan(topic: reading.topic, partitions: owned).run(
        session, after: stretch.after, upTo: stretch.upTo, rowsMax: rowsMax,
        &readings[index].progress.gaps)
    } catch {
      readings[index].needsScan = true
      throw error
    }
    if !readings[index].progress.gaps.isEmpty, reading.progress.gaps.isEmpty {
      readings[index].gapsPause = PostgresLimits.gapPollMillisecondsMin
      readings[index].gapsDue = clock.monotonicMilliseconds() + Int64(readings[index].gapsPause)
    }
    let (events, isWhole) = readings[index].progress.take(batch, of: stretch, limit: limit)
    if batch.isFull || !isWhole || readings[index].progress.hasBehind || stretch.upTo != .max {
      readings[index].needsScan = true
    }
    return events
  }

  /// Asks again who may bring what is missing, and looks for it.
  private func lookAtGaps(_ index: Int) throws(PostgresFailure) {
    let reading = readings[index]
    let now = clock.monotonicMilliseconds()
    guard !reading.progress.gaps.isEmpty, now >= reading.gapsDue else { return }
    readings[index].progress.gaps.look(holders: try PostgresScan.holders(session, reading.topic))
    let gaps = readings[index].progress.gaps.gaps
    var isWhole = false
    while !isWhole {
      var parameters = PostgresParameters()
      // What was found is not looked for again.
      let rest = readings[index].progress.gaps.gaps
      parameters.addNumbers(rest.map(\.first))
      parameters.addNumbers(rest.map(\.last))
      parameters.add(Int64(PostgresLimits.scanRowsMax))
      let rows = try session.run(reading.topic.present, parameters)
      for row in 0..<rows.count {
        guard let offset = rows.number(row, 0), let key = rows.bytes(row, 1) else { continue }
        readings[index].progress.gaps.fill(offset)
        readings[index].progress.noteLate(
          offset, KeyPartition.of(key, count: reading.topic.partitionCount))
      }
      isWhole = rows.count < PostgresLimits.scanRowsMax
    }
    readings[index].progress.gaps.closeSettled()
    let hasMoved = readings[index].progress.gaps.gaps != gaps
    if hasMoved { readings[index].needsScan = true }
    readings[index].gapsPause =
      hasMoved
      ? PostgresLimits.gapPollMillisecondsMin
      : min(reading.gapsPause * 2, PostgresLimits.gapPollMillisecondsMax)
    readings[index].gapsDue = clock.monotonicMilliseconds() + Int64(readings[index].gapsPause)
  }

  private func readLate(_ index: Int, limit: Int) throws(PostgresFailure) -> [EventRecord] {
    let offsets = readings[index].progress.deliverableLate(limit: limit)
    guard !offsets.isEmpty else { return [] }
    let found = try PostgresScan(topic: readings[index].topic, partitions: nil).fetch(session, offsets)
    return readings[index].progress.takeLate(offsets, found)
  }

  func pause(_ partitions: [TopicPartition]) { set(partitions) { $0.isPaused = true } }
  func resume(_ partitions: [TopicPartition]) {
    set(partitions) { $0.isPaused = false }
    for partition in partitions {
      if let index = index(partition.topic) { readings[index].needsScan = true }
    }
  }

  private func set(_ partitions: [TopicPartition], _ body: (inout PostgresProgress.Lane) -> Void) {
    for partition in partitions {
      if let index = index(partition.topic) { readings[index].progress.change(partition.partition, body) }
    }
  }

  func index(_ topic: String) -> Int? { readings.firstIndex { $0.topic.name == topic } }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    leave()
    session.close()
  }
}
