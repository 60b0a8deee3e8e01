// `require "validate"`: checks of arguments by a description. Written in Lua, in two chunks that share a table:
// what compiles a description into closures, and the checks of the single types.

import CLua

/// Nothing is implemented here.
enum ValidateFunction: Int32, HostFunctions {
  case none

  static var moduleNumber: Int32 { BuiltinModule.validate.rawValue }
  static var prefix: String { "validate." }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 { 0 }

  /// Adds what the Lua part needs to the table on top.
  static func addConstants(to state: OpaquePointer) {
    let stack = LuaStack(state)
    lua_pushlightuserdata(state, nil)
    stack.setField("null")
    JSONTag.push(onto: state)
    stack.setField("array_mt")
  }

  /// Lets the read-only table on top be called: `validate{ … }`. It has its function under `compile`.
  static func makeCallable(_ state: OpaquePointer) {
    guard lua_getmetatable(state, -1) != 0 else { return }
    let stack = LuaStack(state)
    if stack.rawField("__index", at: -1) == LUA_TTABLE {
      _ = stack.rawField("compile", at: -1)
      lua_rotate(state, -2, 1)
      lua_pushnil(state)
      stack.setField("compile")
      stack.pop()
      stack.setField("__call")
    } else {
      stack.pop()
    }
    stack.pop()
  }
}
