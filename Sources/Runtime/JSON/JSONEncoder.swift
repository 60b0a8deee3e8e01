// JSON text (RFC 8259) written straight from a Lua stack. Uses only API calls that cannot raise, so it may
// run in a host function. Tables are read raw: no metamethod runs.
//
// A table whose keys are all positive integers is an array, any other an object.

import CLua

/// Why a value has no JSON form.
package struct JSONEncodeFailure: Error {
  /// `a function`, `a string that is not UTF-8` …
  package var reason: String
  /// Where it is in the value, `.items[3].callback`, empty for the value itself.
  package var path: String
}

/// Writes Lua values as JSON into a buffer.
package struct JSONEncoder {
  /// The deepest nesting that is written.
  package static let depthMax = 1000

  let state: OpaquePointer
  /// Address of the metatable that marks arrays.
  let arrayTag: UnsafeRawPointer?
  /// The longest text that is written, in bytes: a table that holds itself many times has no other bound.
  var bytesMax = 64 << 20

  init(state: OpaquePointer, arrayTag: UnsafeRawPointer?) {
    self.state = state
    self.arrayTag = arrayTag
  }

  /// Appends the JSON text of the value at `index`. On failure the buffer holds a part of it.
  func encode(at index: Int32, into buffer: inout OutputBuffer) throws(JSONEncodeFailure) {
    try encode(absolute: lua_absindex(state, index), depth: 0, into: &buffer)
  }

  private func encode(
    absolute index: Int32, depth: Int, into buffer: inout OutputBuffer
  ) throws(JSONEncodeFailure) {
    switch lua_type(state, index) {
    case LUA_TSTRING:
      try encodeString(at: index, into: &buffer)
    case LUA_TNUMBER:
      try encodeNumber(at: index, into: &buffer)
    case LUA_TBOOLEAN:
      if lua_toboolean(state, index) != 0 { buffer.append("true") } else { buffer.append("false") }
    case LUA_TNIL:
      buffer.append("null")
    case LUA_TTABLE:
      try encodeTable(at: index, depth: depth, into: &buffer)
    case LUA_TLIGHTUSERDATA:
      let address = lua_touserdata(state, index)
      if address == nil {
        buffer.append("null")
      } else if address == spacer_empty_array_address() {
        buffer.append("[]")
      } else {
        throw failure("a userdata")
      }
    case LUA_TFUNCTION:
      throw failure("a function")
    case LUA_TTHREAD:
      throw failure("a coroutine")
    default:
      throw failure("a userdata")
    }
  }

  private func failure(_ reason: String) -> JSONEncodeFailure { JSONEncodeFailure(reason: reason, path: "") }

  // MARK: Scalars

  private func encodeNumber(at index: Int32, into buffer: inout OutputBuffer) throws(JSONEncodeFailure) {
    if lua_isinteger(state, index) != 0 {
      buffer.append(decimal: lua_tointegerx(state, index, nil))
      return
    }
    let value = lua_tonumberx(state, index, nil)
    guard value.isFinite else { throw failure(value.isNaN ? "NaN" : "an infinite number") }
    Self.append(value, to: &buffer)
  }

  /// The shortest text that reads back as `value`, without a fraction when it has none.
  static func append(_ value: Double, to buffer: inout OutputBuffer) {
    if value == value.rounded(.towardZero), value.magnitude < 1e15, value != 0 || value.sign == .plus {
      buffer.append(decimal: Int64(value))
      return
    }
    let text = value.description
    buffer.append(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
  }

  private func encodeString(at index: Int32, into buffer: inout OutputBuffer) throws(JSONEncodeFailure) {
    var length = 0
    let text = lua_tolstring(state, index, &length)
    guard Self.append(string: UnsafeRawBufferPointer(start: text, count: length), to: &buffer) else {
      throw failure("a string that is not UTF-8")
    }
  }

  /// Appends `bytes` as a JSON string; false, with nothing promised of the buffer, when they are no UTF-8.
  static func append(string bytes: UnsafeRawBufferPointer, to buffer: inout OutputBuffer) -> Bool {
    buffer.append(UInt8(ascii: "\""))
    var offset = 0
    var plain = 0
    let count = bytes.count
    while offset < count {
      while offset &+ 8 <= count,
        isPlain(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      {
        offset &+= 8
      }
      if offset >= count { break }
      let byte = bytes[offset]
      if byte >= 0x80 {
        let length = UTF8Scanner.sequenceLength(bytes, offset)
        if length == 0 { return false }
        offset &+= length
      } else if byte >= 0x20 && byte != 0x22 && byte != 0x5C {
        offset &+= 1
      } else {
        buffer.append(UnsafeRawBufferPointer(rebasing: bytes[plain..<offset]))
        appendEscape(byte, to: &buffer)
        offset &+= 1
        plain = offset
      }
    }
    buffer.append(UnsafeRawBufferPointer(rebasing: bytes[plain..<count]))
    buffer.append(UInt8(ascii: "\""))
    return true
  }

  /// Whether none of eight bytes is a control character, a quote, a backslash or above ASCII.
  @inline(__always)
  private static func isPlain(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let high: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let suspicious = word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)
    return suspicious & high == 0
  }

  private static func appendEscape(_ byte: UInt8, to buffer: inout OutputBuffer) {
    switch byte {
    case 0x22: buffer.append("\\\"")
    case 0x5C: buffer.append("\\\\")
    case 0x08: buffer.append("\\b")
    case 0x0C: buffer.append("\\f")
    case 0x0A: buffer.append("\\n")
    case 0x0D: buffer.append("\\r")
    case 0x09: buffer.append("\\t")
    default:
      buffer.append("\\u00")
      buffer.append(hexadecimalByte: byte)
    }
  }

  // MARK: Tables

  private func encodeTable(
    at index: Int32, depth: Int, into buffer: inout OutputBuffer
  ) throws(JSONEncodeFailure) {
    guard depth < Self.depthMax else {
      throw failure("a cycle, or nesting deeper than \(Self.depthMax) levels")
    }
    guard buffer.count <= bytesMax else { throw failure("more than \(bytesMax) bytes of text") }
    guard lua_checkstack(state, 8) != 0 else { throw failure("nesting too deep for the stack") }
    lua_pushnil(state)
    guard lua_next(state, index) != 0 else {
      if LuaStack(state).hasMetatable(arrayTag, at: index) {
        buffer.append("[]")
      } else {
        buffer.append("{}")
      }
      return
    }
    guard lua_isinteger(state, -2) != 0 else {
      try encodeObject(at: index, depth: depth, into: &buffer)
      return
    }
    spacer_lua_pop(state, 2)
    try encodeIntegerKeyed(at: index, depth: depth, into: &buffer)
  }

  /// A table whose first key is an integer. Its keys are looked at before any value is written: finding out
  /// only afterwards that it is an object would write the values twice, at each level of nesting again.
  private func encodeIntegerKeyed(
    at index: Int32, depth: Int, into buffer: inout OutputBuffer
  ) throws(JSONEncodeFailure) {
    guard let keys = LuaStack(state).integerKeys(at: index) else {
      lua_pushnil(state)
      _ = lua_next(state, index)
      try encodeObject(at: index, depth: depth, into: &buffer)
      return
    }
    let largest = keys.largest
    if keys.isSparse {
      throw failure("an excessively sparse array (\(keys.count) values, the last at index \(largest))")
    }
    buffer.append(UInt8(ascii: "["))
    var position: Int64 = 1
    while position <= largest {
      if position > 1 { buffer.append(UInt8(ascii: ",")) }
      lua_pushinteger(state, position)
      lua_rawgeti(state, index, position)
      try encodeValueOnTop(depth: depth, into: &buffer)
      spacer_lua_pop(state, 1)
      position += 1
    }
    buffer.append(UInt8(ascii: "]"))
  }

  /// The first pair is on the stack.
  private func encodeObject(
    at index: Int32, depth: Int, into buffer: inout OutputBuffer
  ) throws(JSONEncodeFailure) {
    var separator = UInt8(ascii: "{")
    repeat {
      buffer.append(separator)
      separator = UInt8(ascii: ",")
      try encodeKey(into: &buffer)
      buffer.append(UInt8(ascii: ":"))
      try encodeValueOnTop(depth: depth, into: &buffer)
    } while lua_next(state, index) != 0
    buffer.append(UInt8(ascii: "}"))
  }

  private func encodeKey(into buffer: inout OutputBuffer) throws(JSONEncodeFailure) {
    switch lua_type(state, -2) {
    case LUA_TSTRING:
      do {
        try encodeString(at: lua_absindex(state, -2), into: &buffer)
      } catch {
        spacer_lua_pop(state, 2)
        throw failure("a key that is not UTF-8")
      }
    case LUA_TNUMBER:
      buffer.append(UInt8(ascii: "\""))
      do {
        try encodeNumber(at: lua_absindex(state, -2), into: &buffer)
      } catch {
        spacer_lua_pop(state, 2)
        throw failure("a key that is \(error.reason)")
      }
      buffer.append(UInt8(ascii: "\""))
    default:
      let kind = String(cString: lua_typename(state, lua_type(state, -2)))
      spacer_lua_pop(state, 2)
      throw failure("a key that is a \(kind)")
    }
  }

  /// Writes the value on top and pops it; the key stays. On failure pops both and adds the key to the path.
  @inline(__always)
  private func encodeValueOnTop(depth: Int, into buffer: inout OutputBuffer) throws(JSONEncodeFailure) {
    do {
      try encode(absolute: lua_gettop(state), depth: depth + 1, into: &buffer)
      spacer_lua_pop(state, 1)
    } catch {
      var error = error
      error.path = keyText() + error.path
      if error.path.utf8.count > 300 { error.path = error.path.prefix(200) + "…" }
      spacer_lua_pop(state, 2)
      throw error
    }
  }

  /// The key below the value on top, as a step of a path.
  private func keyText() -> String {
    if lua_isinteger(state, -2) != 0 { return "[\(lua_tointegerx(state, -2, nil))]" }
    guard lua_type(state, -2) == LUA_TSTRING else { return "[\(lua_tonumberx(state, -2, nil))]" }
    var length = 0
    let text = lua_tolstring(state, -2, &length)
    let name = String(decoding: UnsafeRawBufferPointer(start: text, count: min(length, 60)), as: UTF8.self)
    return "." + name
  }
}
