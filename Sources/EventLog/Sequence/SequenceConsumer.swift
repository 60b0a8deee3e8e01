// A consumer of topics that are one sequence of offsets each, in a storage that one process at a time consumes
// from: the member that holds the group's place owns all partitions, another is a standby and gets them when
// the place is free. What each partition has done is a `PartitionProgress`; where events, place and progress are
// is the source's matter.

package import SpacerSystem

/// Events that a scan brought.
package struct ScannedPage: Sendable {
  package var records: [EventRecord]
  /// The last offset that was looked at; nil when there was none.
  package var through: Int64?
  /// There may be more behind it.
  package var hasMore: Bool

  package init(records: [EventRecord] = [], through: Int64? = nil, hasMore: Bool = false) {
    self.records = records
    self.through = through
    self.hasMore = hasMore
  }
}

/// What a `SequenceConsumer` consumes from; one for each consumer. Used on the consumer's thread, but for `wake`.
package protocol SequenceSource: AnyObject, Sendable {
  /// Takes the group's place, when it is free or this source's already.
  func takePlace() throws(EventLogError) -> Bool
  func partitionCount(ofTopic topic: String) throws(EventLogError) -> Int32
  /// What the group has done; begins at `start` when it never committed, and keeps that place unless it is the
  /// beginning.
  func progress(ofTopic topic: String, _ start: ReadStart) throws(EventLogError) -> PartitionProgress.Stored
  /// Keeps what the group has done; may do so a little later.
  func save(_ progress: PartitionProgress.Stored, topic: String) throws(EventLogError)
  /// Looks at events in order of offsets, from one offset through another, until `limit` are wanted or a
  /// driver's own bound of rows is reached. `partition` gives a wanted event's partition.
  func scan(
    topic: String, from: Int64, through: Int64, limit: Int,
    partition: (_ key: [UInt8], _ offset: Int64) -> Int32?
  ) throws(EventLogError) -> ScannedPage
  /// Changes whenever events may have been appended.
  func changeCount() throws(EventLogError) -> UInt64
  /// Returns when `changeCount` may be another, when `wake` was called, when it is time to try for the place
  /// again, or when the time is over.
  func wait(milliseconds: Int, changeCount: UInt64) throws(EventLogError)
  /// Whether `wake` was called since the last call.
  func takeWake() -> Bool
  /// From any thread.
  func wake()
  /// Keeps what is not yet kept, and gives the place back.
  func close()
}

/// A member of a group, on one source.
package final class SequenceConsumer: GroupConsumer {
  private let source: any SequenceSource
  private let topics: [String]
  private let options: ConsumerOptions
  private let clock: SystemClock
  private var progress: [String: PartitionProgress] = [:]
  private var paused: Set<TopicPartition> = []
  private var isActive = false
  private var isClosed = false
  /// The topic to begin with, so that one with many events does not hold up the others.
  private var firstTopic = 0

  package init(
    source: any SequenceSource, topics: [String], options: ConsumerOptions, clock: SystemClock
  ) {
    self.source = source
    self.topics = topics
    self.options = options
    self.clock = clock
  }

  package func poll(limit: Int, waitMilliseconds: Int) throws(EventLogError) -> [ConsumerNotice] {
    guard !isClosed else { throw EventLogError(.unavailable, "the member has left its group") }
    let end = clock.monotonicMilliseconds() + Int64(max(0, waitMilliseconds))
    while true {
      let changeCount = try source.changeCount()
      var notices: [ConsumerNotice] = []
      if !isActive, try source.takePlace() {
        notices.append(.assigned(try begin()))
      }
      var hasMore = false
      if isActive, limit > 0 {
        do throws(EventLogError) {
          let events = try events(limit: limit, hasMore: &hasMore)
          if !events.isEmpty { notices.append(.events(events)) }
        } catch {
          // What is assigned is told all the same; the fault shows again at the next poll.
          guard !notices.isEmpty else { throw error }
        }
      }
      if source.takeWake() || !notices.isEmpty { return notices }
      let rest = end - clock.monotonicMilliseconds()
      if rest <= 0 { return [] }
      if !hasMore { try source.wait(milliseconds: Int(rest), changeCount: changeCount) }
    }
  }

  private func begin() throws(EventLogError) -> [TopicPartition] {
    var partitions: [TopicPartition] = []
    for topic in topics {
      let count = try source.partitionCount(ofTopic: topic)
      let stored = try source.progress(ofTopic: topic, options.start)
      let topicProgress = PartitionProgress(partitionCount: count, stored: stored)
      progress[topic] = topicProgress
      for partition in 0..<topicProgress.partitionCount {
        partitions.append(TopicPartition(topic: topic, partition: partition))
      }
    }
    isActive = true
    return partitions
  }

  private func events(limit: Int, hasMore: inout Bool) throws(EventLogError) -> [EventRecord] {
    var events: [EventRecord] = []
    for step in 0..<topics.count where events.count < limit {
      let topic = topics[(firstTopic + step) % topics.count]
      guard var topicProgress = progress.removeValue(forKey: topic) else { continue }
      defer { progress[topic] = topicProgress }
      let stretches = topicProgress.stretches { partition in
        paused.isEmpty || !paused.contains(TopicPartition(topic: topic, partition: partition))
      }
      for (place, stretch) in stretches.enumerated() where events.count < limit {
        let rest = limit - events.count
        let share = place + 1 < stretches.count ? (rest + 1) / 2 : rest
        let page: ScannedPage
        do throws(EventLogError) {
          page = try source.scan(
            topic: topic, from: stretch.from, through: stretch.through, limit: share
          ) { key, offset in topicProgress.partition(ofKey: key, at: offset, in: stretch) }
        } catch {
          // What was read already is delivered; the fault shows again at the next poll.
          guard events.isEmpty else { return events }
          throw error
        }
        for record in page.records { topicProgress.take(record.offset, partition: record.partition) }
        if let through = page.through {
          // A stretch that ends is passed to its end: its last offsets may be gone from the log.
          let isWhole = !page.hasMore && stretch.through < .max
          topicProgress.pass(stretch, through: isWhole ? stretch.through : through)
        } else if stretch.through < .max {
          topicProgress.pass(stretch, through: stretch.through)
        }
        if page.hasMore { hasMore = true }
        if events.isEmpty { events = page.records } else { events += page.records }
      }
    }
    if topics.count > 1 { firstTopic = (firstTopic + 1) % topics.count }
    return events
  }

  package func commit(_ done: [TopicPartition: Int64]) throws(EventLogError) {
    guard isActive else { throw EventLogError(.fenced, "another member of the group owns the partitions") }
    var changed: Set<String> = []
    for (place, offset) in done {
      progress[place.topic]?.commit(offset, partition: place.partition)
      changed.insert(place.topic)
    }
    for topic in changed {
      guard let stored = progress[topic]?.stored else { continue }
      try source.save(stored, topic: topic)
    }
  }

  package func pause(_ partitions: [TopicPartition]) { paused.formUnion(partitions) }

  package func resume(_ partitions: [TopicPartition]) { paused.subtract(partitions) }

  /// Nothing is ever revoked: the place goes over only when a member ends.
  package func release(_ partitions: [TopicPartition]) throws(EventLogError) {}

  package func wake() { source.wake() }

  package func close() {
    guard !isClosed else { return }
    isClosed = true
    isActive = false
    source.close()
  }
}
