// What topics, triggers, schedules and storages ask of each other, and the values that the compiler makes of the
// first three.

internal import SpacerArtifact

/// The rules about events; they look at a document that the validator has walked.
struct EventRules {
  private(set) var diagnostics: [Diagnostic] = []
  private let path: String
  private let options: CompiledSettings
  /// As written, those with bad names too: these have errors of their own.
  private let declaredTopics: [TopicItem]

  init(path: String, root: ConfigNode, options: CompiledSettings) {
    self.path = path
    self.options = options
    declaredTopics = TopicItem.all(in: root["topics"])
  }

  private mutating func report(
    _ id: DiagnosticID, _ message: String, at range: SourceRange, hint: String? = nil,
    fix: Diagnostic.Fix? = nil, notes: [Diagnostic.Note] = []
  ) {
    let location = SourceLocation(path: path, range: range)
    diagnostics.append(Diagnostic(id, .error, message, at: location, notes: notes, hint: hint, fix: fix))
  }

  private func note(_ message: String, at range: SourceRange) -> Diagnostic.Note {
    Diagnostic.Note(message, at: SourceLocation(path: path, range: range))
  }

  // MARK: Topics

  /// The topics, each once, and their options as settings.
  mutating func topics() -> (names: [Located<String>], settings: [ArtifactContents.Setting]) {
    var names: [Located<String>] = []
    var settings: [ArtifactContents.Setting] = []
    var byFold: [String: Located<String>] = [:]
    for topic in declaredTopics where NameRule.topic.complaint(topic.name.value) == nil {
      let name = topic.name
      guard let other = byFold[name.value.lowercased()] else {
        byFold[name.value.lowercased()] = name
        names.append(name)
        // A key need not be there unless it is said.
        settings += options["topics.\(name.value)"].filter { $0.value != .string("optional") }
          .below("topicOptions.\(name.value)")
        continue
      }
      let notes = [note("the first", at: other.range)]
      if other.value == name.value {
        report(.topicName, "the topic '\(name.value)' is listed twice", at: name.range, notes: notes)
      } else {
        report(
          .topicName, "the topics '\(other.value)' and '\(name.value)' would share one table",
          at: name.range, hint: "letter case does not tell topics apart: rename one", notes: notes)
      }
    }
    return (names, settings)
  }

  private mutating func requireDeclared(_ topic: Located<String>, by user: String) -> Bool {
    let declared = declaredTopics.map(\.name.value)
    if declared.contains(topic.value) { return true }
    let nearest = NearestName.find(topic.value, in: declared)
    report(
      .undeclaredTopic, "\(user) names the topic '\(topic.value)', which 'topics' does not list",
      at: topic.range, hint: nearest.map { "did you mean '\($0)'?" } ?? "add '\(topic.value)' to 'topics'",
      fix: nearest.map { Diagnostic.Fix(range: topic.range, replacement: $0) })
    return false
  }

  // MARK: Triggers

  mutating func triggers(_ root: ConfigNode) -> [AppConfig.TriggerEntry] {
    guard case .mapping(let entries)? = root["events"]?.content else { return [] }
    var triggers: [AppConfig.TriggerEntry] = []
    for entry in entries where requireDeclared(entry.key, by: "'events'") {
      guard case .mapping(let events) = entry.value.content else { continue }
      for event in events {
        let name = event.key.value.uppercased()
        guard NameRule.event.complaint(name) == nil, case .list(let items) = event.value.content else {
          continue
        }
        var seen: [String: SourceRange] = [:]
        for (index, item) in items.enumerated() {
          guard let function = function(of: item) else { continue }
          if let first = seen.updateValue(function.range, forKey: function.value) {
            report(
              .duplicateTrigger, "the trigger '\(function.value)' is listed twice for '\(entry.key.value)'",
              at: function.range, hint: "an event runs each function once: keep one of the two",
              notes: [note("the first", at: first)])
            continue
          }
          checkOptions(of: item, root)
          triggers.append(
            AppConfig.TriggerEntry(
              topic: entry.key, event: Located(name, at: event.key.range), function: function,
              options: options["events.\(entry.key.value).\(name).\(index)"]))
        }
      }
    }
    return triggers
  }

  /// The function of a list's item, when it is a valid name.
  private func function(of item: ConfigNode) -> Located<String>? {
    guard let node = item.text == nil ? item["function"] : item, let name = node.text, !node.isNull,
      NameRule.function.complaint(name) == nil
    else { return nil }
    return Located(name, at: node.range)
  }

  private mutating func checkOptions(of item: ConfigNode, _ root: ConfigNode) {
    if let window = item["batchWindow"], item["batch"] == nil {
      report(
        .configValue, "'batchWindow' says nothing without 'batch'", at: window.range,
        hint: "add 'batch: 100', or remove it")
    }
    if let transaction = item["transaction"], transaction.boolean == true {
      checkTransaction(transaction, root)
    }
  }

  private mutating func checkTransaction(_ node: ConfigNode, _ root: ConfigNode) {
    var drivers: [String] = []
    if case .mapping(let environments)? = root["logStorage"]?.content {
      drivers = environments.compactMap { $0.value["driver"]?.text }
    }
    // A driver that the environment names may be any.
    guard !drivers.contains(where: { $0 == "postgres" || EnvironmentReference.occurs(in: $0) }) else {
      return
    }
    report(
      .transactionStorage, "no storage of 'logStorage' can make the trigger's work a transaction",
      at: node.range,
      hint:
        "'transaction: true' needs 'driver: postgres' in an environment; without it events are handled at "
        + "least once")
  }

  // MARK: Schedules

  mutating func schedules(_ root: ConfigNode) -> [AppConfig.ScheduleEntry] {
    guard case .mapping(let entries)? = root["schedules"]?.content else { return [] }
    var schedules: [AppConfig.ScheduleEntry] = []
    for entry in entries {
      guard NameRule.schedule.complaint(entry.key.value) == nil, case .mapping = entry.value.content else {
        continue
      }
      checkTimes(entry)
      if let schedule = schedule(entry) { schedules.append(schedule) }
    }
    return schedules.sorted { ByteOrder.precedes($0.name.value, $1.name.value) }
  }

  private mutating func checkTimes(_ entry: ConfigNode.Entry) {
    let name = entry.key.value
    let node = entry.value
    switch (node["cron"], node["every"]) {
    case (nil, nil):
      report(
        .malformedSchedule, "the schedule '\(name)' says not when it is due", at: entry.key.range,
        hint: "add 'cron: \"0 3 * * *\"' or 'every: 30s'")
    case (let cron?, let every?):
      let isCronFirst = cron.range.start < every.range.start
      report(
        .malformedSchedule, "the schedule '\(name)' has both 'cron' and 'every'",
        at: isCronFirst ? every.range : cron.range, hint: "keep one of the two",
        notes: [note("the other", at: isCronFirst ? cron.range : every.range)])
    default:
      let isInterval = options["schedules.\(name)"].contains { $0.key == "everyMilliseconds" }
      if isInterval, let zone = node["timeZone"] {
        report(
          .malformedSchedule, "'timeZone' says nothing about a schedule that comes at intervals",
          at: zone.range, hint: "remove it, or use 'cron'")
      }
    }
  }

  /// The schedule when it is known what it does.
  private mutating func schedule(_ entry: ConfigNode.Entry) -> AppConfig.ScheduleEntry? {
    let name = entry.key
    let node = entry.value
    var options = options["schedules.\(name.value)"]
    if !options.contains(where: { $0.key == "payload" }) {
      options.append(.init(key: "payload", value: .string("{}")))
    }
    switch (node["function"], node["topic"]) {
    case (nil, nil):
      report(
        .malformedSchedule, "the schedule '\(name.value)' does not say what to do", at: name.range,
        hint: "add 'function: NAME', or 'topic: NAME' to append an event")
    case (let function?, let topic?):
      report(
        .malformedSchedule, "the schedule '\(name.value)' has both 'function' and 'topic'", at: topic.range,
        hint: "write two schedules", notes: [note("the function", at: function.range)])
    case (let node?, nil):
      if let key = entry.value["key"] {
        report(
          .malformedSchedule, "'key' says nothing about a schedule that runs a function", at: key.range,
          hint: "it goes with 'topic'; what the function gets is 'payload'")
        return nil
      }
      guard let function = function(of: node) else { return nil }
      return AppConfig.ScheduleEntry(name: name, function: function, options: sorted(options))
    case (nil, let node?):
      guard let text = node.text, NameRule.topic.complaint(text) == nil,
        requireDeclared(Located(text, at: node.range), by: "the schedule '\(name.value)'")
      else { return nil }
      if !options.contains(where: { $0.key == "key" }) {
        options.append(.init(key: "key", value: .string(name.value)))
      }
      return AppConfig.ScheduleEntry(
        name: name, topic: Located(text, at: node.range), options: sorted(options))
    }
    return nil
  }

  private func sorted(_ settings: [ArtifactContents.Setting]) -> [ArtifactContents.Setting] {
    settings.sorted { ByteOrder.precedes($0.key, $1.key) }
  }

  // MARK: Delivery

  /// The longest wait is not below the first.
  mutating func delivery(_ root: ConfigNode) {
    guard let delivery = root["delivery"] else { return }
    func milliseconds(_ key: String) -> Int64? {
      delivery[key]?.text.flatMap { Durations.milliseconds($0) }
    }
    guard let first = milliseconds("backoff"), first > milliseconds("backoffMax") ?? 60_000,
      let node = delivery["backoff"]
    else { return }
    report(
      .configValue, "'delivery.backoff' is above 'delivery.backoffMax'", at: node.range,
      hint: delivery["backoffMax"] == nil
        ? "'backoffMax' is 60s: set it too" : "the first wait is the shortest")
  }
}
