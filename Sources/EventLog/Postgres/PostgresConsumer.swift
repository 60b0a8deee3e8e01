// A member of a consumer group on PostgreSQL, with a connection of its own.
//
// Promises, and where they come from:
// - Each partition has one owner at a time, and an owner that was replaced writes nothing any more: PostgresLeases.
// - No event is skipped, whatever the order in which transactions commit: GapTracker.
// - Reading does not wait for missing offsets; only what is stored does. So two events of one key that were
//   appended by transactions running side by side may come in the order in which these were committed. Of two that
//   were appended one after the other the first one comes first: see PostgresConsumer+Reading.
// - What was taken from the log is handed out, also when the connection ends behind it: nobody reads it again.
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
  /// What ended a poll that had something to tell all the same: the next one throws it.
  private var failure: PostgresFailure?
  /// On the monotonic clock.
  var tickDue: Int64 = 0
  var scanDue: Int64 = 0
  var hasCommitted = false
  private var generation = 0
  private var isClosed = false
  /// The topic that the last read began with.
  var firstReading = 0
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
    if let failure {
      self.failure = nil
      throw failure.error
    }
    let deadline = clock.monotonicMilliseconds() + Int64(max(0, waitMilliseconds))
    var events: [EventRecord] = []
    do throws(PostgresFailure) {
      while true {
        try connect()
        if clock.monotonicMilliseconds() >= tickDue { try tick() }
        noteNews()
        let hasMore = limit > 0 ? try read(limit: limit, into: &events) : false
        let now = clock.monotonicMilliseconds()
        if !notices.isEmpty || !events.isEmpty || now >= deadline { return takeNotices(events) }
        if !hasMore {
          let until = min(deadline, tickDue, limit > 0 ? min(scanDue, gapsDue) : .max)
          try session.waitForInput(milliseconds: Int(clamping: until - now), or: wakeDescriptor)
        }
        if takeWake() { return [] }
      }
    } catch {
      guard !notices.isEmpty || !events.isEmpty else { throw error.error }
      failure = error
      return takeNotices(events)
    }
  }

  private func takeNotices(_ events: [EventRecord]) -> [ConsumerNotice] {
    defer { notices = [] }
    return events.isEmpty ? notices : notices + [.events(events)]
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

  // MARK: Partitions

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
