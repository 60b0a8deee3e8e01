// Markdown of the reference tables and of the topics as text for a terminal: marks removed, lines wrapped.

enum HelpText {
  static let width = 80

  /// A paragraph: wrapped, each line behind `indent` blanks.
  static func paragraph(_ markdown: String, indent: Int = 0) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = ""
    for word in plain(markdown).split(whereSeparator: \.isWhitespace) {
      if !line.isEmpty && indent + line.count + 1 + word.count > width {
        lines.append(margin + line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { lines.append(margin + line) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A term and what it means below it.
  static func definition(_ term: String, _ markdown: String) -> String {
    "  " + plain(term) + "\n" + paragraph(markdown, indent: 6)
  }

  /// Paragraphs with a blank line between them. Text that is indented stays as it is.
  static func page(_ markdown: String) -> String {
    var blocks: [String] = []
    for block in markdown.split(separator: "\n\n") {
      let text = block.hasPrefix("\n") ? block.dropFirst() : block
      blocks.append(text.hasPrefix(" ") ? text + "\n" : paragraph(String(text)))
    }
    return blocks.joined(separator: "\n")
  }

  private static func plain(_ markdown: String) -> String { markdown.replacing("`", with: "") }
}
