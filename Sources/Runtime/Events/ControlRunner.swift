// Does one control request at the storage, on a thread that may block.

import SpacerEventLog
import SpacerSystem

/// Answers control requests. May be used from any thread.
struct ControlRunner: Sendable {
  /// Events that are read at a time, so that the bytes of an answer stay bounded.
  private static let readCount = 32
  /// Of the names and keys that are stored.
  private static let keyBytesMax = 4_096
  private static let idBytesMax = 255

  private let access: EventAccess
  private var store: any EventStore { access.store }

  init(_ access: EventAccess) { self.access = access }

  /// The status and the body to answer `body` with.
  func answer(_ body: [UInt8]) -> (status: Int, body: [UInt8]) {
    let request: ControlRequest
    do throws(EventLogError) {
      request = try ControlRequest(json: body)
    } catch {
      return (400, ControlReply.json(error))
    }
    do throws(EventLogError) {
      return (200, try run(request).json)
    } catch {
      return (Self.status(of: error), ControlReply.json(error))
    }
  }

  private static func status(of error: EventLogError) -> Int {
    switch error.code {
    case .unavailable, .overloaded, .full: 503
    case .timedOut, .outcomeUnknown: 504
    case .tooLarge, .unknownTopic, .failed: 400
    case .fenced, .incompatible: 500
    }
  }

  private func run(_ request: ControlRequest) throws(EventLogError) -> ControlReply {
    switch request {
    case .info:
      return .info(ControlInfo(appName: access.appName, group: access.group, promises: store.promises))
    case .position(let topic, let start):
      try requireTopic(topic)
      return .position(try store.position(topic, start))
    case .read(let topic, let position, let limit, let wait):
      try requireTopic(topic)
      return try read(topic, position, limit: limit, waitMilliseconds: wait)
    case .topicStatus(let topic):
      try requireTopic(topic)
      return .topicStatus(try store.status(ofTopic: topic))
    case .groupStatus(let group):
      try Self.requireKey(group)
      return .groupStatus(try store.status(ofGroup: group))
    case .groups: return .groups(try store.groups())
    case .records(let table, let prefix, let after, let limit):
      return .records(try records(table, prefix: prefix, after: after, limit: limit))
    case .put(let table, let records):
      for record in records {
        try Self.requireKey(record.key)
        guard record.value.count <= access.eventBytesMax * 2 + 65_536, JSONScanner.isValid(record.value)
        else {
          throw EventLogError(.failed, "a record is too large, or no JSON")
        }
      }
      try store.put(table, records)
      return .done
    case .remove(let table, let keys):
      for key in keys { try Self.requireKey(key) }
      try store.remove(table, keys: keys)
      return .done
    case .append(let request): return .appended(try append(request))
    }
  }

  // MARK: Checks

  private func requireTopic(_ name: String) throws(EventLogError) {
    guard name == InternalEvent.topic || access.topic(named: name) != nil else {
      throw .unknownTopic(name)
    }
  }

  private static func requireKey(_ key: String) throws(EventLogError) {
    guard !key.isEmpty, key.utf8.count <= keyBytesMax, !key.utf8.contains(0) else {
      throw EventLogError(.failed, "a name or key is empty, longer than \(keyBytesMax) bytes, or holds NUL")
    }
  }

  // MARK: Reading

  private func read(
    _ topic: String, _ start: ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> ControlReply {
    var position = start
    var events: [EventRecord] = []
    var byteCount = 0
    while events.count < limit, byteCount < ControlRequest.answerBytesMax {
      let wanted = min(Self.readCount, limit - events.count)
      let more = try store.read(
        topic, &position, limit: wanted, waitMilliseconds: events.isEmpty ? waitMilliseconds : 0)
      for event in more { byteCount += event.key.count + event.value.count + 128 }
      events += more
      if more.count < wanted { break }
    }
    return .events(events, position)
  }

  private func records(
    _ table: RecordTable, prefix: String, after start: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    guard prefix.utf8.count <= Self.keyBytesMax, !prefix.utf8.contains(0) else {
      throw EventLogError(.failed, "a prefix is too long, or holds NUL")
    }
    var records: [StoredRecord] = []
    var byteCount = 0
    while records.count < limit, byteCount < ControlRequest.answerBytesMax {
      let wanted = min(Self.readCount, limit - records.count)
      let more = try store.records(
        table, prefix: prefix, after: records.last?.key ?? start, limit: wanted)
      for record in more { byteCount += record.key.utf8.count + record.value.count }
      records += more
      if more.count < wanted { break }
    }
    return records
  }

  // MARK: Appending

  private func append(_ request: AppendRequest) throws(EventLogError) -> AppendOutcome {
    try requireTopic(request.topic)
    for entry in request.entries { try check(entry, request.topic) }
    let result = Monitor<Result<AppendOutcome, EventLogError>?>(nil)
    store.append(request) { outcome in
      result.withLock { $0 = outcome }
      result.signal()
    }
    // The storage completes what it took; the bound is for a driver that does not.
    guard let outcome = result.wait(milliseconds: request.timeoutMilliseconds + 2_000, { $0 }) else {
      throw EventLogError(
        .outcomeUnknown, "the storage did not confirm in time: the events may be stored, or not")
    }
    return try outcome.get()
  }

  /// What `topics.append` checks too, but for the topic's schema: whoever sends checks that.
  private func check(_ entry: AppendEntry, _ topic: String) throws(EventLogError) {
    // An event of the internal topic has another one's payload in it.
    let bytesMax =
      topic == InternalEvent.topic ? access.eventBytesMax * 2 + 65_536 : access.eventBytesMax
    guard entry.value.count <= bytesMax else {
      throw EventLogError(.tooLarge, "the payload is larger than \(bytesMax) bytes (limits.eventBytes)")
    }
    guard JSONScanner.isValid(Array(entry.value)) else {
      throw EventLogError(.failed, "the payload is no JSON")
    }
    guard String(validating: entry.key, as: UTF8.self) != nil, !entry.key.contains(0) else {
      throw EventLogError(.failed, "a key must be UTF-8 without NUL")
    }
    if access.topic(named: topic)?.requiresKey == true, entry.key.isEmpty {
      throw EventLogError(.failed, "the topic '\(topic)' requires a key, and this one is empty")
    }
    if let id = entry.id {
      guard (1...Self.idBytesMax).contains(id.utf8.count), !id.utf8.contains(0) else {
        throw EventLogError(.failed, "an id must have 1 to \(Self.idBytesMax) bytes, without NUL")
      }
    }
  }
}
