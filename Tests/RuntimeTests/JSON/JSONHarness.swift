import CLua
import SpacerLuaVM

@testable import SpacerRuntime

/// A Lua state to decode into and encode from.
final class JSONHarness {
  let lua: LuaHostState
  let tag: UnsafeRawPointer?

  init() throws {
    guard let lua = LuaHostState() else { throw OutOfMemory() }
    JSONTag.push(onto: lua.main)
    tag = lua_topointer(lua.main, -1)
    spacer_lua_pop(lua.main, 1)
    self.lua = lua
  }

  /// Decodes `text` and encodes what came of it; failures as `error: …`.
  func roundTrip(_ text: [UInt8]) -> String {
    let state = lua.main
    let top = lua_gettop(state)
    defer { lua_settop(state, top) }
    return text.withUnsafeBytes { bytes in
      var decoder = JSONDecoder(state: state, bytes: bytes)
      do throws(JSONDecodeFailure) {
        try decoder.decode()
      } catch {
        return lua_gettop(state) == top ? "error: \(error.message)" : "error: the stack is not as before"
      }
      guard lua_gettop(state) == top + 1 else { return "error: not one value" }
      return encode(at: -1)
    }
  }

  func roundTrip(_ text: String) -> String { roundTrip(Array(text.utf8)) }

  /// The JSON of the value at `index`.
  func encode(at index: Int32) -> String {
    let state = lua.main
    let top = lua_gettop(state)
    var buffer = OutputBuffer()
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: state, arrayTag: tag).encode(at: index, into: &buffer)
    } catch {
      return lua_gettop(state) == top
        ? "error: \(error.reason) at value\(error.path)" : "error: the stack is not as before"
    }
    guard lua_gettop(state) == top else { return "error: the stack is not as before" }
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  /// The JSON of what a Lua expression gives.
  func evaluate(_ expression: String) -> String {
    let state = lua.main
    let top = lua_gettop(state)
    defer { lua_settop(state, top) }
    let chunk = "return \(expression)"
    guard luaL_loadbufferx(state, chunk, chunk.utf8.count, "=test", "t") == LUA_OK,
      lua_pcallk(state, 0, 1, 0, 0, nil) == LUA_OK
    else { return "error: \(LuaStack(state).text(at: -1) ?? "")" }
    return encode(at: -1)
  }
}

struct OutOfMemory: Error {}
