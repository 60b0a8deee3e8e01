// JSON in the one form that an artifact holds: no blanks, the members of an object by the bytes of their names.
// Equal values are then equal texts.

/// Puts canonical JSON together from parts that are canonical themselves.
enum CanonicalJSON {
  /// An object of distinct names and their values' texts.
  static func object(_ members: [(String, String)]) -> String {
    let sorted = members.sorted { ByteOrder.precedes($0.0, $1.0) }
    return "{" + sorted.map { string($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
  }

  static func array(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22, 0x5C:
        result += "\\"
        result.unicodeScalars.append(scalar)
      case 0..<0x20, 0x7F:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// Nil for what JSON has no number for.
  static func number(_ value: Double) -> String? {
    guard value.isFinite else { return nil }
    if value == value.rounded(.towardZero), value.magnitude < 1e15 { return String(Int64(value)) }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension ConfigNode {
  /// The value as canonical JSON; nil when that is longer than `bytesMax`.
  func json(bytesMax: Int) -> String? {
    var left = bytesMax
    return json(left: &left)
  }

  /// An alias repeats its anchor's text, so that the bound is kept while the text grows.
  private func json(left: inout Int) -> String? {
    switch content {
    case .scalar:
      let text = scalarJSON
      left -= text.utf8.count + 1
      return left >= 0 ? text : nil
    case .list(let items):
      left -= 2
      var parts: [String] = []
      for item in items {
        guard let part = item.json(left: &left) else { return nil }
        parts.append(part)
      }
      return left >= 0 ? CanonicalJSON.array(parts) : nil
    case .mapping(let entries):
      left -= 2
      var members: [(String, String)] = []
      for entry in entries {
        left -= entry.key.value.utf8.count + 3
        guard let part = entry.value.json(left: &left) else { return nil }
        members.append((entry.key.value, part))
      }
      return left >= 0 ? CanonicalJSON.object(members) : nil
    }
  }

  /// The JSON of a scalar: `null`, a truth value, a number, or text.
  var scalarJSON: String {
    if isNull { return "null" }
    if let boolean { return boolean ? "true" : "false" }
    if let integer { return String(integer) }
    let text = text ?? ""
    if isNumber, let number = Double(text).flatMap(CanonicalJSON.number) { return number }
    return CanonicalJSON.string(text)
  }
}
