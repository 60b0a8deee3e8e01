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
    if given.stops then os.clock = function() return 0.0 end end
    """

  /// Begins to capture; on the worker's thread, before the first run.
  /// - Returns: False when the library could not be prepared.
  func beginCapture(_ capture: Capture) -> Bool {
    self.capture = capture
    return replaceClock(stops: true)
  }

  /// Has the library take the time from `capturedSeconds`, when there is one. With `stops` the processor's time
  /// stands still.
  func replaceClock(stops: Bool) -> Bool {
    let stack = LuaStack(main)
    let top = lua_gettop(main)
    defer { lua_settop(main, top) }
    lua_createtable(main, 0, 3)
    lua_pushboolean(main, stops ? 1 : 0)
    stack.setField("stops")
    GlobalFunction.capturedTime.push(onto: main)
    stack.setField("now")
    guard pushOperatingSystem() else { return false }
    stack.setField("os")
    return Self.clockPrelude.utf8Start.withMemoryRebound(
      to: CChar.self, capacity: Self.clockPrelude.utf8CodeUnitCount
    ) { spacer_run_prelude(record, $0, Self.clockPrelude.utf8CodeUnitCount, "=os") == 0 }
  }

  /// Pushes the library `os` itself, which stands behind its read-only view.
  func pushOperatingSystem() -> Bool {
    let stack = LuaStack(main)
    guard stack.rawField("os", at: Int32(SPACER_INDEX_BASE)) == LUA_TTABLE, lua_getmetatable(main, -1) != 0,
      stack.rawField("__index", at: -1) == LUA_TTABLE
    else { return false }
    lua_copy(main, -1, -3)
    lua_settop(main, -3)
    return true
  }

  /// Milliseconds since 1970 that functions take for the time while capturing and in tests; nil for the real one.
  var fixedMilliseconds: Int64? { capture?.milliseconds ?? testing?.frozenMilliseconds }

  /// The same in seconds.
  var capturedSeconds: Double? { fixedMilliseconds.map { Double($0) / 1_000 } }

  /// 16 bytes of a sequence that a seed decides; nil when chance is the system's.
  func fixedRandomWords() -> (UInt64, UInt64)? { capture?.randomWords() ?? testing?.randomWords() }

  /// The time that entries of `kv` expire by, in nanoseconds.
  var storeNanoseconds: UInt64 { testing?.storeNanoseconds(clock()) ?? clock() }

  func pushCapturedSeconds(_ state: OpaquePointer) -> Int32 {
    lua_pushinteger(state, fixedMilliseconds.map { $0 / 1_000 } ?? SystemCalls.wallClock().seconds)
    return 1
  }
}
