// How far a replay has come, as it is kept beside the log: what is needed to go on after a stop or a crash.

package import SpacerEventLog

/// What became of the events of a replay. An event counts once for each function it is for.
package struct ReplayCounts: Equatable, Sendable {
  /// Events, each once.
  package var read: Int64 = 0
  package var handled: Int64 = 0
  /// The function's filter does not want it.
  package var filtered: Int64 = 0
  package var deadLetters: Int64 = 0
  /// Given up, as its trigger wants it (`onExhausted: drop`).
  package var dropped: Int64 = 0

  package init() {}
}

/// The progress of one replay. Its key in `RecordTable.controls` is `replay/GROUP`.
package struct ReplayRecord: Equatable, Sendable {
  package var topic: String
  package var functions: [String]
  /// As it was asked for.
  package var from: String
  /// All events before it are done.
  package var position: ReadPosition
  /// Where the last run of the replay was to end.
  package var end: ReadPosition
  package var counts = ReplayCounts()
  /// In milliseconds since 1970.
  package var startedMilliseconds: Int64
  package var updatedMilliseconds: Int64
  package var isComplete = false
  /// Who runs it, or ran it last: a host and a process number.
  package var host = ""
  package var process: Int64 = 0

  package init(
    topic: String, functions: [String], from: String, position: ReadPosition, end: ReadPosition,
    startedMilliseconds: Int64
  ) {
    self.topic = topic
    self.functions = functions
    self.from = from
    self.position = position
    self.end = end
    self.startedMilliseconds = startedMilliseconds
    updatedMilliseconds = startedMilliseconds
  }

  package static func key(group: String) -> String { "replay/\(group)" }

  package func storedRecord(group: String) -> StoredRecord {
    StoredRecord(key: Self.key(group: group), value: json)
  }

  /// As JSON.
  package var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("topic", topic)
    writer.member("functions", functions.joined(separator: ","))
    writer.member("from", from)
    writer.member("position", position.description)
    writer.member("end", end.description)
    writer.member("read", counts.read)
    writer.member("handled", counts.handled)
    writer.member("filtered", counts.filtered)
    writer.member("deadLetters", counts.deadLetters)
    writer.member("dropped", counts.dropped)
    writer.member("started", startedMilliseconds)
    writer.member("updated", updatedMilliseconds)
    writer.member("isComplete", isComplete ? 1 : 0)
    writer.member("host", host)
    writer.member("process", process)
    writer.endObject()
    return writer.bytes
  }

  /// Reads what `json` wrote; nil for anything else.
  package init?(json bytes: [UInt8]) {
    guard let object = JSONObject(bytes), let topic = object.string("topic"),
      let functions = object.string("functions"), let from = object.string("from"),
      let position = object.string("position").flatMap({ ReadPosition($0) }),
      let end = object.string("end").flatMap({ ReadPosition($0) }), let started = object.integer("started")
    else { return nil }
    self.init(
      topic: topic, functions: functions.split(separator: ",").map(String.init), from: from,
      position: position, end: end, startedMilliseconds: started)
    counts.read = object.integer("read") ?? 0
    counts.handled = object.integer("handled") ?? 0
    counts.filtered = object.integer("filtered") ?? 0
    counts.deadLetters = object.integer("deadLetters") ?? 0
    counts.dropped = object.integer("dropped") ?? 0
    updatedMilliseconds = object.integer("updated") ?? started
    isComplete = object.integer("isComplete") == 1
    host = object.string("host") ?? ""
    process = object.integer("process") ?? 0
  }

  /// The group of a replay when none is given: it names the functions, so that the same call goes on where it
  /// stopped, and another one is another replay.
  package static func defaultGroup(topic: String, functions: [String]) -> String {
    let names = functions.map { String($0.map { $0 == "/" ? "." : $0 }) }.joined(separator: "+")
    guard names.utf8.count > 100 else { return "replay-\(topic)-\(names)" }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in names.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return "replay-\(topic)-\(names.prefix(60))-\(String(hash, radix: 16))"
  }
}
