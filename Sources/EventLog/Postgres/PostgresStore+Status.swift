// What is known without reading: all of it from the ends of indexes and from small tables, whatever a topic's size.

extension PostgresStore {
  package func status(ofTopic name: String) throws(EventLogError) -> TopicStatus {
    let topic = try topic(name)
    let (first, newest) = try run { (session) throws(PostgresFailure) in
      PostgresTopic.ends(try session.run(topic.ends))
    }
    return TopicStatus(
      topic: name, partitionCount: topic.partitionCount, first: first < 0 ? [:] : [0: first],
      end: [0: newest.nextOffset])
  }

  package func groups() throws(EventLogError) -> [String] {
    try run { (session) throws(PostgresFailure) in
      let rows = try session.run(
        "SELECT DISTINCT group_id COLLATE \"C\" AS name FROM consumer_group_offsets ORDER BY name")
      return (0..<rows.count).compactMap { rows.text($0, 0) }
    }
  }

  package func status(ofGroup group: String) throws(EventLogError) -> [GroupPartitionStatus] {
    let topics = openTopics
    return try run { (session) throws(PostgresFailure) in
      var result: [GroupPartitionStatus] = []
      for topic in topics {
        var parameters = PostgresParameters()
        parameters.add(group)
        parameters.add(topic.name)
        let ends = PostgresTopic.ends(try session.run(topic.ends))
        let partitions = try session.run(PostgresLeases.status, parameters)
        var known: [Int32: (done: Int64, owner: String?)] = [:]
        for row in 0..<partitions.count {
          guard let partition = partitions.number(row, 0), let done = partitions.number(row, 1) else {
            continue
          }
          known[Int32(truncatingIfNeeded: partition)] = (done, partitions.text(row, 2))
        }
        // A group of the original's that has not gone on here yet.
        let original = try session.run(PostgresLeases.originalOffset, parameters).number(0, 1) ?? -1
        let count = Int32(truncatingIfNeeded: partitions.number(0, 3) ?? Int64(topic.partitionCount))
        for partition in 0..<max(count, 1) {
          let (done, owner) = known[partition] ?? (original, nil)
          result.append(
            GroupPartitionStatus(
              topicPartition: TopicPartition(topic: topic.name, partition: partition), done: done,
              newest: ends.newest, lag: max(0, ends.newest - max(done, ends.first - 1)), owner: owner))
        }
      }
      return result
    }
  }
}
