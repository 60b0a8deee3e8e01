// What the Lua parts of testing ask of the host. Their callers are those parts: arguments are what they pass.

import CLua
import SpacerEventLog

enum TestFunction: Int32, HostFunctions {
  /// `(function, …)`: runs it in a call of its own. True; or false, the error, its text, the lines that led there as
  /// `path:line`, and whether it used up its time or memory.
  case run
  /// A test begins.
  case begin
  /// `(result)`: a test has ended.
  case report
  /// `(name)`: whether `--filter` lets a test run.
  case selects
  /// `(text)`: sends the bytes of a request to the server; the bytes of the answer.
  case exchange
  /// `(topic, number, key, payload, id, attempt)`: runs a trigger; its function, how it ended, why, its result.
  case trigger
  /// `(topic)`: how many triggers a topic has; nil without such a topic.
  case triggers
  /// `(milliseconds or nil)`.
  case freeze
  /// `(milliseconds)`.
  case advance
  /// Milliseconds since 1970, and whether the time is frozen.
  case now
  /// `(seed or nil)`.
  case seed
  /// `(name, value or nil)`.
  case set
  /// `(name)`.
  case get
  /// What is set now is what tests begin with.
  case keep
  case restore
  /// `(names)`: makes empty databases.
  case sqlite
  /// `(message, sqlstate)`: raises a database's error.
  case fail
  /// `(message)`: raises it with the position of the project's code.
  case complain
  /// `(status, headers, body, url)`: the answer of a request as `http` gives it.
  case respond
  /// `(pattern, text)`.
  case matches
  /// The project's line that runs, as `path:line`.
  case place

  static var moduleNumber: Int32 { TestModule.spacer.rawValue }
  static var prefix: String { "spacer." }
  var mayWait: Bool { self == .run || self == .exchange || self == .trigger }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    guard let testing = dispatcher.testing else {
      return dispatcher.raise(state, "this works in tests only", at: true)
    }
    return testing.invoke(self, state)
  }
}

extension TestBench {
  fileprivate func invoke(_ function: TestFunction, _ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    switch function {
    case .run: return runFunction(state)
    case .begin:
      result.output += output
      output = []
      testStart = dispatcher.clock()
    case .report: report(stack)
    case .selects:
      lua_pushboolean(state, selects(stack.text(at: 1) ?? "") ? 1 : 0)
      return 1
    case .exchange: return exchange(state)
    case .trigger: return runTrigger(state)
    case .triggers:
      let topic = stack.text(at: 1) ?? ""
      guard let events, events.topic(named: topic) != nil else { return 0 }
      lua_pushinteger(state, Int64(events.triggers.count { $0.topic == topic }))
      return 1
    case .freeze: freeze(at: lua_isinteger(state, 1) != 0 ? lua_tointegerx(state, 1, nil) : nil)
    case .advance: advance(milliseconds: lua_tointegerx(state, 1, nil))
    case .now:
      let wall = SystemCalls.wallClock()
      lua_pushinteger(state, frozenMilliseconds ?? (wall.seconds * 1_000 + wall.nanoseconds / 1_000_000))
      lua_pushboolean(state, frozenMilliseconds == nil ? 0 : 1)
      return 2
    case .seed: seed(lua_isinteger(state, 1) != 0 ? lua_tointegerx(state, 1, nil) : nil)
    case .set: if let name = stack.text(at: 1) { set(name, stack.text(at: 2)) }
    case .get:
      guard let value = stack.text(at: 1).flatMap({ dispatcher.policy.environment[$0] }) else { return 0 }
      stack.push(value)
      return 1
    case .keep: keepSettings()
    case .restore: restoreSettings()
    case .sqlite: makeDatabases(stack)
    case .fail: return failStatement(state)
    case .complain:
      lua_settop(state, 1)
      return Int32(SPACER_RAISE_AT)
    case .respond: return respond(state)
    case .matches:
      guard let pattern = stack.bytes(at: 1), let text = stack.bytes(at: 2) else { return 0 }
      lua_pushboolean(state, TextPattern(pattern).matches(Array(text)) ? 1 : 0)
      return 1
    case .place:
      guard let place = callers(state).first else { return 0 }
      stack.push("\(place.path):\(place.line)")
      return 1
    }
    return 0
  }

  private func selects(_ name: String) -> Bool {
    guard let filter = options.filter else { return true }
    return TextPattern("*\(filter)*".utf8).matches(Array("\(result.path) \(name)".utf8))
  }

  // MARK: Tests

  /// The caller waits; the function runs from the loop.
  private func runFunction(_ state: OpaquePointer) -> Int32 {
    let parent = dispatcher.currentCall
    guard parent >= 0, lua_type(state, 1) == LUA_TFUNCTION else {
      return dispatcher.raise(state, "a test runs a function, inside a test file", at: true)
    }
    // What is to run is kept on the stack of its thread, which is suspended meanwhile.
    let count = lua_gettop(state)
    let wait = TestCallWait(self)
    let parked = dispatcher.park(on: wait)
    stopFileTimer()
    later { [unowned(unsafe) self] in
      guard wait.isPending else { return }
      let child = startCall(globals: parent, wallMilliseconds: options.timeoutMilliseconds) {
        coroutine throws(RequestFailure) in
        guard lua_checkstack(coroutine, count + 20) != 0 else { throw RequestFailure(503, "out of memory") }
        for index in 1...count {
          lua_pushvalue(state, index)
          lua_xmove(state, coroutine, 1)
        }
        return count - 1
      } whenEnded: { [unowned(unsafe) self] end in
        startFileTimer()
        enterTestCode()
        dispatcher.complete(wait) { push(end, onto: $0) }
      }
      if let child, wait.isPending { wait.child = child }
    }
    return parked
  }

  private func push(_ end: TestCallEnd, onto state: OpaquePointer) -> Int32 {
    guard case .failed(let failure) = end else {
      lua_pushboolean(state, 1)
      return 1
    }
    let stack = LuaStack(state)
    lua_pushboolean(state, 0)
    if failure.error != 0 {
      lua_rawgeti(state, spacer_lua_registry(), Int64(failure.error))
    } else {
      lua_pushnil(state)
    }
    free(failure)
    stack.push(failure.message)
    lua_createtable(state, Int32(clamping: failure.callers.count), 0)
    for (index, place) in failure.callers.enumerated() {
      stack.push("\(place.path):\(place.line)")
      lua_rawseti(state, -2, Int64(index) + 1)
    }
    lua_pushboolean(state, failure.isOverrun ? 1 : 0)
    return 5
  }

  private func report(_ stack: LuaStack) {
    func text(_ field: StaticString) -> String? {
      defer { stack.pop() }
      return stack.rawField(field, at: 1) == LUA_TSTRING ? stack.text(at: -1) : nil
    }
    guard lua_type(stack.raw, 1) == LUA_TTABLE else { return }
    var failure = TestFailure(message: text("message") ?? "")
    failure.expected = text("expected")
    failure.actual = text("actual")
    if stack.rawField("callers", at: 1) == LUA_TTABLE {
      for index in 0..<Int64(clamping: lua_rawlen(stack.raw, -1)) {
        lua_rawgeti(stack.raw, -1, index + 1)
        if let place = stack.text(at: -1).flatMap({ Self.splitPlace($0 + ": ")?.0 }) {
          failure.callers.append(place)
        }
        stack.pop()
      }
    }
    stack.pop()
    failure.place = failure.callers.first
    let outcome: TestOutcome =
      switch text("outcome") {
      case "passed": .passed
      case "skipped": .skipped(failure.message)
      case "failed": .failed(failure)
      default: .broken(failure)
      }
    var test = TestResult(
      className: text("class") ?? "", name: text("name") ?? "", outcome: outcome,
      milliseconds: Double(dispatcher.clock() &- testStart) / 1e6)
    test.output = output
    output = []
    result.tests.append(test)
  }

  // MARK: Stand-ins

  private func makeDatabases(_ stack: LuaStack) {
    var names: [String] = []
    for index in 0..<Int64(clamping: lua_rawlen(stack.raw, 1)) {
      lua_rawgeti(stack.raw, 1, index + 1)
      if let name = stack.text(at: -1) { names.append(name) }
      stack.pop()
    }
    let others = dispatcher.policy.databases.filter { !names.contains($0.name) }
    // Without them first, so that none of their connections, which hold what is in them, is kept.
    dispatcher.policy.databases = others
    dispatcher.databases?.adopt(others)
    let made = names.map { name in
      var database = DatabaseConfiguration(
        name: name, driver: .sqlite, location: DatabaseConfiguration.ownMemory)
      database.poolSize = 1
      database.idleMilliseconds = Self.wallMillisecondsMax
      return database
    }
    dispatcher.policy.databases = (others + made).sorted { $0.name < $1.name }
    dispatcher.databases?.adopt(dispatcher.policy.databases)
  }

  private func failStatement(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    let error = DatabaseError(
      stack.text(at: 1) ?? "", sqlstate: stack.text(at: 2) ?? DatabaseError.State.general)
    return dispatcher.databases?.fail(state, error) ?? dispatcher.raise(state, error.message, at: true)
  }

  /// What a function wants to send, as a table.
  func describe(_ request: OutboundRequest, onto state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    lua_createtable(state, 0, 4)
    stack.push(request.method)
    stack.setField("method")
    stack.push(request.url.shown)
    stack.setField("url")
    lua_createtable(state, 0, Int32(clamping: request.headers.count))
    for header in request.headers {
      let value = header.line.dropFirst(header.name.utf8.count + 1).drop { $0 == 0x20 }
      Array(value).withUnsafeBytes { stack.push($0) }
      stack.setField(header.name)
    }
    stack.setField("headers")
    if let body = request.body {
      body.withUnsafeBytes { stack.push($0) }
      stack.setField("body")
    }
    return 1
  }

  private func respond(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    let status = Int(clamping: lua_tointegerx(state, 1, nil))
    var head = Array("HTTP/1.1 \(status)\r\n".utf8)
    if lua_type(state, 2) == LUA_TTABLE {
      lua_pushnil(state)
      while lua_next(state, 2) != 0 {
        if let name = stack.bytes(at: -2), let value = stack.bytes(at: -1) {
          head += Array(name) + [0x3A, 0x20] + Array(value) + [0x0D, 0x0A]
        }
        stack.pop()
      }
    }
    let body = stack.bytes(at: 3).map { Array($0) } ?? []
    let url = stack.text(at: 4) ?? ""
    head.withUnsafeBytes { head in
      body.withUnsafeBytes { body in
        OutboundResponse(status: status, head: head, body: body, url: url, wasDecoded: false).push(
          onto: stack)
      }
    }
    return 1
  }
}
