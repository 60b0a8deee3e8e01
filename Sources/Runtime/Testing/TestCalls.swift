// Calls of a test run: begun from the loop, bounded by the options, their end told with all that explains a failure.

import CLua

/// How a call of a test run ended.
enum TestCallEnd {
  case returned
  case failed(TestCallFailure)
}

/// A failure with the error itself.
struct TestCallFailure {
  /// Without the place that Lua puts before it.
  var message: String
  /// The lines that led there, innermost first.
  var callers: [TestPlace]
  /// Registry reference of the error; 0 when the call was ended from outside.
  var error: Int32 = 0
  /// It used up its time or memory.
  var isOverrun = false

  var failure: TestFailure {
    var failure = TestFailure(message: message)
    failure.place = callers.first
    failure.callers = callers
    return failure
  }
}

/// A call that waits for a function to end that runs in a call of its own.
final class TestCallWait: Wait {
  var child: Int32 = -1
  private let bench: TestBench

  init(_ bench: TestBench) { self.bench = bench }

  override func cancelled(_ dispatcher: Dispatcher) {
    guard child >= 0, bench.calls.removeValue(forKey: child) != nil else { return }
    dispatcher.abandon(child)
  }
}

extension TestBench {
  func owns(_ slot: Int32) -> Bool { calls[slot] != nil }

  func wallMilliseconds(of slot: Int32) -> Int? { calls[slot]?.wallMilliseconds }

  /// Begins a call; from the loop, while nothing runs.
  /// - Parameters:
  ///   - globals: The slot whose globals it has, or -1 for some of its own.
  ///   - push: Pushes the function and its arguments, and returns how many those are.
  /// - Returns: The slot; nil when it ended already, or could not begin, which `whenEnded` was told.
  @discardableResult
  func startCall(
    module: Int = 0, globals: Int32 = -1, wallMilliseconds: Int,
    push: (OpaquePointer) throws(RequestFailure) -> Int32, whenEnded: @escaping (TestCallEnd) -> Void
  ) -> Int32? {
    var trace = TraceContext(traceHigh: 0, traceLow: 0, span: dispatcher.ids.next(), parent: 0)
    (trace.traceHigh, trace.traceLow) = (dispatcher.ids.next(), dispatcher.ids.next())
    var argumentCount: Int32 = 0
    let slot: Int32
    let memoryBefore = dispatcher.record.pointee.memory_bytes
    do throws(RequestFailure) {
      slot = try dispatcher.takeCall(ExchangeID(rawValue: .max), trace, start: dispatcher.clock())
      dispatcher.calls[slot].isDetached = true
      try dispatcher.prepare(slot, module: module, pushesHandler: false) {
        _, coroutine throws(RequestFailure) in argumentCount = try push(coroutine)
      }
    } catch {
      whenEnded(.failed(TestCallFailure(message: error.message, callers: [])))
      return nil
    }
    if globals >= 0 {
      lua_copy(dispatcher.main, CallTable.anchor(globals) + 1, CallTable.anchor(slot) + 1)
    }
    dispatcher.record.pointee.run_memory_base = memoryBefore
    dispatcher.calls[slot].hasExtras = true
    dispatcher.waiting.detachedCount += 1
    calls[slot] = OwnCall(wallMilliseconds: wallMilliseconds, whenEnded: whenEnded)
    enterTestCode()
    if let coroutine = dispatcher.calls[slot].coroutine {
      dispatcher.run(slot, coroutine, arguments: argumentCount, raises: 0)
    }
    return calls[slot] == nil ? nil : slot
  }

  /// What runs from now on is a test's own code, which may take what a test may take.
  func enterTestCode() {
    spacer_set_cpu_budget(dispatcher.record, UInt64(options.timeoutMilliseconds) * 1_000_000)
  }

  /// What runs from now on has the application's own bounds.
  func leaveTestCode() { spacer_set_cpu_budget(dispatcher.record, 0) }

  // MARK: Ends

  /// The function returned; its results do not matter.
  func returned(_ slot: Int32, _ coroutine: OpaquePointer) {
    let call = calls.removeValue(forKey: slot)
    lua_settop(coroutine, 0)
    dispatcher.release(slot)
    call?.whenEnded(.returned)
  }

  /// The error is on top of the coroutine's stack.
  func failed(_ slot: Int32, _ coroutine: OpaquePointer) {
    let call = calls.removeValue(forKey: slot)
    var failure = TestCallFailure(message: "", callers: callers(coroutine))
    if let overrun = dispatcher.overrun {
      failure.isOverrun = true
      failure.message =
        overrun.status == 504
        ? "it took more than \(options.timeoutMilliseconds) ms of processor time (--timeout)"
        : overrun.message
    } else {
      failure.message = message(coroutine, &failure.callers)
      lua_pushvalue(coroutine, -1)
      failure.error = luaL_ref(coroutine, spacer_lua_registry())
    }
    dispatcher.reset(slot, coroutine)
    dispatcher.release(slot)
    call?.whenEnded(.failed(failure))
  }

  /// The parked call is over its time, or holds more memory than there is.
  func ended(_ slot: Int32, _ reason: RequestFailure) {
    let call = calls.removeValue(forKey: slot)
    var failure = TestCallFailure(
      message: reason.status == 504
        ? "it took more than \(call?.wallMilliseconds ?? 0) ms (--timeout)" : reason.message,
      callers: dispatcher.calls[slot].coroutine.map(callers) ?? [])
    failure.isOverrun = true
    dispatcher.abandon(slot)
    call?.whenEnded(.failed(failure))
  }

  // MARK: What explains a failure

  private static let callersMax = 50

  /// The project's lines that a stopped coroutine is at, innermost first.
  func callers(_ coroutine: OpaquePointer) -> [TestPlace] {
    var places: [TestPlace] = []
    var activation = lua_Debug()
    var level: Int32 = 0
    while places.count < Self.callersMax, lua_getstack(coroutine, level, &activation) != 0 {
      level += 1
      guard lua_getinfo(coroutine, "Sl", &activation) != 0, activation.currentline > 0,
        let source = activation.source, source[0] == CChar(bitPattern: UInt8(ascii: "@"))
      else { continue }
      places.append(TestPlace(path: String(cString: source + 1), line: Int(activation.currentline)))
    }
    return places
  }

  /// The error's text without the place that `error` puts before it. A place that is no caller's, as of an error
  /// within a coroutine, becomes the innermost.
  private func message(_ coroutine: OpaquePointer, _ callers: inout [TestPlace]) -> String {
    let stack = LuaStack(coroutine)
    if lua_type(coroutine, -1) == LUA_TTABLE {
      defer { stack.pop() }
      if stack.rawField("message", at: -1) == LUA_TSTRING, let text = stack.text(at: -1) { return text }
    }
    let text = dispatcher.errorText(coroutine)
    guard lua_type(coroutine, -1) == LUA_TSTRING, let (place, rest) = Self.splitPlace(text) else {
      return text
    }
    if !callers.contains(place) { callers.insert(place, at: 0) }
    return rest
  }

  /// `app/foo.lua:3: message` as place and message.
  static func splitPlace(_ text: String) -> (TestPlace, String)? {
    let bytes = Array(text.utf8)
    var start = 0
    while let colon = bytes[start...].firstIndex(of: UInt8(ascii: ":")) {
      var end = colon + 1
      var line = 0
      while end < bytes.count, bytes[end] &- 0x30 < 10, line < 100_000_000 {
        line = line * 10 + Int(bytes[end] &- 0x30)
        end += 1
      }
      let path = String(decoding: bytes[..<colon], as: UTF8.self)
      if end > colon + 1, bytes[end...].starts(with: Array(": ".utf8)), path.hasSuffix(".lua") {
        return (TestPlace(path: path, line: line), String(decoding: bytes[(end + 2)...], as: UTF8.self))
      }
      start = colon + 1
    }
    return nil
  }
}
