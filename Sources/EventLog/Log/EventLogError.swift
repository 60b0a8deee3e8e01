/// Why the event log did not do something; `message` is a sentence for people, without payloads or secrets.
package struct EventLogError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What a caller can do about it.
  package enum Code: String, Sendable {
    /// The storage cannot be reached; it may be later.
    case unavailable
    /// The time was over before it was begun: nothing was appended.
    case timedOut
    /// The connection or the time ended in mid-commit: it may have been appended, or not.
    case outcomeUnknown
    /// More is waiting than may: nothing was appended.
    case overloaded
    /// An event is larger than the storage takes.
    case tooLarge
    /// There is no such topic, and it cannot be created.
    case unknownTopic
    /// Another member of the group owns the partition now.
    case fenced
    /// The storage has no place left.
    case full
    /// The client library is missing or too old, or the storage is not what it was taken for.
    case incompatible
    /// Anything else; trying again will not help.
    case failed
  }

  package var code: Code
  package var message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }

  /// Trying again later may help.
  package var isTemporary: Bool {
    switch code {
    case .unavailable, .timedOut, .outcomeUnknown, .overloaded, .full: true
    case .tooLarge, .unknownTopic, .fenced, .incompatible, .failed: false
    }
  }
}
