// How librdkafka is set up: any of its properties passes through, but those that the store's promises rest on.

import CKafka

/// The brokers and properties of a Kafka storage.
package struct KafkaSettings: Equatable, Sendable {
  /// Topics are called `APPNAME_NAME` in Kafka.
  package var appName: String
  /// `HOST:PORT`, separated by commas.
  package var brokers: String
  /// Properties of librdkafka by name, and `replication.factor` for topics that are created.
  package var properties: [String: String]
  /// How long the client tries to append; requests with a shorter time-out are told so when theirs is over.
  package var appendTimeoutMilliseconds: Int
  /// Bounds everything else that asks the cluster.
  package var operationTimeoutMilliseconds: Int

  package init(
    appName: String, brokers: String, properties: [String: String] = [:],
    appendTimeoutMilliseconds: Int = 30_000, operationTimeoutMilliseconds: Int = 10_000
  ) {
    self.appName = appName
    self.brokers = brokers
    self.properties = properties
    self.appendTimeoutMilliseconds = appendTimeoutMilliseconds
    self.operationTimeoutMilliseconds = operationTimeoutMilliseconds
  }

  static let replicationFactorName = "replication.factor"

  /// What the promises rest on: the values that are accepted, the first of which is used.
  private static let fixed: [(names: [String], values: [String], promise: String)] = [
    (["enable.idempotence"], ["true"], "an event that is sent twice would be stored twice"),
    (["acks", "request.required.acks"], ["all", "-1"], "an acknowledged event could be lost"),
    (["enable.auto.commit"], ["false"], "events would count as done before they are"),
    (["enable.auto.offset.store"], ["false"], "events would count as done before they are"),
    (
      ["partition.assignment.strategy"], ["cooperative-sticky"],
      "all members of a group must share partitions alike"
    ),
    (["auto.offset.reset"], ["earliest"], "events could be skipped"),
  ]

  /// Properties that have a place of their own elsewhere.
  private static let elsewhere: [(name: String, place: String)] = [
    ("bootstrap.servers", "write the brokers into brokers"),
    ("metadata.broker.list", "write the brokers into brokers"),
    ("group.id", "write the group into consumerGroup"),
    ("transactional.id", "appends are idempotent, but no transactions"),
    ("enable.partition.eof", "it belongs to the storage"),
    ("log.queue", "it belongs to the storage"),
  ]

  /// What each client starts from, and `properties` may change.
  private static let defaults: [(String, String)] = [
    // A turn of the broker's thread takes all that has come meanwhile: waiting for more only adds to the delay.
    ("linger.ms", "0"),
    ("socket.nagle.disable", "true"),
    ("socket.keepalive.enable", "true"),
    ("reconnect.backoff.max.ms", "2000"),
    // As Kafka's own clients do, so that all producers put a key into the same partition.
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.messages", "100000"),
    ("queue.buffering.max.kbytes", "131072"),
    ("queued.min.messages", "10000"),
    ("queued.max.messages.kbytes", "16384"),
    ("allow.auto.create.topics", "false"),
  ]

  /// Of a member of a group, which a reader is not: the client compares them with one another all the same.
  private static let ofGroups: Set<String> = [
    "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "group.instance.id",
    "group.protocol.type", "coordinator.query.interval.ms",
  ]

  enum Role {
    case producer
    /// Reads without being a member of a group.
    case reader
    case consumer(group: String, ConsumerOptions)
  }

  /// For new topics; -1 leaves it to the cluster.
  func replicationFactor() throws(EventLogError) -> Int32 {
    guard let text = properties[Self.replicationFactorName] else { return -1 }
    guard let factor = Int32(text), factor == -1 || (1...100).contains(factor) else {
      throw EventLogError(
        .failed,
        "\(Self.replicationFactorName) must be a number from 1 to 100, or -1 for the cluster's default")
    }
    return factor
  }

  /// - Throws: `failed` with a sentence when a property contradicts what the storage promises.
  func check() throws(EventLogError) {
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      if let rule = Self.fixed.first(where: { $0.names.contains(name) }), !rule.values.contains(value) {
        throw EventLogError(
          .failed,
          "the Kafka property \(name) must be \(rule.values[0]), not \(value): \(rule.promise)")
      }
      if let rule = Self.elsewhere.first(where: { $0.name == name }) {
        throw EventLogError(.failed, "the Kafka property \(name) cannot be set: \(rule.place)")
      }
    }
    _ = try replicationFactor()
  }

  /// A configuration for one client, which takes it over.
  func configuration(_ role: Role) throws(EventLogError) -> KafkaConfiguration {
    var configuration = KafkaConfiguration()
    for (name, value) in Self.defaults { try configuration.set(name, value) }
    for (name, value) in roleDefaults(role) { try configuration.set(name, value) }
    for (name, value) in properties.sorted(by: { $0.key < $1.key })
    where name != Self.replicationFactorName {
      if case .reader = role, Self.ofGroups.contains(name) { continue }
      try configuration.set(name, value)
    }
    try configuration.set("bootstrap.servers", brokers)
    for rule in Self.fixed { try configuration.set(rule.names[0], rule.values[0]) }
    switch role {
    case .producer: break
    case .reader:
      // Only a client with a group can be assigned partitions; it neither joins nor commits.
      try configuration.set("group.id", "spacer-\(appName)-reader")
      try configuration.set("enable.partition.eof", "true")
    case .consumer(let group, _): try configuration.set("group.id", group)
    }
    return configuration
  }

  private func roleDefaults(_ role: Role) -> [(String, String)] {
    switch role {
    case .producer:
      // The client's verdict, which knows whether an event was sent, comes before ours.
      let timeout = max(appendTimeoutMilliseconds / 2, appendTimeoutMilliseconds - 2_000)
      return [("client.id", "spacer-\(appName)"), ("message.timeout.ms", String(max(1, timeout)))]
    case .reader: return [("client.id", "spacer-\(appName)")]
    case .consumer(_, let options):
      // What `properties` says of one of the times bounds the others, which the client would refuse otherwise.
      let poll = number("max.poll.interval.ms")
      let session = number("session.timeout.ms") ?? min(options.leaseMilliseconds, poll ?? .max)
      return [
        ("client.id", options.memberID),
        ("session.timeout.ms", String(session)),
        ("heartbeat.interval.ms", String(max(1, session / 3))),
        // Also how long the others wait for a member that still works on events of partitions it is to give up.
        ("max.poll.interval.ms", String(poll ?? max(session, options.leaseMilliseconds * 10))),
      ]
    }
  }

  /// A property's number; nil for what the client will refuse.
  private func number(_ name: String) -> Int? {
    properties[name].flatMap { Int($0) }.flatMap { (1...86_400_000).contains($0) ? $0 : nil }
  }

  // Names

  func kafkaName(_ topic: String) -> String { "\(appName)_\(topic)" }

  func kafkaName(_ table: RecordTable) -> String {
    switch table {
    case .deadLetters: kafkaName("spacer_dead_letters")
    case .controls: kafkaName("spacer_controls")
    }
  }
}
