// What a byte can be part of, by table: the lexer asks this for nearly every byte.
// Only ASCII counts, whatever the locale, as in the VM.

enum ByteClass {
  static let nameStart: UInt8 = 1
  static let digit: UInt8 = 2
  static let hexDigit: UInt8 = 4
  /// Space, tab, vertical tab, form feed; no line end.
  static let blank: UInt8 = 8
  static let lineEnd: UInt8 = 16

  static let name: UInt8 = nameStart | digit
  static let space: UInt8 = blank | lineEnd

  /// 256 entries, each an or of the bits above.
  static let table: [UInt8] = (0..<256).map { code in
    let byte = UInt8(code)
    var bits: UInt8 = 0
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
      bits = nameStart | hexDigit
    case UInt8(ascii: "g")...UInt8(ascii: "z"), UInt8(ascii: "G")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      bits = nameStart
    case UInt8(ascii: "0")...UInt8(ascii: "9"): bits = digit | hexDigit
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"): bits = lineEnd
    case UInt8(ascii: " "), 9, 11, 12: bits = blank
    default: break
    }
    return bits
  }

  /// The value of a hex digit; 0 for any other byte.
  static func hexValue(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: 0
    }
  }
}
