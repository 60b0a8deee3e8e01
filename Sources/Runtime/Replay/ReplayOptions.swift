package import SpacerEventLog

/// What is replayed, and how.
package struct ReplayOptions: Sendable {
  package var topic: String
  package var from = ReadStart.beginning
  /// As it was written; nil when it was not.
  package var fromText: String?
  /// The last event with `offset`, inclusive; the first that is left out with `time`.
  package var to = ReadStart.end
  /// Nil: made from topic and functions.
  package var group: String?
  /// Empty: all that are triggers of the topic.
  package var functions: [String] = []
  /// Events per second; nil for as many as there can be.
  package var rate: Int?
  /// What an earlier run of the group has done is done again.
  package var restarts = false
  package var environment: String?
  package var log = HandlerLog.none
  /// Of the write proxy of a running server to go through; nil: the storage itself, unless that is in a server's
  /// memory.
  package var address: RemoteAddress?
  package var token: String?

  package init(topic: String) { self.topic = topic }
}

/// Why a replay does not begin, or ended early; a sentence.
package struct ReplayFailure: Error, Equatable {
  /// What can be done about it.
  package enum Kind: Sendable {
    /// The command line asks for what there is not.
    case usage
    /// Something that is needed is not there, such as the storage.
    case missing
  }

  package var kind: Kind
  package var message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}
