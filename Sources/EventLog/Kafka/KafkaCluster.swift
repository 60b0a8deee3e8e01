// Questions to the cluster, through the producer's client. Each blocks, within the settings' time-out.

import CKafka

/// Asks and changes what the cluster knows of topics and groups.
struct KafkaCluster {
  let client: KafkaClient
  let timeoutMilliseconds: Int32
  /// What is wrong with the connection, as far as it is known.
  let problem: @Sendable () -> String?

  private func error(_ code: Int32, _ doing: String, _ detail: String? = nil) -> EventLogError {
    let error = KafkaErrors.error(code, doing, detail)
    // "Timed out" alone helps nobody.
    guard error.code == .unavailable, let problem = problem() else { return error }
    return KafkaErrors.error(code, doing, problem)
  }

  // Topics

  struct Topic {
    var partitionCount: Int32
    /// Every partition has a broker that takes its events.
    var hasLeaders: Bool
  }

  /// Every topic of the cluster, by its name in Kafka.
  func topics() throws(EventLogError) -> [String: Topic] {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    let code = client.withHandle { spacer_kafka_metadata($0, &metadata, timeoutMilliseconds) }
    guard code == 0, let metadata else { throw error(code, "be reached") }
    defer { spacer_kafka_metadata_destroy(metadata) }
    var topics: [String: Topic] = [:]
    let all = UnsafeBufferPointer(
      start: metadata.pointee.topics, count: Int(max(0, metadata.pointee.topic_cnt)))
    for topic in all where topic.err.rawValue == 0 && topic.partition_cnt > 0 {
      let partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
      topics[KafkaText.string(topic.topic)] = Topic(
        partitionCount: topic.partition_cnt, hasLeaders: partitions.allSatisfy { $0.leader >= 0 })
    }
    return topics
  }

  /// Creates a topic; one that exists is left as it is.
  func create(
    _ name: String, partitionCount: Int32, replicationFactor: Int32, retentionMilliseconds: Int64?,
    isCompacted: Bool
  ) throws(EventLogError) {
    // Negative: for ever, where the cluster's own default is a week.
    let retention = String(retentionMilliseconds ?? -1)
    var text = [CChar](repeating: 0, count: 512)
    let code = name.withCString { name in
      retention.withCString { retention in
        "compact".withCString { compact in
          var topic = spacer_kafka_new_topic(
            name: name, partitions: partitionCount, replicas: replicationFactor,
            retention_milliseconds: isCompacted ? nil : retention,
            cleanup_policy: isCompacted ? compact : nil)
          return client.withHandle {
            spacer_kafka_create_topic($0, &topic, timeoutMilliseconds, &text, text.count)
          }
        }
      }
    }
    if code != 0 { throw error(code, "create the topic \(name)", KafkaText.string(text)) }
  }

  /// What stands at a time in each partition; times by librdkafka's rules, -1 for the end and -2 for the beginning.
  func offsets(_ name: String, partitionCount: Int32, time: Int64) throws(EventLogError) -> [Int32: Int64] {
    let list = KafkaPartitions(capacity: Int(partitionCount))
    for partition in 0..<max(0, partitionCount) { list.add(name, partition, offset: time) }
    try offsets(list)
    var offsets: [Int32: Int64] = [:]
    for index in 0..<list.count { offsets[list.partition(index)] = list.offset(index) }
    return offsets
  }

  /// Replaces the times of a list by offsets.
  func offsets(_ list: borrowing KafkaPartitions) throws(EventLogError) {
    if list.count == 0 { return }
    let code = client.withHandle { client in
      list.withHandle { spacer_kafka_offsets_for_times(client, $0, timeoutMilliseconds) }
    }
    if code != 0 { throw error(code, "tell offsets") }
    for index in 0..<list.count where list.error(index) != 0 {
      throw error(list.error(index), "tell the offsets of \(list.topic(index))")
    }
  }

  // Groups

  private final class Groups { var names: [String] = [] }

  /// The ids of all consumer groups of the cluster.
  func groups() throws(EventLogError) -> [String] {
    let found = Groups()
    var text = [CChar](repeating: 0, count: 512)
    let code = client.withHandle { client in
      spacer_kafka_list_groups(
        client, timeoutMilliseconds, Unmanaged.passUnretained(found).toOpaque(),
        { context, group in
          guard let context else { return }
          Unmanaged<Groups>.fromOpaque(context).takeUnretainedValue().names.append(KafkaText.string(group))
        }, &text, text.count)
    }
    withExtendedLifetime(found) {}
    if code != 0 { throw error(code, "list consumer groups", KafkaText.string(text)) }
    return found.names
  }

  /// What a group has committed, by topic (its name in Kafka) and partition.
  func committed(
    _ group: String, _ topics: [(name: String, partitionCount: Int32)]
  ) throws(EventLogError) -> [TopicPartition: Int64] {
    let list = KafkaPartitions()
    for topic in topics {
      for partition in 0..<topic.partitionCount { list.add(topic.name, partition) }
    }
    if list.count == 0 { return [:] }
    var text = [CChar](repeating: 0, count: 512)
    let code = client.withHandle { client in
      list.withHandle { list in
        spacer_kafka_group_offsets(client, group, list, timeoutMilliseconds, &text, text.count)
      }
    }
    if code != 0 { throw error(code, "tell the offsets of the group \(group)", KafkaText.string(text)) }
    var committed: [TopicPartition: Int64] = [:]
    for index in 0..<list.count where list.offset(index) >= 0 {
      committed[TopicPartition(topic: list.topic(index), partition: list.partition(index))] = list.offset(
        index)
    }
    return committed
  }

  private final class Owners { var members: [TopicPartition: String] = [:] }

  /// The members that own partitions (topics by their names in Kafka); empty where the cluster does not tell.
  func owners(_ group: String) -> [TopicPartition: String] {
    let found = Owners()
    var text = [CChar](repeating: 0, count: 512)
    _ = client.withHandle { client in
      spacer_kafka_group_owners(
        client, group, timeoutMilliseconds, Unmanaged.passUnretained(found).toOpaque(),
        { context, topic, partition, member in
          guard let context else { return }
          let place = TopicPartition(topic: KafkaText.string(topic), partition: partition)
          Unmanaged<Owners>.fromOpaque(context).takeUnretainedValue().members[place] = KafkaText.string(
            member)
        }, &text, text.count)
    }
    withExtendedLifetime(found) {}
    return found.members
  }
}
