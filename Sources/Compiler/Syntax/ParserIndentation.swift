// Where a missing `end` belongs. The parser only learns at the very end that a block is open, and blames the
// outermost one; the indentation of the ends it took on the way tells which one was meant.

extension ParserState {
  func indentation(_ offset: Int) -> (columns: Int, isFirst: Bool) {
    var start = offset
    while start > 0, !LuaSource.isLineEnd(lexer.bytes[start - 1]) { start -= 1 }
    var end = start
    while end < offset, lexer.isClass(lexer.bytes[end], ByteClass.blank) { end += 1 }
    return (end - start, end == offset)
  }

  /// Notes a block whose end, first on its line, is left of the line that opened it.
  mutating func noteIndentation(_ opening: Opening) {
    guard token.kind == .end || token.kind == .until, suspects.count < 1000 else { return }
    let close = indentation(token.start)
    if close.isFirst, close.columns < indentation(opening.start).columns {
      suspects.append((opening, token.start))
    }
  }

  /// Adds to "expected 'end'" where, by the indentation, the end is likely to be missing.
  mutating func blameIndentation() {
    guard lacksEnd, let failure = lexer.failure, let outer = failure.notes.first?.range else { return }
    var second = ParserState(lexer.bytes)
    second.recordsIndentation = true
    _ = second.run()
    let suspect = second.suspects.first { $0.opening.start > Int(outer.start) }
    guard let suspect else { return }
    let word = source(suspect.opening.start, suspect.opening.end)
    addNote(
      "by its indentation, this '\(word)' lacks its 'end': the one at line \(line(suspect.close)) is further left",
      suspect.opening.start, suspect.opening.end)
  }
}
