// The fields of a log line, written from a Lua table: `key=value` for people, members of the line's object in
// JSON. Logging never fails, so what has no JSON form gets a stand-in, and everything is bounded. Only API
// calls that cannot raise; tables are read raw.

import CLua

/// Writes the fields of one line.
struct LogFields {
  /// Levels of tables in tables.
  static let depthMax = 8
  /// Fields of one table, or items of an array.
  static let countMax = 64
  /// Bytes of one key or string.
  static let keyBytesMax = 128
  static let textBytesMax = 4 << 10
  /// Bytes of all fields; a little more where the last one ends.
  static let bytesMax = 16 << 10

  /// What the platform itself writes into a line; a field of such a name gets a `_` behind it.
  static let reservedNames: Set<String> = [
    "time", "level", "message", "event", "trace", "span", "parent",
  ]

  private let stack: LuaStack
  private let isJSON: Bool
  /// The tables that the value being written is in.
  private var path: [UnsafeRawPointer?] = []
  private var state: OpaquePointer { stack.raw }

  init(state: OpaquePointer, isJSON: Bool) {
    stack = LuaStack(state)
    self.isJSON = isJSON
  }

  /// Appends the fields of the table at `index` to `out`, but none that the table at `other` has too; 0 for no
  /// such table. A value that is no table becomes the field `value`.
  mutating func append(fieldsAt index: Int32, except other: Int32 = 0, to out: inout OutputBuffer) {
    guard lua_type(state, index) == LUA_TTABLE else {
      guard lua_type(state, index) > LUA_TNIL else { return }
      appendName(Array("value".utf8), to: &out)
      lua_pushvalue(state, index)
      appendTop(to: &out)
      return
    }
    guard lua_checkstack(state, 8) != 0 else { return }
    path.append(lua_topointer(state, index))
    let (keys, isComplete) = keys(ofTableAt: index)
    for key in keys {
      pushKey(key)
      if other > 0, lua_type(state, other) == LUA_TTABLE {
        lua_pushvalue(state, -1)
        let isThere = lua_rawget(state, other) != LUA_TNIL
        stack.pop()
        if isThere {
          stack.pop()
          continue
        }
      }
      lua_rawget(state, index)
      appendName(key.text, to: &out)
      appendTop(to: &out)
    }
    if !isComplete {
      appendName(Array("…".utf8), to: &out)
      out.append("true")
    }
    path.removeLast()
  }

  // MARK: Keys

  private enum Key {
    case text([UInt8])
    case integer(Int64)

    var text: [UInt8] {
      switch self {
      case .text(let bytes): bytes
      case .integer(let number): Array(String(number).utf8)
      }
    }
  }

  /// The keys of a table that are strings or integers, in byte order; not all of very many.
  private func keys(ofTableAt index: Int32) -> (keys: [Key], isComplete: Bool) {
    var keys: [Key] = []
    var isComplete = true
    lua_pushnil(state)
    while lua_next(state, index) != 0 {
      stack.pop()
      guard keys.count < Self.countMax else {
        stack.pop()
        return (keys.sorted { $0.text.lexicographicallyPrecedes($1.text) }, false)
      }
      if let bytes = stack.bytes(at: -1) {
        if bytes.count <= Self.keyBytesMax { keys.append(.text(Array(bytes))) } else { isComplete = false }
      } else if lua_isinteger(state, -1) != 0 {
        keys.append(.integer(lua_tointegerx(state, -1, nil)))
      } else {
        isComplete = false
      }
    }
    return (keys.sorted { $0.text.lexicographicallyPrecedes($1.text) }, isComplete)
  }

  private func pushKey(_ key: Key) {
    switch key {
    case .text(let bytes): bytes.withUnsafeBytes { stack.push($0) }
    case .integer(let number): lua_pushinteger(state, number)
    }
  }

  private func appendName(_ name: [UInt8], to out: inout OutputBuffer) {
    let isReserved = Self.reservedNames.contains(String(decoding: name, as: UTF8.self))
    let name = isReserved ? name + [UInt8(ascii: "_")] : name
    name.withUnsafeBytes { name in
      if isJSON {
        out.append(",")
        Self.appendQuoted(name, to: &out)
        out.append(":")
      } else {
        out.append(" ")
        Self.isPlain(name) ? out.append(name) : Self.appendQuoted(name, to: &out)
        out.append("=")
      }
    }
  }

  // MARK: Values

  /// Writes the value on top and pops it.
  private mutating func appendTop(to out: inout OutputBuffer) {
    defer { stack.pop() }
    if out.count > Self.bytesMax { return Self.appendText("…", to: &out) }
    switch lua_type(state, -1) {
    case LUA_TNIL: out.append("null")
    case LUA_TBOOLEAN: if lua_toboolean(state, -1) != 0 { out.append("true") } else { out.append("false") }
    case LUA_TNUMBER: appendNumber(to: &out)
    case LUA_TSTRING: appendString(to: &out)
    case LUA_TTABLE: appendTable(at: lua_gettop(state), to: &out)
    case LUA_TLIGHTUSERDATA where lua_touserdata(state, -1) == nil: out.append("null")
    case LUA_TLIGHTUSERDATA where lua_touserdata(state, -1) == spacer_empty_array_address(): out.append("[]")
    case LUA_TFUNCTION: Self.appendText("<function>", to: &out)
    case LUA_TTHREAD: Self.appendText("<coroutine>", to: &out)
    default: Self.appendText("<userdata>", to: &out)
    }
  }

  private func appendNumber(to out: inout OutputBuffer) {
    if lua_isinteger(state, -1) != 0 { return out.append(decimal: lua_tointegerx(state, -1, nil)) }
    let value = lua_tonumberx(state, -1, nil)
    if value.isFinite {
      JSONEncoder.append(value, to: &out)
    } else {
      Self.appendText(value.isNaN ? "<NaN>" : value > 0 ? "<infinity>" : "<-infinity>", to: &out)
    }
  }

  private func appendString(to out: inout OutputBuffer) {
    guard let bytes = stack.bytes(at: -1) else { return }
    let isTopLevel = path.count < 2
    if bytes.count > Self.textBytesMax {
      let start = String(decoding: bytes.prefix(Self.textBytesMax), as: UTF8.self)
      Self.appendText("\(start)… (\(bytes.count) bytes)", to: &out)
    } else if !isJSON, isTopLevel, Self.isPlain(bytes) {
      out.append(bytes)
    } else {
      Self.appendQuoted(bytes, to: &out)
    }
  }

  private mutating func appendTable(at index: Int32, to out: inout OutputBuffer) {
    let address = lua_topointer(state, index)
    if path.contains(address) { return Self.appendText("<cycle>", to: &out) }
    guard path.count < Self.depthMax, lua_checkstack(state, 8) != 0 else {
      return Self.appendText("<table>", to: &out)
    }
    path.append(address)
    defer { path.removeLast() }
    let count = Int(lua_rawlen(state, index))
    if count > 0 {
      out.append("[")
      for position in 1...min(count, Self.countMax) {
        if position > 1 { out.append(",") }
        lua_rawgeti(state, index, Int64(position))
        appendTop(to: &out)
      }
      if count > Self.countMax {
        out.append(",")
        Self.appendText("… (\(count) items)", to: &out)
      }
      return out.append("]")
    }
    let (keys, isComplete) = keys(ofTableAt: index)
    out.append("{")
    for (number, key) in keys.enumerated() {
      if number > 0 { out.append(",") }
      key.text.withUnsafeBytes { Self.appendQuoted($0, to: &out) }
      out.append(":")
      pushKey(key)
      lua_rawget(state, index)
      appendTop(to: &out)
    }
    if !isComplete {
      if !keys.isEmpty { out.append(",") }
      Self.appendText("…", to: &out)
      out.append(":true")
    }
    out.append("}")
  }

  // MARK: Text

  /// Whether it reads as one word without quotes.
  private static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
    !bytes.isEmpty
      && bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x2B, 0x2D, 0x2E, 0x2F, 0x3A, 0x40, 0x5F, 0x25, 0x23, 0x2C, 0x26, 0x3F: true
        default: false
        }
      }
  }

  private static func appendText(_ text: String, to out: inout OutputBuffer) {
    var text = text
    text.withUTF8 { appendQuoted(UnsafeRawBufferPointer($0), to: &out) }
  }

  /// A JSON string without any control character; what is no UTF-8 is replaced.
  static func appendQuoted(_ bytes: UnsafeRawBufferPointer, to out: inout OutputBuffer) {
    let hasOthers = bytes.contains { $0 == 0x7F || $0 >= 0x80 }
    if !hasOthers {
      _ = JSONEncoder.append(string: bytes, to: &out)
      return
    }
    var clean = ""
    out.append("\"")
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar.value {
      case 0x22, 0x5C:
        clean.append("\\")
        clean.unicodeScalars.append(scalar)
      case 0x0A: clean += "\\n"
      case 0x0D: clean += "\\r"
      case 0x09: clean += "\\t"
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
        let digits = String(scalar.value, radix: 16)
        clean += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: clean.unicodeScalars.append(scalar)
      }
    }
    out.append(clean)
    out.append("\"")
  }
}
