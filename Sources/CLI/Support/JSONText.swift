// JSON for `--json` and `--format json`: values in the order they are given, two spaces a level
// or all on one line.

/// A JSON value to print. Sendable is written out since the compiler, left to infer it, can report a circular
/// reference through the tuple of `object`.
enum JSONText: Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  case array([JSONText])
  case object([(String, JSONText)])
  /// Text that is JSON already, on one line.
  case encoded(String)

  static func strings(_ values: [String]) -> JSONText { .array(values.map { .string($0) }) }

  /// The text with a newline at its end.
  var text: String {
    var out = ""
    write(to: &out, indent: 0)
    out += "\n"
    return out
  }

  /// The same on one line, without a newline.
  var line: String {
    var out = ""
    write(to: &out, indent: nil)
    return out
  }

  /// - Parameter indent: The level; nil for all on one line.
  private func write(to out: inout String, indent: Int?) {
    let below = indent.map { $0 + 1 }
    switch self {
    case .null: out += "null"
    case .boolean(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    case .float(let value): out += value.isFinite ? String(value) : "null"
    case .string(let value): Self.write(value, to: &out)
    case .encoded(let text): out += text
    case .array(let values):
      Self.writeList(values, open: "[", close: "]", indent: indent, to: &out) { value, out in
        value.write(to: &out, indent: below)
      }
    case .object(let fields):
      Self.writeList(fields, open: "{", close: "}", indent: indent, to: &out) { field, out in
        Self.write(field.0, to: &out)
        out += indent == nil ? ":" : ": "
        field.1.write(to: &out, indent: below)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], open: String, close: String, indent: Int?, to out: inout String,
    write: (Element, inout String) -> Void
  ) {
    out += open
    for (index, element) in elements.enumerated() {
      if index > 0 { out += "," }
      if let indent { out += "\n" + String(repeating: "  ", count: indent + 1) }
      write(element, &out)
    }
    if let indent, !elements.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
    out += close
  }

  private static func write(_ value: String, to out: inout String) {
    out += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
