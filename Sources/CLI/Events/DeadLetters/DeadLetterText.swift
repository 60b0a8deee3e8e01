// Dead letters as people and programs see them.

import SpacerCompiler
import SpacerEventLog

extension DeadLetterItem {
  /// One JSON object on one line: the record with its id, and whether it is being retried.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("id", id)
    if isBeingRetried { writer.member("isBeingRetried", true) }
    writer.endObject()
    // The record is an object too: its members follow.
    return EventLine.oneLine(writer.bytes.dropLast() + [UInt8(ascii: ",")] + letter.json.dropFirst())
  }

  /// The cells of a row of `dead list`.
  var cells: [String] {
    [
      EventTime.text(letter.lastFailureMilliseconds), letter.reason.rawValue, String(letter.attempts),
      letter.event.key.isEmpty ? "-" : EventLine.shown(letter.event.key),
      DisplayText.sanitized(id) + (isBeingRetried ? " (being retried)" : ""),
      DisplayText.sanitized(letter.message),
    ]
  }

  static let header = ["LAST FAILURE", "REASON", "ATTEMPTS", "KEY", "ID", "MESSAGE"]

  /// All that is known of it.
  var text: String {
    let event = letter.event
    var rows = [
      ["id", DisplayText.sanitized(id)],
      ["group", DisplayText.sanitized(letter.group)],
      ["topic", DisplayText.sanitized(letter.topic)],
      ["function", DisplayText.sanitized(letter.function)],
      ["reason", "\(letter.reason.rawValue): \(explanation)"],
      ["attempts", String(letter.attempts)],
      ["first failure", EventTime.text(letter.firstFailureMilliseconds)],
      ["last failure", EventTime.text(letter.lastFailureMilliseconds)],
      ["event", DisplayText.sanitized(event.id)],
      ["partition", String(event.partition)],
      ["offset", String(event.offset)],
      ["key", EventLine.shown(event.key)],
      ["appended", EventTime.text(event.timestampMilliseconds)],
    ]
    if let trace = event.trace { rows.append(["trace", DisplayText.sanitized(trace)]) }
    if isBeingRetried { rows.append(["state", "a retry is on its way, or was cut off: retry it again"]) }
    let message = letter.message.split(separator: "\n").map {
      "  " + DisplayText.sanitized(String($0)) + "\n"
    }
    return Table(rows: rows).text + "\nmessage\n" + message.joined() + "\npayload\n  "
      + EventLine.shown(event.value) + "\n"
  }

  private var explanation: String {
    switch letter.reason {
    case .final: "the function said that trying again will not help"
    case .attempts: "its attempts were used up"
    case .age: "it was older than the trigger takes"
    case .unknown: "there was no such trigger any more"
    }
  }
}
