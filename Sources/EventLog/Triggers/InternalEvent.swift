/// An event of the runtime's own topic, as JSON: what one function is to do, whichever member of the group takes it.
package enum InternalEvent: Equatable, Sendable {
  /// Its topic. Topics of applications do not begin with `spacer_`.
  package static let topic = "spacer_internal"

  /// A time of a schedule that has come.
  package struct Schedule: Equatable, Sendable {
    /// What is to be done.
    package enum Target: Equatable, Sendable {
      case function(String)
      case append(topic: String, key: String)
    }

    package var name: String
    package var target: Target
    /// JSON.
    package var payload: [UInt8]
    /// When it was due, in milliseconds since 1970.
    package var dueMilliseconds: Int64

    package init(name: String, target: Target, payload: [UInt8], dueMilliseconds: Int64) {
      self.name = name
      self.target = target
      self.payload = payload
      self.dueMilliseconds = dueMilliseconds
    }

    /// The id to append it with: the same on all members, so that it is there once.
    package var id: String { "schedule:\(name):\(dueMilliseconds)" }
  }

  /// To be run again by its one function, as the event it was; attempts count anew, and its age does not count.
  case retry(DeadLetter)
  case schedule(Schedule)

  /// To append to the topic.
  package var entry: AppendEntry { AppendEntry(key: [], value: [], id: nil) }

  /// Reads an entry's value.
  /// - Throws: `failed`.
  package init(json bytes: [UInt8]) throws(EventLogError) {
    throw EventLogError(.failed, "no internal event")
  }
}
