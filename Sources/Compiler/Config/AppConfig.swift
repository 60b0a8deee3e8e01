// config/application.yml as values. What the compiler itself uses (names, topics, triggers) is kept with its
// place in the file, since later phases report on it; everything else is flattened to settings for the
// runtime, which resolves `${NAME}` at start.

package import SpacerArtifact

/// A value and where it is written.
package struct Located<Value> {
  package var value: Value
  package var range: SourceRange

  package init(_ value: Value, at range: SourceRange) {
    self.value = value
    self.range = range
  }
}

extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {}

/// The application as its configuration describes it.
package struct AppConfig: Equatable, Sendable {
  /// One function wired to a topic's event.
  package struct TriggerEntry: Equatable, Sendable {
    package var topic: Located<String>
    /// In upper case: `APPEND`.
    package var event: Located<String>
    /// As written; whether it exists is checked against the project's files.
    package var function: Located<String>
    /// What is set besides, without the trigger's place in the keys: `batch`, `filter`.
    package var options: [ArtifactContents.Setting]

    package init(
      topic: Located<String>, event: Located<String>, function: Located<String>,
      options: [ArtifactContents.Setting] = []
    ) {
      self.topic = topic
      self.event = event
      self.function = function
      self.options = options
    }
  }

  /// What is done at certain times: either a function or an append.
  package struct ScheduleEntry: Equatable, Sendable {
    package var name: Located<String>
    /// As written; whether it exists is checked against the project's files.
    package var function: Located<String>?
    package var topic: Located<String>?
    /// Everything else, without the schedule's place in the keys: `cron`, `timeZone`, `payload`.
    package var options: [ArtifactContents.Setting]

    package init(
      name: Located<String>, function: Located<String>? = nil, topic: Located<String>? = nil,
      options: [ArtifactContents.Setting] = []
    ) {
      self.name = name
      self.function = function
      self.topic = topic
      self.options = options
    }
  }

  /// Empty when the file lacks it, which is an error.
  package var appName: Located<String>
  /// In the file's order.
  package var topics: [Located<String>]
  /// In the file's order.
  package var triggers: [TriggerEntry]
  /// In byte order of their names.
  package var schedules: [ScheduleEntry]
  /// Names that functions may read with `os.getenv`, in the file's order.
  package var environmentVariables: [Located<String>]
  /// Modules that are part of the artifact though no constant `require` names them; `*` stands for any text
  /// without `/`, `**` for any text.
  package var include: [Located<String>]
  /// Whether the file names databases, be it wrongly.
  package var hasDatabases = false
  /// Everything else under dotted keys (`limits.wallMilliseconds`, `logStorage.production.brokers.0`), sorted
  /// by key. Options of topics are under `topicOptions.TOPIC`. A value with `${NAME}` is a string even where a
  /// number is expected; sizes are in bytes.
  package var settings: [ArtifactContents.Setting]

  package init(
    appName: Located<String>, topics: [Located<String>] = [], triggers: [TriggerEntry] = [],
    schedules: [ScheduleEntry] = [],
    environmentVariables: [Located<String>] = [], include: [Located<String>] = [],
    settings: [ArtifactContents.Setting] = []
  ) {
    self.appName = appName
    self.topics = topics
    self.triggers = triggers
    self.schedules = schedules
    self.environmentVariables = environmentVariables
    self.include = include
    self.settings = settings
  }
}

extension AppConfig {
  /// The triggers in the order that an artifact gives them: by the bytes of their topics and events, then the
  /// file's.
  var orderedTriggers: [TriggerEntry] {
    triggers.enumerated().sorted { a, b in
      let (first, second) = (a.element, b.element)
      if first.topic.value != second.topic.value {
        return ByteOrder.precedes(first.topic.value, second.topic.value)
      }
      if first.event.value != second.event.value {
        return ByteOrder.precedes(first.event.value, second.event.value)
      }
      return a.offset < b.offset
    }.map(\.element)
  }

  /// `schedules.0.name` and so on.
  /// - Parameter function: The whole name of a function as the file names it; nil when there is none.
  func scheduleSettings(function: (String) -> String?) -> [ArtifactContents.Setting] {
    schedules.enumerated().flatMap { index, schedule in
      var settings = schedule.options
      settings.append(.init(key: "name", value: .string(schedule.name.value)))
      if let name = schedule.function.flatMap({ function($0.value) }) {
        settings.append(.init(key: "function", value: .string(name)))
      }
      if let topic = schedule.topic { settings.append(.init(key: "topic", value: .string(topic.value))) }
      return settings.below("schedules.\(index)")
    }
  }
}
