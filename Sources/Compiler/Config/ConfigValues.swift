// The single values of the configuration: each function checks one type, reports what does not fit, and stores
// or returns what does.

internal import SpacerArtifact

extension ConfigValidator {
  mutating func version(_ node: ConfigNode) {
    if node.integer == 1 { return }
    if node.integer != nil {
      report(
        .configValue, "this release of Spacer reads version 1 of the configuration, not \(node.text ?? "")",
        at: node.range)
    } else {
      reportType(node, "spacerVersion", expected: "the number 1")
    }
  }

  mutating func list(
    _ node: ConfigNode, _ keyPath: String, expected: String,
    _ read: (inout ConfigValidator, ConfigNode, String) -> String?
  ) {
    switch node.content {
    case .scalar(let text, _):
      guard read(&self, node, keyPath) != nil else { return }
      // One text may name several, as the original's configuration library took it.
      let isWhole = EnvironmentReference.occurs(in: text)
      let parts = isWhole ? [Substring(text)] : text.split { $0 == "," || $0 == " " || $0 == "\n" }
      for (index, part) in parts.enumerated() { set("\(keyPath).\(index)", .string(String(part))) }
    case .list(let items):
      if items.isEmpty { report(.configValue, "'\(keyPath)' is an empty list", at: node.range) }
      for (index, item) in items.enumerated() {
        if let text = read(&self, item, keyPath) { set("\(keyPath).\(index)", .string(text)) }
      }
    case .mapping:
      reportType(node, keyPath, expected: expected)
    }
  }

  /// Text with well-formed references.
  mutating func text(_ node: ConfigNode, _ keyPath: String) -> String? {
    guard let text = node.text, !node.isNull else {
      reportType(node, keyPath, expected: "text")
      return nil
    }
    guard node.boolean == nil, !node.isNumber else {
      report(
        .configType, "'\(keyPath)' must be text, not \(node.kindName)", at: node.range,
        hint: "put it in quotes: \"\(text)\"",
        fix: Diagnostic.Fix(range: node.range, replacement: "\"\(text)\""))
      return nil
    }
    guard checkReferences(node, text) else { return nil }
    guard !text.isEmpty, !text.utf8.contains(0) else {
      report(.configValue, "'\(keyPath)' is empty", at: node.range)
      return nil
    }
    return text
  }

  mutating func checkReferences(_ node: ConfigNode, _ text: String) -> Bool {
    if isCompiled, EnvironmentReference.occurs(in: text) {
      reportReference(at: node.range)
      return false
    }
    guard let problem = EnvironmentReference.problem(in: text) else { return true }
    var range = node.range
    if let start = node.textStart {
      range = SourceRange(start: start + problem.range.lowerBound, end: start + problem.range.upperBound)
    }
    report(.configValue, problem.message, at: range, hint: "write '${NAME}' or '${NAME:-default}'")
    return false
  }

  mutating func address(_ node: ConfigNode, _ keyPath: String) -> String? {
    if let port = node.integer {
      report(
        .configType, "'\(keyPath)' must be an address such as ':\(port)', not a number", at: node.range,
        hint: "write \":\(port)\"", fix: Diagnostic.Fix(range: node.range, replacement: "\":\(port)\""))
      return nil
    }
    guard let text = text(node, keyPath) else { return nil }
    guard EnvironmentReference.occurs(in: text) || Patterns.port(ofAddress: text) != nil else {
      report(
        .configValue, "'\(text)' is no address", at: node.range,
        hint: "write 'HOST:PORT', ':PORT' or '[IPv6]:PORT', the port from 0 to 65535")
      return nil
    }
    return text
  }

  mutating func choice(_ node: ConfigNode, _ choices: [String], _ keyPath: String) {
    guard let text = text(node, keyPath) else { return }
    guard choices.contains(text) || EnvironmentReference.occurs(in: text) else {
      let nearest = NearestName.find(text, in: choices)
      return report(
        .configValue, "'\(keyPath)' cannot be '\(text)'", at: node.range,
        hint: nearest.map { "did you mean '\($0)'?" } ?? "it is one of " + choices.joined(separator: ", "),
        fix: nearest.map { Diagnostic.Fix(range: node.range, replacement: $0) })
    }
    set(keyPath, .string(text))
  }

  mutating func invoker(_ node: ConfigNode, _ keyPath: String) {
    if let port = node.integer {
      guard (0...65535).contains(port) else {
        return report(.configValue, "'\(port)' is no port: they go from 0 to 65535", at: node.range)
      }
      return set(keyPath, .integer(port))
    }
    guard let text = text(node, keyPath) else { return }
    if !EnvironmentReference.occurs(in: text) {
      var address = Substring(text)
      if address.hasPrefix("http://") { address = address.dropFirst("http://".count) }
      if address.hasSuffix("/") { address = address.dropLast() }
      guard Patterns.port(ofAddress: address) != nil else {
        return report(
          .configValue, "'\(text)' is no address of an invoker", at: node.range,
          hint: "write 'http://localhost:PORT'; for HTTPS there is 'tls'")
      }
    }
    set(keyPath, .string(text))
  }

  mutating func integer(_ node: ConfigNode, _ range: ClosedRange<Int64>, _ keyPath: String) {
    if let value = node.integer {
      guard range.contains(value) else {
        return report(
          .configValue, "'\(keyPath)' must be from \(range.lowerBound) to \(range.upperBound)", at: node.range
        )
      }
      return set(keyPath, .integer(value))
    }
    number(node, keyPath, expected: "a whole number")
  }

  mutating func bytes(_ node: ConfigNode, _ range: ClosedRange<Int64>, _ keyPath: String) {
    if let text = node.text, let value = node.integer ?? Patterns.bytes(text) {
      guard range.contains(value) else {
        return report(
          .configValue, "'\(keyPath)' must be from \(range.lowerBound) byte to \(range.upperBound >> 30)GiB",
          at: node.range)
      }
      return set(keyPath, .integer(value))
    }
    number(node, keyPath, expected: "a size in bytes, or in KiB, MiB or GiB")
  }

  /// What stands in place of a number: a reference, or a mistake.
  mutating func number(_ node: ConfigNode, _ keyPath: String, expected: String) {
    guard let text = node.text, EnvironmentReference.occurs(in: text) else {
      let found = node.text.map { "'\($0)'" } ?? node.kindName
      return report(.configType, "'\(keyPath)' must be \(expected), not \(found)", at: node.range)
    }
    if checkReferences(node, text) { set(keyPath, .string(text)) }
  }

  mutating func anything(_ node: ConfigNode, _ keyPath: String) {
    guard let text = node.text else {
      return reportType(node, keyPath, expected: "text, a number, true or false")
    }
    if let value = node.boolean { return set(keyPath, .boolean(value)) }
    if let value = node.integer { return set(keyPath, .integer(value)) }
    if node.isNumber, let value = Double(text), value.isFinite { return set(keyPath, .float(value)) }
    if checkReferences(node, text) { set(keyPath, .string(text)) }
  }
}
