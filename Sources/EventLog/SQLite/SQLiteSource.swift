// What a consumer of a SQLite file consumes from: a connection of its own, the group's lock, and the store's
// thread that keeps progress.

import SpacerSystem
import Synchronization

/// One member's view of a `SQLiteStore`.
final class SQLiteSource: SequenceSource {
  /// How often a waiting member looks whether another process has appended.
  static let lookMilliseconds = 50
  /// How often a standby tries for the place.
  private static let placeMilliseconds = 250

  /// What the consumer's thread alone uses.
  private struct State {
    var reader: SQLiteReader
    var lock: GroupLock
    /// The store's count of changes when it was last looked at.
    var seen: UInt64 = 0
  }

  private let core: SQLiteCore
  private let group: String
  private let state: Monitor<State>
  private let isWoken = Atomic(false)

  init(_ core: SQLiteCore, group: String, memberID: String) throws(EventLogError) {
    self.core = core
    self.group = group
    state = Monitor(
      State(
        reader: try SQLiteReader(path: core.path),
        lock: GroupLock(databasePath: core.path, group: group, memberID: memberID)))
  }

  func takePlace() throws(EventLogError) -> Bool {
    try state.withLock { state throws(EventLogError) in try state.lock.take() }
  }

  func partitionCount(ofTopic topic: String) throws(EventLogError) -> Int32 {
    guard let definition = core.topics[topic] else { throw .unknownTopic(topic) }
    return definition.partitionCount
  }

  func progress(
    ofTopic topic: String, _ start: ReadStart
  ) throws(EventLogError) -> PartitionProgress.Stored {
    let place = GroupTopic(group: group, topic: topic)
    try core.flushProgress()
    let (found, offset) = try state.withLock { state throws(EventLogError) in
      let found = try state.reader.progress(place)
      return (found, found == nil ? try state.reader.offset(topic, of: start) : 0)
    }
    if let found { return found }
    let stored = PartitionProgress.Stored(minimum: offset - 1)
    if start != .beginning {
      core.save(stored, place)
      try core.flushProgress()
    }
    return stored
  }

  func save(_ progress: PartitionProgress.Stored, topic: String) throws(EventLogError) {
    core.save(progress, GroupTopic(group: group, topic: topic))
  }

  func scan(
    topic: String, from: Int64, through: Int64, limit: Int,
    partition: (_ key: [UInt8], _ offset: Int64) -> Int32?
  ) throws(EventLogError) -> ScannedPage {
    try state.withLock { state throws(EventLogError) in
      try state.reader.scan(topic, from: from, through: through, limit: limit, partition: partition)
    }
  }

  func changeCount() throws(EventLogError) -> UInt64 {
    let (seen, isClosed) = core.changes.withLock { ($0.count, $0.isClosed) }
    guard !isClosed else { throw .closed }
    return try state.withLock { state throws(EventLogError) in
      state.seen = seen
      return UInt64(bitPattern: try state.reader.dataVersion())
    }
  }

  func wait(milliseconds: Int, changeCount: UInt64) throws(EventLogError) {
    let (seen, isHeld) = state.withLock { ($0.seen, $0.lock.isHeld) }
    let end = core.clock.monotonicMilliseconds() + Int64(milliseconds)
    while true {
      let rest = Int(end - core.clock.monotonicMilliseconds())
      guard rest > 0 else { return }
      let slice = isHeld ? Self.lookMilliseconds : Self.placeMilliseconds
      let hasChanged: Void? = core.changes.wait(milliseconds: min(rest, slice)) { changes in
        changes.count != seen || isWoken.load(ordering: .acquiring) ? () : nil
      }
      if hasChanged != nil || !isHeld { return }
      let version = try state.withLock { state throws(EventLogError) in try state.reader.dataVersion() }
      if UInt64(bitPattern: version) != changeCount { return }
    }
  }

  func takeWake() -> Bool { isWoken.exchange(false, ordering: .acquiringAndReleasing) }

  func wake() {
    isWoken.store(true, ordering: .releasing)
    // Under the lock, so that it does not fall between a waiter's look and its sleep.
    core.changes.withLock { _ in }
    core.changes.signal()
  }

  func close() {
    // Before the place is free: the next member begins after it.
    try? core.flushProgress()
    state.withLock { $0.lock.release() }
    core.noteChange()
  }
}
