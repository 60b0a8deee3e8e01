// Query strings and form bodies as Lua tables: contract section 2. Percent-decoded, `+` is a space, a
// repeated key becomes an array, `?flag` is true, an invalid escape stays as it is.

import CLua

/// Reads `a=1&b=2` pairs into the table on top of a Lua stack.
struct QueryArguments: ~Copyable {
  /// Where decoded text is put together; reused.
  private var scratch = OutputBuffer(capacity: 256)

  /// Adds the pairs of `text` to the table on top. The table must hold nothing but pairs added here, since
  /// a key met again turns its value into an array.
  /// - Throws: A 400 when a key or a value is no UTF-8.
  mutating func add(_ text: UnsafeRawBufferPointer, to state: OpaquePointer) throws(RequestFailure) {
    var start = 0
    let count = text.count
    while start < count {
      var end = start
      var equals = -1
      var keyIsPlain = true
      var valueIsPlain = true
      while end < count {
        let byte = text[end]
        if byte == UInt8(ascii: "&") { break }
        if byte == UInt8(ascii: "=") && equals < 0 {
          equals = end
        } else if byte == UInt8(ascii: "%") || byte == UInt8(ascii: "+") || byte >= 0x80 {
          if equals < 0 { keyIsPlain = false } else { valueIsPlain = false }
        }
        end &+= 1
      }
      let keyEnd = equals < 0 ? end : equals
      if keyEnd > start {
        let stack = LuaStack(state)
        try push(text, start..<keyEnd, isPlain: keyIsPlain, onto: stack)
        if equals < 0 {
          lua_pushboolean(state, 1)
        } else {
          do throws(RequestFailure) {
            try push(text, (equals + 1)..<end, isPlain: valueIsPlain, onto: stack)
          } catch {
            stack.pop()
            throw error
          }
        }
        Self.setOrAppend(state)
      }
      start = end &+ 1
    }
  }

  private mutating func push(
    _ text: UnsafeRawBufferPointer, _ range: Range<Int>, isPlain: Bool, onto stack: LuaStack
  ) throws(RequestFailure) {
    let part = UnsafeRawBufferPointer(rebasing: text[range])
    if isPlain {
      stack.push(part)
      return
    }
    scratch.reset()
    PercentDecoder.decode(part, plusIsSpace: true, into: &scratch)
    guard UTF8Scanner.firstInvalid(in: scratch.bytes) == nil else {
      throw RequestFailure(400, "a query parameter is not UTF-8")
    }
    stack.push(scratch.bytes)
  }

  /// Sets key and value on top in the table below them; a key that is there gets an array of its values.
  private static func setOrAppend(_ state: OpaquePointer) {
    lua_pushvalue(state, -2)
    switch lua_rawget(state, -4) {
    case LUA_TNIL:
      spacer_lua_pop(state, 1)
      lua_rawset(state, -3)
    case LUA_TTABLE:
      // table key value list
      lua_rotate(state, -2, 1)
      lua_rawseti(state, -2, Int64(lua_rawlen(state, -2)) + 1)
      spacer_lua_pop(state, 2)
    default:
      // table key value first
      lua_createtable(state, 2, 0)
      lua_rotate(state, -2, 1)
      lua_rawseti(state, -2, 1)
      lua_rotate(state, -2, 1)
      lua_rawseti(state, -2, 2)
      lua_rawset(state, -3)
    }
  }
}

/// Percent-encoding (RFC 3986, section 2.1).
enum PercentDecoder {
  /// Appends `text` decoded; an invalid escape is kept as it is.
  static func decode(
    _ text: UnsafeRawBufferPointer, plusIsSpace: Bool, into buffer: inout OutputBuffer
  ) {
    var offset = 0
    while offset < text.count {
      let byte = text[offset]
      if byte == UInt8(ascii: "%"), offset + 2 < text.count,
        let high = HexDigit.value(text[offset + 1]), let low = HexDigit.value(text[offset + 2])
      {
        buffer.append(high << 4 | low)
        offset += 3
      } else {
        buffer.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
        offset += 1
      }
    }
  }
}
