// JSON text (RFC 8259, strict) decoded straight onto a Lua stack. Uses only API calls that cannot raise.
// Every read is of a checked offset; nesting is bounded, so the recursion is.

import CLua
import Glibc

/// Why a text is no JSON, and where.
package struct JSONDecodeFailure: Error {
  package var reason: String
  /// Bytes from the text's beginning.
  package var offset: Int

  /// `expected ',' or '}' at byte 12`.
  package var message: String { "\(reason) at byte \(offset)" }
}

/// Reads JSON text into Lua values. `null` becomes the null light userdata, an empty array a table with the
/// array tag, a number without fraction and exponent an integer where it fits.
package struct JSONDecoder {
  private let state: OpaquePointer
  private let bytes: UnsafeRawBufferPointer
  private let depthMax: Int
  /// The bytes a Lua state holds, and how many it may: many small tables are far larger than their text.
  private let memory: (held: UnsafePointer<Int>, max: Int)?
  private var offset = 0

  /// `bytes` must stay valid during decoding.
  package init(
    state: OpaquePointer, bytes: UnsafeRawBufferPointer, depthMax: Int = JSONEncoder.depthMax,
    memory: (held: UnsafePointer<Int>, max: Int)? = nil
  ) {
    self.memory = memory
    self.state = state
    self.bytes = bytes
    self.depthMax = depthMax
  }

  /// The first byte that is not white space, or nil in an empty text.
  package var firstByte: UInt8? {
    var copy = self
    copy.skipSpace()
    return copy.peek()
  }

  /// Decodes the whole text and pushes its value. On failure the stack is as before.
  package mutating func decode() throws(JSONDecodeFailure) {
    let top = lua_gettop(state)
    do throws(JSONDecodeFailure) {
      skipSpace()
      try value(depth: 0)
      skipSpace()
      if offset < bytes.count { throw failure("unexpected text after the value") }
    } catch {
      lua_settop(state, top)
      throw error
    }
  }

  // MARK: Grammar

  private func failure(_ reason: String) -> JSONDecodeFailure {
    JSONDecodeFailure(reason: reason, offset: offset + 1)
  }

  @inline(__always)
  private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  @inline(__always)
  private mutating func skipSpace() {
    while offset < bytes.count {
      let byte = bytes[offset]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      offset &+= 1
    }
  }

  private mutating func value(depth: Int) throws(JSONDecodeFailure) {
    guard let byte = peek() else { throw failure("unexpected end, expected a value") }
    switch byte {
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "-"), 0x30...0x39: try number()
    case UInt8(ascii: "t"):
      try literal("true")
      lua_pushboolean(state, 1)
    case UInt8(ascii: "f"):
      try literal("false")
      lua_pushboolean(state, 0)
    case UInt8(ascii: "n"):
      try literal("null")
      lua_pushlightuserdata(state, nil)
    default: throw failure("unexpected character, expected a value")
    }
  }

  private mutating func literal(_ text: StaticString) throws(JSONDecodeFailure) {
    let length = text.utf8CodeUnitCount
    guard bytes.count - offset >= length, let base = bytes.baseAddress,
      memcmp(base + offset, text.utf8Start, length) == 0
    else { throw failure("invalid literal") }
    offset += length
  }

  private func enter(_ depth: Int) throws(JSONDecodeFailure) {
    guard depth < depthMax else { throw failure("nesting deeper than \(depthMax) levels") }
    guard lua_checkstack(state, 6) != 0 else { throw failure("nesting too deep for the stack") }
    if let memory, memory.held.pointee > memory.max {
      throw failure("more values than one call's memory holds")
    }
  }

  private mutating func object(depth: Int) throws(JSONDecodeFailure) {
    try enter(depth)
    lua_createtable(state, 0, 0)
    offset += 1
    skipSpace()
    if peek() == UInt8(ascii: "}") {
      offset += 1
      return
    }
    while true {
      guard peek() == UInt8(ascii: "\"") else { throw failure("expected a string as key") }
      try string()
      skipSpace()
      guard peek() == UInt8(ascii: ":") else { throw failure("expected ':'") }
      offset += 1
      skipSpace()
      try value(depth: depth + 1)
      lua_rawset(state, -3)
      skipSpace()
      switch peek() {
      case UInt8(ascii: ","):
        offset += 1
        skipSpace()
      case UInt8(ascii: "}"):
        offset += 1
        return
      default: throw failure("expected ',' or '}'")
      }
    }
  }

  private mutating func array(depth: Int) throws(JSONDecodeFailure) {
    try enter(depth)
    lua_createtable(state, 0, 0)
    offset += 1
    skipSpace()
    if peek() == UInt8(ascii: "]") {
      offset += 1
      JSONTag.push(onto: state)
      lua_setmetatable(state, -2)
      return
    }
    var position: Int64 = 1
    while true {
      try value(depth: depth + 1)
      lua_rawseti(state, -2, position)
      position += 1
      skipSpace()
      switch peek() {
      case UInt8(ascii: ","):
        offset += 1
        skipSpace()
      case UInt8(ascii: "]"):
        offset += 1
        return
      default: throw failure("expected ',' or ']'")
      }
    }
  }

  // MARK: Numbers

  private mutating func skipDigits() -> Int {
    let start = offset
    while offset < bytes.count, bytes[offset] &- 0x30 < 10 { offset &+= 1 }
    return offset - start
  }

  private mutating func number() throws(JSONDecodeFailure) {
    let start = offset
    if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    let digitsStart = offset
    let digits = skipDigits()
    if digits == 0 { throw failure("invalid number") }
    if digits > 1 && bytes[digitsStart] == 0x30 {
      offset = digitsStart
      throw failure("invalid number (leading zero)")
    }
    var isInteger = true
    if peek() == UInt8(ascii: ".") {
      isInteger = false
      offset += 1
      if skipDigits() == 0 { throw failure("invalid number (no digit after the point)") }
    }
    if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      offset += 1
      if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
      if skipDigits() == 0 { throw failure("invalid number (no digit in the exponent)") }
    }
    if isInteger, let integer = integer(from: start, to: offset) {
      lua_pushinteger(state, integer)
      return
    }
    lua_pushnumber(state, try double(from: start, to: offset))
  }

  private func integer(from start: Int, to end: Int) -> Int64? {
    let isNegative = bytes[start] == UInt8(ascii: "-")
    var result: Int64 = 0
    for place in (isNegative ? start + 1 : start)..<end {
      let digit = Int64(bytes[place] &- 0x30)
      let (product, overflowed) = result.multipliedReportingOverflow(by: 10)
      let (sum, overflowedToo) =
        isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      if overflowed || overflowedToo { return nil }
      result = sum
    }
    // -0 is a float: an integer has no negative zero.
    return isNegative && result == 0 ? nil : result
  }

  private func double(from start: Int, to end: Int) throws(JSONDecodeFailure) -> Double {
    let length = end - start
    let source = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    // strtod wants a terminated text; the process never leaves the "C" locale.
    let value = withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer -> Double in
      guard let base = buffer.baseAddress, let from = source.baseAddress else { return .nan }
      memcpy(base, from, length)
      base[length] = 0
      return strtod(base, nil)
    }
    guard value.isFinite else {
      throw JSONDecodeFailure(reason: "number out of range", offset: start + 1)
    }
    return value
  }

  // MARK: Strings

  private mutating func string() throws(JSONDecodeFailure) {
    offset += 1
    let start = offset
    while true {
      while offset &+ 8 <= bytes.count,
        Self.isPlain(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      {
        offset &+= 8
      }
      guard offset < bytes.count else { throw failure("unterminated string") }
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") {
        lua_pushlstring(
          state, bytes.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }, offset - start)
        offset += 1
        return
      }
      if byte == UInt8(ascii: "\\") { break }
      try skipCharacter(byte)
    }
    try escapedString(from: start)
  }

  @inline(__always)
  private mutating func skipCharacter(_ byte: UInt8) throws(JSONDecodeFailure) {
    if byte < 0x20 { throw failure("control character in a string") }
    if byte < 0x80 {
      offset &+= 1
      return
    }
    let length = UTF8Scanner.sequenceLength(bytes, offset)
    if length == 0 { throw failure("invalid UTF-8") }
    offset &+= length
  }

  @inline(__always)
  private static func isPlain(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let suspicious =
      word | (word &- ones &* 0x20) | ((word ^ (ones &* 0x22)) &- ones) | ((word ^ (ones &* 0x5C)) &- ones)
    return suspicious & 0x8080_8080_8080_8080 == 0
  }

  /// The rest of a string that holds an escape; its text from `start` to here is plain.
  private mutating func escapedString(from start: Int) throws(JSONDecodeFailure) {
    var text = OutputBuffer(capacity: 256)
    var plain = start
    while true {
      guard let byte = peek() else { throw failure("unterminated string") }
      if byte == UInt8(ascii: "\"") { break }
      if byte != UInt8(ascii: "\\") {
        try skipCharacter(byte)
        continue
      }
      text.append(UnsafeRawBufferPointer(rebasing: bytes[plain..<offset]))
      offset += 1
      try escape(into: &text)
      plain = offset
    }
    text.append(UnsafeRawBufferPointer(rebasing: bytes[plain..<offset]))
    offset += 1
    let result = text.bytes
    lua_pushlstring(state, result.baseAddress?.assumingMemoryBound(to: CChar.self), result.count)
  }

  private mutating func escape(into text: inout OutputBuffer) throws(JSONDecodeFailure) {
    guard let byte = peek() else { throw failure("unterminated string") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = try hexadecimal()
      if scalar >= 0xD800 && scalar < 0xDC00 {
        guard peek() == UInt8(ascii: "\\"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "u")
        else { throw failure("lone surrogate in an escape") }
        offset += 2
        let low = try hexadecimal()
        guard low >= 0xDC00 && low < 0xE000 else { throw failure("lone surrogate in an escape") }
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let character = Unicode.Scalar(scalar) else { throw failure("lone surrogate in an escape") }
      for unit in UTF8.encode(character) ?? UTF8.encodedReplacementCharacter { text.append(unit) }
    default:
      offset -= 1
      throw failure("invalid escape")
    }
  }

  private mutating func hexadecimal() throws(JSONDecodeFailure) -> UInt32 {
    guard bytes.count - offset >= 4 else { throw failure("incomplete \\u escape") }
    var result: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = HexDigit.value(bytes[offset]) else { throw failure("invalid \\u escape") }
      result = result << 4 | UInt32(digit)
      offset += 1
    }
    return result
  }
}

/// Hexadecimal digits.
enum HexDigit {
  /// The value of a digit's ASCII code.
  @inline(__always)
  static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
  }
}

/// The metatable that marks a table as a JSON array, kept in the registry under its own key.
enum JSONTag {
  static func push(onto state: OpaquePointer) {
    _ = lua_rawgetp(state, spacer_lua_registry(), spacer_empty_array_address())
  }
}
