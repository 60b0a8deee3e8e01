// Rows with aligned columns.

/// A table of text; columns are as wide as their widest cell.
struct Table {
  private var rows: [[String]]

  init(header: [String]) { rows = [header] }

  /// Without a header.
  init(rows: [[String]]) { self.rows = rows }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// What stands at the end of the last row.
  var lastCell: String? { rows.last?.last }

  /// The lines, each with a newline and without spaces at its end.
  var text: String {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.map { column < $0.count ? $0[column].unicodeScalars.count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        let padding = widths[column] - cell.unicodeScalars.count + 2
        if column < row.count - 1 { line += String(repeating: " ", count: padding) }
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
