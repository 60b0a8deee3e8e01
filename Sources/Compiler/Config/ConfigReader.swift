// config/application.yml from bytes to `AppConfig`: parse, check against the schema, then the rules that
// look across keys (EventRules has those about events).

internal import SpacerArtifact

/// Reads config/application.yml.
package enum ConfigReader {
  /// - Returns: the configuration, nil when the file is no YAML mapping at all; with errors among the
  ///   diagnostics it holds what could be read, so that later phases can go on to find theirs.
  package static func read(path: String, bytes: [UInt8]) -> (config: AppConfig?, diagnostics: [Diagnostic]) {
    let root: ConfigNode?
    do {
      root = try YAMLDocument.parse(bytes, path: path)
    } catch {
      return (nil, [error.diagnostic(path: path)])
    }
    // An empty file is an empty mapping: what is missing is then said by name.
    let start = SourceRange(start: 0, end: 0)
    var document = root ?? ConfigNode(content: .mapping([]), range: start)
    if document.isNull { document = ConfigNode(content: .mapping([]), range: start) }
    guard case .mapping = document.content else {
      let location = SourceLocation(path: path, range: document.range)
      return (
        nil,
        [
          Diagnostic(
            .configType, .error, "the configuration must be a mapping, not \(document.kindName)",
            at: location,
            hint: "the file holds 'key: value' lines such as 'spacerVersion: 1'")
        ]
      )
    }
    var validator = ConfigValidator(path: path)
    validator.section(document, schemaPath: "", keyPath: "")
    let compiled = CompiledSettings(validator.settings)
    var rules = CrossRules(path: path)
    var config = rules.config(document)
    var events = EventRules(path: path, root: document, options: compiled)
    let topics = events.topics()
    config.topics = topics.names
    config.triggers = events.triggers(document)
    config.schedules = events.schedules(document)
    events.delivery(document)
    config.settings = (compiled.others + topics.settings).sorted { ByteOrder.precedes($0.key, $1.key) }
    return (config, DiagnosticReport.sorted(validator.diagnostics + rules.diagnostics + events.diagnostics))
  }
}

/// What one key asks of another, and the values that the compiler itself uses.
private struct CrossRules {
  private(set) var diagnostics: [Diagnostic] = []
  let path: String

  init(path: String) { self.path = path }

  mutating func config(_ root: ConfigNode) -> AppConfig {
    let appName = root["appName"].flatMap { node in
      valid(node, rule: .appName).map { Located($0, at: node.range) }
    }
    var config = AppConfig(appName: appName ?? Located("", at: SourceRange(start: 0, end: 0)))
    config.environmentVariables = names(root["envVar"], rule: .variable)
    config.include = names(root["include"], rule: .module)
    storages(root["logStorage"])
    config.hasDatabases = root["databases"] != nil
    databases(root["databases"])
    return config
  }

  private mutating func report(
    _ id: DiagnosticID, _ message: String, at range: SourceRange, hint: String? = nil
  ) {
    let location = SourceLocation(path: path, range: range)
    diagnostics.append(Diagnostic(id, .error, message, at: location, hint: hint))
  }

  /// The names that the validator had nothing against, each once.
  private func names(_ node: ConfigNode?, rule: NameRule) -> [Located<String>] {
    guard case .list(let items)? = node?.content else { return [] }
    var seen: Set<String> = []
    return items.compactMap { item in
      guard let name = valid(item, rule: rule), seen.insert(name).inserted else { return nil }
      return Located(name, at: item.range)
    }
  }

  private func valid(_ node: ConfigNode, rule: NameRule) -> String? {
    guard let text = node.text, !node.isNull, rule.complaint(text) == nil else { return nil }
    return text
  }

  /// What the drivers need, in each environment.
  private mutating func databases(_ node: ConfigNode?) {
    guard case .mapping(let databases)? = node?.content else { return }
    for database in databases {
      guard case .mapping(let entries) = database.value.content else { continue }
      let keys = "databases.\(database.key.value)"
      needConnString(database.value, inherited: nil, keys)
      for entry in entries where ConfigSchema.key("databases.*.\(entry.key.value)") == nil {
        needConnString(entry.value, inherited: database.value, "\(keys).\(entry.key.value)")
      }
    }
  }

  private mutating func needConnString(_ node: ConfigNode, inherited: ConfigNode?, _ keys: String) {
    guard let driver = node["driver"], driver.text == "postgres", node["connString"] == nil,
      inherited?["connString"] == nil
    else { return }
    report(
      .configValue, "the driver 'postgres' needs '\(keys).connString'", at: driver.range,
      hint: "add 'connString: postgres://USER@HOST/DATABASE'")
  }

  /// What the drivers need.
  private mutating func storages(_ node: ConfigNode?) {
    guard case .mapping(let environments)? = node?.content else { return }
    for environment in environments {
      let needed: (key: String, example: String)?
      switch environment.value["driver"]?.text {
      case "postgres": needed = ("connString", "postgres://USER@HOST/DATABASE")
      case "kafka": needed = ("brokers", "HOST:9092")
      default: needed = nil
      }
      guard let needed, environment.value[needed.key] == nil else { continue }
      let driver = environment.value["driver"]
      report(
        .configValue,
        "the driver '\(driver?.text ?? "")' needs 'logStorage.\(environment.key.value).\(needed.key)'",
        at: driver?.range ?? environment.key.range, hint: "add '\(needed.key): \(needed.example)'")
    }
  }
}

extension ConfigNode {
  /// The value of a mapping's key, nil when it is absent or null.
  subscript(key: String) -> ConfigNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key.value == key && !$0.value.isNull }?.value
  }
}
