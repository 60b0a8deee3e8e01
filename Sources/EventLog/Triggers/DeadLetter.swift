// What is kept of an event that a function failed on for good, as readable JSON:
//
//   {"group":"spacer-shop","topic":"orders","function":"ship","reason":"attempts","message":"…","attempts":10,
//    "firstFailure":1760000000000,"lastFailure":1760000600000,
//    "event":{"id":"orders:3:42","partition":3,"offset":42,"key":"c1","timestamp":1760000000000,
//             "trace":"00-…","payload":{…}}}
//
// A key that is no UTF-8, or a payload that is no JSON (Kafka takes any bytes), is `keyHex` or `payloadHex`.

/// An event that a function failed on for good.
package struct DeadLetter: Equatable, Sendable {
  /// Why it was given up.
  package enum Reason: String, Sendable {
    /// The handler said that trying again will not help.
    case final
    /// Its attempts are used up.
    case attempts
    /// It is older than the trigger takes.
    case age
    /// There is no such trigger any more, or the event of the internal topic is none.
    case unknown
  }

  package var group: String
  /// The event's topic.
  package var topic: String
  package var function: String
  package var event: EventRecord
  package var reason: Reason
  /// Of the last failure. May come from user code: never logged.
  package var message: String
  /// Over all retries.
  package var attempts: Int
  /// In milliseconds since 1970.
  package var firstFailureMilliseconds: Int64
  package var lastFailureMilliseconds: Int64

  package init(
    group: String, topic: String, function: String, event: EventRecord, reason: Reason, message: String,
    attempts: Int, firstFailureMilliseconds: Int64, lastFailureMilliseconds: Int64
  ) {
    self.group = group
    self.topic = topic
    self.function = function
    self.event = event
    self.reason = reason
    self.message = message
    self.attempts = attempts
    self.firstFailureMilliseconds = firstFailureMilliseconds
    self.lastFailureMilliseconds = lastFailureMilliseconds
  }

  /// `GROUP/TOPIC/FUNCTION/EVENTID`, its key in `RecordTable.deadLetters`. One event has one per function: a retry
  /// that fails again replaces it.
  package var recordKey: String {
    let id = event.id.utf8.contains(0) ? event.id.split(separator: "\0").joined(separator: "%00") : event.id
    return "\(group)/\(topic)/\(function)/\(id)"
  }

  /// As it stands in `RecordTable.deadLetters`.
  package var storedRecord: StoredRecord { StoredRecord(key: recordKey, value: json) }

  /// As JSON; the payload is in it as it is, where it is JSON, but for space around it.
  package var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("group", group)
    writer.member("topic", topic)
    writer.member("function", function)
    writer.member("reason", reason.rawValue)
    writer.member("message", message)
    writer.member("attempts", Int64(attempts))
    writer.member("firstFailure", firstFailureMilliseconds)
    writer.member("lastFailure", lastFailureMilliseconds)
    writer.key("event")
    writer.beginObject()
    writer.member("id", event.id)
    writer.member("partition", Int64(event.partition))
    writer.member("offset", event.offset)
    if let key = String(validating: event.key, as: UTF8.self) {
      writer.member("key", key)
    } else {
      writer.member("keyHex", Hex.text(event.key))
    }
    writer.member("timestamp", event.timestampMilliseconds)
    if let trace = event.trace { writer.member("trace", trace) }
    if JSONScanner.isValid(event.value, depthMax: Self.payloadDepthMax) {
      writer.key("payload")
      writer.raw(event.value)
    } else {
      writer.member("payloadHex", Hex.text(event.value))
    }
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }

  /// Deeper than any payload that a function can append, and with room for what stands around it.
  private static let payloadDepthMax = JSONScanner.depthMax - 8

  /// Reads what `json` wrote.
  /// - Throws: `failed`.
  package init(json bytes: [UInt8]) throws(EventLogError) {
    guard let object = JSONObject(bytes), let group = object.string("group"),
      let topic = object.string("topic"),
      let function = object.string("function"), let reason = object.string("reason").flatMap(Reason.init),
      let message = object.string("message"),
      let attempts = object.integer("attempts").flatMap(Int32.init(exactly:)), attempts >= 0,
      let first = object.integer("firstFailure"), let last = object.integer("lastFailure"),
      let members = object.object("event"), let event = Self.event(members, topic)
    else { throw EventLogError(.failed, "a dead letter's record is damaged") }
    self.init(
      group: group, topic: topic, function: function, event: event, reason: reason, message: message,
      attempts: Int(attempts), firstFailureMilliseconds: first, lastFailureMilliseconds: last)
  }

  private static func event(_ object: JSONObject, _ topic: String) -> EventRecord? {
    guard let id = object.string("id"), let offset = object.integer("offset"),
      let partition = object.integer("partition").flatMap(Int32.init(exactly:)),
      let timestamp = object.integer("timestamp"),
      let key = object.string("key").map({ Array($0.utf8) }) ?? object.string("keyHex").flatMap(Hex.bytes),
      let value = object.raw("payload") ?? object.string("payloadHex").flatMap(Hex.bytes)
    else { return nil }
    var event = EventRecord(
      topic: topic, partition: partition, offset: offset, key: key, value: value,
      timestampMilliseconds: timestamp, trace: object.string("trace"))
    if id != event.id { event.givenID = id }
    return event
  }
}

/// Bytes as hexadecimal digits.
enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func bytes(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.utf8 {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? bytes : nil
  }
}
