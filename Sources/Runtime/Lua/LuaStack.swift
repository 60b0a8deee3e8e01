// Small conveniences over a Lua stack. Only API calls that cannot raise.

import CLua

/// A Lua thread's stack, not owned.
struct LuaStack {
  let raw: OpaquePointer

  @inline(__always)
  init(_ raw: OpaquePointer) { self.raw = raw }

  @inline(__always)
  func push(_ bytes: UnsafeRawBufferPointer) {
    lua_pushlstring(raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
  }

  func push(_ text: String) {
    var text = text
    text.withUTF8 { push(UnsafeRawBufferPointer($0)) }
  }

  @inline(__always)
  func pop(_ count: Int32 = 1) { spacer_lua_pop(raw, count) }

  /// The bytes of the string at `index`, or nil when it is no string. A number is not converted, since that
  /// would change it in place. Valid while the value stays on the stack.
  @inline(__always)
  func bytes(at index: Int32) -> UnsafeRawBufferPointer? {
    guard lua_type(raw, index) == LUA_TSTRING else { return nil }
    var length = 0
    let text = lua_tolstring(raw, index, &length)
    return UnsafeRawBufferPointer(start: text, count: length)
  }

  func text(at index: Int32) -> String? {
    bytes(at: index).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The name of the type at `index`: `nil`, `table` …
  func typeName(at index: Int32) -> String { String(cString: lua_typename(raw, lua_type(raw, index))) }

  /// Sets field `name` of the table below the value on top, and pops the value.
  func setField(_ name: String) {
    push(name)
    lua_rotate(raw, -2, 1)
    lua_rawset(raw, -3)
  }

  /// Pushes field `name` of the table at `index`, read raw, and returns its type.
  func rawField(_ name: StaticString, at index: Int32) -> Int32 {
    let index = lua_absindex(raw, index)
    lua_pushlstring(
      raw, UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self), name.utf8CodeUnitCount)
    return lua_rawget(raw, index)
  }

  /// Whether the value at `index` has the metatable of this address; nil is none.
  func hasMetatable(_ address: UnsafeRawPointer?, at index: Int32) -> Bool {
    guard let address, lua_getmetatable(raw, index) != 0 else { return false }
    defer { pop() }
    return lua_topointer(raw, -1) == address
  }

  /// The keys of a table that can be an array.
  struct IntegerKeys {
    var count: Int64 = 0
    /// What lies between the pairs, up to it, are holes.
    var largest: Int64 = 0
    /// More holes than a list is written with.
    var isSparse: Bool { largest > 10 && largest / 2 > count }
  }

  /// The keys of the table at `index`, which is absolute; nil when one of them is no integer above 0. Needs room for
  /// two values.
  func integerKeys(at index: Int32) -> IntegerKeys? {
    var keys = IntegerKeys()
    lua_pushnil(raw)
    while lua_next(raw, index) != 0 {
      pop()
      let key = lua_tointegerx(raw, -1, nil)
      guard lua_isinteger(raw, -1) != 0, key > 0 else {
        pop()
        return nil
      }
      keys.largest = max(keys.largest, key)
      keys.count += 1
    }
    return keys
  }
}
