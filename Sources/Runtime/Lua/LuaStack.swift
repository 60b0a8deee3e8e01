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
}
