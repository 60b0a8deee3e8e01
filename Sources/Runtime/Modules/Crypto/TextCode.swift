// Bytes as text: hexadecimal and the two alphabets of base64 (RFC 4648). Decoding is strict, so that a value
// has one text only (hexadecimal digits may have either case): no white space, no missing or surplus padding,
// no bits that would be dropped.

/// A way to write bytes as text.
enum TextCode: String {
  /// Lower-case digits.
  case hex
  /// With padding.
  case base64
  /// The alphabet of URLs, without padding.
  case base64URL = "base64url"
  /// The first alphabet without padding, as in the text of a password's hash.
  case base64Bare = "base64bare"

  private static let hexDigits: StaticString = "0123456789abcdef"
  private static let digits: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  private static let urlDigits: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

  /// Appends the text of `bytes`.
  func encode(_ bytes: UnsafeRawBufferPointer, to output: inout OutputBuffer) {
    guard self != .hex else {
      let digits = Self.hexDigits.utf8Start
      for byte in bytes {
        output.append(digits[Int(byte >> 4)])
        output.append(digits[Int(byte & 15)])
      }
      return
    }
    let digits = (self == .base64URL ? Self.urlDigits : Self.digits).utf8Start
    var index = 0
    while index < bytes.count {
      let count = min(3, bytes.count - index)
      var group = UInt32(bytes[index]) << 16
      if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
      if count > 2 { group |= UInt32(bytes[index + 2]) }
      for place in 0...count { output.append(digits[Int(group >> UInt32(18 - 6 * place)) & 63]) }
      if self == .base64 { for _ in count..<3 { output.append(UInt8(ascii: "=")) } }
      index += count
    }
  }

  /// Appends the bytes that `text` stands for.
  /// - Returns: Nil, or why `text` is none; what was appended is then of no use.
  func decode(_ text: UnsafeRawBufferPointer, to output: inout OutputBuffer) -> String? {
    self == .hex ? decodeHex(text, to: &output) : decodeBase64(text, to: &output)
  }

  private func decodeHex(_ text: UnsafeRawBufferPointer, to output: inout OutputBuffer) -> String? {
    guard text.count % 2 == 0 else { return "an odd number of hexadecimal digits" }
    var index = 0
    while index < text.count {
      guard let high = Self.hexValue(text[index]), let low = Self.hexValue(text[index + 1]) else {
        return "no hexadecimal digit at byte \(Self.hexValue(text[index]) == nil ? index + 1 : index + 2)"
      }
      output.append(high << 4 | low)
      index += 2
    }
    return nil
  }

  private func decodeBase64(_ text: UnsafeRawBufferPointer, to output: inout OutputBuffer) -> String? {
    var end = text.count
    if self == .base64 {
      guard end % 4 == 0 else { return "the length is no multiple of 4" }
      while end > 0, text.count - end < 2, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
    }
    guard end % 4 != 1 else { return "the text is cut off" }
    var group: UInt32 = 0
    for index in 0..<end {
      guard let value = value(of: text[index]) else { return "an invalid character at byte \(index + 1)" }
      group = group << 6 | UInt32(value)
      guard index % 4 == 3 else { continue }
      output.append(UInt8(truncatingIfNeeded: group >> 16))
      output.append(UInt8(truncatingIfNeeded: group >> 8))
      output.append(UInt8(truncatingIfNeeded: group))
      group = 0
    }
    switch end % 4 {
    case 2:
      guard group & 15 == 0 else { return "surplus bits at the end" }
      output.append(UInt8(truncatingIfNeeded: group >> 4))
    case 3:
      guard group & 3 == 0 else { return "surplus bits at the end" }
      output.append(UInt8(truncatingIfNeeded: group >> 10))
      output.append(UInt8(truncatingIfNeeded: group >> 2))
    default: break
    }
    return nil
  }

  static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private func value(of byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): self == .base64URL ? nil : 62
    case UInt8(ascii: "/"): self == .base64URL ? nil : 63
    case UInt8(ascii: "-"): self == .base64URL ? 62 : nil
    case UInt8(ascii: "_"): self == .base64URL ? 63 : nil
    default: nil
    }
  }
}
