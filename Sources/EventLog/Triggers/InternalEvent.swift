// Events of the runtime's own topic: `{"retry":{…}}` with a dead letter, `{"schedule":{…}}` with a time that has come.

/// What one function is to do, whichever member of the group takes it.
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

    /// The function of its trigger.
    package var functionName: String {
      switch target {
      case .function(let name): name
      case .append: Trigger.appendFunction
      }
    }
  }

  /// To be run again by its one function, as the event it was; attempts count anew, and its age does not count.
  case retry(DeadLetter)
  /// To be done once.
  case schedule(Schedule)

  /// To append to the topic: with the event's key, so that retries of one key stay in order, or the schedule's name.
  package var entry: AppendEntry {
    switch self {
    case .retry(let letter): AppendEntry(key: letter.event.key, value: json)
    case .schedule(let schedule): AppendEntry(key: Array(schedule.name.utf8), value: json, id: schedule.id)
    }
  }

  /// As an entry's value.
  package var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    switch self {
    case .retry(let letter):
      writer.key("retry")
      writer.raw(letter.json)
    case .schedule(let schedule):
      writer.key("schedule")
      writer.beginObject()
      writer.member("name", schedule.name)
      switch schedule.target {
      case .function(let function): writer.member("function", function)
      case .append(let topic, let key):
        writer.member("topic", topic)
        writer.member("key", key)
      }
      writer.member("due", schedule.dueMilliseconds)
      writer.key("payload")
      writer.raw(JSONScanner.isValid(schedule.payload) ? schedule.payload : Array("null".utf8))
      writer.endObject()
    }
    writer.endObject()
    return writer.bytes
  }

  /// Reads an entry's value.
  /// - Throws: `failed`.
  package init(json bytes: [UInt8]) throws(EventLogError) {
    guard let object = JSONObject(bytes), object.memberCount == 1 else { throw Self.failure }
    if let retry = object.raw("retry") {
      self = .retry(try DeadLetter(json: retry))
      return
    }
    guard let schedule = object.object("schedule"), let name = schedule.string("name"),
      let due = schedule.integer("due"), let payload = schedule.raw("payload")
    else { throw Self.failure }
    let target: Schedule.Target
    if let function = schedule.string("function") {
      target = .function(function)
    } else if let topic = schedule.string("topic"), let key = schedule.string("key") {
      target = .append(topic: topic, key: key)
    } else {
      throw Self.failure
    }
    self = .schedule(Schedule(name: name, target: target, payload: payload, dueMilliseconds: due))
  }

  private static var failure: EventLogError {
    EventLogError(.failed, "an event of \(topic) is neither a retry nor a schedule")
  }
}
