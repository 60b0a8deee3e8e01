// Which dead letters a command is about. Pure.

import SpacerEventLog

/// Conditions, all of which must hold.
struct DeadLetterFilter: Equatable {
  var topic: String?
  var function: String?
  var reason: DeadLetter.Reason?
  /// Of the last failure, in milliseconds since 1970.
  var since: Int64?
  /// The same; this moment is not in it.
  var until: Int64?
  var key: [UInt8]?
  /// A part of the payload or of the message.
  var contains: String?

  /// Nothing is asked for.
  var isEmpty: Bool { self == DeadLetterFilter() }

  func matches(_ letter: DeadLetter) -> Bool {
    if let topic, letter.topic != topic { return false }
    if let function, letter.function != function { return false }
    if let reason, letter.reason != reason { return false }
    if let since, letter.lastFailureMilliseconds < since { return false }
    if let until, letter.lastFailureMilliseconds >= until { return false }
    if let key, letter.event.key != key { return false }
    if let contains {
      let part = Array(contains.utf8)
      return Self.holds(letter.event.value, part) || Self.holds(Array(letter.message.utf8), part)
    }
    return true
  }

  private static func holds(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    guard bytes.count >= part.count else { return false }
    for start in 0...(bytes.count - part.count) where bytes[start] == first {
      if bytes[start..<start + part.count].elementsEqual(part) { return true }
    }
    return false
  }
}
