// The life of a call: a slot, a coroutine, a run, an answer. A call with a parent (`flow.call`) answers into
// its parent's coroutine instead of a connection (DispatcherFlow.swift); one that waits stands in
// DispatcherWaits.swift.

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
    calls[slot].serial &+= 1
    calls[slot].wasParked = false
    calls[slot].isDetached = false
    calls[slot].heldBytes = 0
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
    if let coroutine = calls[slot].coroutine { run(slot, coroutine, arguments: 1, raises: 0) }
  }

  /// Makes the call's coroutine ready to be resumed with one argument.
  @inline(__always)
  func prepare(
    _ slot: Int32, module: Int, pushesHandler: Bool = true,
    arguments: (Dispatcher, OpaquePointer) throws(RequestFailure) -> Void
  ) throws(RequestFailure) {
    calls[slot].module = Int32(truncatingIfNeeded: module)
    do throws(RequestFailure) {
      let coroutine = try self.coroutine(of: slot)
      if pushesHandler { try pushHandler(module, of: calls[slot].generation, onto: coroutine) }
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
  func restoreGeneration() {
    let generation = currentCall >= 0 ? calls[currentCall].generation : currentGeneration
    if let anchor = generations[generation]?.anchor { record.pointee.loaded_index = anchor }
  }

  /// Runs a slot's coroutine until it ends or parks, and takes what comes of it.
  /// `raises`: see `spacer_resume`.
  func run(_ slot: Int32, _ coroutine: OpaquePointer, arguments: Int32, raises: Int32) {
    let memoryBefore = record.pointee.run_memory_base
    let outcome = resume(slot, coroutine, from: nil, arguments: arguments, raises: raises)
    switch outcome.status {
    case SPACER_DONE: finish(slot, coroutine, results: outcome.results)
    case SPACER_PARKED: notePark(slot, memoryBefore: memoryBefore)
    default: finishFailed(slot, coroutine)
    }
    if record.pointee.memory_bytes > waiting.memoryBytesMax, currentCall < 0 { relieveMemory() }
  }

  @inline(__always)
  func resume(
    _ slot: Int32, _ coroutine: OpaquePointer, from: OpaquePointer?, arguments: Int32, raises: Int32
  ) -> (status: Int, results: Int32) {
    let outer = currentCall
    currentCall = slot
    calls[slot].state = .running
    if let anchor = generations[calls[slot].generation]?.anchor { record.pointee.loaded_index = anchor }
    var results: Int32 = 0
    let status = spacer_resume(
      record, coroutine, from, CallTable.anchor(slot) + 1, arguments, raises, &results)
    currentCall = outer
    if outer >= 0 { restoreGeneration() }
    return (Int(status), results)
  }

  /// Frees a slot whose coroutine is empty.
  func release(_ slot: Int32) {
    if calls[slot].wasParked || calls[slot].hasExtras { endExtras(slot) }
    if !waiting.waits.isEmpty { dropWait(of: slot) }
    let generation = calls[slot].generation
    calls.release(slot)
    generations[generation]?.callsInFlight -= 1
    if generation != currentGeneration { retire(generation) }
  }

  // MARK: Outcomes

  /// The handler returned: its results are on the coroutine's stack.
  private func finish(_ slot: Int32, _ coroutine: OpaquePointer, results: Int32) {
    if calls[slot].isDetached {
      if let testing, testing.owns(slot) { return testing.returned(slot, coroutine) }
      noteRunResults(slot, coroutine, results: results)
    }
    let answer = renderAnswer(slot, coroutine, results: results)
    lua_settop(coroutine, 0)
    deliver(slot, answer)
  }

  /// The handler raised: the error is on top of the coroutine's stack.
  private func finishFailed(_ slot: Int32, _ coroutine: OpaquePointer) {
    if calls[slot].isDetached {
      if let testing, testing.owns(slot) { return testing.failed(slot, coroutine) }
      noteRunError(slot, coroutine)
    }
    let answer = renderError(slot, coroutine)
    reset(slot, coroutine)
    deliver(slot, answer)
  }

  /// Hands a rendered answer to the client or to the function that called, and frees the slot.
  private func deliver(_ slot: Int32, _ answer: Answer) {
    let parent = calls[slot].parent
    guard parent < 0 else {
      let wait = waiting.waits[parent] as? FlowWait
      release(slot)
      wait?.childEnded(slot, answer, self)
      return
    }
    if !calls[slot].isDetached {
      if calls[slot].wasParked { parked.removeValue(forKey: calls[slot].exchange) }
      send(slot, answer)
    }
    release(slot)
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
}
