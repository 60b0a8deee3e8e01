// The schedules of an application. One member of the group runs them: the one that owns partition 0 of the internal
// topic. A time that has come is appended there, under an id made from the schedule and the time, so that the
// storage keeps one of two members' at a hand-over; what it asks for is then done like any trigger's.
//
// Missed times: of several that have come since the last run, the newest alone is run. A member that takes over, or
// a process that starts again, makes up for it when it is less than a minute late, or at any age with
// `missed: once`.

import SpacerEventLog
import Synchronization

/// Belongs to the engine's thread.
struct ScheduleRunner {
  /// A late run that a hand-over explains, in milliseconds.
  private static let handOverMilliseconds: Int64 = 60_000
  private static let retryMilliseconds: Int64 = 1_000

  /// What appends came to, from any thread.
  final class Results: Sendable {
    private let items = Mutex<[(index: Int, due: Int64, error: String?)]>([])
    func add(_ index: Int, _ due: Int64, error: String?) { items.withLock { $0.append((index, due, error)) } }
    func takeAll() -> [(index: Int, due: Int64, error: String?)] {
      items.withLock { items in
        defer { items = [] }
        return items
      }
    }
  }

  private struct Entry {
    var configuration: ScheduleConfiguration
    /// The next time, in milliseconds since 1970; nil when there is none, or an append is on its way.
    var due: Int64?
    /// It is tried again not before this.
    var notBefore: Int64 = 0
  }

  private let group: String
  private var entries: [Entry]
  private var isLeader = false
  private var needsStart = false
  let results = Results()

  init(_ configuration: EventConfiguration) {
    group = configuration.group
    entries = configuration.schedules.map { Entry(configuration: $0) }
  }

  private static let leading = TopicPartition(topic: InternalEvent.topic, partition: 0)

  private func key(_ index: Int) -> String { "schedule/\(group)/\(entries[index].configuration.name)" }

  mutating func assigned(_ partitions: [TopicPartition]) {
    guard partitions.contains(Self.leading), !entries.isEmpty else { return }
    isLeader = true
    needsStart = true
  }

  mutating func revoked(_ partitions: [TopicPartition]) {
    if partitions.contains(Self.leading) { isLeader = false }
  }

  /// The earliest time at which there is something to do, in milliseconds since 1970.
  var nextDue: Int64? {
    guard isLeader else { return nil }
    return entries.compactMap { entry in entry.due.map { max($0, entry.notBefore) } }.min()
  }

  /// The runs whose time has come, by the schedule's place. Each is answered through `results`.
  mutating func takeDue(
    wallMilliseconds now: Int64, store: any EventStore
  ) -> [(index: Int, event: InternalEvent.Schedule)] {
    guard isLeader else { return [] }
    if needsStart { start(now, store) }
    var found: [(index: Int, event: InternalEvent.Schedule)] = []
    for index in entries.indices {
      guard let due = entries[index].due, due <= now, entries[index].notBefore <= now else { continue }
      let configuration = entries[index].configuration
      let newest = Self.newest(configuration.schedule, from: due, upTo: now)
      entries[index].due = nil
      found.append(
        (
          index,
          InternalEvent.Schedule(
            name: configuration.name, target: configuration.target, payload: configuration.payload,
            dueMilliseconds: newest)
        ))
    }
    return found
  }

  /// The newest due time up to `now`, `due` being one.
  private static func newest(_ schedule: Schedule, from due: Int64, upTo now: Int64) -> Int64 {
    if case .every(let milliseconds) = schedule, now - due >= milliseconds {
      return due + (now - due) / milliseconds * milliseconds
    }
    var newest = due
    // Bounded: after a long time away a schedule of every minute has many.
    for _ in 0..<10_000 {
      guard let next = schedule.next(after: newest), next <= now else { return newest }
      newest = next
    }
    return newest
  }

  /// Finds out where the member before stopped.
  private mutating func start(_ now: Int64, _ store: any EventStore) {
    let records: [StoredRecord]
    do throws(EventLogError) {
      records = try store.records(.controls, prefix: "schedule/\(group)/", after: nil, limit: 10_000)
    } catch {
      // Tried again with the next turn.
      for index in entries.indices {
        entries[index].due = nil
      }
      return
    }
    needsStart = false
    for index in entries.indices {
      let configuration = entries[index].configuration
      let last = records.first { $0.key == key(index) }.flatMap {
        Int64(String(decoding: $0.value, as: UTF8.self))
      }
      entries[index].notBefore = 0
      entries[index].due = configuration.schedule.next(after: now)
      guard let last, let missed = configuration.schedule.next(after: last), missed <= now else { continue }
      let newest = Self.newest(configuration.schedule, from: missed, upTo: now)
      if configuration.runsMissed || now - newest < Self.handOverMilliseconds { entries[index].due = newest }
    }
  }

  /// Takes what the appends came to; returns why some failed, for the log.
  mutating func finish(wallMilliseconds now: Int64, store: any EventStore) -> [String] {
    var problems: [String] = []
    for (index, due, error) in results.takeAll() {
      let configuration = entries[index].configuration
      if let error {
        problems.append("schedule '\(configuration.name)' could not be run yet: \(error)")
        entries[index].due = due
        entries[index].notBefore = now + Self.retryMilliseconds
        continue
      }
      entries[index].due = configuration.schedule.next(after: due)
      // Lost, it costs a run that comes twice where ids do not drop it.
      try? store.put(.controls, [StoredRecord(key: key(index), value: Array(String(due).utf8))])
    }
    return problems
  }
}
