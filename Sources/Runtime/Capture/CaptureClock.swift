// What functions see of time while capturing: the event's, standing still. The library's functions are replaced in
// the one Lua state that captures, before any code of the application runs there, so that serving pays nothing.

import CLua

extension Dispatcher {
  /// Given `now` and the library's `os`.
  private static let clockPrelude: StaticString = """
    local given = ...
    local now, os = given.now, given.os
    local time, date, floor = os.time, os.date, math.floor
    os.time = function(...)
      if (...) == nil then return now() end
      return time(...)
    end
    os.date = function(format, at) return date(format or "%c", at or now()) end
    os.clock = function() return 0.0 end
    """

  /// Begins to capture; on the worker's thread, before the first run.
  /// - Returns: False when the library could not be prepared.
  func beginCapture(_ capture: Capture) -> Bool {
    self.capture = capture
    let stack = LuaStack(main)
    let top = lua_gettop(main)
    defer { lua_settop(main, top) }
    lua_createtable(main, 0, 2)
    GlobalFunction.capturedTime.push(onto: main)
    stack.setField("now")
    // The library's table stands behind its read-only view.
    guard stack.rawField("os", at: Int32(SPACER_INDEX_BASE)) == LUA_TTABLE, lua_getmetatable(main, -1) != 0,
      stack.rawField("__index", at: -1) == LUA_TTABLE
    else { return false }
    lua_copy(main, -1, -3)
    lua_settop(main, -3)
    stack.setField("os")
    return Self.clockPrelude.utf8Start.withMemoryRebound(
      to: CChar.self, capacity: Self.clockPrelude.utf8CodeUnitCount
    ) { spacer_run_prelude(record, $0, Self.clockPrelude.utf8CodeUnitCount, "=os") == 0 }
  }

  /// Seconds that functions take for the time while capturing; nil otherwise.
  var capturedSeconds: Double? { capture.map { Double($0.milliseconds) / 1_000 } }

  func pushCapturedSeconds(_ state: OpaquePointer) -> Int32 {
    lua_pushinteger(state, (capture?.milliseconds ?? 0) / 1_000)
    return 1
  }
}
