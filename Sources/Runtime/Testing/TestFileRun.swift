// One file of tests from its load to its end.

import CLua

/// Ends a file that does nothing.
final class TestTimers: EventSource {
  var whenExpired: () -> Void = {}

  override func expired(_ token: UInt64) { whenExpired() }
}

extension TestBench {
  /// Runs the file's main function and then, unless it did so itself, its tests; on the loop.
  func run(module: Int, whenDone: @escaping (TestFileResult) -> Void) {
    let start = dispatcher.clock()
    dispatcher.log.take = { [unowned(unsafe) self] level, text in
      let text = Self.withoutPlatform(text)
      output.append(level == .info ? text : "\(level.name): \(text)")
    }
    let finish = { [unowned(unsafe) self] in
      stopFileTimer()
      // Connections and databases hold each other, and would be all that stays.
      dispatcher.policy.databases = []
      dispatcher.waiting.databases?.adopt([])
      result.output += output
      result.milliseconds = Double(dispatcher.clock() &- start) / 1e6
      result.lineCounts = coverage.counts
      whenDone(result)
    }
    guard prepareLibrary() else {
      result.failure = TestFailure(message: "no memory for a Lua state")
      return finish()
    }
    if options.countsLines { coverage.begin(dispatcher) }
    fileTimerSource = dispatcher.loop?.register(timers) ?? .primary
    timers.whenExpired = { [unowned(unsafe) self] in fileOverrun() }
    startFileTimer()
    let slot = startCall(module: module, wallMilliseconds: Self.wallMillisecondsMax) {
      coroutine throws(RequestFailure) in
      // The function that calls the file's and then, unless that ran its tests, those.
      pushShared("main", onto: coroutine)
      guard spacer_push_chunk(coroutine, dispatcher.moduleChunk(module)) == 0 else {
        throw RequestFailure(500, LuaStack(coroutine).text(at: -1) ?? "out of memory")
      }
      return 1
    } whenEnded: { [unowned(unsafe) self] end in
      fileEnded(end)
      finish()
    }
    fileSlot = slot ?? -1
  }

  /// A message with only the project's own lines of a traceback, if it has one.
  private static func withoutPlatform(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let head = lines.firstIndex(of: "stack traceback:") else { return text }
    let own = lines[(head + 1)...].filter { line in
      !line.hasPrefix("\t") || line.split(separator: ":").first?.hasSuffix(".lua") == true
    }
    return (lines[..<head] + (own.isEmpty ? [] : [lines[head]] + own)).joined(separator: "\n")
  }

  private func fileEnded(_ end: TestCallEnd) {
    guard case .failed(let failure) = end else { return }
    defer { free(failure) }
    guard let code = exitCode(failure) else {
      result.failure = failure.failure
      return
    }
    // What the tests came to was told already.
    if code != 0, result.failureCount == 0 {
      result.failure = TestFailure(message: "it called os.exit(\(code)) although no test failed")
    }
  }

  /// What `os.exit` was called with, when that is how the call ended.
  private func exitCode(_ failure: TestCallFailure) -> Int? {
    guard failure.error != 0 else { return nil }
    let state = dispatcher.main
    let stack = LuaStack(state)
    let top = lua_gettop(state)
    defer { lua_settop(state, top) }
    lua_rawgeti(state, spacer_lua_registry(), Int64(failure.error))
    guard lua_type(state, -1) == LUA_TTABLE, stack.rawField("exit_code", at: -1) == LUA_TNUMBER else {
      return nil
    }
    return Int(lua_tointegerx(state, -1, nil))
  }

  func free(_ failure: TestCallFailure) {
    if failure.error != 0 { luaL_unref(dispatcher.main, spacer_lua_registry(), failure.error) }
  }

  // MARK: The file's own time

  func startFileTimer() {
    stopFileTimer()
    guard let loop = dispatcher.loop, fileTimerSource != .primary else { return }
    fileTimer = loop.schedule(
      afterMilliseconds: UInt64(options.timeoutMilliseconds), 0, for: fileTimerSource)
  }

  func stopFileTimer() {
    dispatcher.loop?.cancel(fileTimer)
    fileTimer = .none
  }

  private func fileOverrun() {
    fileTimer = .none
    guard fileSlot >= 0, calls[fileSlot] != nil else { return }
    calls[fileSlot]?.wallMilliseconds = options.timeoutMilliseconds
    ended(fileSlot, RequestFailure(504, ""))
  }
}
