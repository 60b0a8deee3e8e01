// Bytes to tokens, one at a time, with one token of lookahead where the grammar needs it.
//
// Invariants: `position` is the first byte after `token` (or after the lookahead); every byte is visited a
// constant number of times; past the end `byte(at:)` gives 0, and whoever meets a 0 asks whether it is the end.

struct Lexer {
  let bytes: [UInt8]
  let classes: [UInt8]
  var position: Int
  var token = Token(kind: .endOfFile, start: 0, end: 0, value: 0)
  /// The token before `token`: its kind and where it ended.
  var previousKind = TokenKind.endOfFile
  var previousEnd = 0
  var lookahead: Token?
  var interner = Interner.initial
  var comments: [Comment] = []
  var failure: SyntaxFailure?

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    classes = ByteClass.table
    position = LuaSource.body(of: bytes)
    previousEnd = position
  }

  @inline(__always)
  func byte(at index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

  @inline(__always)
  func isClass(_ byte: UInt8, _ bits: UInt8) -> Bool { classes[Int(byte)] & bits != 0 }

  /// Moves on to the next token.
  @inline(__always)
  mutating func advance() throws(SyntaxAbort) {
    previousKind = token.kind
    previousEnd = token.end
    if let next = lookahead {
      token = next
      lookahead = nil
    } else {
      token = try scan()
    }
  }

  /// The kind of the token after the current one.
  mutating func peek() throws(SyntaxAbort) -> TokenKind {
    if let next = lookahead { return next.kind }
    let next = try scan()
    lookahead = next
    return next.kind
  }

  private mutating func scan() throws(SyntaxAbort) -> Token {
    while true {
      let start = position
      let first = byte(at: start)
      let bits = classes[Int(first)]
      if bits & ByteClass.space != 0 {
        position += 1
      } else if bits & ByteClass.nameStart != 0 {
        return scanName(start)
      } else if first == UInt8(ascii: "-"), byte(at: start + 1) == UInt8(ascii: "-") {
        try skipComment()
      } else {
        return try scanOther(first, start)
      }
    }
  }

  @inline(__always)
  private mutating func scanName(_ start: Int) -> Token {
    var hash = Interner.hashStart
    var end = start
    var next = bytes[start]
    repeat {
      hash = Interner.hash(hash, adding: next)
      end += 1
      next = byte(at: end)
    } while isClass(next, ByteClass.name)
    position = end
    let index = interner.intern(bytes, start, end, hash: hash)
    let kind: TokenKind =
      index < TokenKind.keywordCount ? TokenKind(rawValue: UInt8(index)) ?? .name : .name
    return Token(kind: kind, start: start, end: end, value: UInt64(index))
  }

  private mutating func scanOther(_ first: UInt8, _ start: Int) throws(SyntaxAbort) -> Token {
    let second = byte(at: start + 1)
    switch first {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return try scanNumber(start)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return try scanString(start, delimiter: first)
    case UInt8(ascii: "["):
      if second == UInt8(ascii: "[") || second == UInt8(ascii: "=") { return try scanLongString(start) }
      return token(.leftBracket, 1)
    case UInt8(ascii: "="): return second == UInt8(ascii: "=") ? token(.equal, 2) : token(.assign, 1)
    case UInt8(ascii: "("): return token(.leftParenthesis, 1)
    case UInt8(ascii: ")"): return token(.rightParenthesis, 1)
    case UInt8(ascii: ","): return token(.comma, 1)
    case UInt8(ascii: "."):
      if isClass(second, ByteClass.digit) { return try scanNumber(start) }
      if second != UInt8(ascii: ".") { return token(.dot, 1) }
      return byte(at: start + 2) == UInt8(ascii: ".") ? token(.ellipsis, 3) : token(.concat, 2)
    case UInt8(ascii: ":"): return second == first ? token(.doubleColon, 2) : token(.colon, 1)
    case UInt8(ascii: "{"): return token(.leftBrace, 1)
    case UInt8(ascii: "}"): return token(.rightBrace, 1)
    case UInt8(ascii: "]"): return token(.rightBracket, 1)
    case UInt8(ascii: "<"):
      if second == first { return token(.shiftLeft, 2) }
      return second == UInt8(ascii: "=") ? token(.lessEqual, 2) : token(.less, 1)
    case UInt8(ascii: ">"):
      if second == first { return token(.shiftRight, 2) }
      return second == UInt8(ascii: "=") ? token(.greaterEqual, 2) : token(.greater, 1)
    case UInt8(ascii: "~"): return second == UInt8(ascii: "=") ? token(.notEqual, 2) : token(.tilde, 1)
    case UInt8(ascii: "+"): return token(.plus, 1)
    case UInt8(ascii: "-"): return token(.minus, 1)
    case UInt8(ascii: "*"): return token(.star, 1)
    case UInt8(ascii: "/"): return second == first ? token(.doubleSlash, 2) : token(.slash, 1)
    case UInt8(ascii: "%"): return token(.percent, 1)
    case UInt8(ascii: "^"): return token(.caret, 1)
    case UInt8(ascii: "#"): return token(.hash, 1)
    case UInt8(ascii: "&"): return token(.ampersand, 1)
    case UInt8(ascii: "|"): return token(.pipe, 1)
    case UInt8(ascii: ";"): return token(.semicolon, 1)
    default:
      if start >= bytes.count { return Token(kind: .endOfFile, start: start, end: start, value: 0) }
      throw failStrayByte(first, start)
    }
  }

  @inline(__always)
  private mutating func token(_ kind: TokenKind, _ length: Int) -> Token {
    let start = position
    position = start + length
    return Token(kind: kind, start: start, end: position, value: 0)
  }

  private mutating func skipComment() throws(SyntaxAbort) {
    let start = position
    position += 2
    if byte(at: position) == UInt8(ascii: "["), let level = longBracketLevel(at: position) {
      guard let end = skipLongBracket(level) else {
        throw fail("unfinished comment", start, start + level + 4, hint: "close it with '\(closing(level))'")
      }
      position = end
    } else {
      var end = position
      while end < bytes.count, !isClass(bytes[end], ByteClass.lineEnd) { end += 1 }
      position = end
    }
    comments.append(Comment(range: SourceRange(start: start, end: position)))
  }

  /// Notes why the file is wrong; the result is to be thrown.
  mutating func fail(
    _ message: String, _ start: Int, _ end: Int, hint: String? = nil, fix: String? = nil
  ) -> SyntaxAbort {
    let range = SourceRange(start: start, end: end)
    failure = SyntaxFailure(
      message: message, range: range, hint: hint,
      fix: fix.map { Diagnostic.Fix(range: range, replacement: $0) })
    return SyntaxAbort()
  }
}
