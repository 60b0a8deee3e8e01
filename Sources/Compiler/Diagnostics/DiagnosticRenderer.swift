// Diagnostics as text, the way compilers print them:
//
//   app/gateway.lua:7:23: error: no function named 'helo' [unknown-function]
//     7 |   {"GET", "/hello", "helo"},
//       |                     ^~~~~~
//     hint: did you mean 'hello'?
//
// Nothing from a user's file reaches the terminal unless it is printable.

/// Prints diagnostics with code frames. Used by one thread at a time.
package struct DiagnosticRenderer {
  /// Adds ANSI colours.
  package var useColor: Bool
  private let maps: LineMaps
  private let pathPrefix: String

  /// - Parameters:
  ///   - sources: the bytes of the files that diagnostics name, by path; a diagnostic of a file that is not
  ///     among them is printed without position and frame.
  ///   - pathPrefix: what is printed before each path, as `/home/ada/shop/`.
  package init(sources: [String: [UInt8]], useColor: Bool = false, pathPrefix: String = "") {
    self.useColor = useColor
    self.pathPrefix = pathPrefix
    maps = LineMaps(sources)
  }

  /// The whole report, closed by its summary line; empty when there is nothing to say.
  package func text(_ report: DiagnosticReport) -> String {
    var result = ""
    for diagnostic in report.diagnostics { result += text(diagnostic) + "\n" }
    if let summary = report.summary { result += styled(summary, .bold) + "\n" }
    return result
  }

  /// One diagnostic, its lines each closed by a newline.
  package func text(_ diagnostic: Diagnostic) -> String {
    let places = [diagnostic.location] + diagnostic.notes.compactMap(\.location)
    let gutter = places.map { gutterWidth($0) }.max() ?? 1
    let style: Style =
      switch diagnostic.severity {
      case .error: .red
      case .warning: .yellow
      case .note: .cyan
      }
    var result = styled(place(diagnostic.location) + ":", .bold) + " "
    result += styled(diagnostic.severity.name + ":", style) + " "
    result += styled(DisplayText.sanitized(diagnostic.message), .bold)
    result += styled(" [\(diagnostic.id.rawValue)]", .dim) + "\n"
    result += frame(diagnostic.location, gutter: gutter, style: style)
    for note in diagnostic.notes {
      let location = note.location.map { place($0) + ": " } ?? ""
      result += "  " + location + styled("note:", .cyan) + " " + DisplayText.sanitized(note.message) + "\n"
      if let location = note.location { result += frame(location, gutter: gutter, style: .cyan) }
    }
    if let hint = diagnostic.hint {
      result += "  " + styled("hint:", .green) + " " + DisplayText.sanitized(hint) + "\n"
    }
    return result
  }

  /// The code frame of a place by itself; empty when the file's bytes are unknown.
  package func frame(_ location: SourceLocation) -> String {
    frame(location, gutter: gutterWidth(location), style: .red)
  }

  /// `path:line:column`, or what of it is known.
  private func place(_ location: SourceLocation) -> String {
    let path = DisplayText.sanitized(pathPrefix + location.path)
    guard let range = location.range, let map = maps[location.path] else { return path }
    let position = map.position(at: Int(range.start))
    return "\(path):\(position.line):\(position.column)"
  }

  private func gutterWidth(_ location: SourceLocation) -> Int {
    guard let range = location.range, let map = maps[location.path] else { return 1 }
    return String(map.line(at: Int(range.end))).count
  }

  private func frame(_ location: SourceLocation, gutter: Int, style: Style) -> String {
    guard let range = location.range, let map = maps[location.path] else { return "" }
    var result = ""
    for row in CodeFrame.rows(range, in: map) {
      let number: String
      var text = row.text
      switch row.kind {
      case .source(let line): number = String(line)
      case .marker:
        number = ""
        text = styled(text, style)
      case .omission: number = "..."
      }
      let padding = String(repeating: " ", count: Swift.max(0, gutter - number.count))
      let edge = row.kind == .omission ? styled("  \(number)", .dim) : styled("  \(padding)\(number) |", .dim)
      result += edge + (text.isEmpty ? "" : " " + text) + "\n"
    }
    return result
  }

  private enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "1;31"
    case green = "1;32"
    case yellow = "1;33"
    case cyan = "1;36"
  }

  private func styled(_ text: String, _ style: Style) -> String {
    useColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
