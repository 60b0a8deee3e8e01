// The value of a numeral, by the VM's rules: what its lexer took for one is judged here.

import Glibc

/// The value of a numeral's text.
enum Numeral {
  case integer(UInt64)
  case float(Double)

  /// Nil when the text is no numeral of Lua 5.4. A decimal integer above 63 bits is a float; a hexadecimal one
  /// wraps around.
  static func value(of text: ArraySlice<UInt8>) -> Numeral? {
    var rest = text
    let isHex =
      text.count > 1 && text.first == UInt8(ascii: "0")
      && text.dropFirst().first.map { $0 | 0x20 }
        == UInt8(
          ascii: "x")
    if isHex { rest = rest.dropFirst(2) }
    let digitClass = isHex ? ByteClass.hexDigit : ByteClass.digit
    let whole = rest.prefix { ByteClass.table[Int($0)] & digitClass != 0 }
    rest = rest.dropFirst(whole.count)
    if rest.isEmpty {
      guard !whole.isEmpty else { return nil }
      if isHex { return .integer(whole.reduce(0) { $0 << 4 | UInt64(ByteClass.hexValue($1)) }) }
      if let value = decimal(whole) { return .integer(value) }
      return .float(convert(text))
    }
    var digitCount = whole.count
    if rest.first == UInt8(ascii: ".") {
      let fraction = rest.dropFirst().prefix { ByteClass.table[Int($0)] & digitClass != 0 }
      digitCount += fraction.count
      rest = rest.dropFirst(fraction.count + 1)
    }
    guard digitCount > 0 else { return nil }
    if let mark = rest.first {
      guard mark | 0x20 == UInt8(ascii: isHex ? "p" : "e") else { return nil }
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard !rest.isEmpty, rest.allSatisfy({ ByteClass.table[Int($0)] & ByteClass.digit != 0 }) else {
        return nil
      }
    }
    return .float(convert(text))
  }

  private static func decimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var value: Int64 = 0
    for digit in digits {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      if overflow || carry { return nil }
      value = sum
    }
    return UInt64(bitPattern: value)
  }

  /// By the C library's function, which the VM uses too.
  private static func convert(_ text: ArraySlice<UInt8>) -> Double {
    strtod(String(decoding: text, as: UTF8.self), nil)
  }
}
