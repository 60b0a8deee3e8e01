// What an application is called, what it needs of its environment, and its settings.

import SpacerArtifact
import SpacerCompiler

/// The comparison of two artifacts' configurations.
struct ConfigurationDiff {
  private(set) var changes: [ArtifactDiff.Change] = []

  init(_ old: ArtifactContents, _ new: ArtifactContents) {
    compareApplication(old, new)
    compareEnvironment(old, new)
    compareSettings(EventWiring(old).otherSettings, EventWiring(new).otherSettings)
  }

  private mutating func add(
    _ area: ArtifactDiff.Area, _ kind: ArtifactDiff.Kind, _ subject: String, _ detail: String = "",
    isBreaking: Bool = false
  ) {
    changes.append(.init(area: area, kind: kind, subject: subject, detail: detail, isBreaking: isBreaking))
  }

  private mutating func compareApplication(_ old: ArtifactContents, _ new: ArtifactContents) {
    if old.appName != new.appName {
      add(
        .application, .changed, "appName",
        "\(new.appName) in place of \(old.appName): the consumer group and the names of its topics change",
        isBreaking: true)
    }
    let environments = [old, new].map { $0.environment ?? "the one it is run in" }
    if old.environment != new.environment {
      add(.application, .changed, "environment", "\(environments[1]) in place of \(environments[0])")
    }
    for (name, was, now) in [
      ("Spacer", old.spacerRelease, new.spacerRelease), ("Lua", old.luaRelease, new.luaRelease),
      ("architecture", old.architecture, new.architecture),
    ] where was != now {
      // It runs on other machines, or with another runtime.
      add(.application, .changed, name, "\(now) in place of \(was)", isBreaking: name == "architecture")
    }
    if old.isRelease != new.isRelease {
      add(.application, .changed, "debug records", new.isRelease ? "left out (--release)" : "complete")
    }
  }

  // MARK: Environment

  /// Variables without which the application does not start or a function reads nothing, with the reason.
  private static func needed(_ contents: ArtifactContents) -> [String: String] {
    var result: [String: String] = [:]
    for (index, module) in contents.modules.enumerated() where module.kind != .library {
      for capability in contents.reach(ofModule: index).capabilities where capability.kind == .variable {
        guard let name = capability.target, contents.environmentVariables.contains(name) else { continue }
        if result[name] == nil { result[name] = "'\(module.name)' reads it" }
      }
    }
    for setting in contents.settings {
      guard case .string(let text) = setting.value else { continue }
      for name in references(text) { result[name] = "\(setting.key) needs it at start" }
    }
    return result
  }

  /// The names in `${NAME}`; those with a default are not needed.
  static func references(_ text: String) -> [String] {
    var names: [String] = []
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      rest = rest[rest.index(after: dollar)...]
      guard rest.first == "{", let end = rest.firstIndex(of: "}") else { continue }
      let name = rest[rest.index(after: rest.startIndex)..<end]
      if !name.contains(":") { names.append(String(name)) }
      rest = rest[rest.index(after: end)...]
    }
    return names
  }

  private mutating func compareEnvironment(_ old: ArtifactContents, _ new: ArtifactContents) {
    let (was, now) = (Self.needed(old), Self.needed(new))
    let before = Set(old.environmentVariables).union(was.keys)
    let after = Set(new.environmentVariables).union(now.keys)
    for name in before.subtracting(after).sorted() { add(.environment, .removed, name) }
    for name in after.sorted() {
      let isNew = !before.contains(name)
      if let reason = now[name], was[name] == nil {
        add(
          .environment, isNew ? .added : .changed, name, "newly required: \(reason)", isBreaking: true)
      } else if isNew {
        add(.environment, .added, name, "functions may read it")
      } else if was[name] != nil && now[name] == nil {
        add(.environment, .changed, name, "no longer required")
      }
    }
  }

  // MARK: Settings

  private mutating func compareSettings(_ old: [ArtifactContents.Setting], _ new: [ArtifactContents.Setting])
  {
    let values = { (settings: [ArtifactContents.Setting]) in
      Dictionary(settings.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
    let (was, now) = (values(old), values(new))
    for key in Set(was.keys).union(now.keys).sorted() where was[key] != now[key] {
      let kind: ArtifactDiff.Kind = was[key] == nil ? .added : now[key] == nil ? .removed : .changed
      add(
        .settings, kind, key, Self.detail(key, was[key], now[key]),
        isBreaking: Self.isBreaking(key, was[key], now[key]))
    }
  }

  private static func detail(
    _ key: String, _ was: ArtifactContents.SettingValue?, _ now: ArtifactContents.SettingValue?
  ) -> String {
    let absent = key.hasPrefix("limits.") || key.hasPrefix("delivery.") ? "the default" : "nothing"
    let text = { (value: ArtifactContents.SettingValue?) in value.map { EventWiring.text($0) } ?? absent }
    return "\(text(now)) in place of \(text(was))"
  }

  private static func isBreaking(
    _ key: String, _ was: ArtifactContents.SettingValue?, _ now: ArtifactContents.SettingValue?
  ) -> Bool {
    let root = key.prefix { $0 != "." }
    switch root {
    // Where clients find it, and how they speak to it; whom its triggers are to the log.
    case "listen", "functionInvoker", "writeProxyListen", "writeProxyToken", "consumerGroup": return true
    case "tls": return was == nil || now == nil
    case "limits":
      if key == "limits.outbound" { return now.map { EventWiring.text($0) } == "public" }
      return isLower(key, was, now)
    case "delivery": return key == "delivery.maxAttempts" && isLower(key, was, now)
    default: return false
    }
  }

  /// Whether a bound is tighter, where an absent one has its default.
  private static func isLower(
    _ key: String, _ was: ArtifactContents.SettingValue?, _ now: ArtifactContents.SettingValue?
  ) -> Bool {
    let fallback = ConfigDefaults.number(of: key).map { ArtifactContents.SettingValue.integer($0) }
    return SettingText.isLower(now ?? fallback, than: was ?? fallback)
  }
}
