// The excerpt under a diagnostic: the source line, and below it a caret and an underline.
//
// A line is laid out as cells (glyph, width, byte offset), tabs expanded to stops every four columns, so that
// caret and text agree whatever the characters' widths. A long line shows a window around the caret.

/// Lays out the code frame of one range of one file.
struct CodeFrame {
  /// One printed row: the gutter's number (nil below a source line, or where lines are left out) and text.
  struct Row: Equatable {
    enum Kind: Equatable { case source(line: Int), marker, omission }
    var kind: Kind
    var text: String
  }

  static let widthColumnsMax = 100
  private static let tabColumns = 4

  /// The rows for `range`; `isFirst` of a range of several lines and its last line are shown.
  static func rows(_ range: SourceRange, in map: LineMap) -> [Row] {
    let start = Swift.min(Int(range.start), map.bytes.count)
    let end = Swift.max(start, Swift.min(Int(range.end), map.bytes.count))
    let firstLine = map.line(at: start)
    var lastLine = map.line(at: end)
    // A range that ends with a line's end belongs to that line.
    if lastLine > firstLine, end == map.contents(ofLine: lastLine).lowerBound { lastLine -= 1 }

    let first = map.contents(ofLine: firstLine)
    var rows = excerpt(map, line: firstLine, from: start, to: Swift.min(end, first.upperBound), isHead: true)
    guard lastLine > firstLine else { return rows }
    if lastLine > firstLine + 1 { rows.append(Row(kind: .omission, text: "")) }
    let last = map.contents(ofLine: lastLine)
    let indented = last.first { map.bytes[$0] != 0x20 && map.bytes[$0] != 0x09 } ?? last.lowerBound
    rows += excerpt(
      map, line: lastLine, from: Swift.min(indented, end), to: Swift.min(end, last.upperBound), isHead: false)
    return rows
  }

  private struct Cell {
    var text: String
    var width: Int
    var offset: Int
  }

  private static func cells(_ map: LineMap, _ line: Range<Int>) -> [Cell] {
    var cells: [Cell] = []
    var column = 0
    var offset = line.lowerBound
    while offset < line.upperBound {
      let (scalar, length) = CodePoints.decode(map.bytes, at: offset, limit: line.upperBound)
      if scalar == "\t" {
        let width = tabColumns - column % tabColumns
        cells.append(Cell(text: String(repeating: " ", count: width), width: width, offset: offset))
        column += width
      } else {
        let glyph = DisplayText.glyph(scalar)
        cells.append(Cell(text: String(glyph.scalar), width: glyph.width, offset: offset))
        column += glyph.width
      }
      offset += length
    }
    return cells
  }

  /// The source row of one line and its marker row.
  private static func excerpt(
    _ map: LineMap, line: Int, from start: Int, to end: Int, isHead: Bool
  ) -> [Row] {
    let cells = cells(map, map.contents(ofLine: line))
    var startColumn = 0
    var endColumn = 0
    var width = 0
    for cell in cells {
      if cell.offset < start { startColumn += cell.width }
      if cell.offset < end { endColumn += cell.width }
      width += cell.width
    }
    let window = window(width: width, caret: startColumn)
    var text = window.lowerBound > 0 ? "…" : ""
    var column = 0
    for cell in cells {
      if column >= window.lowerBound, column + cell.width <= window.upperBound { text += cell.text }
      column += cell.width
    }
    if window.upperBound < width { text += "…" }

    let shift = window.lowerBound > 0 ? 1 - window.lowerBound : 0
    let markStart = Swift.max(0, startColumn + shift)
    let markEnd = Swift.max(markStart + 1, Swift.min(endColumn, window.upperBound) + shift)
    let underline = String(repeating: "~", count: markEnd - markStart - 1)
    let marker = String(repeating: " ", count: markStart) + (isHead ? "^" : "~") + underline
    return [Row(kind: .source(line: line), text: text), Row(kind: .marker, text: marker)]
  }

  /// The display columns to show of a line of `width`, a third of the window before the caret.
  private static func window(width: Int, caret: Int) -> Range<Int> {
    guard width > widthColumnsMax else { return 0..<width }
    let latest = width - widthColumnsMax
    let start = Swift.max(0, Swift.min(caret - widthColumnsMax / 3, latest))
    return start..<(start + widthColumnsMax)
  }
}
