// A topic's `schema`: a description of payloads as `validate` takes them, in YAML. What the runtime would refuse
// when it starts is said here, with its place.

internal import SpacerArtifact

extension ConfigValidator {
  /// The keys that tell a description from a mapping of fields.
  private static let tellingKeys: Set<String> = ["type", "fields", "items", "enum"]
  private static let formats = ["date", "date-time", "email", "uri", "uuid"]

  mutating func schema(_ node: ConfigNode, _ keyPath: String) {
    guard !hasReferences(node) else { return }
    var description = node
    if node.text != nil, !node.isNull {
      description = .mapping([("type", node)], at: node.range)
    } else if case .mapping(let entries) = node.content,
      !entries.contains(where: { Self.tellingKeys.contains($0.key.value) })
    {
      // As `validate` is called: with the fields.
      description = .mapping([("fields", node)], at: node.range)
    }
    guard let text = self.description(description, keyPath) else { return }
    guard text.utf8.count <= ConfigLimits.jsonBytesMax else {
      return report(
        .configValue, "'\(keyPath)' is longer than \(ConfigLimits.jsonBytesMax >> 10) KiB as JSON",
        at: node.range)
    }
    set(keyPath, .string(text))
  }

  /// The canonical JSON of a description, nil when something is wrong with it.
  private mutating func description(_ node: ConfigNode, _ keyPath: String) -> String? {
    if node.text != nil, !node.isNull { return typeName(node, keyPath).map(CanonicalJSON.string) }
    guard case .mapping(let entries) = node.content else {
      reportType(node, keyPath, expected: "a type or a description")
      return nil
    }
    guard let type = type(of: node, entries, keyPath), let known = DescriptionTypes.options(of: type) else {
      return nil
    }
    var members = [("type", CanonicalJSON.string(type))]
    var isGood = true
    for entry in entries where entry.key.value != "type" {
      guard known.contains(entry.key.value) else {
        unknownOption(entry.key, of: type, known: known)
        isGood = false
        continue
      }
      let place = Self.join(keyPath, entry.key.value)
      if let text = option(entry, of: type, place) {
        members.append((entry.key.value, text))
      } else {
        isGood = false
      }
    }
    if isGood { isGood = checkRelations(entries, of: type, keyPath) }
    return isGood ? CanonicalJSON.object(members) : nil
  }

  private mutating func unknownOption(_ key: Located<String>, of type: String, known: [String]) {
    let nearest = NearestName.find(key.value, in: known)
    let isField = DescriptionTypes.options(of: key.value) == nil && nearest == nil
    report(
      .configUnknownKey, "the type '\(type)' has no option '\(key.value)'", at: key.range,
      hint: nearest.map { "did you mean '\($0)'?" }
        ?? (isField
          ? "its options are \(known.sorted(by: ByteOrder.precedes).joined(separator: ", ")); fields stand "
            + "under 'fields'" : nil),
      fix: nearest.map { Diagnostic.Fix(range: key.range, replacement: $0) })
  }

  /// The type that a description names or shows.
  private mutating func type(
    of node: ConfigNode, _ entries: [ConfigNode.Entry], _ keyPath: String
  ) -> String? {
    if let entry = entries.first(where: { $0.key.value == "type" }) {
      return typeName(entry.value, Self.join(keyPath, "type"))
    }
    let keys = Set(entries.map(\.key.value))
    if keys.contains("fields") { return "object" }
    if keys.contains("items") { return "array" }
    if let entry = entries.first(where: { $0.key.value == "enum" }) {
      guard case .list(let values) = entry.value.content else { return "any" }
      let kinds = Set(values.map(\.kindName))
      return kinds.count == 1
        ? ["text": "string", "a number": "number", "true or false": "boolean"][kinds.first ?? ""] ?? "any"
        : "any"
    }
    report(
      .configValue, "'\(keyPath)' names no type", at: node.range,
      hint: "the types are \(DescriptionTypes.names.joined(separator: ", ")); fields stand under 'fields'")
    return nil
  }

  private mutating func typeName(_ node: ConfigNode, _ keyPath: String) -> String? {
    guard let name = node.text, !node.isNull else {
      reportType(node, keyPath, expected: "a type")
      return nil
    }
    guard DescriptionTypes.options(of: name) == nil else { return name }
    let nearest = NearestName.find(name, in: DescriptionTypes.names)
    report(
      .unknownType, "'\(keyPath)' names no type: '\(name)'", at: node.range,
      hint: nearest.map { "did you mean '\($0)'?" }
        ?? "the types are \(DescriptionTypes.names.joined(separator: ", "))",
      fix: nearest.map { Diagnostic.Fix(range: node.range, replacement: $0) })
    return nil
  }

  // MARK: Options

  private mutating func option(_ entry: ConfigNode.Entry, of type: String, _ place: String) -> String? {
    let node = entry.value
    switch entry.key.value {
    case "optional", "nullable":
      return expect(node.boolean != nil, node, place, "true or false")
    case "description", "message", "pattern":
      return expect(node.kindName == "text", node, place, "text")
    case "min", "max":
      if type == "integer" || type == "number" { return expect(node.isNumber, node, place, "a number") }
      return expect((node.integer ?? -1) >= 0, node, place, "a whole number from 0 on")
    case "format": return member(node, of: Self.formats, place)
    case "extra": return member(node, of: ["drop", "error", "keep"], place)
    case "items": return description(node, place)
    case "fields": return fields(node, place)
    case "enum": return values(node, of: type, place)
    default: return boundedJSON(node, place)
    }
  }

  private mutating func expect(
    _ isGood: Bool, _ node: ConfigNode, _ place: String, _ expected: String
  ) -> String? {
    guard isGood else {
      reportType(node, place, expected: expected)
      return nil
    }
    return node.scalarJSON
  }

  private mutating func member(_ node: ConfigNode, of choices: [String], _ place: String) -> String? {
    guard let text = node.text, choices.contains(text) else {
      let nearest = node.text.flatMap { NearestName.find($0, in: choices) }
      report(
        .configValue, "'\(place)' cannot be \(node.text.map { "'\($0)'" } ?? node.kindName)", at: node.range,
        hint: nearest.map { "did you mean '\($0)'?" } ?? "it is one of " + choices.joined(separator: ", "))
      return nil
    }
    return CanonicalJSON.string(text)
  }

  private mutating func fields(_ node: ConfigNode, _ place: String) -> String? {
    guard case .mapping(let entries) = node.content else {
      reportType(node, place, expected: "a mapping of names to types or descriptions")
      return nil
    }
    var members: [(String, String)] = []
    for entry in entries {
      if let text = description(entry.value, Self.join(place, entry.key.value)) {
        members.append((entry.key.value, text))
      }
    }
    return members.count == entries.count ? CanonicalJSON.object(members) : nil
  }

  private mutating func values(_ node: ConfigNode, of type: String, _ place: String) -> String? {
    guard type != "array", type != "object" else {
      report(.configValue, "'enum' does not go with the type '\(type)'", at: node.range)
      return nil
    }
    guard case .list(let items) = node.content, !items.isEmpty,
      items.allSatisfy({ $0.text != nil && !$0.isNull })
    else {
      report(
        .configType, "'\(place)' must be a list of texts, numbers or truth values", at: node.range)
      return nil
    }
    return boundedJSON(node, place)
  }

  /// What one option asks of another.
  private mutating func checkRelations(
    _ entries: [ConfigNode.Entry], of type: String, _ keyPath: String
  ) -> Bool {
    func number(_ name: String) -> (Double, SourceRange)? {
      guard let node = entries.first(where: { $0.key.value == name })?.value else { return nil }
      return node.text.flatMap(Double.init).map { ($0, node.range) }
    }
    if let min = number("min"), let max = number("max"), min.0 > max.0 {
      report(.configValue, "'\(keyPath)' has a 'min' above its 'max'", at: min.1)
      return false
    }
    guard let value = entries.first(where: { $0.key.value == "default" })?.value else { return true }
    let fits: Bool =
      switch type {
      case "string": value.kindName == "text"
      case "integer": value.integer != nil
      case "number": value.isNumber
      case "boolean": value.boolean != nil
      case "array": if case .list = value.content { true } else { false }
      case "object": if case .mapping = value.content { true } else { false }
      default: true
      }
    if !fits {
      report(
        .configType, "'\(keyPath).default' must be of the type '\(type)', not \(value.kindName)",
        at: value.range)
    }
    return fits
  }
}

extension ConfigNode {
  /// A mapping that stands for a shorter form.
  fileprivate static func mapping(_ members: [(String, ConfigNode)], at range: SourceRange) -> ConfigNode {
    let entries = members.map { Entry(key: Located($0.0, at: range), value: $0.1) }
    return ConfigNode(content: .mapping(entries), range: range)
  }
}
