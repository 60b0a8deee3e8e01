// Reads a topic up to where it ended when reading began, page by page.

import SpacerEventLog

/// The events of a topic from a position on.
struct EventReader {
  private static let pageCount = 500
  /// How long a storage may take to bring what is there already.
  private static let waitMilliseconds = 1_000

  private let store: any EventStore
  private let topic: String
  private(set) var position: ReadPosition
  private let end: [Int32: Int64]
  private var hasEnded = false

  /// - Parameter status: Where it ends.
  init(_ store: any EventStore, _ status: TopicStatus, from position: ReadPosition) {
    self.store = store
    topic = status.topic
    self.position = position
    end = status.end
  }

  private var isAtEnd: Bool {
    hasEnded || end.allSatisfy { position.next[$0.key] ?? 0 >= $0.value }
  }

  /// The next page; empty at the end.
  mutating func next() throws(EventLogError) -> [EventRecord] {
    guard !isAtEnd else { return [] }
    let events = try store.read(
      topic, &position, limit: Self.pageCount, waitMilliseconds: Self.waitMilliseconds)
    // Gaps before the end, or a transaction that has not committed yet.
    if events.isEmpty { hasEnded = true }
    return events
  }

  /// The newest events for which `matches` holds, oldest first, and the position behind what was read. Reads back
  /// in growing steps, since offsets have gaps and events may not match.
  static func last(
    _ count: Int, of topic: String, _ store: any EventStore, progress: inout Progress,
    where matches: (EventRecord) -> Bool
  ) throws(EventLogError) -> (events: [EventRecord], position: ReadPosition) {
    let status = try store.status(ofTopic: topic)
    var window = Int64(count)
    while true {
      var start = ReadPosition()
      var isWhole = true
      for (partition, end) in status.end {
        let first = status.first[partition] ?? end
        start.next[partition] = max(first, end - window)
        if end - window > first { isWhole = false }
      }
      var reader = EventReader(store, status, from: start)
      // A topic with one sequence is in order as a whole, whatever the partitions of its events.
      let isSequence = status.end.count <= 1
      var kept: [Int32: [EventRecord]] = [:]
      while true {
        let page = try reader.next()
        if page.isEmpty { break }
        progress.add(page.count)
        for event in page where matches(event) {
          kept[isSequence ? 0 : event.partition, default: []].append(event)
        }
        for key in kept.keys {
          if let extra = kept[key].map({ $0.count - count }), extra > 0 { kept[key]?.removeFirst(extra) }
        }
      }
      let all = kept.values.flatMap { $0 }
      guard isWhole || all.count >= count else {
        window = window.multipliedReportingOverflow(by: 8).partialValue
        if window <= 0 { window = .max }
        continue
      }
      let sorted =
        isSequence
        ? all
        : all.sorted {
          ($0.timestampMilliseconds, $0.partition, $0.offset)
            < ($1.timestampMilliseconds, $1.partition, $1.offset)
        }
      return (Array(sorted.suffix(count)), reader.position)
    }
  }
}
