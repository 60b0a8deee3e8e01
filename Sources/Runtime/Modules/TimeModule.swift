// `require "time"`, and the global function `sleep`.

import CLua
import CSystem
import Glibc

enum TimeFunction: Int32, HostFunctions {
  case now, monotonic

  static var moduleNumber: Int32 { BuiltinModule.time.rawValue }
  static var prefix: String { "time." }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    if let seconds = dispatcher.capturedSeconds {
      for _ in 0..<(self == .now ? 2 : 1) { lua_pushnumber(state, seconds) }
      return self == .now ? 2 : 1
    }
    switch self {
    case .now:
      lua_pushnumber(state, Self.seconds(CLOCK_REALTIME))
      lua_pushnumber(state, Self.seconds(CLOCK_MONOTONIC))
      return 2
    case .monotonic:
      lua_pushnumber(state, Self.seconds(CLOCK_MONOTONIC))
      return 1
    }
  }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// A call that waits for nothing but time.
private final class SleepWait: Wait {
  override func expired(_ dispatcher: Dispatcher) { dispatcher.complete(self) { _ in 0 } }
}

extension Dispatcher {
  /// The longest sleep; a call's own bound comes long before.
  private static let sleepSecondsMax = 86_400.0

  /// `sleep(seconds)`.
  func sleep(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard lua_type(state, 1) == LUA_TNUMBER else {
      return raise(state, "sleep takes a number of seconds, not a \(stack.typeName(at: 1))", at: true)
    }
    let seconds = lua_tonumberx(state, 1, nil)
    guard seconds >= 0, seconds <= Self.sleepSecondsMax else {
      return raise(state, "sleep takes 0 to \(Int(Self.sleepSecondsMax)) seconds, not \(seconds)", at: true)
    }
    if capture != nil || testing?.passes(seconds: seconds) == true { return 0 }
    let wait = SleepWait()
    let result = park(on: wait)
    // The loop counts whole milliseconds, and this one may be nearly over.
    startTimer(for: wait, afterMilliseconds: UInt64((seconds * 1000).rounded(.up)) + (seconds > 0 ? 1 : 0))
    return result
  }
}
