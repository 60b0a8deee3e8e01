// What the lexer says about text that is no token.

extension Lexer {
  mutating func failUnfinishedString(_ start: Int, _ end: Int) -> SyntaxAbort {
    fail(
      "unfinished string", start, end,
      hint: end < bytes.count
        ? "close it on the same line, or write a text of several lines as [[ … ]]"
        : "close it with \(bytes[start] == UInt8(ascii: "'") ? "a single" : "a double") quote")
  }

  mutating func failEscape(_ letter: UInt8, _ start: Int) -> SyntaxAbort {
    let isPrintable = (0x21...0x7E).contains(letter)
    let text = isPrintable ? "'\\\(Character(Unicode.Scalar(letter)))'" : "after '\\'"
    return fail(
      "invalid escape sequence \(text)", start, start + (isPrintable ? 2 : 1),
      hint: "write '\\\\' for a backslash")
  }

  /// A byte that begins no token.
  mutating func failStrayByte(_ byte: UInt8, _ start: Int) -> SyntaxAbort {
    let rest = bytes[start...]
    switch byte {
    case UInt8(ascii: "!"):
      if self.byte(at: start + 1) == UInt8(ascii: "=") {
        return fail("unexpected '!='", start, start + 2, hint: "'not equal' is written '~='", fix: "~=")
      }
      return fail("unexpected '!'", start, start + 1, hint: "negation is written 'not'", fix: "not ")
    case UInt8(ascii: "`"):
      return fail(
        "unexpected '`'", start, start + 1, hint: "strings are written \"…\", '…' or [[…]]")
    case UInt8(ascii: "?"):
      return fail("unexpected '?'", start, start + 1, hint: "'a ? b : c' is written 'a and b or c'")
    case 0x21...0x7E:
      return fail("unexpected '\(Character(Unicode.Scalar(byte)))'", start, start + 1)
    case 0..<0x20, 0x7F:
      return fail("unexpected control character \(byte)", start, start + 1)
    default:
      return failNonASCII(rest, start)
    }
  }

  private mutating func failNonASCII(_ rest: ArraySlice<UInt8>, _ start: Int) -> SyntaxAbort {
    guard let character = Character.first(of: rest) else {
      return fail("unexpected byte \(rest[start]), which is not UTF-8", start, start + 1)
    }
    let end = start + character.utf8.count
    switch character {
    case "“", "”", "„", "‘", "’", "‚":
      return fail(
        "unexpected '\(character)'", start, end, hint: "strings are written with plain quotes, \" or '")
    case "\u{A0}", "\u{2007}", "\u{202F}", "\u{3000}":
      return fail("unexpected no-break space", start, end, hint: "replace it with a plain space", fix: " ")
    case "\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{FEFF}":
      return fail("unexpected invisible character", start, end, hint: "remove it", fix: "")
    case "–", "—", "−":
      return fail("unexpected '\(character)'", start, end, hint: "minus is written '-'", fix: "-")
    case "≠": return fail("unexpected '≠'", start, end, hint: "'not equal' is written '~='", fix: "~=")
    default:
      return fail(
        "unexpected '\(character)'", start, end,
        hint: "names are made of ASCII letters, digits and '_'")
    }
  }
}

extension Character {
  /// The character that valid UTF-8 begins with.
  fileprivate static func first(of bytes: ArraySlice<UInt8>) -> Character? {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
    return Character(scalar)
  }
}
