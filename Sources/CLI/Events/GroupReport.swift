// How far a consumer group is behind, and which triggers of the application are paused in it.

import SpacerEventLog
import SpacerRuntime

/// What `lag` and `groups` show of one group.
struct GroupReport {
  /// How far the group is behind in one topic.
  struct TopicLag: Equatable {
    var topic: String
    var partitionCount: Int
    /// Offsets between what is done and the newest event: there may be fewer events.
    var lag: Int64
    /// Partitions with a lag.
    var laggingCount: Int
    /// The members that own partitions, sorted.
    var owners: [String]
  }

  /// One of the application's triggers.
  struct TriggerState: Equatable {
    var topic: String
    var function: String
    /// Who paused it; nil when it is not.
    var pausedBy: String?
  }

  let group: String
  let partitions: [GroupPartitionStatus]
  let topics: [TopicLag]
  /// Empty for groups that are not the application's.
  let triggers: [TriggerState]

  /// Asks the storage.
  init(_ session: EventSession, group: String, isOwn: Bool) throws(CommandFailure) {
    let store = session.store
    self.group = group
    let partitions = try session.perform { () throws(EventLogError) in try store.status(ofGroup: group) }
    self.partitions = partitions
    var topics: [TopicLag] = []
    for topic in Set(partitions.map(\.topicPartition.topic)).sorted() {
      let status = try session.perform { () throws(EventLogError) in try store.status(ofTopic: topic) }
      topics.append(
        Self.lag(
          of: topic, partitions.filter { $0.topicPartition.topic == topic },
          isSequence: status.end.count <= 1))
    }
    self.topics = topics
    guard isOwn else {
      triggers = []
      return
    }
    let pauses = try Pauses(session)
    triggers = session.configuration.allTriggers.map { trigger in
      TriggerState(
        topic: trigger.topic, function: trigger.function,
        pausedBy: pauses.whoPaused(topic: trigger.topic, function: trigger.function))
    }
  }

  /// - Parameter isSequence: The topic has one sequence of offsets, and each partition's lag is counted in it: together
  ///   they are as far behind as the slowest.
  static func lag(
    of topic: String, _ partitions: [GroupPartitionStatus], isSequence: Bool
  ) -> TopicLag {
    let lags = partitions.map(\.lag)
    return TopicLag(
      topic: topic, partitionCount: partitions.count,
      lag: isSequence
        ? lags.max() ?? 0 : lags.reduce(0) { $0.addingReportingOverflow($1).partialValue },
      laggingCount: lags.count { $0 > 0 }, owners: Set(partitions.compactMap(\.owner)).sorted())
  }

  /// Of all topics.
  var lag: Int64 { topics.reduce(0) { $0.addingReportingOverflow($1.lag).partialValue } }
  var owners: [String] { Set(partitions.compactMap(\.owner)).sorted() }
  var pausedTriggers: [TriggerState] { triggers.filter { $0.pausedBy != nil } }

  // MARK: Text

  func text(showsPartitions: Bool) -> String {
    var parts = ["group \(group)\n"]
    if showsPartitions {
      var table = Table(header: ["TOPIC", "PARTITION", "DONE UP TO", "NEWEST", "LAG", "OWNER"])
      for status in partitions {
        table.add([
          status.topicPartition.topic, String(status.topicPartition.partition), Self.offset(status.done),
          Self.offset(status.newest), Self.bound(status.lag), status.owner ?? "-",
        ])
      }
      parts.append(table.text)
    } else {
      var table = Table(header: ["TOPIC", "PARTITIONS", "BEHIND", "LAG", "MEMBERS"])
      for topic in topics {
        table.add([
          topic.topic, String(topic.partitionCount), String(topic.laggingCount), Self.bound(topic.lag),
          topic.owners.isEmpty ? "-" : topic.owners.joined(separator: " "),
        ])
      }
      parts.append(table.text)
    }
    if !triggers.isEmpty {
      var table = Table(header: ["TRIGGER", "TOPIC", "STATE"])
      for trigger in triggers {
        table.add([trigger.function, trigger.topic, trigger.pausedBy.map { "paused (\($0))" } ?? "active"])
      }
      parts.append(table.text)
    }
    return parts.joined(separator: "\n")
  }

  private static func offset(_ offset: Int64) -> String { offset < 0 ? "-" : String(offset) }
  private static func bound(_ lag: Int64) -> String { lag == 0 ? "0" : "at most \(lag)" }

  // MARK: JSON

  var json: JSONText {
    .object([
      ("group", .string(group)), ("lagMax", .integer(Int(clamping: lag))), ("members", .strings(owners)),
      (
        "topics",
        .array(
          topics.map { topic in
            .object([
              ("topic", .string(topic.topic)), ("lagMax", .integer(Int(clamping: topic.lag))),
              ("members", .strings(topic.owners)),
              (
                "partitions",
                .array(partitions.filter { $0.topicPartition.topic == topic.topic }.map { Self.json($0) })
              ),
            ])
          })
      ),
      (
        "triggers",
        .array(
          triggers.map { trigger in
            .object([
              ("function", .string(trigger.function)), ("topic", .string(trigger.topic)),
              ("isPaused", .boolean(trigger.pausedBy != nil)),
              ("pausedBy", trigger.pausedBy.map { .string($0) } ?? .null),
            ])
          })
      ),
    ])
  }

  private static func json(_ status: GroupPartitionStatus) -> JSONText {
    .object([
      ("partition", .integer(Int(status.topicPartition.partition))),
      ("done", .integer(Int(clamping: status.done))), ("newest", .integer(Int(clamping: status.newest))),
      ("lagMax", .integer(Int(clamping: status.lag))),
      ("owner", status.owner.map { .string($0) } ?? .null),
    ])
  }
}
