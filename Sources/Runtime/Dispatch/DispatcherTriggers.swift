// Runs of triggers: calls that answer nobody, and whose end is told to the engine. And the write proxy, whose
// requests run a function of the module `topics`.

import CLua
import SpacerArtifact
import SpacerEventLog

extension Dispatcher {
  // MARK: Runs

  /// What of an error's text is kept with a dead letter, in bytes.
  private static let reasonBytesMax = 2_048

  /// Starts a run; its outcome goes to `sink`, now or later.
  func start(_ run: HandlerRun, _ sink: any HandlerRunSink) {
    var trace = TraceContext(traceHigh: 0, traceLow: 0, span: ids.next(), parent: 0)
    if var text = run.events.first?.record.trace {
      _ = text.withUTF8 { trace.adopt(traceparent: UnsafeRawBufferPointer($0)) }
    }
    if trace.traceHigh | trace.traceLow == 0 { (trace.traceHigh, trace.traceLow) = (ids.next(), ids.next()) }
    var name = run.function
    let found = name.withUTF8 {
      artifacts[Int(currentGeneration)]?.function(named: UnsafeRawBufferPointer($0))
    }
    guard let module = found else {
      return sink.runEnded(
        run.number, .failed(message: "there is no function '\(run.function)' any more", isFinal: false))
    }
    let slot: Int32
    do throws(RequestFailure) {
      slot = try takeCall(ExchangeID(rawValue: .max), trace, start: clock())
    } catch {
      return sink.runEnded(run.number, .overloaded)
    }
    calls[slot].isDetached = true
    let memoryBefore = record.pointee.memory_bytes
    var payloadProblem: String?
    var argumentCount: Int32 = 2
    do throws(RequestFailure) {
      try prepare(slot, module: module) { dispatcher, coroutine throws(RequestFailure) in
        if run.isTransactional { argumentCount += try dispatcher.pushTransaction(of: run, onto: coroutine) }
        do throws(RequestFailure) {
          try dispatcher.pushEvents(of: run, trace, onto: coroutine)
        } catch {
          payloadProblem = error.message
          throw error
        }
      }
    } catch {
      log.message(.error, "\(run.function) cannot handle an event: \(error.message)", trace: trace)
      let isFinal = payloadProblem != nil
      return sink.runEnded(run.number, .failed(message: error.message, isFinal: isFinal))
    }
    record.pointee.run_memory_base = memoryBefore
    calls[slot].hasExtras = true
    waiting.detachedCount += 1
    waiting.triggerRuns[slot] = ActiveRun(run: run, sink: sink)
    if let coroutine = calls[slot].coroutine {
      self.run(slot, coroutine, arguments: argumentCount, raises: 0)
    }
  }

  /// Puts the function that runs a handler in a transaction below the handler, which is on top, and behind it what
  /// it is given before the events; how many arguments that is.
  private func pushTransaction(of run: HandlerRun, onto state: OpaquePointer) throws(RequestFailure) -> Int32
  {
    guard let databases, let name = events?.transactionDatabase else {
      throw RequestFailure(
        500, "no database is the event log's own, so that 'transaction: true' has no meaning")
    }
    if databases.ambientFunction == 0 {
      BuiltinModules.push(.db, onto: main, host: record)
      LuaStack(main).pop()
    }
    guard databases.ambientFunction != 0 else {
      throw RequestFailure(503, "the module 'db' cannot be loaded")
    }
    lua_rawgeti(state, spacer_lua_registry(), Int64(databases.ambientFunction))
    lua_rotate(state, -2, 1)
    let stack = LuaStack(state)
    for text in [name, PostgresTransactions.claim, run.function] { stack.push(text) }
    lua_pushboolean(state, run.isBatch ? 1 : 0)
    return 5
  }

  /// How long a call may take, waits included.
  func wallMilliseconds(of slot: Int32) -> Int {
    guard calls[slot].isDetached, let active = waiting.triggerRuns[slot] else {
      return testing?.wallMilliseconds(of: slot) ?? policy.wallMilliseconds
    }
    return active.run.timeoutMilliseconds
  }

  /// The handler returned.
  func noteRunResults(_ slot: Int32, _ coroutine: OpaquePointer, results: Int32) {
    guard let active = waiting.triggerRuns[slot] else { return }
    capture?.noteResults(coroutine, results)
    testing?.noteResults(coroutine, results)
    guard results >= 2, lua_toboolean(coroutine, 2) != 0 else {
      waiting.triggerRuns[slot]?.outcome =
        active.run.isBatch && results >= 1 ? partialOutcome(active.run, coroutine) : .done
      return
    }
    lua_pushvalue(coroutine, 2)
    let message = errorText(coroutine)
    LuaStack(coroutine).pop()
    waiting.triggerRuns[slot]?.outcome = .failed(message: Self.reason(message), isFinal: true)
    log.message(.warn, "\(active.run.function) refuses an event: \(message)", trace: calls[slot].trace)
  }

  /// The error is on top of the coroutine's stack.
  func noteRunError(_ slot: Int32, _ coroutine: OpaquePointer) {
    guard waiting.triggerRuns[slot] != nil else { return }
    let message = overrun?.message ?? errorText(coroutine)
    waiting.triggerRuns[slot]?.outcome = .failed(message: Self.reason(message), isFinal: false)
  }

  private static func reason(_ text: String) -> String {
    text.utf8.count <= reasonBytesMax
      ? text : String(decoding: text.utf8.prefix(reasonBytesMax), as: UTF8.self)
  }

  /// `return { failed = { 2, "event id" } }` of a batch handler.
  private func partialOutcome(_ run: HandlerRun, _ coroutine: OpaquePointer) -> RunOutcome {
    let stack = LuaStack(coroutine)
    guard lua_type(coroutine, 1) == LUA_TTABLE else { return .done }
    defer { stack.pop() }
    guard stack.rawField("failed", at: 1) == LUA_TTABLE else { return .done }
    var places: Set<Int> = []
    for index in 0..<min(lua_rawlen(coroutine, -1), UInt64(run.events.count)) {
      lua_rawgeti(coroutine, -1, Int64(index) + 1)
      defer { stack.pop() }
      if lua_isinteger(coroutine, -1) != 0 {
        let number = lua_tointegerx(coroutine, -1, nil)
        guard number >= 1, number <= run.events.count else {
          return .failed(
            message: "the handler names item \(number) as failed, which is not in the batch",
            isFinal: false)
        }
        places.insert(Int(number) - 1)
      } else if let id = stack.text(at: -1), let place = run.events.firstIndex(where: { $0.record.id == id })
      {
        places.insert(place)
      } else {
        return .failed(
          message: "the handler names an item as failed that is not in the batch", isFinal: false)
      }
    }
    return places.isEmpty
      ? .done : .partial(failed: places.sorted(), message: "the handler named it as failed")
  }

  /// Tells the engine of a run that has ended.
  func end(_ active: ActiveRun, _ slot: Int32) {
    if log.isEnabled(.info) {
      log.trigger(active, nanoseconds: clock() &- calls[slot].start, trace: calls[slot].trace)
    }
    active.sink.runEnded(active.run.number, active.outcome)
  }

  // MARK: A handler's arguments

  private func pushEvents(
    of run: HandlerRun, _ trace: TraceContext, onto state: OpaquePointer
  ) throws(RequestFailure) {
    let top = lua_gettop(state)
    do throws(RequestFailure) {
      guard run.isBatch else {
        guard let event = run.events.first else { throw RequestFailure(500, "a run without an event") }
        try pushPayload(of: event, onto: state)
        return push(event, of: run, trace, onto: state)
      }
      lua_createtable(state, Int32(clamping: run.events.count), 0)
      for (index, event) in run.events.enumerated() {
        try pushPayload(of: event, onto: state)
        lua_rawseti(state, -2, Int64(index) + 1)
      }
      lua_createtable(state, Int32(clamping: run.events.count), 0)
      for (index, event) in run.events.enumerated() {
        push(event, of: run, trace, onto: state)
        lua_rawseti(state, -2, Int64(index) + 1)
      }
    } catch {
      lua_settop(state, top)
      throw error
    }
  }

  private func pushPayload(of event: TriggerEvent, onto state: OpaquePointer) throws(RequestFailure) {
    let payload = event.schedule?.payload ?? event.record.value
    let failure: JSONDecodeFailure? = payload.withUnsafeBytes { bytes in
      var decoder = JSONDecoder(state: state, bytes: bytes, memory: bodyMemory)
      do throws(JSONDecodeFailure) {
        try decoder.decode()
        return nil
      } catch {
        return error
      }
    }
    if let failure {
      throw RequestFailure(400, "the payload of event \(event.record.id) is no JSON: \(failure.message)")
    }
  }

  private func push(
    _ item: TriggerEvent, of run: HandlerRun, _ trace: TraceContext, onto state: OpaquePointer
  ) {
    let event = item.record
    let stack = LuaStack(state)
    lua_createtable(state, 0, 10)
    for (name, number) in [
      ("partition", Int64(event.partition)), ("offset", event.offset),
      ("timestamp", event.timestampMilliseconds), ("attempt", Int64(item.attempt)),
    ] {
      lua_pushinteger(state, number)
      stack.setField(name)
    }
    event.key.withUnsafeBytes { stack.push($0) }
    stack.setField("key")
    transfer.reset()
    trace.appendTrace(to: &transfer)
    stack.push(transfer.bytes)
    stack.setField("trace_id")
    for (name, text) in [("topic", event.topic), ("group", run.group), ("id", event.id)] {
      stack.push(text)
      stack.setField(name)
    }
    if let schedule = item.schedule {
      stack.push(schedule.name)
      stack.setField("schedule")
    }
  }

  // MARK: The write proxy

  /// A request to the write proxy's address: `{"topic": …, "entries": {…}}`.
  func handleWriteProxy(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ trace: TraceContext
  ) throws(RequestFailure) {
    try admitToWriteProxy(request)
    guard request.method == .post else {
      throw RequestFailure(405, "the write proxy takes POST only")
    }
    if isControl(request.path) { return try handleControl(exchange, request, trace) }
    if proxyFunction == 0 {
      BuiltinModules.push(.topics, onto: main, host: record)
      LuaStack(main).pop()
    }
    guard proxyFunction != 0 else { throw RequestFailure(503, "the module 'topics' cannot be loaded") }
    let slot = try takeCall(exchange, trace, start: request.receivedNanoseconds)
    let memoryBefore = record.pointee.memory_bytes
    try prepare(slot, module: -1, pushesHandler: false) { dispatcher, state throws(RequestFailure) in
      lua_rawgeti(state, spacer_lua_registry(), Int64(dispatcher.proxyFunction))
      let hasBody = try BodyArguments.push(
        body: request.body, contentType: UnsafeRawBufferPointer(start: nil, count: 0),
        query: &dispatcher.query,
        onto: state, memory: dispatcher.bodyMemory)
      if !hasBody { lua_pushnil(state) }
    }
    record.pointee.run_memory_base = memoryBefore
    if let coroutine = calls[slot].coroutine { run(slot, coroutine, arguments: 1, raises: 0) }
  }

  private func admitToWriteProxy(_ request: borrowing RequestView) throws(RequestFailure) {
    guard let token = policy.writeProxyToken else {
      // A page in a browser can send here too, and names its origin.
      let origin: StaticString = "origin"
      guard
        request.header(UnsafeRawBufferPointer(start: origin.utf8Start, count: origin.utf8CodeUnitCount))
          == nil
      else { throw RequestFailure(403, "the write proxy takes nothing from web pages without a token") }
      return
    }
    let name: StaticString = "authorization"
    let value = request.header(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    guard let value, let sent = internalName(value, "Bearer "), InternalToken.isEqual(sent, token) else {
      throw RequestFailure(401, "the write proxy wants 'Authorization: Bearer' with its token")
    }
  }
}
