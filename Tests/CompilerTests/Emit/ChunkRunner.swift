// Runs a binary chunk in a fresh Lua state: what the runtime would do with it, without a runtime.

import CLua

/// Loads `chunk` (mode "b") and calls it with the standard globals; the text of its result, or the message
/// of its error.
func runChunk(_ chunk: [UInt8]) -> String {
  guard let state = luaL_newstate() else { return "no state" }
  defer { lua_close(state) }
  luaL_openlibs(state)
  let loaded = chunk.withUnsafeBytes {
    luaL_loadbufferx(state, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "chunk", "b")
  }
  if loaded == LUA_OK { _ = lua_pcallk(state, 0, 1, 0, 0, nil) }
  guard let text = luaL_tolstring(state, -1, nil) else { return "" }
  return String(cString: text)
}

/// What Lua's own stripping makes of `chunk`; empty when it does not load.
func strippedByLua(_ chunk: [UInt8]) -> [UInt8] {
  guard let state = luaL_newstate() else { return [] }
  defer { lua_close(state) }
  let loaded = chunk.withUnsafeBytes {
    luaL_loadbufferx(state, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "chunk", "b")
  }
  guard loaded == LUA_OK else { return [] }
  let sink = Sink()
  // The sink lives until after the dump.
  return withExtendedLifetime(sink) {
    lua_dump(
      state,
      { _, piece, count, context in
        guard let piece, let context else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: piece, count: count)
        Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().bytes.append(contentsOf: bytes)
        return 0
      }, Unmanaged.passUnretained(sink).toOpaque(), 1)
    return sink.bytes
  }
}

private final class Sink {
  var bytes: [UInt8] = []
}
