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

  /// `GROUP/TOPIC/FUNCTION/EVENTID`, its key in `RecordTable.deadLetters`.
  package var recordKey: String { "\(group)/\(topic)/\(function)/\(event.id)" }

  /// As it stands in `RecordTable.deadLetters`.
  package var storedRecord: StoredRecord { StoredRecord(key: recordKey, value: json) }

  /// As JSON; the payload is in it as it is, where it is JSON.
  package var json: [UInt8] { [] }

  /// Reads what `json` wrote.
  /// - Throws: `failed`.
  package init(json bytes: [UInt8]) throws(EventLogError) {
    throw EventLogError(.failed, "no dead letter")
  }
}
