// The third result of a handler: status, headers, raw body. Checked before anything is sent, since it is
// user data that becomes protocol text.

import CLua

/// How an answer differs from the plain one.
struct ResponseShape {
  var status: Int?
  var isRaw = false
  /// The headers' lines as they are sent were put into the buffer.
  var hasContentType = false

  /// Reads the table at `index`; header lines are appended to `headers`.
  /// - Throws: The sentence that names what is wrong, for a 500.
  static func read(
    _ state: OpaquePointer, at index: Int32, isError: Bool, headers: inout OutputBuffer
  ) throws(ResponseShapeError) -> ResponseShape {
    let stack = LuaStack(state)
    let index = lua_absindex(state, index)
    guard lua_type(state, index) == LUA_TTABLE else {
      throw ResponseShapeError("the third result must be a table, not \(stack.typeName(at: index))")
    }
    var shape = ResponseShape()
    let top = lua_gettop(state)
    defer { lua_settop(state, top) }
    guard lua_checkstack(state, 12) != 0 else { throw ResponseShapeError("the stack is full") }

    try checkFields(stack, table: index)
    if stack.rawField("status", at: index) != LUA_TNIL {
      let valid = isError ? 400...599 : 200...599
      guard lua_isinteger(state, -1) != 0, valid.contains(Int(lua_tointegerx(state, -1, nil))) else {
        throw ResponseShapeError(
          "status must be an integer from \(valid.lowerBound) to \(valid.upperBound)"
            + (isError ? " when there is an error" : "") + ", not \(shown(stack))")
      }
      shape.status = Int(lua_tointegerx(state, -1, nil))
    }
    if stack.rawField("raw", at: index) != LUA_TNIL { shape.isRaw = lua_toboolean(state, -1) != 0 }
    if stack.rawField("headers", at: index) != LUA_TNIL {
      guard lua_type(state, -1) == LUA_TTABLE else {
        throw ResponseShapeError("headers must be a table, not \(stack.typeName(at: -1))")
      }
      try shape.readHeaders(stack, table: lua_gettop(state), into: &headers)
    }
    return shape
  }

  /// The value on top, for a message.
  private static func shown(_ stack: LuaStack) -> String {
    switch lua_type(stack.raw, -1) {
    case LUA_TNUMBER where lua_isinteger(stack.raw, -1) != 0: "\(lua_tointegerx(stack.raw, -1, nil))"
    case LUA_TNUMBER: "\(lua_tonumberx(stack.raw, -1, nil))"
    case LUA_TSTRING: stack.bytes(at: -1).map { "the text '\(HeaderText.printable($0))'" } ?? "a text"
    default: "a \(stack.typeName(at: -1))"
    }
  }

  /// A misspelt field would change nothing, and nobody would see why.
  private static func checkFields(_ stack: LuaStack, table: Int32) throws(ResponseShapeError) {
    lua_pushnil(stack.raw)
    while lua_next(stack.raw, table) != 0 {
      stack.pop()
      guard let name = stack.bytes(at: -1) else {
        throw ResponseShapeError("the third result has fields only: status, headers, raw")
      }
      if !["status", "headers", "raw"].contains(where: { $0.utf8.elementsEqual(name) }) {
        throw ResponseShapeError(
          "the third result has no field '\(HeaderText.printable(name))', only status, headers and raw")
      }
    }
  }

  private mutating func readHeaders(
    _ stack: LuaStack, table: Int32, into headers: inout OutputBuffer
  ) throws(ResponseShapeError) {
    let state = stack.raw
    lua_pushnil(state)
    while lua_next(state, table) != 0 {
      guard let name = stack.bytes(at: -2) else {
        throw ResponseShapeError("a header's name must be a string, not \(stack.typeName(at: -2))")
      }
      try checkName(name)
      if lua_type(state, -1) == LUA_TTABLE {
        let list = lua_gettop(state)
        let count = lua_rawlen(state, list)
        for position in 0..<count {
          lua_rawgeti(state, list, Int64(position) + 1)
          try append(name, valueOnTopOf: stack, to: &headers)
          stack.pop()
        }
      } else {
        try append(name, valueOnTopOf: stack, to: &headers)
      }
      stack.pop()
    }
  }

  private mutating func checkName(_ name: UnsafeRawBufferPointer) throws(ResponseShapeError) {
    guard !name.isEmpty, name.allSatisfy(HeaderText.isToken) else {
      throw ResponseShapeError("'\(HeaderText.printable(name))' is not a header name")
    }
    let lower = String(decoding: name, as: UTF8.self).lowercased()
    switch lower {
    case "content-type":
      guard !hasContentType else { throw ResponseShapeError("the header 'content-type' is given twice") }
      hasContentType = true
    case "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "trailer", "te",
      "date":
      throw ResponseShapeError("the header '\(lower)' is the platform's to set")
    default: break
    }
  }

  private func append(
    _ name: UnsafeRawBufferPointer, valueOnTopOf stack: LuaStack, to headers: inout OutputBuffer
  ) throws(ResponseShapeError) {
    let state = stack.raw
    headers.append(name)
    headers.append(": ")
    switch lua_type(state, -1) {
    case LUA_TSTRING:
      guard let value = stack.bytes(at: -1), value.allSatisfy(HeaderText.isValue) else {
        throw ResponseShapeError(
          "the header '\(HeaderText.printable(name))' holds a line break or another control character")
      }
      headers.append(value)
    case LUA_TNUMBER where lua_isinteger(state, -1) != 0:
      headers.append(decimal: lua_tointegerx(state, -1, nil))
    case LUA_TNUMBER:
      JSONEncoder.append(lua_tonumberx(state, -1, nil), to: &headers)
    default:
      throw ResponseShapeError(
        "the header '\(HeaderText.printable(name))' must be a string or a number, not \(stack.typeName(at: -1))"
      )
    }
    headers.append("\r\n")
  }
}

/// What is wrong with a third result.
struct ResponseShapeError: Error {
  var message: String
  init(_ message: String) { self.message = message }
}

/// The characters of header fields (RFC 9110, section 5.5 and 5.6.2).
enum HeaderText {
  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  /// Visible characters, space, tab and bytes above ASCII.
  static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

  /// For messages: control characters as `?`, cut after 60 bytes.
  static func printable(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix(60).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
  }
}
