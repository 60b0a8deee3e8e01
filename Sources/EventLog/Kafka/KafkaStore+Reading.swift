// Reading topics without a group, and what is known of topics and groups.

extension KafkaStore {
  package func position(_ topic: String, _ start: ReadStart) throws(EventLogError) -> ReadPosition {
    let session = try session()
    let count = try partitionCount(topic, session)
    let cluster = cluster(session)
    let name = settings.kafkaName(topic)
    switch start {
    case .beginning: return ReadPosition(next: try cluster.offsets(name, partitionCount: count, time: -2))
    case .end: return ReadPosition(next: try cluster.offsets(name, partitionCount: count, time: -1))
    case .offset(let offset):
      return ReadPosition(next: Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, max(0, offset)) }))
    case .time(let time):
      // Of a time after the newest event the cluster tells nothing: that is the end.
      var next = try cluster.offsets(name, partitionCount: count, time: -1)
      for (partition, offset) in try cluster.offsets(name, partitionCount: count, time: max(0, time))
      where offset >= 0 {
        next[partition] = offset
      }
      return ReadPosition(next: next)
    }
  }

  package func read(
    _ topic: String, _ position: inout ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> [EventRecord] {
    let session = try session()
    let count = try partitionCount(topic, session)
    guard limit > 0 else { return [] }
    let name = settings.kafkaName(topic)
    let ends = try cluster(session).offsets(name, partitionCount: count, time: -1)
    // A partition that the position does not know has come since: it is read from its beginning.
    var start: [Int32: Int64] = [:]
    for partition in 0..<count { start[partition] = position.next[partition] ?? 0 }
    let reader = try session.readers.take(name, at: start, ends: ends)
    let messages = try reader.read(
      ends: ends, limit: limit, waitMilliseconds: waitMilliseconds,
      timeoutMilliseconds: settings.operationTimeoutMilliseconds)
    position.next = reader.next
    session.readers.put(reader)
    return messages.map { $0.event(topic: topic) }
  }

  package func status(ofTopic topic: String) throws(EventLogError) -> TopicStatus {
    let session = try session()
    let count = try partitionCount(topic, session)
    let cluster = cluster(session)
    let name = settings.kafkaName(topic)
    let first = try cluster.offsets(name, partitionCount: count, time: -2)
    let end = try cluster.offsets(name, partitionCount: count, time: -1)
    return TopicStatus(
      topic: topic, partitionCount: count, first: first.filter { $0.value < end[$0.key, default: 0] },
      end: end)
  }

  // Groups

  package func join(
    group: String, topics: [String], options: ConsumerOptions
  ) throws(EventLogError) -> any GroupConsumer {
    let session = try session()
    var names: [String: String] = [:]
    for topic in topics {
      _ = try partitionCount(topic, session)
      names[settings.kafkaName(topic)] = topic
    }
    return try KafkaConsumer(settings, group: group, topics: names, options: options)
  }

  private func namedTopics(_ session: Session) -> [(name: String, partitionCount: Int32)] {
    session.topics.sorted { $0.key < $1.key }.map { (settings.kafkaName($0.key), $0.value.partitionCount) }
  }

  /// Groups of the cluster that committed in one of the store's topics.
  package func groups() throws(EventLogError) -> [String] {
    let session = try session()
    let cluster = cluster(session)
    let topics = namedTopics(session)
    var groups: [String] = []
    for group in try cluster.groups() where try !cluster.committed(group, topics).isEmpty {
      groups.append(group)
    }
    return groups.sorted()
  }

  package func status(ofGroup group: String) throws(EventLogError) -> [GroupPartitionStatus] {
    let session = try session()
    let cluster = cluster(session)
    let topics = namedTopics(session)
    let committed = try cluster.committed(group, topics)
    let owners = cluster.owners(group)
    var status: [GroupPartitionStatus] = []
    for topic in session.topics.keys.sorted() {
      let count = try partitionCount(topic, session)
      let name = settings.kafkaName(topic)
      let first = try cluster.offsets(name, partitionCount: count, time: -2)
      let end = try cluster.offsets(name, partitionCount: count, time: -1)
      for partition in 0..<count {
        let place = TopicPartition(topic: name, partition: partition)
        let next = committed[place]
        let newest = end[partition, default: 0]
        status.append(
          GroupPartitionStatus(
            topicPartition: TopicPartition(topic: topic, partition: partition), done: (next ?? 0) - 1,
            newest: newest - 1, lag: max(0, newest - max(next ?? 0, first[partition, default: 0])),
            owner: owners[place]))
      }
    }
    return status
  }
}
