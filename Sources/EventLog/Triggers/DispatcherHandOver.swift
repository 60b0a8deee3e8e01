// From one dispatcher to the next, when the triggers change while the process goes on.

extension TriggerDispatcher {
  /// What a new dispatcher takes over from an old one.
  package struct HandOver: Equatable, Sendable {
    /// Partitions that are ours.
    package var assigned: [TopicPartition]
    /// Those of them that the old dispatcher had paused: to be resumed at the driver, since the new one knows nothing
    /// of it.
    package var paused: [TopicPartition]
    /// Not done by all their triggers. What was done of them is done again.
    package var events: [EventRecord]
    /// The highest offset brought of each partition: what is not in `events` up to it is done.
    package var newest: [TopicPartition: Int64]
  }

  /// For another dispatcher; after `isDrained`. This one is of no use any more; answers for it that still come, about
  /// partitions that were lost, must not reach the new one, whose ids are its own.
  package func handOver() -> HandOver {
    let owned = partitions.filter { $0.ownership == .owned }
    var newest: [TopicPartition: Int64] = [:]
    for partition in owned { newest[partition.id] = partition.window.newest }
    return HandOver(
      assigned: owned.map(\.id), paused: owned.filter(\.isPaused).map(\.id),
      events: owned.flatMap { partition in
        partition.window.events.map { events[$0].special?.envelope ?? events[$0].record }
      },
      newest: newest)
  }

  /// Goes on where another dispatcher of the same options ended. Triggers that were paused are to be paused again,
  /// before it.
  package mutating func takeOver(_ handOver: HandOver, now: Moment) {
    assigned(handOver.assigned)
    deliver(handOver.events, now: now)
    for (id, newest) in handOver.newest {
      guard let partition = knownPartition(id) else { continue }
      partitions[partition].window.raiseNewest(to: newest)
      noteUncommitted(partition)
    }
  }
}
