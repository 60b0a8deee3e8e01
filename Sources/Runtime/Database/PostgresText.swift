// PostgreSQL's values as text, both ways: parameters are sent as text whose type the server infers, results
// come as text whose type is known. Pure but for the Lua stack that results are pushed onto.

import CLua
import Glibc

/// Parameters as text.
enum PostgresText {
  /// The text of a value other than NULL.
  static func text(of value: DatabaseParameter) -> [UInt8] {
    switch value {
    case .null: []
    case .boolean(let flag): Array((flag ? "true" : "false").utf8)
    case .integer(let number): Array(String(number).utf8)
    case .float(let number): Array(text(of: number).utf8)
    case .text(let bytes), .bytes(let bytes): bytes
    }
  }

  /// Without a fraction when it has none, so that 10/2 can go into an integer column.
  static func text(of number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    if number == number.rounded(.towardZero), number.magnitude < 1e15 { return String(Int64(number)) }
    return number.description
  }

  /// `\x68656c6c6f`.
  static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "x")]
    text.reserveCapacity(2 + bytes.count * 2)
    for byte in bytes {
      for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? digit + 0x30 : digit + 0x57) }
    }
    return text
  }

  /// ISO 8601 of a timestamp in PostgreSQL's ISO style: `2024-05-06T07:08:09.5+02:00`, `…Z` for UTC.
  /// `infinity` and years before Christ stay as they are.
  static func timestamp(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var result = Array(text)
    guard let space = result.firstIndex(of: UInt8(ascii: " ")), result.last != UInt8(ascii: "C") else {
      return result
    }
    result[space] = UInt8(ascii: "T")
    guard
      let sign = result.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }), sign > space
    else { return result }
    let zone = result[(sign + 1)...]
    if zone.allSatisfy({ $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ":") }) {
      result.removeSubrange(sign...)
      result.append(UInt8(ascii: "Z"))
    } else if zone.count == 2 {
      result += Array(":00".utf8)
    }
    return result
  }
}

/// How a type's text becomes a Lua value.
enum PostgresConversion {
  case text, boolean, integer, float, numeric, json, bytes, timestamp
  indirect case array(PostgresConversion)

  /// By the type's number, which is fixed for built-in types; those not listed stay text.
  init(type: UInt32) {
    switch type {
    case 16: self = .boolean
    case 20, 21, 23, 26: self = .integer
    case 700, 701: self = .float
    case 1700: self = .numeric
    case 114, 3802: self = .json
    case 17: self = .bytes
    case 1114, 1184: self = .timestamp
    case 1000: self = .array(.boolean)
    case 1005, 1007, 1016, 1028: self = .array(.integer)
    case 1021, 1022: self = .array(.float)
    case 1231: self = .array(.numeric)
    case 199, 3807: self = .array(.json)
    case 1001: self = .array(.bytes)
    case 1115, 1185: self = .array(.timestamp)
    // text, varchar, char, name, uuid, date, time, timetz, interval, inet, cidr, macaddr, xml, bit, varbit.
    case 1009, 1015, 1014, 1002, 1003, 2951, 1182, 1183, 1270, 1187, 1041, 651, 1040, 143, 1561, 1563:
      self = .array(.text)
    default: self = .text
    }
  }
}

/// Pushes PostgreSQL's values onto a Lua stack.
struct PostgresReader {
  let state: OpaquePointer
  let readsNumericAsNumber: Bool
  let memory: (held: UnsafePointer<Int>, max: Int)

  /// Why a value cannot be read.
  struct Refusal: Error { var message: String }

  /// Pushes a value.
  func push(_ text: UnsafeRawBufferPointer, as conversion: PostgresConversion) throws(Refusal) {
    let stack = LuaStack(state)
    switch conversion {
    case .boolean: lua_pushboolean(state, text.first == UInt8(ascii: "t") ? 1 : 0)
    case .integer:
      guard let number = Int64(String(decoding: text, as: UTF8.self)) else { return stack.push(text) }
      lua_pushinteger(state, number)
    case .float: lua_pushnumber(state, Self.double(text))
    case .numeric:
      guard readsNumericAsNumber else { return stack.push(text) }
      if let number = Int64(String(decoding: text, as: UTF8.self)) {
        lua_pushinteger(state, number)
      } else {
        lua_pushnumber(state, Self.double(text))
      }
    case .json:
      var decoder = JSONDecoder(state: state, bytes: text, memory: memory)
      do throws(JSONDecodeFailure) { try decoder.decode() } catch { throw Refusal(message: error.message) }
    case .bytes: Self.bytes(text).withUnsafeBytes { stack.push($0) }
    case .timestamp: PostgresText.timestamp(text).withUnsafeBytes { stack.push($0) }
    case .text: stack.push(text)
    case .array(let element):
      var reader = PostgresArrayReader(text: text, element: element, reader: self)
      try reader.push()
    }
  }

  /// `NaN` and `Infinity` are what strtod takes as well.
  private static func double(_ text: UnsafeRawBufferPointer) -> Double {
    String(decoding: text, as: UTF8.self).withCString { strtod($0, nil) }
  }

  /// The bytes of `\x…`; other text as it is.
  static func bytes(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    guard text.count >= 2, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
      return Array(text)
    }
    var result: [UInt8] = []
    result.reserveCapacity(text.count / 2)
    var offset = 2
    while offset + 1 < text.count, let high = HexDigit.value(text[offset]),
      let low = HexDigit.value(text[offset + 1])
    {
      result.append(high << 4 | low)
      offset += 2
    }
    return result
  }
}
