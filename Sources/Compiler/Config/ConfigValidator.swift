// Walks the document along the schema: reports everything that does not fit, and flattens what does into
// settings. It never stops at an error, so that one run shows them all.

internal import SpacerArtifact

/// Checks a document against `ConfigSchema`.
struct ConfigValidator {
  private(set) var diagnostics: [Diagnostic] = []
  private(set) var settings: [ArtifactContents.Setting] = []
  let path: String
  /// Within what is compiled into the artifact, where no reference to the environment can stand.
  private(set) var isCompiled = false

  init(path: String) { self.path = path }

  // MARK: Reporting

  mutating func report(
    _ id: DiagnosticID, _ message: String, at range: SourceRange?, hint: String? = nil,
    fix: Diagnostic.Fix? = nil, notes: [Diagnostic.Note] = []
  ) {
    let location = SourceLocation(path: path, range: range)
    diagnostics.append(Diagnostic(id, .error, message, at: location, notes: notes, hint: hint, fix: fix))
  }

  mutating func reportType(_ node: ConfigNode, _ key: String, expected: String, hint: String? = nil) {
    report(.configType, "'\(key)' must be \(expected), not \(node.kindName)", at: node.range, hint: hint)
  }

  // MARK: Mappings

  /// Checks a mapping's entries; `schemaPath` has `*` where `keyPath` has the user's names.
  mutating func section(_ node: ConfigNode, schemaPath: String, keyPath: String) {
    guard case .mapping(let entries) = node.content else {
      return reportType(node, keyPath, expected: "a mapping", hint: sectionHint(schemaPath))
    }
    let children = ConfigSchema.children(of: schemaPath)
    let known = children.filter { $0.name != "*" }
    // Besides its own keys a section may hold sections that the user names: environments.
    let environment = children.first { $0.name == "*" }
    if schemaPath == "events.*" { reportRepeated(entries, keyPath) }
    for entry in entries {
      if let environment, case .mapping = entry.value.content,
        NameRule.environment.complaint(entry.key.value) == nil,
        !known.contains(where: { $0.name == entry.key.value })
      {
        value(entry.value, key: environment, keyPath: Self.join(keyPath, entry.key.value))
        continue
      }
      guard let key = known.first(where: { matches($0, entry.key.value, in: schemaPath) }) else {
        unknownKey(entry.key, among: known, keyPath: keyPath)
        continue
      }
      let child = Self.join(keyPath, key.name)
      if !entry.value.isNull { value(entry.value, key: key, keyPath: child) }
    }
    for key in known where key.isRequired {
      let isPresent = entries.contains { matches(key, $0.key.value, in: schemaPath) && !$0.value.isNull }
      guard !isPresent else { continue }
      let hint: String? =
        switch key.name {
        case "spacerVersion": "add the line 'spacerVersion: 1'"
        case "appName": "add a line like 'appName: shop'"
        case "function": "write '{function: NAME, batch: 100}'"
        default: nil
        }
      let range = keyPath.isEmpty ? nil : node.range
      report(.configValue, "'\(Self.join(keyPath, key.name))' is missing", at: range, hint: hint)
    }
  }

  /// Event kinds are accepted in any letter case, as the original did.
  private func matches(_ key: ConfigKey, _ name: String, in schemaPath: String) -> Bool {
    schemaPath == "events.*" ? key.name == name.uppercased() : key.name == name
  }

  /// Keys that are one in different letter case.
  private mutating func reportRepeated(_ entries: [ConfigNode.Entry], _ keyPath: String) {
    var seen: Set<String> = []
    for entry in entries where !seen.insert(entry.key.value.uppercased()).inserted {
      report(
        .configValue, "'\(keyPath)' has '\(entry.key.value.uppercased())' twice", at: entry.key.range,
        hint: "write one list")
    }
  }

  private mutating func map(_ node: ConfigNode, rule: NameRule, key: ConfigKey, keyPath: String) {
    guard case .mapping(let entries) = node.content else {
      return reportType(node, keyPath, expected: "a mapping", hint: sectionHint(key.path))
    }
    guard let item = ConfigSchema.key(key.path + ".*") else { return }
    for entry in entries {
      if case .environment = rule, ConfigSchema.key("logStorage.*.\(entry.key.value)") != nil {
        report(
          .configUnknownKey, "'\(entry.key.value)' must stand below an environment's name",
          at: entry.key.range,
          hint: "write it as 'logStorage: production: \(entry.key.value): …'")
        continue
      }
      // A topic's own rule is checked where topics are declared; here it only has to be one of them.
      if case .topic = rule {
      } else if let complaint = rule.complaint(entry.key.value) {
        report(.configValue, "'\(entry.key.value)' cannot stand here: \(complaint)", at: entry.key.range)
        continue
      }
      let child = Self.join(keyPath, entry.key.value)
      if !entry.value.isNull { value(entry.value, key: item, keyPath: child) }
    }
  }

  /// What other platforms' files have at their top, and where it is here.
  private static let namesElsewhere: [String: String] = {
    let listen =
      "the address to serve on is 'listen': '127.0.0.1:3000' or ':3000'; '--port' sets it for one start"
    let environment = "variables that functions may read are listed under 'envVar'"
    return [
      "port": listen, "host": listen, "address": listen, "bind": listen, "server": listen,
      "routes": "routes are in app/gateway.lua", "gateway": "routes are in app/gateway.lua",
      "env": environment, "environment": environment, "variables": environment,
      "functions":
        "every file under app/ is a function; routes are in app/gateway.lua, triggers under 'events'",
      "triggers": "triggers are under 'events': { orders: { APPEND: [orders/record] } }",
      "subscriptions": "triggers are under 'events': { orders: { APPEND: [orders/record] } }",
      "cron": "functions that run at certain times are under 'schedules'",
      "jobs": "functions that run at certain times are under 'schedules'",
      "storage": "where events are kept is 'logStorage'",
      "database": "databases are under 'databases', by name",
      "db": "databases are under 'databases', by name", "timeout": "it is 'limits.wallMilliseconds'",
    ]
  }()

  private mutating func unknownKey(_ key: Located<String>, among known: [ConfigKey], keyPath: String) {
    let names = known.map(\.name)
    let place = keyPath.isEmpty ? "" : " in '\(keyPath)'"
    var hint: String?
    var fix: Diagnostic.Fix?
    if let nearest = NearestName.find(key.value, in: names) {
      hint = "did you mean '\(nearest)'?"
      fix = Diagnostic.Fix(range: key.range, replacement: nearest)
    } else if keyPath.isEmpty, let meant = Self.namesElsewhere[key.value.lowercased()] {
      hint = meant
    } else if let elsewhere = ConfigSchema.nearestToTheRoot(named: key.value) {
      let parent = elsewhere.parent.split(separator: ".").map { $0 == "*" ? "NAME" : String($0) }
      if elsewhere.parent == ConfigEventKeys.triggerPath {
        hint = "it belongs beside 'function' in an item of 'events.TOPIC.APPEND'"
      } else {
        hint =
          parent.isEmpty
          ? "it is a key of the file itself" : "it belongs in '\(parent.joined(separator: "."))'"
      }
    } else {
      hint = "known keys: " + names.sorted(by: ByteOrder.precedes).joined(separator: ", ")
    }
    report(.configUnknownKey, "unknown key '\(key.value)'\(place)", at: key.range, hint: hint, fix: fix)
  }

  private func sectionHint(_ schemaPath: String) -> String? {
    switch schemaPath {
    case "events": "write 'events: {TOPIC: {APPEND: [FUNCTION]}}'"
    case "events.*": "write 'APPEND: [FUNCTION]' below the topic"
    case "logStorage", "logStorage.*": "write 'logStorage: {ENVIRONMENT: {driver: …}}'"
    case ConfigEventKeys.triggerPath: "write '{function: NAME, batch: 100}'"
    case "topics.*": "write the options as 'NAME: {partitions: 8}'"
    case "schedules", "schedules.*": "write 'schedules: {NAME: {cron: \"0 3 * * *\", function: NAME}}'"
    case "databases", "databases.*": "write 'databases: {NAME: {driver: …}}'"
    case "": "the file holds 'key: value' lines"
    default: nil
    }
  }

  static func join(_ parent: String, _ name: String) -> String { parent.isEmpty ? name : parent + "." + name }

  // MARK: Values

  mutating func value(_ node: ConfigNode, key: ConfigKey, keyPath: String) {
    let wasCompiled = isCompiled
    if CompiledSettings.roots.contains(key.path) { isCompiled = true }
    defer { isCompiled = wasCompiled }
    switch key.kind {
    case .section: section(node, schemaPath: key.path, keyPath: keyPath)
    case .map(let rule): map(node, rule: rule, key: key, keyPath: keyPath)
    case .version: version(node)
    case .name(let rule): _ = name(node, rule: rule, keyPath: keyPath)
    case .names(let rule): _ = names(node, rule: rule, keyPath: keyPath)
    case .text: if let text = text(node, keyPath) { set(keyPath, .string(text)) }
    case .texts: list(node, keyPath, expected: "text or a list of text") { $0.text($1, $2) }
    case .address: if let text = address(node, keyPath) { set(keyPath, .string(text)) }
    case .addresses: list(node, keyPath, expected: "an address or a list of them") { $0.address($1, $2) }
    case .choice(let choices): choice(node, choices, keyPath)
    case .invoker: invoker(node, keyPath)
    case .integer(let range): integer(node, range, keyPath)
    case .bytes(let range): bytes(node, range, keyPath)
    case .topics: topics(node, keyPath: keyPath)
    case .triggers: triggers(node, keyPath: keyPath)
    case .duration(let range, let orForever): duration(node, range, orForever: orForever, keyPath)
    case .flag: flag(node, keyPath)
    case .schema: schema(node, keyPath)
    case .filter: filter(node, keyPath)
    case .json: json(node, keyPath)
    case .cron: cron(node, keyPath)
    case .timeZone: timeZone(node, keyPath)
    case .anything: anything(node, keyPath)
    }
  }

  mutating func set(_ key: String, _ value: ArtifactContents.SettingValue) {
    settings.append(ArtifactContents.Setting(key: key, value: value))
  }

  /// The name, when it is one; `${NAME}` is refused since the compiler needs it.
  mutating func name(_ node: ConfigNode, rule: NameRule, keyPath: String) -> String? {
    guard let text = node.text, !node.isNull else {
      reportType(node, keyPath, expected: "a name")
      return nil
    }
    // Any plain word is text where a name belongs: a function may be called `404` or `true`.
    guard let complaint = rule.complaint(text) else { return text }
    if EnvironmentReference.occurs(in: text) {
      report(
        .configValue, "'\(keyPath)' is needed to build, but '${…}' is resolved only at start", at: node.range,
        hint: "write the name itself")
      return nil
    }
    let id: DiagnosticID = if case .topic = rule { .topicName } else { .configValue }
    report(id, "'\(text)' cannot be a name in '\(keyPath)': \(complaint)", at: node.range)
    return nil
  }

  /// The valid names of a list with their places.
  @discardableResult
  mutating func names(_ node: ConfigNode, rule: NameRule, keyPath: String) -> [Located<String>] {
    guard case .list(let items) = node.content else {
      let fix = node.text.map { Diagnostic.Fix(range: node.range, replacement: "[\($0)]") }
      report(
        .configType, "'\(keyPath)' must be a list of names, not \(node.kindName)", at: node.range,
        hint: node.text.map { "write it as a list: [\($0)]" }, fix: fix)
      return []
    }
    var result: [Located<String>] = []
    for item in items {
      if let name = name(item, rule: rule, keyPath: keyPath) { result.append(Located(name, at: item.range)) }
    }
    return result
  }
}
