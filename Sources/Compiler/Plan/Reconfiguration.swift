// `spacer run --config`: a built application with another application.yml. Settings may be any; what the code was
// checked against (the name, topics and triggers) belongs to the build and must be the same.

package import SpacerArtifact

/// Puts a configuration in place of the one that an artifact was built with.
package enum Reconfiguration {
  /// - Parameters:
  ///   - contents: The artifact's, with its bytecode.
  ///   - path: The configuration's path, as diagnostics name it.
  /// - Returns: the new contents, nil when there are errors among the diagnostics.
  package static func apply(
    path: String, bytes: [UInt8], to contents: ArtifactContents
  ) -> (contents: ArtifactContents?, report: DiagnosticReport) {
    let read = ConfigReader.read(path: path, bytes: bytes)
    var check = WiringCheck(path: path, contents: contents, diagnostics: read.diagnostics)
    if let config = read.config { check.compare(config) }
    let report = DiagnosticReport(check.diagnostics, sources: [path: bytes])
    guard let config = read.config, !report.failsBuild else { return (nil, report) }
    var changed = contents
    changed.environmentVariables = Set(config.environmentVariables.map(\.value)).sorted {
      ByteOrder.precedes($0, $1)
    }
    let options = config.orderedTriggers.enumerated().flatMap { $1.options.below("triggers.\($0)") }
    let schedules = config.scheduleSettings { check.function(named: $0) }
    changed.settings = (config.settings + options + schedules).sorted { ByteOrder.precedes($0.key, $1.key) }
    return (changed, report)
  }
}

/// Compares a configuration with what an artifact was built from.
private struct WiringCheck {
  let path: String
  let contents: ArtifactContents
  var diagnostics: [Diagnostic]

  func function(named name: String) -> String? {
    contents.modules.first { $0.kind != .library && $0.name == name }?.name
  }

  mutating func compare(_ config: AppConfig) {
    let start = SourceRange(start: 0, end: 0)
    if !config.appName.value.isEmpty, config.appName.value != contents.appName {
      report(
        "the artifact is of the application '\(contents.appName)', not '\(config.appName.value)'",
        at: config.appName.range)
    }
    let topics = Set(contents.topics)
    for topic in config.topics where !topics.contains(topic.value) {
      report("the artifact was built without the topic '\(topic.value)'", at: topic.range)
    }
    for topic in contents.topics where !config.topics.contains(where: { $0.value == topic }) {
      report("the topic '\(topic)' is missing, which the artifact was built with", at: start)
    }
    compareTriggers(config)
    for name in config.schedules.compactMap(\.function) where function(named: name.value) == nil {
      report("the artifact has no function '\(name.value)'", at: name.range)
    }
  }

  private mutating func compareTriggers(_ config: AppConfig) {
    var left = contents.triggers
    for trigger in config.orderedTriggers where topicsMatch(trigger) {
      if let place = left.firstIndex(where: { isSame(trigger, $0) }) {
        left.remove(at: place)
      } else {
        report(
          "the artifact was built without the trigger '\(trigger.function.value)' of '\(trigger.topic.value)'",
          at: trigger.function.range)
      }
    }
    for trigger in left {
      let names = (contents.modules[trigger.module].name, contents.topics[trigger.topic])
      report(
        "the trigger '\(names.0)' of '\(names.1)' is missing, which the artifact was built with",
        at: config.topics.first { $0.value == names.1 }?.range ?? SourceRange(start: 0, end: 0))
    }
  }

  /// What names an unknown topic was reported with it.
  private func topicsMatch(_ trigger: AppConfig.TriggerEntry) -> Bool {
    contents.topics.contains(trigger.topic.value)
  }

  private func isSame(_ entry: AppConfig.TriggerEntry, _ trigger: ArtifactContents.Trigger) -> Bool {
    guard contents.topics[trigger.topic] == entry.topic.value, trigger.event == entry.event.value else {
      return false
    }
    let name = entry.function.value
    if contents.modules[trigger.module].name == name { return true }
    let pattern = "/" + name.drop { $0 == "/" }
    return contents.routes.contains {
      $0.pattern == pattern && $0.methods.contains(RouteMethods(.post)) && $0.module == trigger.module
    }
  }

  private mutating func report(_ message: String, at range: SourceRange) {
    diagnostics.append(
      Diagnostic(
        .configValue, .error, message, at: SourceLocation(path: path, range: range),
        hint: "a configuration for 'run' may change settings; build the project again for anything else"))
  }
}
