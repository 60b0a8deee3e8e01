// What the drivers with one sequence of offsets per topic say alike.

extension GroupPartitionStatus {
  /// How far a group has come in each partition of a topic.
  /// - Parameters:
  ///   - progress: Nil when the group never committed.
  ///   - first: The oldest event's offset.
  ///   - end: One after the newest event's.
  package static func ofSequence(
    topic: String, partitionCount: Int32, progress: PartitionProgress.Stored?, first: Int64, end: Int64,
    owner: String?
  ) -> [GroupPartitionStatus] {
    (0..<max(1, partitionCount)).map { partition in
      let done = progress?.done(partition: partition, of: max(1, partitionCount)) ?? -1
      let newest = first < end ? end - 1 : -1
      return GroupPartitionStatus(
        topicPartition: TopicPartition(topic: topic, partition: partition), done: done, newest: newest,
        lag: max(0, end - 1 - max(done, first - 1)), owner: owner)
    }
  }
}

extension EventLogError {
  package static let closed = EventLogError(.unavailable, "the event log is closed")

  package static func unknownTopic(_ topic: String) -> EventLogError {
    EventLogError(
      .unknownTopic, "there is no topic '\(topic)': list it under topics in application.yml")
  }
}
