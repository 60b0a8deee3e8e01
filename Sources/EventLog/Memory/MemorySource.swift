// What a consumer of the store in memory consumes from. The group's place is noted in the store.

import SpacerSystem
import Synchronization

/// One member's view of a `MemoryStore`.
final class MemorySource: SequenceSource {
  private static let rowsMax = 4_096

  private let store: MemoryStore
  private let group: String
  private let token: UInt64
  private let memberID: String
  private let isWoken = Atomic(false)

  init(_ store: MemoryStore, group: String, token: UInt64, memberID: String) {
    self.store = store
    self.group = group
    self.token = token
    self.memberID = memberID
  }

  func takePlace() throws(EventLogError) -> Bool {
    store.state.withLock { state in
      var held = state.groups[group] ?? MemoryStore.Group()
      guard held.owner == nil || held.owner?.token == token else { return false }
      held.owner = (token, memberID)
      state.groups[group] = held
      return true
    }
  }

  func partitionCount(ofTopic topic: String) throws(EventLogError) -> Int32 {
    try store.state.withLock { state throws(EventLogError) in
      guard let held = state.topics[topic] else { throw .unknownTopic(topic) }
      return held.definition.partitionCount
    }
  }

  func progress(
    ofTopic topic: String, _ start: ReadStart
  ) throws(EventLogError) -> PartitionProgress.Stored {
    try store.state.withLock { state throws(EventLogError) in
      if let stored = state.groups[group]?.progress[topic] { return stored }
      guard let held = state.topics[topic] else { throw .unknownTopic(topic) }
      let stored = PartitionProgress.Stored(minimum: held.offset(of: start) - 1)
      if start != .beginning { state.groups[group, default: MemoryStore.Group()].progress[topic] = stored }
      return stored
    }
  }

  func save(_ progress: PartitionProgress.Stored, topic: String) throws(EventLogError) {
    try store.state.withLock { state throws(EventLogError) in
      guard state.groups[group]?.owner?.token == token else {
        throw EventLogError(.fenced, "another member of the group owns the partitions")
      }
      state.groups[group]?.progress[topic] = progress
      state.groups[group]?.hasCommitted = true
    }
  }

  func scan(
    topic: String, from: Int64, through: Int64, limit: Int,
    partition: (_ key: [UInt8], _ offset: Int64) -> Int32?
  ) throws(EventLogError) -> ScannedPage {
    try store.state.withLock { state throws(EventLogError) in
      guard !state.isClosed else { throw .closed }
      guard let held = state.topics[topic] else { throw .unknownTopic(topic) }
      var page = ScannedPage()
      var rows = 0
      held.forEach(from: from, through: through) { record in
        rows += 1
        page.through = record.offset
        if let place = partition(record.key, record.offset) {
          page.records.append(record)
          page.records[page.records.count - 1].partition = place
        }
        return page.records.count < limit && rows < Self.rowsMax
      }
      page.hasMore = page.through.map { $0 < min(through, held.end - 1) } ?? false
      return page
    }
  }

  func changeCount() throws(EventLogError) -> UInt64 { store.state.withLock { $0.changeCount } }

  func wait(milliseconds: Int, changeCount: UInt64) throws(EventLogError) {
    _ = store.state.wait(milliseconds: milliseconds) { state in
      state.changeCount != changeCount || isWoken.load(ordering: .acquiring) ? () : nil
    }
  }

  func takeWake() -> Bool { isWoken.exchange(false, ordering: .acquiringAndReleasing) }

  func wake() {
    isWoken.store(true, ordering: .releasing)
    // Under the lock, so that it does not fall between a waiter's look and its sleep.
    store.state.withLock { _ in }
    store.state.signal()
  }

  func close() {
    store.state.withLock { state in
      if state.groups[group]?.owner?.token == token { state.groups[group]?.owner = nil }
      state.changeCount &+= 1
    }
    store.state.signal()
  }
}
