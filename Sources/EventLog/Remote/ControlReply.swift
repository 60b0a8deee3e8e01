// What a running server's event log answers to a `ControlRequest`, as JSON. An error is
// `{"error":"there is no topic …","code":"unknownTopic"}`, with the code of an `EventLogError`.

/// Whose event log a server keeps.
package struct ControlInfo: Equatable, Sendable {
  package var appName: String
  /// The consumer group that the server's triggers run in.
  package var group: String
  package var promises: StorePromises

  package init(appName: String, group: String, promises: StorePromises) {
    self.appName = appName
    self.group = group
    self.promises = promises
  }
}

/// An answer to one request.
package enum ControlReply: Equatable, Sendable {
  case info(ControlInfo)
  case position(ReadPosition)
  /// And the position behind them.
  case events([EventRecord], ReadPosition)
  case topicStatus(TopicStatus)
  case groupStatus([GroupPartitionStatus])
  case groups([String])
  case records([StoredRecord])
  case appended(AppendOutcome)
  /// Records were written or removed.
  case done

  // MARK: Writing

  package var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    switch self {
    case .info(let info):
      writer.member("appName", info.appName)
      writer.member("group", info.group)
      writer.member("isAtomic", info.promises.isAtomic)
      writer.member("dropsDuplicates", info.promises.dropsDuplicates)
      writer.member("isDurable", info.promises.isDurable)
      writer.member("isShared", info.promises.isShared)
    case .position(let position): writer.member("position", position.description)
    case .events(let events, let position):
      writer.member("position", position.description)
      writer.key("events")
      writer.list(events) { $0.write(to: &$1) }
    case .topicStatus(let status):
      writer.member("topic", status.topic)
      writer.member("partitions", Int64(status.partitionCount))
      writer.member("first", ReadPosition(next: status.first).description)
      writer.member("end", ReadPosition(next: status.end).description)
    case .groupStatus(let statuses):
      writer.key("partitions")
      writer.list(statuses) { $0.write(to: &$1) }
    case .groups(let names):
      writer.key("groups")
      writer.list(names) { $1.string($0) }
    case .records(let records):
      writer.key("records")
      writer.list(records) { $0.write(to: &$1) }
    case .appended(let outcome):
      writer.key("offsets")
      writer.list(Array(outcome.offsets)) { $1.raw(Array(String($0).utf8)) }
      writer.member("isDuplicate", outcome.isDuplicate)
    case .done: writer.member("done", true)
    }
    writer.endObject()
    return writer.bytes
  }

  /// `{"error":…,"code":…}`.
  package static func json(_ error: EventLogError) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("error", error.message)
    writer.member("code", error.code.rawValue)
    writer.endObject()
    return writer.bytes
  }

  // MARK: Reading

  /// Reads the answer to `request`; nil when it is none.
  package init?(json bytes: [UInt8], to request: ControlRequest) {
    guard let object = JSONObject(bytes) else { return nil }
    switch request {
    case .info:
      guard let appName = object.string("appName"), let group = object.string("group"),
        let isAtomic = object.flag("isAtomic"), let dropsDuplicates = object.flag("dropsDuplicates"),
        let isDurable = object.flag("isDurable"), let isShared = object.flag("isShared")
      else { return nil }
      self = .info(
        ControlInfo(
          appName: appName, group: group,
          promises: StorePromises(
            isAtomic: isAtomic, dropsDuplicates: dropsDuplicates, isDurable: isDurable, isShared: isShared)))
    case .position:
      guard let position = object.string("position").flatMap({ ReadPosition($0) }) else { return nil }
      self = .position(position)
    case .read(let topic, _, _, _):
      guard let position = object.string("position").flatMap({ ReadPosition($0) }),
        let events = object.list("events", { EventRecord(control: $0, topic: topic) })
      else { return nil }
      self = .events(events, position)
    case .topicStatus(let topic):
      guard let count = object.integer("partitions").flatMap({ Int32(exactly: $0) }),
        let first = object.string("first").flatMap({ ReadPosition($0) }),
        let end = object.string("end").flatMap({ ReadPosition($0) })
      else { return nil }
      self = .topicStatus(
        TopicStatus(topic: topic, partitionCount: count, first: first.next, end: end.next))
    case .groupStatus:
      guard let list = object.list("partitions", GroupPartitionStatus.init(control:)) else { return nil }
      self = .groupStatus(list)
    case .groups:
      guard let names = object.list("groups", { JSONObject.text($0) }) else { return nil }
      self = .groups(names)
    case .records:
      guard let records = object.list("records", StoredRecord.init(control:)) else { return nil }
      self = .records(records)
    case .append:
      guard let offsets = object.list("offsets", { Int64(String(decoding: $0, as: UTF8.self)) }),
        let isDuplicate = object.flag("isDuplicate")
      else { return nil }
      self = .appended(AppendOutcome(offsets: AppendedOffsets(offsets), isDuplicate: isDuplicate))
    case .put, .remove:
      guard object.flag("done") == true else { return nil }
      self = .done
    }
  }

  /// Reads what `json(_:)` wrote; nil when it is none.
  package static func error(json bytes: [UInt8]) -> EventLogError? {
    guard let object = JSONObject(bytes), let message = object.string("error") else { return nil }
    return EventLogError(object.string("code").flatMap { .init(rawValue: $0) } ?? .failed, message)
  }
}
