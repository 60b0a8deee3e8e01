// Which server a URL leads to, as far as its text shows: all of a constant one, the beginning of one that is put
// together (`"https://a.example/users/" .. id`), or the environment variable that it begins with.

extension FactsBuilder {
  /// How an expression's text begins.
  private enum Beginning {
    /// Constant text; nothing follows when it is whole.
    case text(String, isWhole: Bool)
    case variable(String)
    case unknown
  }

  /// Origins (`https://a.example`) and variables (`${A_URL}`) that the expression may begin with; nil for any.
  func servers(of url: UInt32) -> Set<String?> {
    var result: Set<String?> = []
    for beginning in beginnings(of: url, depth: 0) {
      switch beginning {
      case .text(let text, let isWhole): result.insert(Self.origin(text, isWhole: isWhole))
      case .variable(let name): result.insert("${\(name)}")
      case .unknown: result.insert(nil)
      }
    }
    return result
  }

  private func beginnings(of index: UInt32, depth: Int) -> [Beginning] {
    let node = node(index)
    guard depth < 8 else { return [.unknown] }
    if let text = constantText(index) { return [.text(text, isWhole: true)] }
    switch node.kind {
    case .parenthesized: return beginnings(of: node.a, depth: depth + 1)
    case .binary where node.c == BinaryOperator.concat.rawValue: return concatenation(node, depth)
    case .binary where node.c == BinaryOperator.or.rawValue:
      return beginnings(of: node.a, depth: depth + 1) + beginnings(of: node.b, depth: depth + 1)
    case .localReference:
      let symbol = tree.symbols[Int(node.b)]
      let value = values[Int(node.b)]
      guard symbol.kind == .local, symbol.writes == 0, value != NodeID.none.index else { return [.unknown] }
      return beginnings(of: value, depth: depth + 1)
    case .call:
      let arguments = tree.list(node.b)
      if meaning(of: node.a) == .getenv, let name = arguments.first.flatMap({ constantText($0) }) {
        return [.variable(name)]
      }
      guard isStringFormat(node.a), let format = arguments.first else { return [.unknown] }
      return self.format(format, depth)
    case .methodCall where node.c == WellKnownNames.format: return format(node.a, depth)
    default: return [.unknown]
    }
  }

  private func concatenation(_ node: Node, _ depth: Int) -> [Beginning] {
    beginnings(of: node.a, depth: depth + 1).flatMap { left -> [Beginning] in
      guard case .text(let text, true) = left else { return [left] }
      return beginnings(of: node.b, depth: depth + 1).map { right in
        switch right {
        case .text(let rest, let isWhole): .text(text + rest, isWhole: isWhole)
        // An empty text before a variable leaves the variable first.
        case .variable where text.isEmpty: right
        case .variable, .unknown: .text(text, isWhole: false)
        }
      }
    }
  }

  private func isStringFormat(_ callee: UInt32) -> Bool {
    let node = node(callee)
    guard node.kind == .index, case .string(WellKnownNames.format) = meaning(of: node.b) else { return false }
    let object = self.node(node.a)
    return object.kind == .globalReference && object.a == WellKnownNames.string
  }

  /// What stands before the first `%`.
  private func format(_ index: UInt32, _ depth: Int) -> [Beginning] {
    beginnings(of: index, depth: depth + 1).map { beginning in
      guard case .text(let text, let isWhole) = beginning, let percent = text.firstIndex(of: "%") else {
        return beginning
      }
      return .text(String(text[..<percent]), isWhole: isWhole && percent == text.endIndex)
    }
  }

  // MARK: Origins

  /// `https://a.example:8443` of a URL, or of the beginning of one if that holds all of it; nil for anything
  /// that libcurl may read in another way.
  static func origin(_ text: String, isWhole: Bool) -> String? {
    let lowered = text.lowercased()
    guard
      let (scheme, port) = [("http://", ":80"), ("https://", ":443")].first(where: { lowered.hasPrefix($0.0) }
      )
    else { return nil }
    let rest = lowered.dropFirst(scheme.utf8.count)
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" }
    guard isWhole || end != nil else { return nil }
    var host = rest[..<(end ?? rest.endIndex)]
    // Parsers disagree on what this begins.
    if host.contains("\\") { return nil }
    // A name and a password say nothing of the server, and belong into no artifact's list.
    if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
    let isPlain = host.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "0"..."9", ".", "-", "_", ":", "[", "]": true
      default: false
      }
    }
    guard isPlain, !host.isEmpty else { return nil }
    if host.hasSuffix(port) { host = host.dropLast(port.utf8.count) }
    return scheme + host
  }
}
