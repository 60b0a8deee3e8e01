// Diagnostics as a page for a browser: what the terminal shows, with what each finding means. One document that
// loads nothing from anywhere, light or dark as the reader has chosen.
//
// All text that comes from the project is escaped, and made harmless as for a terminal: a direction override would
// deceive here too.

/// Writes a report as HTML. Used by one thread at a time.
package struct DiagnosticPage {
  /// What stands around the findings.
  package struct Frame: Equatable, Sendable {
    /// One line: `The build failed`.
    package var title: String
    /// A sentence below it.
    package var subtitle: String
    /// What went wrong beside the findings; nil for nothing.
    package var message: String?
    /// JavaScript of ours; nil for none.
    package var script: String?

    package init(title: String, subtitle: String, message: String? = nil, script: String? = nil) {
      self.title = title
      self.subtitle = subtitle
      self.message = message
      self.script = script
    }
  }

  private let maps: LineMaps

  /// - Parameter sources: The bytes of the files that diagnostics name, by path.
  package init(sources: [String: [UInt8]]) {
    maps = LineMaps(sources)
  }

  /// The whole document.
  package func html(_ report: DiagnosticReport, _ frame: Frame) -> String {
    let title = Self.escaped(frame.title)
    let summary = report.summary.map { "<p class=\"summary\">\(Self.escaped($0))</p>\n" } ?? ""
    let message = frame.message.map { "<p class=\"message\">\(Self.escaped($0))</p>\n" } ?? ""
    let script = frame.script.map { "<script>\($0)</script>\n" } ?? ""
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title)</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      <main>
      <header>
      <h1>\(title)</h1>
      <p>\(Self.escaped(frame.subtitle))</p>
      </header>
      \(message)\(report.diagnostics.map(article).joined())\(summary)</main>
      \(script)</body>
      </html>

      """
  }

  private func article(_ diagnostic: Diagnostic) -> String {
    let severity = diagnostic.severity.name
    var result = "<article class=\"\(severity)\">\n<p class=\"place\">\(place(diagnostic.location))</p>\n"
    result +=
      "<h2><span class=\"severity\">\(severity)</span> \(Self.escaped(diagnostic.message)) "
      + "<code>\(Self.escaped(diagnostic.id.rawValue))</code></h2>\n"
    result += excerpt(diagnostic.location)
    for note in diagnostic.notes {
      let location = note.location.map { "<span class=\"place\">\(place($0))</span> " } ?? ""
      result += "<p class=\"note\">\(location)\(Self.escaped(note.message))</p>\n"
      if let location = note.location { result += excerpt(location) }
    }
    if let hint = diagnostic.hint { result += "<p class=\"hint\">\(Self.escaped(hint))</p>\n" }
    result +=
      "<details><summary>What this means</summary><p>\(Self.marked(diagnostic.id.explanation))</p></details>\n"
    return result + "</article>\n"
  }

  private func place(_ location: SourceLocation) -> String {
    let path = Self.escaped(location.path)
    guard let range = location.range, let map = maps[location.path] else { return path }
    let position = map.position(at: Int(range.start))
    return "\(path):\(position.line):\(position.column)"
  }

  private func excerpt(_ location: SourceLocation) -> String {
    guard let range = location.range, let map = maps[location.path] else { return "" }
    let rows = CodeFrame.rows(range, in: map)
    let width = String(map.line(at: Int(range.end))).count
    var lines: [String] = []
    for row in rows {
      let text = Self.escaped(row.text)
      switch row.kind {
      case .source(let line):
        let number = String(line)
        let padding = String(repeating: " ", count: Swift.max(0, width - number.count))
        lines.append("<span class=\"gutter\">\(padding)\(number) |</span> \(text)")
      case .marker:
        let padding = String(repeating: " ", count: width)
        lines.append("<span class=\"gutter\">\(padding) |</span> <span class=\"marker\">\(text)</span>")
      case .omission: lines.append("<span class=\"gutter\">...</span>")
      }
    }
    return "<pre>\(lines.joined(separator: "\n"))</pre>\n"
  }

  /// Text for between two tags, or within the quotes of an attribute.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in DisplayText.sanitized(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Escaped text in which what stands between backquotes is code.
  static func marked(_ text: String) -> String {
    let parts = escaped(text).split(separator: "`", omittingEmptySubsequences: false)
    guard parts.count % 2 == 1 else { return parts.joined(separator: "`") }
    return parts.enumerated().map { $0 % 2 == 0 ? String($1) : "<code>\($1)</code>" }.joined()
  }

  private static let style = """
    :root { --back: #fbfaf8; --card: #fff; --text: #1d1b19; --dim: #6d6862; --line: #e4e0da; --error: #b3261e;
      --warning: #8a5a00; --hint: #0b6b3a; }
    @media (prefers-color-scheme: dark) { :root { --back: #171615; --card: #211f1d; --text: #ece8e3; --dim: #a19a92;
      --line: #38342f; --error: #ff8a80; --warning: #f0b95b; --hint: #7ad19f; } }
    body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
    h1 { margin: 0; font-size: 1.5rem; color: var(--error); }
    header p, .summary { margin: .25rem 0 0; color: var(--dim); }
    h2 { margin: 0; font-size: 1.05rem; font-weight: 600; }
    article, .message { margin: 1.25rem 0; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line);
      border-left: .25rem solid var(--error); border-radius: .375rem; }
    article.warning { border-left-color: var(--warning); }
    article.note { border-left-color: var(--dim); }
    .severity, .marker { color: var(--error); font-weight: 700; }
    .warning .severity, .warning .marker { color: var(--warning); }
    .place { margin: 0 0 .25rem; color: var(--dim); font-family: ui-monospace, monospace; font-size: .9rem; }
    .hint { margin: .5rem 0; color: var(--hint); }
    .note { margin: .5rem 0 0; }
    pre, code { font-family: ui-monospace, monospace; font-size: .9rem; }
    h2 code { color: var(--dim); font-weight: 400; }
    pre { margin: .75rem 0; padding: .75rem; overflow-x: auto; background: var(--back); border-radius: .25rem;
      line-height: 1.35; }
    .gutter { color: var(--dim); user-select: none; }
    details { margin-top: .5rem; color: var(--dim); }
    summary { cursor: pointer; }
    """
}
