// Topics, triggers, and the single values that only they and schedules have.
//
// What is under `topics`, `events` and `schedules` is compiled into the artifact: a reference to the environment,
// which is known at start only, cannot stand there.

internal import SpacerArtifact

extension ConfigValidator {
  // MARK: Topics and triggers

  mutating func topics(_ node: ConfigNode, keyPath: String) {
    switch node.content {
    case .scalar:
      _ = names(node, rule: .topic, keyPath: keyPath)
    case .list(let items):
      for item in items {
        if let topic = TopicItem(item) {
          self.topic(topic, keyPath: keyPath)
        } else if case .mapping(let entries) = item.content {
          report(
            .configType, "an item of '\(keyPath)' is a name, or one name with its options", at: item.range,
            hint: entries.first.map { "indent the options deeper: '\($0.key.value): {…}'" })
        } else {
          reportType(item, keyPath, expected: "a name")
        }
      }
    case .mapping(let entries):
      for entry in entries { topic(TopicItem(name: entry.key, options: entry.value), keyPath: keyPath) }
    }
  }

  private mutating func topic(_ topic: TopicItem, keyPath: String) {
    let name = ConfigNode(content: .scalar(topic.name.value, isPlain: false), range: topic.name.range)
    guard self.name(name, rule: .topic, keyPath: keyPath) != nil, let options = topic.options else { return }
    section(options, schemaPath: "topics.*", keyPath: Self.join(keyPath, topic.name.value))
  }

  mutating func triggers(_ node: ConfigNode, keyPath: String) {
    guard case .list(let items) = node.content else {
      _ = names(node, rule: .function, keyPath: keyPath)
      return
    }
    for (index, item) in items.enumerated() {
      guard case .mapping(let entries) = item.content else {
        _ = name(item, rule: .function, keyPath: keyPath)
        continue
      }
      if let function = functionAsKey(entries) {
        report(
          .configUnknownKey, "a function with options is named by 'function'", at: function.range,
          hint: "write '{function: \(function.value), batch: 100}'")
        continue
      }
      section(item, schemaPath: ConfigEventKeys.triggerPath, keyPath: "\(keyPath).\(index)")
    }
  }

  /// The function in `bill: {batch: 10}`, which is how topics get their options.
  private func functionAsKey(_ entries: [ConfigNode.Entry]) -> Located<String>? {
    guard let first = entries.first, !entries.contains(where: { $0.key.value == "function" }) else {
      return nil
    }
    guard ConfigSchema.key("\(ConfigEventKeys.triggerPath).\(first.key.value)") == nil else { return nil }
    if case .mapping = first.value.content { return first.key }
    return first.value.isNull ? first.key : nil
  }

  // MARK: Values

  mutating func duration(
    _ node: ConfigNode, _ range: ClosedRange<Int64>, orForever: Bool, _ keyPath: String
  ) {
    if orForever, node.text == "forever" { return }
    guard let text = node.text, !node.isNull, let value = Durations.milliseconds(text) else {
      if let text = node.text, EnvironmentReference.occurs(in: text) {
        return report(
          .configValue, "'\(keyPath)' is needed to build, but '${…}' is resolved only at start",
          at: node.range, hint: "write the duration itself")
      }
      let found = node.text.map { "'\($0)'" } ?? node.kindName
      return report(
        .configType, "'\(keyPath)' must be a duration\(orForever ? " or 'forever'" : ""), not \(found)",
        at: node.range,
        hint: node.integer.map { "write the unit: '\($0)s'" }
          ?? "write a number with ms, s, m, h, d or y: '30s'")
    }
    guard range.contains(value) else {
      return report(
        .configValue,
        "'\(keyPath)' must be from \(Durations.text(milliseconds: range.lowerBound)) to "
          + Durations.text(milliseconds: range.upperBound), at: node.range)
    }
    set(keyPath + "Milliseconds", .integer(value))
  }

  mutating func flag(_ node: ConfigNode, _ keyPath: String) {
    guard let value = node.boolean else {
      let found = node.text.map { "'\($0)'" } ?? node.kindName
      return report(.configType, "'\(keyPath)' must be true or false, not \(found)", at: node.range)
    }
    set(keyPath, .boolean(value))
  }

  mutating func json(_ node: ConfigNode, _ keyPath: String) {
    guard !hasReferences(node) else { return }
    guard let text = boundedJSON(node, keyPath) else { return }
    set(keyPath, .string(text))
  }

  /// The value as JSON; reports one that is too long.
  mutating func boundedJSON(_ node: ConfigNode, _ keyPath: String) -> String? {
    let text = node.json(bytesMax: ConfigLimits.jsonBytesMax)
    if text == nil {
      report(
        .configValue, "'\(keyPath)' is longer than \(ConfigLimits.jsonBytesMax >> 10) KiB as JSON",
        at: node.range)
    }
    return text
  }

  /// Reports the first reference to the environment in keys and values.
  mutating func hasReferences(_ node: ConfigNode) -> Bool {
    switch node.content {
    case .scalar(let text, _):
      guard EnvironmentReference.occurs(in: text) else { return false }
      reportReference(at: node.range)
      return true
    case .list(let items):
      for item in items where hasReferences(item) { return true }
      return false
    case .mapping(let entries):
      for entry in entries {
        if EnvironmentReference.occurs(in: entry.key.value) {
          reportReference(at: entry.key.range)
          return true
        }
        if hasReferences(entry.value) { return true }
      }
      return false
    }
  }

  mutating func reportReference(at range: SourceRange) {
    report(
      .configValue, "'${…}' is resolved only at start, but this is compiled into the artifact", at: range,
      hint: "write the value itself; what differs between environments can be read with os.getenv")
  }

  // MARK: Times

  mutating func cron(_ node: ConfigNode, _ keyPath: String) {
    guard let text = text(node, keyPath) else { return }
    let owner = keyPath.dropLast(".cron".count)
    let words = text.split(separator: " ")
    if words.first?.lowercased() == "@every" {
      let every = words.count == 2 ? Durations.milliseconds(words[1]) : nil
      guard let every, (1_000...ConfigSchema.year.upperBound).contains(every) else {
        return report(
          .malformedSchedule, "'@every' is followed by a duration from 1s to 1y", at: node.range,
          hint: "write \"@every 30s\"")
      }
      set("\(owner).everyMilliseconds", .integer(every))
      return set("\(owner).expression", .string(text))
    }
    do {
      set(keyPath, .string(try CronExpression(text).compiled))
      set("\(owner).expression", .string(text))
    } catch {
      var range = node.range
      if let start = node.textStart {
        range = SourceRange(start: start + error.range.lowerBound, end: start + error.range.upperBound)
      }
      report(.malformedSchedule, error.message, at: range, hint: error.hint)
    }
  }

  /// Whether the zone exists is known where the application runs.
  mutating func timeZone(_ node: ConfigNode, _ keyPath: String) {
    guard let text = text(node, keyPath) else { return }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let isName =
      text.utf8.count <= ConfigLimits.timeZoneBytesMax
      && parts.allSatisfy { part in
        part.utf8.first.map(Patterns.isLetter) == true
          && part.utf8.allSatisfy { Patterns.isWord($0) || $0 == 0x2D || $0 == 0x2B }
      }
    guard isName else {
      return report(
        .malformedSchedule, "'\(text)' is no name of a time zone", at: node.range,
        hint: "write an IANA name such as 'Europe/Berlin', or 'UTC'")
    }
    set(keyPath, .string(text))
  }
}
