// A trigger's `filter`, compiled to the artifact's form: a JSON array of conditions on the payload, all of which
// must hold, in the order of their paths.

internal import SpacerArtifact

extension ConfigValidator {
  private static let operators = ["equals", "exists", "prefix"]

  mutating func filter(_ node: ConfigNode, _ keyPath: String) {
    guard !hasReferences(node) else { return }
    guard case .mapping(let entries) = node.content else {
      return reportType(
        node, keyPath, expected: "a mapping", hint: "write 'FIELD: VALUE' or 'FIELD: {prefix: TEXT}'")
    }
    var conditions: [(field: String, text: String)] = []
    let before = diagnostics.count
    if entries.isEmpty { reportFilter("'\(keyPath)' has no conditions", at: node.range) }
    for entry in entries {
      guard let path = path(entry.key) else { continue }
      for member in fieldConditions(entry) {
        conditions.append((entry.key.value, CanonicalJSON.object([("path", path), member])))
      }
    }
    guard diagnostics.count == before else { return }
    guard conditions.count <= ConfigLimits.filterConditionsMax else {
      return reportFilter(
        "'\(keyPath)' has more than \(ConfigLimits.filterConditionsMax) conditions", at: node.range)
    }
    conditions.sort { a, b in
      a.field == b.field ? ByteOrder.precedes(a.text, b.text) : ByteOrder.precedes(a.field, b.field)
    }
    let text = CanonicalJSON.array(conditions.map(\.text))
    guard text.utf8.count <= ConfigLimits.jsonBytesMax else {
      return reportFilter(
        "'\(keyPath)' is longer than \(ConfigLimits.jsonBytesMax >> 10) KiB as JSON", at: node.range)
    }
    set(keyPath, .string(text))
  }

  private mutating func reportFilter(
    _ message: String, at range: SourceRange, hint: String? = nil, fix: Diagnostic.Fix? = nil
  ) {
    report(.malformedFilter, message, at: range, hint: hint, fix: fix)
  }

  /// `customer.region` as the JSON of a path.
  private mutating func path(_ key: Located<String>) -> String? {
    let segments = key.value.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !segments.contains(""), segments.count <= ConfigLimits.filterPathSegmentsMax else {
      reportFilter(
        "'\(key.value)' is no path into a payload", at: key.range,
        hint: "write up to \(ConfigLimits.filterPathSegmentsMax) names with '.' between them: customer.region"
      )
      return nil
    }
    return CanonicalJSON.array(segments.map(CanonicalJSON.string))
  }

  /// The conditions on one field, each as its operator and operand.
  private mutating func fieldConditions(_ entry: ConfigNode.Entry) -> [(String, String)] {
    let field = entry.key.value
    switch entry.value.content {
    case .scalar where entry.value.isNull:
      reportFilter(
        "'\(field)' has no condition", at: entry.key.range,
        hint: "write a value, a list of values, '{prefix: TEXT}' or '{exists: true}'; null is '[null]'")
      return []
    case .scalar, .list:
      return operand("equals", entry.value, field).map { [("equals", $0)] } ?? []
    case .mapping(let entries):
      if entries.isEmpty { reportFilter("'\(field)' has no condition", at: entry.key.range) }
      return entries.compactMap { condition in
        guard Self.operators.contains(condition.key.value) else {
          let nearest = NearestName.find(condition.key.value, in: Self.operators)
          reportFilter(
            "a filter has no condition '\(condition.key.value)'", at: condition.key.range,
            hint: nearest.map { "did you mean '\($0)'?" }
              ?? "it knows equals, prefix and exists; a field within '\(field)' is '\(field).\(condition.key.value)'",
            fix: nearest.map { Diagnostic.Fix(range: condition.key.range, replacement: $0) })
          return nil
        }
        return operand(condition.key.value, condition.value, field).map { (condition.key.value, $0) }
      }
    }
  }

  private mutating func operand(_ name: String, _ node: ConfigNode, _ field: String) -> String? {
    if name == "exists" {
      guard let value = node.boolean else {
        reportFilter("'exists' of '\(field)' must be true or false, not \(node.kindName)", at: node.range)
        return nil
      }
      return value ? "true" : "false"
    }
    let items: [ConfigNode] = if case .list(let items) = node.content { items } else { [node] }
    guard !items.isEmpty, items.count <= ConfigLimits.filterValuesMax else {
      reportFilter(
        items.isEmpty
          ? "the filter of '\(field)' lists no value, so that no event would pass"
          : "'\(field)' has more than \(ConfigLimits.filterValuesMax) values", at: node.range)
      return nil
    }
    for item in items {
      let isGood =
        name == "equals" ? item.text != nil : item.kindName == "text" && item.text?.isEmpty == false
      guard !isGood else { continue }
      reportFilter(
        name == "equals"
          ? "'\(field)' can equal text, a number, true, false or null, not \(item.kindName)"
          : "the prefix of '\(field)' must be text, not \(item.text == "" ? "empty" : item.kindName)",
        at: item.range, hint: item.isNumber ? "put it in quotes: \"\(item.text ?? "")\"" : nil)
      return nil
    }
    return CanonicalJSON.array(items.map(\.scalarJSON))
  }
}
