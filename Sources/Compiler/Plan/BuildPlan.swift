// What will be built, before any of it is: modules, routes, wiring. Two plans can be compared and printed;
// emission only writes one out.

package import SpacerArtifact

/// The plan of one artifact.
package struct BuildPlan: Equatable, Sendable, CustomStringConvertible {
  /// Everything that goes into the artifact but the modules' bytecode, which is empty here.
  package var contents: ArtifactContents

  package init(contents: ArtifactContents) { self.contents = contents }

  /// A few lines for people and for text snapshots; stable for equal plans.
  package var description: String {
    var lines = ["application \(contents.appName)"]
    if let environment = contents.environment { lines.append("environment \(environment)") }
    lines.append(contents.isRelease ? "release" : "with debug information")
    lines.append("modules")
    for module in contents.modules {
      lines.append("  " + describe(module))
      for validation in module.validations {
        lines.append("    validates \(validation.description)  (line \(validation.line))")
      }
    }
    lines.append("routes")
    for route in contents.routes {
      lines.append(
        "  \(route.methods.text) \(route.pattern) -> \(contents.modules[route.module].name)"
          + (route.line > 0 ? "  (line \(route.line))" : ""))
    }
    lines.append("topics")
    let wiring = EventWiring(contents)
    for (index, topic) in contents.topics.enumerated() {
      let options = wiring.options(ofTopic: topic)
      lines.append("  \(topic)" + (options.isEmpty ? "" : "  \(describe(options))"))
      for (place, trigger) in contents.triggers.enumerated() where trigger.topic == index {
        let options = wiring.options(ofTrigger: place)
        lines.append(
          "    \(trigger.event) -> \(contents.modules[trigger.module].name)"
            + (options.isEmpty ? "" : "  \(describe(options))"))
      }
    }
    let schedules = wiring.schedules
    if !schedules.isEmpty { lines.append("schedules") }
    for schedule in schedules {
      let options = schedule.options.isEmpty ? "" : "  \(describe(schedule.options))"
      lines.append("  \(schedule.name) \(schedule.time) -> \(schedule.target)\(options)")
    }
    if !contents.environmentVariables.isEmpty {
      lines.append("environment variables \(contents.environmentVariables.joined(separator: " "))")
    }
    lines.append("settings")
    for setting in wiring.otherSettings {
      lines.append("  \(setting.key) = \(describe(setting.value))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func describe(_ module: ArtifactContents.Module) -> String {
    var text = module.path
    let requires = module.requires.map { contents.modules[$0].name } + module.builtins
    if !requires.isEmpty { text += "  requires \(requires.joined(separator: " "))" }
    if !module.calls.isEmpty { text += "  calls \(module.calls.joined(separator: " "))" }
    if !module.appends.isEmpty { text += "  appends to \(module.appends.joined(separator: " "))" }
    return text
  }

  private func describe(_ options: [ArtifactContents.Setting]) -> String {
    options.map { "\($0.key) \(EventWiring.text($0.value))" }.joined(separator: ", ")
  }

  private func describe(_ value: ArtifactContents.SettingValue) -> String {
    switch value {
    case .string(let text): "\"\(text)\""
    case .integer(let number): "\(number)"
    case .boolean(let flag): "\(flag)"
    case .float(let number): "\(number)"
    }
  }
}
