// Lua values to `JSONValue` and back, by the rules of JSON that answers follow (docs/lua-api.md). Only API calls that
// cannot raise; both directions are bounded in depth and size.

import CLua

/// Why a value cannot pass.
struct LuaJSONFailure: Error {
  /// `a function`, `a string that is not UTF-8` …
  var reason: String
  /// Where it is in the value, `.items[3]`, empty for the value itself.
  var path = ""

  /// `a function at .items[3]`
  var message: String { path.isEmpty ? reason : "\(reason) at \(path)" }
}

/// Reads values from a stack.
struct LuaJSONReader {
  /// Of all values that one reader reads, in bytes as they are kept in memory, roughly.
  static let bytesMax = 64 << 20

  let state: OpaquePointer
  /// Address of the metatable that marks arrays.
  let arrayTag: UnsafeRawPointer?
  private var bytes = 0

  init(state: OpaquePointer, arrayTag: UnsafeRawPointer?) {
    self.state = state
    self.arrayTag = arrayTag
  }

  /// The values from `index` to the top. The stack is as before.
  mutating func values(from index: Int32) throws(LuaJSONFailure) -> [JSONValue] {
    let top = lua_gettop(state)
    guard top >= index else { return [] }
    var values: [JSONValue] = []
    do throws(LuaJSONFailure) {
      for position in index...top { values.append(try value(at: position, depth: 0)) }
    } catch {
      lua_settop(state, top)
      throw LuaJSONFailure(reason: error.reason, path: "argument \(values.count + 1)" + error.path)
    }
    return values
  }

  /// The value at `index`. A failure leaves what it was at on the stack.
  private mutating func value(at index: Int32, depth: Int) throws(LuaJSONFailure) -> JSONValue {
    try count(MemoryLayout<JSONValue>.stride)
    switch lua_type(state, index) {
    case LUA_TNIL, LUA_TNONE: return .null
    case LUA_TBOOLEAN: return .bool(lua_toboolean(state, index) != 0)
    case LUA_TNUMBER:
      if lua_isinteger(state, index) != 0 { return .int(Int(lua_tointegerx(state, index, nil))) }
      let number = lua_tonumberx(state, index, nil)
      guard number.isFinite else { throw .init(reason: number.isNaN ? "NaN" : "an infinite number") }
      return .double(number)
    case LUA_TSTRING: return .string(try text(at: index))
    case LUA_TTABLE: return try table(at: lua_absindex(state, index), depth: depth)
    case LUA_TLIGHTUSERDATA:
      let address = lua_touserdata(state, index)
      if address == nil { return .null }
      if address == spacer_empty_array_address() { return .array([]) }
      throw .init(reason: "a userdata")
    case let kind: throw .init(reason: "a " + String(cString: lua_typename(state, kind)))
    }
  }

  private mutating func count(_ size: Int) throws(LuaJSONFailure) {
    bytes += size
    guard bytes <= Self.bytesMax else { throw .init(reason: "more than \(Self.bytesMax) bytes of values") }
  }

  private mutating func text(at index: Int32) throws(LuaJSONFailure) -> String {
    guard let bytes = LuaStack(state).bytes(at: index) else { return "" }
    try count(bytes.count)
    guard UTF8Scanner.firstInvalid(in: bytes) == nil else {
      throw .init(reason: "a string that is not UTF-8")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func table(at index: Int32, depth: Int) throws(LuaJSONFailure) -> JSONValue {
    guard depth < JSONEncoder.depthMax else {
      throw .init(reason: "a cycle, or nesting deeper than \(JSONEncoder.depthMax) levels")
    }
    guard lua_checkstack(state, 8) != 0 else { throw .init(reason: "nesting too deep for the stack") }
    let stack = LuaStack(state)
    guard let keys = stack.integerKeys(at: index), !keys.isSparse else {
      return .object(try fields(at: index, depth: depth))
    }
    if keys.count == 0, !stack.hasMetatable(arrayTag, at: index) { return .object([:]) }
    let length = keys.largest
    var items: [JSONValue] = []
    items.reserveCapacity(Int(length))
    for position in 0..<length {
      lua_rawgeti(state, index, position + 1)
      items.append(try onTop("[\(position + 1)]", depth: depth))
    }
    return .array(items)
  }

  private mutating func fields(at index: Int32, depth: Int) throws(LuaJSONFailure) -> [String: JSONValue] {
    var fields: [String: JSONValue] = [:]
    lua_pushnil(state)
    while lua_next(state, index) != 0 {
      let name = try key(at: lua_absindex(state, -2))
      fields[name] = try onTop("." + name.prefix(60), depth: depth)
    }
    return fields
  }

  private mutating func key(at index: Int32) throws(LuaJSONFailure) -> String {
    switch lua_type(state, index) {
    case LUA_TSTRING: return try text(at: index)
    case LUA_TNUMBER:
      if lua_isinteger(state, index) != 0 { return String(lua_tointegerx(state, index, nil)) }
      throw .init(reason: "a key that is a fraction")
    case let kind: throw .init(reason: "a key that is a " + String(cString: lua_typename(state, kind)))
    }
  }

  /// The value on top, which is popped.
  private mutating func onTop(_ step: String, depth: Int) throws(LuaJSONFailure) -> JSONValue {
    do throws(LuaJSONFailure) {
      let value = try value(at: -1, depth: depth + 1)
      spacer_lua_pop(state, 1)
      return value
    } catch {
      throw LuaJSONFailure(
        reason: error.reason, path: error.path.utf8.count > 300 ? error.path : step + error.path)
    }
  }
}

/// Pushes values onto a stack.
struct LuaJSONWriter {
  let state: OpaquePointer
  /// The bytes the Lua state holds, and how many it may.
  let memory: (held: UnsafePointer<Int>, max: Int)

  /// Pushes one value; `null` as `nil` when it is the whole. On failure the stack is as before.
  func push(_ value: JSONValue) throws(LuaJSONFailure) {
    if value.isNull { return lua_pushnil(state) }
    let top = lua_gettop(state)
    do throws(LuaJSONFailure) {
      try push(value, depth: 0)
    } catch {
      lua_settop(state, top)
      throw error
    }
  }

  private func push(_ value: JSONValue, depth: Int) throws(LuaJSONFailure) {
    switch value {
    case .null: lua_pushlightuserdata(state, nil)
    case .bool(let flag): lua_pushboolean(state, flag ? 1 : 0)
    case .int(let number): lua_pushinteger(state, Int64(number))
    case .double(let number):
      guard number.isFinite else { throw .init(reason: number.isNaN ? "NaN" : "an infinite number") }
      lua_pushnumber(state, number)
    case .string(let text): LuaStack(state).push(text)
    case .array(let items):
      try enter(depth)
      lua_createtable(state, Int32(clamping: items.count), 0)
      if items.isEmpty {
        JSONTag.push(onto: state)
        lua_setmetatable(state, -2)
      }
      for (position, item) in items.enumerated() {
        try push(item, depth: depth + 1)
        lua_rawseti(state, -2, Int64(position) + 1)
      }
    case .object(let fields):
      try enter(depth)
      lua_createtable(state, 0, Int32(clamping: fields.count))
      for (name, field) in fields {
        LuaStack(state).push(name)
        try push(field, depth: depth + 1)
        lua_rawset(state, -3)
      }
    }
  }

  private func enter(_ depth: Int) throws(LuaJSONFailure) {
    guard depth < JSONEncoder.depthMax else {
      throw .init(reason: "nesting deeper than \(JSONEncoder.depthMax) levels")
    }
    guard lua_checkstack(state, 6) != 0 else { throw .init(reason: "nesting too deep for the stack") }
    guard memory.held.pointee <= memory.max else {
      throw .init(reason: "more values than one call's memory holds")
    }
  }
}
