// The life of a call: a slot, a coroutine, a run, an answer. A call with a parent (`flow.call`) answers into
// its parent's coroutine instead of a connection.

import CLua
import SpacerArtifact

extension Dispatcher {
  // MARK: Slots

  func takeCall(
    _ exchange: ExchangeID, _ trace: TraceContext, start: UInt64
  ) throws(RequestFailure) -> Int32 {
    guard let slot = calls.take() else { throw RequestFailure(503, "too many calls in progress") }
    calls[slot].exchange = exchange
    calls[slot].trace = trace
    calls[slot].parent = -1
    calls[slot].wasParked = false
    calls[slot].isByName = false
    calls[slot].depth = 0
    calls[slot].route = -1
    calls[slot].generation = currentGeneration
    calls[slot].start = start
    return slot
  }

  /// The slot's coroutine, made on its first use.
  func coroutine(of slot: Int32) throws(RequestFailure) -> OpaquePointer {
    if let coroutine = calls[slot].coroutine { return coroutine }
    let anchor = CallTable.anchor(slot)
    let top = max(lua_gettop(main), anchor + 1)
    guard lua_checkstack(main, top - lua_gettop(main) + 64) != 0 else {
      throw RequestFailure(503, "too many calls in progress")
    }
    lua_settop(main, top)
    guard let coroutine = lua_newthread(main) else { throw RequestFailure(503, "out of memory") }
    lua_copy(main, -1, anchor)
    spacer_lua_pop(main, 1)
    calls[slot].coroutine = coroutine
    return coroutine
  }

  // MARK: Running

  /// Starts the call of `module` in `slot` with the table that `arguments` pushes, and answers it unless it
  /// parks. On a thrown failure the slot is free again.
  @inline(__always)
  func begin(
    _ slot: Int32, module: Int, arguments: (Dispatcher, OpaquePointer) throws(RequestFailure) -> Void
  ) throws(RequestFailure) {
    // What the arguments take counts as the call's own.
    let memoryBefore = record.pointee.memory_bytes
    try prepare(slot, module: module, arguments: arguments)
    record.pointee.run_memory_base = memoryBefore
    if let coroutine = calls[slot].coroutine { run(slot, coroutine, arguments: 1, raises: false) }
  }

  /// Makes the call's coroutine ready to be resumed with one argument.
  @inline(__always)
  private func prepare(
    _ slot: Int32, module: Int, arguments: (Dispatcher, OpaquePointer) throws(RequestFailure) -> Void
  ) throws(RequestFailure) {
    calls[slot].module = Int32(truncatingIfNeeded: module)
    do throws(RequestFailure) {
      let coroutine = try self.coroutine(of: slot)
      try pushHandler(module, of: calls[slot].generation, onto: coroutine)
      try arguments(self, coroutine)
    } catch {
      if let coroutine = calls[slot].coroutine { lua_settop(coroutine, 0) }
      calls.release(slot)
      throw error
    }
    generations[calls[slot].generation]?.callsInFlight += 1
    if let anchor = generations[calls[slot].generation]?.anchor { record.pointee.loaded_index = anchor }
    spacer_set_request_globals(record, CallTable.anchor(slot) + 1)
  }

  /// Pushes a module's function, loading the module on its first use.
  private func pushHandler(
    _ module: Int, of generation: Int32, onto coroutine: OpaquePointer
  ) throws(RequestFailure) {
    guard let anchor = generations[generation]?.anchor else {
      throw RequestFailure(503, "shutting down")
    }
    if lua_rawgeti(main, anchor, Int64(module) + 1) != LUA_TFUNCTION {
      spacer_lua_pop(main, 1)
      try loadHandler(module, of: generation, anchor: anchor)
    }
    lua_xmove(main, coroutine, 1)
  }

  @inline(never)
  private func loadHandler(_ module: Int, of generation: Int32, anchor: Int32) throws(RequestFailure) {
    record.pointee.loaded_index = anchor
    let callers = currentCall
    let loadingBefore = loadingGeneration
    currentCall = -1
    loadingGeneration = generation
    let status = spacer_load_module(record, Int32(module))
    currentCall = callers
    loadingGeneration = loadingBefore
    restoreGeneration()
    let stack = LuaStack(main)
    guard status == 0 else {
      let message = errorText(main)
      stack.pop()
      log.message(.error, "cannot load a module: \(message)", trace: nil)
      if let overrun { throw overrun }
      throw RequestFailure(500, policy.showsErrors ? message : "Internal Server Error")
    }
    if lua_type(main, -1) == LUA_TFUNCTION { return }
    if luaL_getmetafield(main, -1, "__call") != LUA_TNIL {
      stack.pop()
      return
    }
    let kind = stack.typeName(at: -1)
    stack.pop()
    let path = artifacts[Int(generation)].map { String(decoding: $0.path(of: module), as: UTF8.self) }
    let message = "\(path ?? "the module") returns a \(kind), not a function"
    log.message(.error, message, trace: nil)
    throw RequestFailure(500, policy.showsErrors ? message : "Internal Server Error")
  }

  /// Makes `require` mean the generation of the running call again.
  private func restoreGeneration() {
    let generation = currentCall >= 0 ? calls[currentCall].generation : currentGeneration
    if let anchor = generations[generation]?.anchor { record.pointee.loaded_index = anchor }
  }

  /// Runs a slot's coroutine until it ends or parks, and takes what comes of it.
  func run(_ slot: Int32, _ coroutine: OpaquePointer, arguments: Int32, raises: Bool) {
    let outcome = resume(slot, coroutine, from: nil, arguments: arguments, raises: raises)
    switch outcome.status {
    case SPACER_DONE: finish(slot, coroutine, results: outcome.results)
    case SPACER_PARKED: park(slot)
    default: finishFailed(slot, coroutine)
    }
  }

  @inline(__always)
  func resume(
    _ slot: Int32, _ coroutine: OpaquePointer, from: OpaquePointer?, arguments: Int32, raises: Bool
  ) -> (status: Int, results: Int32) {
    let outer = currentCall
    currentCall = slot
    calls[slot].state = .running
    if let anchor = generations[calls[slot].generation]?.anchor { record.pointee.loaded_index = anchor }
    var results: Int32 = 0
    let status = spacer_resume(
      record, coroutine, from, CallTable.anchor(slot) + 1, arguments, raises ? 1 : 0, &results)
    currentCall = outer
    if outer >= 0 { restoreGeneration() }
    return (Int(status), results)
  }

  private func park(_ slot: Int32) {
    calls[slot].state = .parked
    calls[slot].wasParked = true
    if calls[slot].parent < 0 { parked[calls[slot].exchange] = slot }
  }

  /// Ends a call that nobody waits for any more.
  func abandon(_ slot: Int32) {
    guard let coroutine = calls[slot].coroutine else { return }
    reset(slot, coroutine)
    release(slot)
  }

  /// Frees a slot whose coroutine is empty.
  func release(_ slot: Int32) {
    let generation = calls[slot].generation
    calls.release(slot)
    generations[generation]?.callsInFlight -= 1
    if generation != currentGeneration { retire(generation) }
  }

  // MARK: Outcomes

  /// The handler returned: its results are on the coroutine's stack.
  private func finish(_ slot: Int32, _ coroutine: OpaquePointer, results: Int32) {
    let answer = renderAnswer(slot, coroutine, results: results)
    lua_settop(coroutine, 0)
    deliver(slot, answer)
  }

  /// The handler raised: the error is on top of the coroutine's stack.
  private func finishFailed(_ slot: Int32, _ coroutine: OpaquePointer) {
    let answer = renderError(slot, coroutine)
    reset(slot, coroutine)
    deliver(slot, answer)
  }

  /// Hands a rendered answer to the client or to the function that called, and frees the slot.
  private func deliver(_ slot: Int32, _ answer: Answer) {
    let parent = calls[slot].parent
    guard parent >= 0 else {
      if calls[slot].wasParked { parked.removeValue(forKey: calls[slot].exchange) }
      send(slot, answer)
      release(slot)
      return
    }
    release(slot)
    // The caller waits in `flow.call`.
    guard let caller = calls[parent].coroutine else { return }
    let succeeded = pushFlowResult(answer, onto: caller)
    run(parent, caller, arguments: 1, raises: !succeeded)
  }

  /// Closes what a failed or abandoned coroutine left open.
  func reset(_ slot: Int32, _ coroutine: OpaquePointer) {
    let outer = currentCall
    currentCall = slot
    defer { currentCall = outer }
    guard record.pointee.is_over_time != 0 else {
      spacer_reset(record, coroutine, CallTable.anchor(slot) + 1)
      return
    }
    // An error raised by a hook leaves the thread with its hooks off: nothing that runs on it, such as a
    // `<close>` variable, could be stopped again. It is left to the collector as it is.
    lua_pushnil(main)
    lua_copy(main, -1, CallTable.anchor(slot))
    spacer_lua_pop(main, 1)
    calls[slot].coroutine = nil
  }

  // MARK: flow.call

  /// Calls the function named by the first argument on `state`'s stack with the second as its arguments.
  /// Returns what a host function's callback returns.
  func callFlow(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    let caller = currentCall
    guard caller >= 0 else { return raise(state, "flow.call works inside a handler only", at: true) }
    guard let name = stack.bytes(at: 1) else {
      return raise(
        state, "flow.call: the function's name must be a string, not \(stack.typeName(at: 1))", at: true)
    }
    defer { restoreGeneration() }
    do throws(RequestFailure) {
      let child = try beginFlow(state, name: name, caller: caller)
      guard let coroutine = calls[child].coroutine else { return raise(state, "out of memory", at: true) }
      let outcome = resume(child, coroutine, from: state, arguments: 1, raises: false)
      let answer: Answer
      switch outcome.status {
      case SPACER_PARKED:
        calls[child].state = .parked
        calls[caller].state = .parked
        return Int32(SPACER_WAIT)
      case SPACER_DONE:
        answer = renderAnswer(child, coroutine, results: outcome.results)
        lua_settop(coroutine, 0)
      default:
        answer = renderError(child, coroutine)
        reset(child, coroutine)
      }
      release(child)
      return pushFlowResult(answer, onto: state) ? 1 : Int32(SPACER_RAISE)
    } catch {
      renderErrorBody(error.message)
      stack.push(output.bytes)
      return Int32(SPACER_RAISE)
    }
  }

  /// Makes the slot of a called function, its arguments ready on its coroutine.
  private func beginFlow(
    _ state: OpaquePointer, name: UnsafeRawBufferPointer, caller: Int32
  ) throws(RequestFailure) -> Int32 {
    guard calls[caller].depth < policy.flowDepthMax else {
      throw RequestFailure(500, "flow.call is nested deeper than \(policy.flowDepthMax) calls")
    }
    let generation = calls[caller].generation
    guard let artifact = artifacts[Int(generation)], let module = artifact.function(named: name)
    else {
      throw RequestFailure(404, "flow.call: no function named '\(HeaderText.printable(name))'")
    }
    transfer.reset()
    if lua_gettop(state) < 2 || lua_type(state, 2) == LUA_TNIL {
      transfer.append("{}")
    } else {
      do throws(JSONEncodeFailure) {
        try JSONEncoder(state: state, arrayTag: arrayTag).encode(at: 2, into: &transfer)
      } catch {
        throw RequestFailure(400, "flow.call: the data holds \(error.reason) at data\(error.path)")
      }
    }
    let child = try takeCall(
      calls[caller].exchange, calls[caller].trace.child(span: ids.next()), start: clock())
    calls[child].parent = caller
    calls[child].depth = calls[caller].depth + 1
    calls[child].generation = generation
    try prepare(child, module: module) { dispatcher, coroutine throws(RequestFailure) in
      try BodyArguments.pushJSON(dispatcher.transfer.bytes, onto: coroutine)
    }
    return child
  }

  /// Pushes what a called function's answer means to its caller: the data, or the body to be raised.
  private func pushFlowResult(_ answer: Answer, onto state: OpaquePointer) -> Bool {
    let stack = LuaStack(state)
    guard answer.status < 400 && !answer.isRaw else {
      stack.push(output.bytes)
      return answer.status < 400
    }
    var decoder = JSONDecoder(state: state, bytes: output.bytes, depthMax: JSONEncoder.depthMax + 1)
    do throws(JSONDecodeFailure) {
      try decoder.decode()
    } catch {
      stack.push("{\"error\":\"\(error.message)\"}\n")
      return false
    }
    _ = stack.rawField("data", at: -1)
    lua_rotate(state, -2, 1)
    stack.pop()
    return true
  }
}
