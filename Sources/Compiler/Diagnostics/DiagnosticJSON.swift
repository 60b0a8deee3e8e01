// Diagnostics for tools (`--format json`): one object with an array, keys always present and in one order.
// Lines and columns as in the text form; byte offsets from the file's start. What is unknown is null.

/// Writes a report as JSON. Used by one thread at a time.
package struct DiagnosticJSON {
  private let maps: LineMaps
  private let pathPrefix: String

  /// - Parameters:
  ///   - sources: the bytes of the files that diagnostics name, by path.
  ///   - pathPrefix: what is written before each path.
  package init(sources: [String: [UInt8]], pathPrefix: String = "") {
    self.pathPrefix = pathPrefix
    maps = LineMaps(sources)
  }

  /// `{"diagnostics":[…],"errors":2,"warnings":1}`, one diagnostic a line.
  package func text(_ report: DiagnosticReport) -> String {
    let items = report.diagnostics.map { "\n" + object($0) }.joined(separator: ",")
    return "{\"diagnostics\":[\(items)\(items.isEmpty ? "" : "\n")],"
      + "\"errors\":\(report.errorCount),\"warnings\":\(report.warningCount)}\n"
  }

  private func object(_ diagnostic: Diagnostic) -> String {
    let notes = diagnostic.notes.map { note in
      "{\"message\":\(Self.string(note.message)),\(place(note.location))}"
    }
    let fix = diagnostic.fix.map { fix in
      "{\(span(fix.range, path: diagnostic.location.path)),\"replacement\":\(Self.string(fix.replacement))}"
    }
    return "{\"id\":\(Self.string(diagnostic.id.rawValue)),"
      + "\"severity\":\(Self.string(diagnostic.severity.name)),"
      + "\"message\":\(Self.string(diagnostic.message)),\(place(diagnostic.location)),"
      + "\"notes\":[\(notes.joined(separator: ","))],"
      + "\"hint\":\(diagnostic.hint.map { Self.string($0) } ?? "null"),\"fix\":\(fix ?? "null")}"
  }

  private func place(_ location: SourceLocation?) -> String {
    "\"path\":\(location.map { Self.string(pathPrefix + $0.path) } ?? "null"),"
      + span(location?.range, path: location?.path ?? "")
  }

  private func span(_ range: SourceRange?, path: String) -> String {
    var start = LineMap.Position?.none
    var end = LineMap.Position?.none
    if let range, let map = maps[path] {
      start = map.position(at: Int(range.start))
      end = map.position(at: Int(range.end))
    }
    return "\"line\":\(Self.number(start?.line)),\"column\":\(Self.number(start?.column)),"
      + "\"endLine\":\(Self.number(end?.line)),\"endColumn\":\(Self.number(end?.column)),"
      + "\"startByte\":\(Self.number(range?.start)),\"endByte\":\(Self.number(range?.end))"
  }

  private static func number(_ value: (some BinaryInteger)?) -> String { value.map { "\($0)" } ?? "null" }

  /// A JSON string; everything outside printable ASCII stays as UTF-8 but for controls and the two line
  /// separators that some readers trip over.
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{00}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
