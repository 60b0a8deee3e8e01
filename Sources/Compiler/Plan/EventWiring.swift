// The options of topics and triggers, and the schedules, read back from an artifact's settings, for people who
// look at a plan or an artifact.

package import SpacerArtifact

/// What an artifact's settings say about events.
package struct EventWiring {
  /// One schedule.
  package struct Schedule {
    package var name: String
    /// As it is written: `0 3 * * *`; or `every 30s`.
    package var time: String
    package var function: String?
    package var topic: String?
    /// What is set besides: time zone, key, payload.
    package var options: [ArtifactContents.Setting]

    /// `report`, or `topic orders`.
    package var target: String { function ?? "topic \(topic ?? "")" }
  }

  private static let roots: Set<Substring> = ["topicOptions", "triggers", "schedules"]

  /// Settings that are about something else.
  package let otherSettings: [ArtifactContents.Setting]
  package let schedules: [Schedule]
  /// By `triggers.0` and the like; the keys are those below it.
  private let byOwner: [Substring: [ArtifactContents.Setting]]

  package init(_ contents: ArtifactContents) {
    var others: [ArtifactContents.Setting] = []
    var byOwner: [Substring: [ArtifactContents.Setting]] = [:]
    for setting in contents.settings {
      let parts = setting.key.split(separator: ".", maxSplits: 2)
      guard parts.count == 3, Self.roots.contains(parts[0]) else {
        others.append(setting)
        continue
      }
      let owner = setting.key[..<parts[1].endIndex]
      byOwner[owner, default: []].append(Self.readable(String(parts[2]), setting.value))
    }
    otherSettings = others
    self.byOwner = byOwner
    var schedules: [Schedule] = []
    while let settings = byOwner["schedules.\(schedules.count)"] { schedules.append(Self.schedule(settings)) }
    self.schedules = schedules
  }

  /// `partitions`, `retention`, `key`, `schema`.
  package func options(ofTopic topic: String) -> [ArtifactContents.Setting] {
    byOwner["topicOptions.\(topic)"] ?? []
  }

  /// - Parameter index: Of the artifact's triggers.
  package func options(ofTrigger index: Int) -> [ArtifactContents.Setting] {
    byOwner["triggers.\(index)"] ?? []
  }

  /// A value without quotes.
  package static func text(_ value: ArtifactContents.SettingValue) -> String {
    switch value {
    case .string(let text): text
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    case .float(let number): String(number)
    }
  }

  /// `retentionMilliseconds` as `retention`, in the configuration's words: `30d`.
  private static func readable(
    _ key: String, _ value: ArtifactContents.SettingValue
  ) -> ArtifactContents.Setting {
    let suffix = "Milliseconds"
    guard key.hasSuffix(suffix), case .integer(let milliseconds) = value else {
      return ArtifactContents.Setting(key: key, value: value)
    }
    return ArtifactContents.Setting(
      key: String(key.dropLast(suffix.count)), value: .string(Durations.text(milliseconds: milliseconds)))
  }

  private static func schedule(_ settings: [ArtifactContents.Setting]) -> Schedule {
    let texts = Dictionary(settings.map { ($0.key, text($0.value)) }) { first, _ in first }
    let shown: Set<String> = ["name", "cron", "every", "expression", "function", "topic"]
    return Schedule(
      name: texts["name"] ?? "",
      time: texts["every"].map { "every \($0)" } ?? texts["expression"] ?? texts["cron"] ?? "",
      function: texts["function"], topic: texts["topic"], options: settings.filter { !shown.contains($0.key) }
    )
  }
}
