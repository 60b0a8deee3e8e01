// What an artifact says about events: topics, triggers, schedules, delivery. Resolved once at start and again with
// each reload.

import SpacerArtifact
package import SpacerEventLog

/// One topic of the application's.
package struct TopicConfiguration: Equatable, Sendable {
  package var definition: TopicDefinition
  /// An empty key is refused.
  package var requiresKey: Bool
  /// A description as `validate` takes it, JSON; nil when any payload will do.
  package var schema: String?
}

/// A function that runs, or an event that is appended, at set times.
package struct ScheduleConfiguration: Equatable, Sendable {
  package var name: String
  package var schedule: Schedule
  package var target: InternalEvent.Schedule.Target
  /// JSON.
  package var payload: [UInt8]
  /// The newest run that was missed while nothing served is made up for.
  package var runsMissed: Bool
}

/// Everything about events.
package struct EventConfiguration: Equatable, Sendable {
  package var appName: String
  package var storage: StorageConfiguration
  package var group: String
  /// In byte order of their names.
  package var topics: [TopicConfiguration]
  /// As the artifact numbers them.
  package var triggers: [Trigger]
  package var schedules: [ScheduleConfiguration] = []
  var backoffMilliseconds: Int
  var backoffMaxMilliseconds: Int
  /// What `delivery` says for triggers that say nothing.
  var maxAttempts: Int
  var timeoutMilliseconds: Int
  /// The longest payload, in bytes.
  package var eventBytesMax: Int
  /// The PostgreSQL databases that functions reach, by name: one of them may be the event log's own.
  var databases: [String: String] = [:]

  package var definitions: [TopicDefinition] {
    topics.map(\.definition) + [TopicDefinition(name: InternalEvent.topic)]
  }

  package func topic(named name: String) -> TopicConfiguration? {
    topics.first { $0.definition.name == name }
  }

  private static let year = 31_536_000_000

  /// Nil when the artifact has neither topics nor schedules: no storage is connected then.
  /// - Parameter storage: In place of the environment's own; no database is looked up then either.
  package init?(
    _ artifact: LoadedArtifact, environment: String, group: String? = nil, wallMilliseconds: Int,
    storage given: StorageConfiguration? = nil
  ) throws(SettingsError) {
    let settings = Settings(artifact)
    let image = artifact.image
    guard !image.topics.isEmpty || !image.settings(prefix: "schedules.").isEmpty else { return nil }
    appName = image.appName
    if let given {
      storage = given
    } else {
      storage = try .read(artifact, settings, environment: environment)
    }
    let pattern = try settings.text("consumerGroup") ?? "spacer-$appName"
    self.group = group ?? pattern.replacingAppName(with: appName)
    backoffMilliseconds = try settings.integer(
      "delivery.backoffMilliseconds", default: 1_000, in: 1...Self.year)
    backoffMaxMilliseconds = try settings.integer(
      "delivery.backoffMaxMilliseconds", default: max(60_000, backoffMilliseconds), in: 1...Self.year)
    eventBytesMax = try settings.integer("limits.eventBytes", default: 1_000_000, in: 1_024...(1 << 30))
    topics = []
    for name in image.topics {
      let prefix = "topicOptions.\(name)."
      var definition = TopicDefinition(name: name)
      definition.partitionCount = Int32(
        try settings.integer(prefix + "partitions", default: Int(definition.partitionCount), in: 1...1_024))
      if image.setting(prefix + "retentionMilliseconds") != nil {
        definition.retentionMilliseconds = Int64(
          try settings.integer(prefix + "retentionMilliseconds", default: 0, in: 1...(100 * Self.year)))
      }
      topics.append(
        TopicConfiguration(
          definition: definition, requiresKey: try settings.text(prefix + "key") == "required",
          schema: try settings.text(prefix + "schema")))
    }
    let delivery = Delivery(
      concurrency: try settings.integer("delivery.concurrency", default: 64, in: 1...100_000),
      maxAttempts: try settings.integer("delivery.maxAttempts", default: 10, in: 1...1_000_000),
      timeoutMilliseconds: try settings.integer(
        "delivery.timeoutMilliseconds", default: wallMilliseconds, in: 1...86_400_000))
    if given == nil {
      for database in try DatabaseConfiguration.all(artifact, settings, environment: environment)
      where database.driver == .postgres {
        databases[database.name] = database.location
      }
    }
    maxAttempts = delivery.maxAttempts
    timeoutMilliseconds = delivery.timeoutMilliseconds
    triggers = []
    for (index, trigger) in image.triggers.enumerated() {
      triggers.append(try Self.trigger(artifact, settings, trigger, "triggers.\(index).", delivery))
    }
    while let schedule = try Self.schedule(settings, "schedules.\(schedules.count).") {
      schedules.append(schedule)
    }
  }

  /// The topics that the group reads.
  var consumedTopics: [String] { Set(triggers.map(\.topic)).sorted() + [InternalEvent.topic] }

  /// The triggers of the configuration, then those of the internal topic: what schedules call.
  package var allTriggers: [Trigger] {
    var functions: Set<String> = []
    for schedule in schedules {
      switch schedule.target {
      case .function(let name): functions.insert(name)
      case .append: functions.insert(Trigger.appendFunction)
      }
    }
    return triggers
      + functions.sorted().map { function in
        Trigger(
          topic: InternalEvent.topic, function: function, attemptsMax: maxAttempts,
          timeoutMilliseconds: timeoutMilliseconds)
      }
  }

  /// Names what a value that cannot be read belongs to.
  private static func reading<Value>(
    _ key: String, _ read: () throws(EventLogError) -> Value
  ) throws(SettingsError) -> Value {
    do throws(EventLogError) {
      return try read()
    } catch {
      throw SettingsError(message: "\(key): \(error.message)")
    }
  }

  private static func schedule(
    _ settings: Settings, _ prefix: String
  ) throws(SettingsError) -> ScheduleConfiguration? {
    guard let name = try settings.text(prefix + "name") else { return nil }
    let schedule: Schedule
    if let text = try settings.text(prefix + "cron") {
      let zone = try settings.text(prefix + "timeZone") ?? "UTC"
      schedule = try reading("schedules.\(name)") { () throws(EventLogError) in
        .cron(try CronSchedule(text), try ZoneRules.named(zone))
      }
    } else {
      schedule = .every(
        milliseconds: Int64(
          try settings.integer(prefix + "everyMilliseconds", default: 0, in: 1_000...year)))
    }
    let target: InternalEvent.Schedule.Target
    if let function = try settings.text(prefix + "function") {
      target = .function(function)
    } else if let topic = try settings.text(prefix + "topic") {
      target = .append(topic: topic, key: try settings.text(prefix + "key") ?? "")
    } else {
      throw SettingsError(message: "schedules.\(name) has neither a function nor a topic")
    }
    return ScheduleConfiguration(
      name: name, schedule: schedule, target: target,
      payload: Array((try settings.text(prefix + "payload") ?? "{}").utf8),
      runsMissed: try settings.text(prefix + "missed") == "once")
  }

  private struct Delivery {
    var concurrency: Int
    var maxAttempts: Int
    var timeoutMilliseconds: Int
  }

  private static func trigger(
    _ artifact: LoadedArtifact, _ settings: Settings, _ trigger: ArtifactContents.Trigger, _ prefix: String,
    _ delivery: Delivery
  ) throws(SettingsError) -> Trigger {
    var result = Trigger(
      topic: artifact.image.topics[trigger.topic],
      function: String(decoding: artifact.image.module(trigger.module).name, as: UTF8.self),
      batchCountMax: try settings.integer(prefix + "batch", default: 1, in: 1...10_000),
      batchWindowMilliseconds: try settings.integer(
        prefix + "batchWindowMilliseconds", default: 0, in: 0...86_400_000),
      concurrency: try settings.integer(
        prefix + "concurrency", default: delivery.concurrency, in: 1...100_000),
      attemptsMax: try settings.integer(
        prefix + "maxAttempts", default: delivery.maxAttempts, in: 1...1_000_000),
      timeoutMilliseconds: try settings.integer(
        prefix + "timeoutMilliseconds", default: delivery.timeoutMilliseconds, in: 1...86_400_000),
      isTransactional: try settings.text(prefix + "transaction") == "true")
    if artifact.image.setting(prefix + "maxAgeMilliseconds") != nil {
      result.ageMillisecondsMax = Int64(
        try settings.integer(prefix + "maxAgeMilliseconds", default: 0, in: 1...(100 * year)))
    }
    if let text = try settings.text(prefix + "onExhausted") {
      guard let choice = ExhaustedPolicy(rawValue: text) else {
        throw SettingsError(message: "\(prefix)onExhausted must be deadLetter, pause or drop, not '\(text)'")
      }
      result.onExhausted = choice
    }
    if let text = try settings.text(prefix + "filter") {
      result.filter = try Self.reading(prefix + "filter") { () throws(EventLogError) in try EventFilter(text)
      }
    }
    return result
  }
}

extension String {
  /// The text with each `$appName` replaced.
  fileprivate func replacingAppName(with name: String) -> String {
    split(separator: "$", omittingEmptySubsequences: false).enumerated().map { index, part in
      guard index > 0 else { return String(part) }
      return part.hasPrefix("appName") ? name + part.dropFirst("appName".count) : "$" + part
    }.joined()
  }
}
