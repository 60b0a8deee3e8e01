// The bytes of a YAML file made ready for the parser, and the way back from its marks to byte offsets.
//
// Marks count code points and end lines where YAML does (CR, LF, CRLF, NEL, LS, PS). A byte order mark is cut
// off before parsing. Aliases never reach the parser: a `*` where an alias can begin is replaced by one
// private-use character, so that an alias arrives as a plain scalar and is expanded by us, with a bound; the
// parser itself would compare and hash expanded keys without one. The character is put back in every text.

/// A YAML file's text with its positions.
struct YAMLText {
  /// The original bytes, byte order mark included.
  let bytes: [UInt8]
  /// What the parser gets.
  let parserInput: String
  /// Stands for `*` at the places where an alias can begin.
  let aliasMark: Unicode.Scalar
  /// Offsets of the lines' first bytes in `bytes`.
  private let lineStarts: [Int]

  /// Fails with a diagnostic for what no YAML text can hold.
  init(_ bytes: [UInt8], path: String) throws(YAMLFailure) {
    self.bytes = bytes
    guard bytes.count <= ConfigLimits.fileBytesMax else {
      throw YAMLFailure("the file is larger than \(ConfigLimits.fileBytesMax >> 10) KiB")
    }
    let bom = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw YAMLFailure("the file is UTF-16", at: 0..<2, hint: "save it as UTF-8")
    }
    var scalars: [Unicode.Scalar] = []
    var starts = [bom]
    var mark: Unicode.Scalar = "\u{E02A}"
    var offset = bom
    while offset < bytes.count {
      let (decoded, length) = CodePoints.decode(bytes, at: offset, limit: bytes.count)
      guard let scalar = decoded else {
        throw YAMLFailure("the file is not valid UTF-8", at: offset..<(offset + 1), hint: "save it as UTF-8")
      }
      guard Self.isAllowed(scalar) else {
        let hex = String(scalar.value, radix: 16, uppercase: true)
        let code = String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        throw YAMLFailure("YAML text cannot hold the character U+\(code)", at: offset..<(offset + length))
      }
      if scalar == mark, let next = Unicode.Scalar(mark.value + 1) { mark = next }
      scalars.append(scalar)
      offset += length
      if Self.endsLine(scalar), scalar != "\r" || offset == bytes.count || bytes[offset] != 0x0A {
        starts.append(offset)
      }
    }
    // A text with every character between would have to contain them in ascending order; give up on it.
    guard !scalars.contains(mark) else { throw YAMLFailure("the file holds too many private-use characters") }
    aliasMark = mark
    lineStarts = starts
    parserInput = Self.replacingAliases(scalars, with: mark)
  }

  /// The byte offset of a mark's line and column, both from 1, clamped to the line.
  func offset(line: Int, column: Int) -> Int {
    guard line >= 1 else { return 0 }
    guard line <= lineStarts.count else { return bytes.count }
    var offset = lineStarts[line - 1]
    let end = line < lineStarts.count ? lineStarts[line] : bytes.count
    var column = column
    while column > 1, offset < end {
      offset += CodePoints.decode(bytes, at: offset, limit: end).length
      column -= 1
    }
    return offset
  }

  /// `text` as it stands in the file.
  func original(_ text: String) -> String {
    guard text.unicodeScalars.contains(aliasMark) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(scalar == aliasMark ? "*" : scalar) }
    return String(result)
  }

  private static func endsLine(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\n" || scalar == "\r" || scalar == "\u{85}" || scalar == "\u{2028}" || scalar == "\u{2029}"
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x85: true
    case 0x20..<0x7F, 0xA0..<0xFEFF, 0xFF00...0xFFFD, 0x1_0000...0x10_FFFF: true
    default: false
    }
  }

  /// An alias can only begin a token: at a line's start, after a blank, or after an indicator.
  private static func replacingAliases(_ scalars: [Unicode.Scalar], with mark: Unicode.Scalar) -> String {
    var result = String.UnicodeScalarView()
    var previous: Unicode.Scalar = "\n"
    for scalar in scalars {
      let canBegin = endsLine(previous) || " \t[{,:\"'".unicodeScalars.contains(previous)
      result.append(scalar == "*" && canBegin ? mark : scalar)
      previous = scalar
    }
    return String(result)
  }
}

/// Why a file could not be read as YAML; there is nothing to check beyond it.
struct YAMLFailure: Error {
  var message: String
  /// Nil: the file as a whole.
  var range: Range<Int>?
  var note: (message: String, offset: Int)?
  var hint: String?

  init(
    _ message: String, at range: Range<Int>? = nil, note: (message: String, offset: Int)? = nil,
    hint: String? = nil
  ) {
    self.message = message
    self.range = range
    self.note = note
    self.hint = hint
  }

  func diagnostic(path: String) -> Diagnostic {
    let notes = note.map { note in
      let range = SourceRange(start: note.offset, end: note.offset)
      return Diagnostic.Note(note.message, at: SourceLocation(path: path, range: range))
    }
    return Diagnostic(
      .configSyntax, .error, message,
      at: SourceLocation(
        path: path, range: range.map { SourceRange(start: $0.lowerBound, end: $0.upperBound) }),
      notes: notes.map { [$0] } ?? [], hint: hint)
  }
}
