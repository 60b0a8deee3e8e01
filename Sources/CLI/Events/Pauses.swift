// Which triggers of a group are paused: records in `controls` that running servers look at every second.

import SpacerCompiler
import SpacerEventLog
import SpacerRuntime

/// The pauses of the session's group.
struct Pauses {
  private static let pageCount = 500

  private let session: EventSession
  private var records: [String: StoredRecord] = [:]

  init(_ session: EventSession) throws(CommandFailure) {
    self.session = session
    let prefix = Self.prefix(session)
    var last: String?
    while true {
      let after = last
      let page = try session.perform { () throws(EventLogError) in
        try session.store.records(.controls, prefix: prefix, after: after, limit: Self.pageCount)
      }
      guard let newest = page.last else { return }
      for record in page { records[record.key] = record }
      last = newest.key
    }
  }

  private static func prefix(_ session: EventSession) -> String { "pause/\(session.group)/" }

  private func key(_ topic: String, _ function: String) -> String {
    "\(Self.prefix(session))\(topic)/\(function)"
  }

  /// Who paused a trigger; nil when it is not paused.
  func whoPaused(topic: String, function: String) -> String? {
    guard let record = records[key(topic, function)] else { return nil }
    guard let by = JSONObject(record.value)?.string("by") else { return "by an operator" }
    return by == "onExhausted" ? "at an event that it failed on" : "by an operator"
  }

  /// Notes that a trigger is paused; `now` in milliseconds since 1970.
  func pause(topic: String, function: String, now: Int64) throws(CommandFailure) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("by", "operator")
    writer.member("since", now)
    writer.endObject()
    let record = StoredRecord(key: key(topic, function), value: writer.bytes)
    try session.perform { () throws(EventLogError) in try session.store.put(.controls, [record]) }
  }

  func resume(topic: String, function: String) throws(CommandFailure) {
    let key = key(topic, function)
    try session.perform { () throws(EventLogError) in try session.store.remove(.controls, keys: [key]) }
  }

  /// The application's triggers of a function, all or that of one topic.
  static func triggers(
    _ session: EventSession, function: String, topic: String?
  ) throws(CommandFailure) -> [Trigger] {
    if let topic { try session.requireTopic(topic, allowsInternal: true) }
    let all = session.configuration.allTriggers
    let found = all.filter { $0.function == function && (topic == nil || $0.topic == topic) }
    if !found.isEmpty { return found }
    let ofFunction = all.filter { $0.function == function }.map(\.topic)
    let message: String
    if let topic, !ofFunction.isEmpty {
      message =
        "'\(function)' is no trigger of '\(topic)', but of \(ofFunction.map { "'\($0)'" }.joined(separator: ", "))"
    } else {
      let names = Array(Set(all.map(\.function))).sorted()
      let hint =
        NearestName.find(function, in: names).map { "did you mean '\($0)'?" }
        ?? (names.isEmpty
          ? "the application has no triggers" : "triggers are \(names.joined(separator: ", "))")
      message = "there is no trigger '\(function)'; \(hint)"
    }
    throw CommandFailure(status: ExitStatus.usage, message: message)
  }
}
