// Topics, triggers and schedules that came, went or changed.

import SpacerArtifact
import SpacerCompiler

/// The comparison of two artifacts' wiring of events.
struct EventDiff {
  private typealias Options = [String: ArtifactContents.SettingValue]

  private let old: ArtifactContents
  private let new: ArtifactContents
  private(set) var changes: [ArtifactDiff.Change] = []

  init(_ old: ArtifactContents, _ new: ArtifactContents) {
    self.old = old
    self.new = new
    compareTopics()
    compareTriggers()
    compareSchedules()
  }

  /// The settings below a key, by what follows it.
  private static func options(_ contents: ArtifactContents, _ owner: String) -> Options {
    let prefix = owner + "."
    return Dictionary(
      contents.settings.filter { $0.key.hasPrefix(prefix) }
        .map { (String($0.key.dropFirst(prefix.count)), $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  private mutating func add(
    _ area: ArtifactDiff.Area, _ kind: ArtifactDiff.Kind, _ subject: String, _ detail: String = "",
    isBreaking: Bool = false
  ) {
    changes.append(.init(area: area, kind: kind, subject: subject, detail: detail, isBreaking: isBreaking))
  }

  // MARK: Topics

  private mutating func compareTopics() {
    for topic in old.topics {
      guard new.topics.contains(topic) else {
        add(.topics, .removed, topic, "appends to it fail, and its triggers do not run", isBreaking: true)
        continue
      }
      compareTopic(
        topic, Self.options(old, "topicOptions.\(topic)"), Self.options(new, "topicOptions.\(topic)"))
    }
    for topic in new.topics where !old.topics.contains(topic) { add(.topics, .added, topic) }
  }

  private mutating func compareTopic(_ topic: String, _ was: Options, _ now: Options) {
    for key in Set(was.keys).union(now.keys).sorted() where was[key] != now[key] {
      let fallback = ConfigDefaults.number(of: "topics.*.\(key)").map {
        ArtifactContents.SettingValue.integer($0)
      }
      if was[key] ?? fallback == now[key] ?? fallback { continue }
      if key == "schema", case .string(let before)? = was[key], case .string(let after)? = now[key] {
        compareSchema(topic, before, after)
        continue
      }
      let isBreaking =
        switch key {
        // Keys move to other partitions, and running instances disagree.
        case "partitions": true
        case "key": now[key] != nil
        // Events go earlier than who reads them late relies on.
        case "retentionMilliseconds": SettingText.isLower(now[key], than: was[key])
        case "schema": now[key] != nil
        default: false
        }
      add(.topics, .changed, topic, SettingText.change(key, was[key], now[key]), isBreaking: isBreaking)
    }
  }

  private mutating func compareSchema(_ topic: String, _ before: String, _ after: String) {
    let refusals = DescriptionChange(old: before, new: after).refusals
    add(
      .topics, .changed, topic,
      refusals.isEmpty
        ? SettingText.change("schema", .string(before), .string(after))
        : "schema: \(refusals.joined(separator: ", "))", isBreaking: !refusals.isEmpty)
  }

  // MARK: Triggers

  private struct Trigger {
    var name: String
    var options: Options
  }

  /// In order; the same function may handle an event more than once.
  private static func triggers(_ contents: ArtifactContents) -> [Trigger] {
    var counts: [String: Int] = [:]
    return contents.triggers.enumerated().map { index, trigger in
      let topic = contents.topics[trigger.topic]
      let base = "\(topic) \(trigger.event) '\(contents.modules[trigger.module].name)'"
      counts[base, default: 0] += 1
      let count = counts[base] ?? 1
      return Trigger(
        name: count == 1 ? base : "\(base) (\(count))", options: options(contents, "triggers.\(index)"))
    }
  }

  private mutating func compareTriggers() {
    let before = Self.triggers(old)
    let after = Self.triggers(new)
    for trigger in before {
      guard let other = after.first(where: { $0.name == trigger.name }) else {
        add(.triggers, .removed, trigger.name, "nothing is done for such events any more", isBreaking: true)
        continue
      }
      let (was, now) = (trigger.options, other.options)
      for key in Set(was.keys).union(now.keys).sorted() where was[key] != now[key] {
        // A handler of single events gets arrays, or the other way round; a new filter leaves events out; others
        // are limits.
        let isBreaking =
          switch key {
          case "batch": was[key] == nil || now[key] == nil
          case "filter": now[key] != nil
          case "maxAttempts", "maxAgeMilliseconds", "timeoutMilliseconds":
            SettingText.isLower(now[key], than: was[key])
          default: false
          }
        add(
          .triggers, .changed, trigger.name, SettingText.change(key, was[key], now[key]),
          isBreaking: isBreaking)
      }
    }
    for trigger in after where !before.contains(where: { $0.name == trigger.name }) {
      add(.triggers, .added, trigger.name)
    }
  }

  // MARK: Schedules

  private mutating func compareSchedules() {
    let before = EventWiring(old).schedules
    let after = EventWiring(new).schedules
    for schedule in before {
      guard let other = after.first(where: { $0.name == schedule.name }) else {
        add(.schedules, .removed, schedule.name, "\(schedule.target) is not run any more", isBreaking: true)
        continue
      }
      if schedule.time != other.time {
        add(.schedules, .changed, schedule.name, "\(other.time) in place of \(schedule.time)")
      }
      if schedule.target != other.target {
        add(
          .schedules, .changed, schedule.name, "\(other.target) in place of \(schedule.target)",
          isBreaking: true)
      }
      let options = { (list: [ArtifactContents.Setting]) in
        Dictionary(list.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
      }
      let (was, now) = (options(schedule.options), options(other.options))
      for key in Set(was.keys).union(now.keys).sorted() where was[key] != now[key] {
        add(.schedules, .changed, schedule.name, SettingText.change(key, was[key], now[key]))
      }
    }
    for schedule in after where !before.contains(where: { $0.name == schedule.name }) {
      add(.schedules, .added, schedule.name, "\(schedule.time), \(schedule.target)")
    }
  }
}

/// How a setting's change is said.
enum SettingText {
  /// `partitions 8 in place of the default`.
  static func change(
    _ key: String, _ was: ArtifactContents.SettingValue?, _ now: ArtifactContents.SettingValue?
  ) -> String {
    let text = { (value: ArtifactContents.SettingValue?) in
      value.map { EventWiring.text($0) } ?? "the default"
    }
    return "\(key) \(text(now)) in place of \(text(was))"
  }

  /// Whether a bound is tighter than before; without one there is none.
  static func isLower(
    _ now: ArtifactContents.SettingValue?, than was: ArtifactContents.SettingValue?
  ) -> Bool {
    guard let now else { return false }
    guard let was else { return true }
    guard let first = number(now), let second = number(was) else { return true }
    return first < second
  }

  /// A number, or a size such as `64KiB`; nil for what the runtime resolves.
  static func number(_ value: ArtifactContents.SettingValue) -> Double? {
    switch value {
    case .integer(let number): return Double(number)
    case .float(let number): return number
    case .boolean: return nil
    case .string(let text):
      for (unit, factor) in [("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)]
      where text.hasSuffix(unit) {
        return Double(text.dropLast(unit.count).filter { $0 != " " }).map { $0 * factor }
      }
      return Double(text)
    }
  }
}
