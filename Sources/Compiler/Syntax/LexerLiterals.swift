// Numbers, strings and long brackets.
//
// A string without escapes is interned straight from the source; one with escapes is decoded into a buffer.

extension Lexer {
  // MARK: Numbers

  /// A numeral that begins at `start`, with a digit or with a dot and a digit.
  mutating func scanNumber(_ start: Int) throws(SyntaxAbort) -> Token {
    var end = start
    var value: UInt64 = 0
    while isClass(byte(at: end), ByteClass.digit), end - start < 18 {
      value = value * 10 + UInt64(bytes[end] - UInt8(ascii: "0"))
      end += 1
    }
    let next = byte(at: end)
    if end > start, next != UInt8(ascii: "."), !isClass(next, ByteClass.name) {
      position = end
      return Token(kind: .integer, start: start, end: end, value: value)
    }
    return try scanLongNumber(start)
  }

  /// The same for every form: takes in what the VM takes for a numeral, then judges it.
  private mutating func scanLongNumber(_ start: Int) throws(SyntaxAbort) -> Token {
    var end = start
    if bytes[end] == UInt8(ascii: ".") { end += 1 }
    let isMarkedHex = bytes[end] == UInt8(ascii: "0") && byte(at: end + 1) | 0x20 == UInt8(ascii: "x")
    end += isMarkedHex ? 2 : 1
    let mark = isMarkedHex ? UInt8(ascii: "p") : UInt8(ascii: "e")
    while true {
      let next = byte(at: end)
      if next | 0x20 == mark {
        end += 1
        if byte(at: end) == UInt8(ascii: "+") || byte(at: end) == UInt8(ascii: "-") { end += 1 }
      } else if isClass(next, ByteClass.hexDigit) || next == UInt8(ascii: ".") {
        end += 1
      } else {
        break
      }
    }
    let touchesName = isClass(byte(at: end), ByteClass.nameStart)
    position = end
    if !touchesName, let number = Numeral.value(of: bytes[start..<end]) {
      switch number {
      case .integer(let bits): return Token(kind: .integer, start: start, end: end, value: bits)
      case .float(let value): return Token(kind: .float, start: start, end: end, value: value.bitPattern)
      }
    }
    while isClass(byte(at: end), ByteClass.name) { end += 1 }
    let text = String(decoding: bytes[start..<end], as: UTF8.self)
    let hint =
      text.contains("..") ? "put a space before '..' to concatenate a number" : nil
    throw fail("malformed number '\(text)'", start, end, hint: hint)
  }

  // MARK: Strings

  mutating func scanString(_ start: Int, delimiter: UInt8) throws(SyntaxAbort) -> Token {
    var end = start + 1
    var hash = Interner.hashStart
    while true {
      let next = byte(at: end)
      if next == delimiter {
        position = end + 1
        let index = interner.intern(bytes, start + 1, end, hash: hash)
        return Token(kind: .string, start: start, end: position, value: UInt64(index))
      }
      if next == UInt8(ascii: "\\") { break }
      if isClass(next, ByteClass.lineEnd) || end >= bytes.count { throw failUnfinishedString(start, end) }
      hash = Interner.hash(hash, adding: next)
      end += 1
    }
    return try scanEscapedString(start, end, delimiter: delimiter)
  }

  /// Goes on at the first escape, which is at `escape`.
  private mutating func scanEscapedString(
    _ start: Int, _ escape: Int, delimiter: UInt8
  ) throws(SyntaxAbort) -> Token {
    var content = Array(bytes[(start + 1)..<escape])
    position = escape
    while true {
      let next = byte(at: position)
      if next == delimiter { break }
      if next == UInt8(ascii: "\\") {
        try scanEscape(into: &content, stringStart: start)
      } else if isClass(next, ByteClass.lineEnd) || position >= bytes.count {
        throw failUnfinishedString(start, position)
      } else {
        content.append(next)
        position += 1
      }
    }
    position += 1
    return Token(kind: .string, start: start, end: position, value: UInt64(interner.intern(content)))
  }

  /// One escape sequence, at `position`.
  private mutating func scanEscape(into content: inout [UInt8], stringStart: Int) throws(SyntaxAbort) {
    let start = position
    let letter = byte(at: start + 1)
    position = start + 2
    switch letter {
    case UInt8(ascii: "n"): content.append(10)
    case UInt8(ascii: "t"): content.append(9)
    case UInt8(ascii: "r"): content.append(13)
    case UInt8(ascii: "a"): content.append(7)
    case UInt8(ascii: "b"): content.append(8)
    case UInt8(ascii: "f"): content.append(12)
    case UInt8(ascii: "v"): content.append(11)
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): content.append(letter)
    case UInt8(ascii: "x"): try scanHexEscape(start, into: &content)
    case UInt8(ascii: "u"): try scanUnicodeEscape(start, into: &content)
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      let next = byte(at: position)
      if next != letter, isClass(next, ByteClass.lineEnd) { position += 1 }
      content.append(10)
    case UInt8(ascii: "z"):
      while isClass(byte(at: position), ByteClass.space) { position += 1 }
    case UInt8(ascii: "0")...UInt8(ascii: "9"): try scanDecimalEscape(start, into: &content)
    default:
      if start + 1 >= bytes.count { throw failUnfinishedString(stringStart, bytes.count) }
      throw failEscape(letter, start)
    }
  }

  private mutating func scanHexEscape(_ start: Int, into content: inout [UInt8]) throws(SyntaxAbort) {
    let high = byte(at: position)
    let low = byte(at: position + 1)
    guard isClass(high, ByteClass.hexDigit), isClass(low, ByteClass.hexDigit) else {
      throw fail("expected two hexadecimal digits after '\\x'", start, position)
    }
    content.append(ByteClass.hexValue(high) << 4 | ByteClass.hexValue(low))
    position += 2
  }

  private mutating func scanDecimalEscape(_ start: Int, into content: inout [UInt8]) throws(SyntaxAbort) {
    position = start + 1
    var value = 0
    while position < start + 4, isClass(byte(at: position), ByteClass.digit) {
      value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
      position += 1
    }
    guard value <= 255 else { throw fail("decimal escape above 255", start, position) }
    content.append(UInt8(value))
  }

  private mutating func scanUnicodeEscape(_ start: Int, into content: inout [UInt8]) throws(SyntaxAbort) {
    guard byte(at: position) == UInt8(ascii: "{") else {
      throw fail("expected '{' after '\\u'", start, position, hint: "write '\\u{20AC}'")
    }
    position += 1
    var value: UInt32 = 0
    let digits = position
    while isClass(byte(at: position), ByteClass.hexDigit) {
      guard value <= 0x7FF_FFFF else { throw fail("'\\u{…}' above 7FFFFFFF", start, position + 1) }
      value = value << 4 | UInt32(ByteClass.hexValue(bytes[position]))
      position += 1
    }
    guard position > digits else { throw fail("expected hexadecimal digits after '\\u{'", start, position) }
    guard byte(at: position) == UInt8(ascii: "}") else {
      throw fail("expected '}' to close '\\u{'", start, position)
    }
    position += 1
    Self.appendUTF8(value, to: &content)
  }

  /// UTF-8 in its first form, up to six bytes and 31 bits, surrogates included.
  private static func appendUTF8(_ value: UInt32, to content: inout [UInt8]) {
    if value < 0x80 {
      content.append(UInt8(value))
      return
    }
    var rest = value
    var reversed: [UInt8] = []
    var firstMax: UInt32 = 0x3F
    repeat {
      reversed.append(UInt8(0x80 | (rest & 0x3F)))
      rest >>= 6
      firstMax >>= 1
    } while rest > firstMax
    reversed.append(UInt8(truncatingIfNeeded: (~firstMax << 1) | rest))
    content.append(contentsOf: reversed.reversed())
  }

  // MARK: Long brackets

  /// The count of `=` when a long bracket opens at `start`, a `[`.
  func longBracketLevel(at start: Int) -> Int? {
    var end = start + 1
    while byte(at: end) == UInt8(ascii: "=") { end += 1 }
    return byte(at: end) == UInt8(ascii: "[") ? end - start - 1 : nil
  }

  /// The place after the bracket that closes the one at `position`.
  func skipLongBracket(_ level: Int) -> Int? {
    var end = position + level + 2
    while end < bytes.count {
      guard bytes[end] == UInt8(ascii: "]") else {
        end += 1
        continue
      }
      var close = end + 1
      while byte(at: close) == UInt8(ascii: "=") { close += 1 }
      if byte(at: close) == UInt8(ascii: "]"), close - end - 1 == level { return close + 1 }
      end = close
    }
    return nil
  }

  func closing(_ level: Int) -> String { "]" + String(repeating: "=", count: level) + "]" }

  mutating func scanLongString(_ start: Int) throws(SyntaxAbort) -> Token {
    guard let level = longBracketLevel(at: start) else {
      throw fail("expected '[' to finish the long bracket", start, start + 2, hint: "write '[==[ … ]==]'")
    }
    guard let end = skipLongBracket(level) else {
      throw fail("unfinished string", start, start + level + 2, hint: "close it with '\(closing(level))'")
    }
    position = end
    var next = start + level + 2
    let contentEnd = end - level - 2
    var content: [UInt8] = []
    content.reserveCapacity(contentEnd - next)
    var isFirst = true
    while next < contentEnd {
      let byte = bytes[next]
      next += 1
      if isClass(byte, ByteClass.lineEnd) {
        if next < contentEnd, bytes[next] != byte, isClass(bytes[next], ByteClass.lineEnd) { next += 1 }
        if !isFirst { content.append(10) }
      } else {
        content.append(byte)
      }
      isFirst = false
    }
    return Token(kind: .string, start: start, end: end, value: UInt64(interner.intern(content)))
  }
}
