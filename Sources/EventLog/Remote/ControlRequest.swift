// What may be asked of a running server's event log, as JSON: the body of `POST /control` at the write proxy's
// address. `{"op":"read","topic":"orders","position":"0:42","limit":500,"waitMilliseconds":0}` and so on, one object a
// request. Bytes that are no UTF-8 stand as hexadecimal digits under a name that ends in `Hex`.

/// One question to an event log, or one change of it.
package enum ControlRequest: Equatable, Sendable {
  /// Whose log it is, and how it is kept.
  case info
  case position(topic: String, ReadStart)
  case read(topic: String, ReadPosition, limit: Int, waitMilliseconds: Int)
  case topicStatus(String)
  case groupStatus(String)
  case groups
  case records(RecordTable, prefix: String, after: String?, limit: Int)
  case put(RecordTable, [StoredRecord])
  case remove(RecordTable, keys: [String])
  case append(AppendRequest)

  /// Where it is sent to.
  package static let path = "/control"
  /// Of a request's body.
  package static let bytesMax = 16 << 20
  /// Entries, records or keys of one request.
  package static let itemCountMax = 10_000
  /// Events or records of one answer; its events are also bounded by `answerBytesMax`.
  package static let answerCountMax = 1_000
  /// At which an answer with events is full.
  package static let answerBytesMax = 4 << 20
  /// Longer waits are cut: whoever waits asks again.
  package static let waitMillisecondsMax = 1_000

  // MARK: Writing

  package var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("op", operation)
    switch self {
    case .info, .groups: break
    case .position(let topic, let start):
      writer.member("topic", topic)
      writer.member("start", start.controlText)
    case .read(let topic, let position, let limit, let wait):
      writer.member("topic", topic)
      writer.member("position", position.description)
      writer.member("limit", Int64(limit))
      writer.member("waitMilliseconds", Int64(wait))
    case .topicStatus(let topic): writer.member("topic", topic)
    case .groupStatus(let group): writer.member("group", group)
    case .records(let table, let prefix, let after, let limit):
      writer.member("table", table.rawValue)
      writer.member("prefix", prefix)
      if let after { writer.member("after", after) }
      writer.member("limit", Int64(limit))
    case .put(let table, let records):
      writer.member("table", table.rawValue)
      writer.key("records")
      writer.list(records) { $0.write(to: &$1) }
    case .remove(let table, let keys):
      writer.member("table", table.rawValue)
      writer.key("keys")
      writer.list(keys) { $1.string($0) }
    case .append(let request):
      writer.member("topic", request.topic)
      writer.key("entries")
      writer.list(Array(request.entries)) { $0.write(to: &$1) }
      if let trace = request.trace { writer.member("trace", trace.text) }
      writer.member("timeoutMilliseconds", Int64(request.timeoutMilliseconds))
    }
    writer.endObject()
    return writer.bytes
  }

  private var operation: String {
    switch self {
    case .info: "info"
    case .position: "position"
    case .read: "read"
    case .topicStatus: "topic"
    case .groupStatus: "group"
    case .groups: "groups"
    case .records: "records"
    case .put: "put"
    case .remove: "remove"
    case .append: "append"
    }
  }

  // MARK: Reading

  /// Reads what `json` wrote, from whoever sent it.
  /// - Throws: `failed`, with a sentence for the sender.
  package init(json bytes: [UInt8]) throws(EventLogError) {
    guard let object = JSONObject(bytes), let operation = object.string("op") else {
      throw EventLogError(.failed, "send {\"op\": …} as JSON")
    }
    guard let request = Self.read(operation, object) else {
      throw EventLogError(.failed, "'\(operation)' is no request of the control API, or lacks a part")
    }
    self = request
  }

  private static func read(_ operation: String, _ object: JSONObject) -> ControlRequest? {
    switch operation {
    case "info": return .info
    case "groups": return .groups
    case "group": return object.string("group").map { .groupStatus($0) }
    case "records", "put", "remove": return readRecords(operation, object)
    default: break
    }
    guard let topic = object.string("topic") else { return nil }
    switch operation {
    case "topic": return .topicStatus(topic)
    case "position":
      return object.string("start").flatMap { ReadStart(controlText: $0) }.map {
        .position(topic: topic, $0)
      }
    case "read":
      guard let position = object.string("position").flatMap({ ReadPosition($0) }),
        let limit = object.count("limit"), let wait = object.count("waitMilliseconds")
      else { return nil }
      return .read(
        topic: topic, position, limit: min(limit, answerCountMax),
        waitMilliseconds: min(wait, waitMillisecondsMax))
    case "append":
      guard let items = object.list("entries", AppendEntry.init(control:)), !items.isEmpty,
        items.count <= itemCountMax, let timeout = object.count("timeoutMilliseconds")
      else { return nil }
      return .append(
        AppendRequest(
          topic: topic, entries: items, trace: object.string("trace").flatMap { TraceParent($0) },
          timeoutMilliseconds: max(1, min(timeout, 30_000))))
    default: return nil
    }
  }

  private static func readRecords(_ operation: String, _ object: JSONObject) -> ControlRequest? {
    guard let table = object.string("table").flatMap({ RecordTable(rawValue: $0) }) else { return nil }
    switch operation {
    case "records":
      guard let prefix = object.string("prefix"), let limit = object.count("limit") else { return nil }
      return .records(
        table, prefix: prefix, after: object.string("after"), limit: min(limit, answerCountMax))
    case "put":
      guard let records = object.list("records", StoredRecord.init(control:)),
        records.count <= itemCountMax
      else { return nil }
      return .put(table, records)
    default:
      guard let keys = object.list("keys", { JSONObject.text($0) }), keys.count <= itemCountMax else {
        return nil
      }
      return .remove(table, keys: keys)
    }
  }
}

extension ReadStart {
  /// `beginning`, `end`, `offset:42` or `time:1760000000000`.
  fileprivate var controlText: String {
    switch self {
    case .beginning: "beginning"
    case .end: "end"
    case .offset(let offset): "offset:\(offset)"
    case .time(let time): "time:\(time)"
    }
  }

  fileprivate init?(controlText text: String) {
    switch text {
    case "beginning": self = .beginning
    case "end": self = .end
    default:
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let number = Int64(parts[1]) else { return nil }
      switch parts[0] {
      case "offset" where number >= 0: self = .offset(number)
      case "time": self = .time(number)
      default: return nil
      }
    }
  }
}
