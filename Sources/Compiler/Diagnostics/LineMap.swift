// From byte offsets to the lines and columns people read.
//
// A line ends at LF, CR, or a pair of the two in either order: Lua's own rule, so that a diagnostic and the
// VM's messages name the same line. Columns count code points; a byte that is no UTF-8 counts as one.

/// The lines of one source file.
package struct LineMap: Sendable {
  /// A place as editors show it; both numbers start at 1.
  package struct Position: Equatable, Hashable, Sendable {
    package var line: Int
    /// In code points.
    package var column: Int

    package init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  package let bytes: [UInt8]
  /// Offsets of the lines' first bytes; never empty, ascending.
  private let starts: [Int]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var starts = [0]
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      guard byte == 0x0A || byte == 0x0D else { continue }
      if index < bytes.count, bytes[index] != byte, bytes[index] == 0x0A || bytes[index] == 0x0D {
        index += 1
      }
      starts.append(index)
    }
    self.starts = starts
  }

  package var lineCount: Int { starts.count }

  /// The 1-based line that holds `offset`; an offset past the end is on the last line.
  package func line(at offset: Int) -> Int {
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// The bytes of a 1-based line without its end; a line that does not exist is empty.
  package func contents(ofLine line: Int) -> Range<Int> {
    guard line >= 1, line <= starts.count else { return bytes.count..<bytes.count }
    let start = starts[line - 1]
    var end = line < starts.count ? starts[line] : bytes.count
    // A line's end is at most two bytes long.
    var cut = 0
    while cut < 2, line < starts.count, end > start, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D {
      end -= 1
      cut += 1
    }
    return start..<end
  }

  /// Line and column of `offset`, clamped into the file.
  package func position(at offset: Int) -> Position {
    let offset = Swift.max(0, Swift.min(offset, bytes.count))
    let line = line(at: offset)
    let start = starts[line - 1]
    return Position(line: line, column: 1 + CodePoints.count(bytes, in: start..<offset))
  }

  /// The offset of a position, clamped to its line's end.
  package func offset(of position: Position) -> Int {
    let line = contents(ofLine: position.line)
    var offset = line.lowerBound
    var column = 1
    while column < position.column, offset < line.upperBound {
      offset += CodePoints.decode(bytes, at: offset, limit: line.upperBound).length
      column += 1
    }
    return offset
  }
}
