// `require "flow"`: functions that call functions. A called function is a call of its own whose answer goes to
// its parent; it runs at once, in place, and only if it waits does its parent wait too.

import CLua
import SpacerArtifact

enum FlowFunction: Int32, HostFunctions {
  case call, all

  static var moduleNumber: Int32 { BuiltinModule.flow.rawValue }
  static var prefix: String { "flow." }
  var mayWait: Bool { true }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .call: dispatcher.callFlow(state)
    case .all: dispatcher.callFlowAll(state)
    }
  }
}

/// A call that waits for those it made.
final class FlowWait: Wait {
  /// The called functions that have not ended, by slot: where the result goes in the table of results. For
  /// `flow.call` it goes to the caller itself.
  private var children: [Int32: Int32]
  /// The thread that called, and the place of the tables of results and of keys on its stack; 0 for `flow.call`.
  private let state: OpaquePointer
  private let results: Int32
  /// What the results so far take, in bytes.
  private var resultBytes = 0

  init(children: [Int32: Int32], state: OpaquePointer, results: Int32) {
    self.children = children
    self.state = state
    self.results = results
  }

  override func cancelled(_ dispatcher: Dispatcher) {
    for child in children.keys.sorted() { dispatcher.abandon(child) }
    children = [:]
  }

  /// Ends what else was begun, before the caller sees the error.
  private func fail(_ error: [UInt8], _ dispatcher: Dispatcher) {
    cancelled(dispatcher)
    dispatcher.complete(self) { coroutine in
      error.withUnsafeBytes { LuaStack(coroutine).push($0) }
      return Int32(SPACER_RAISE)
    }
  }

  /// A called function has ended with `answer`; its slot is free.
  func childEnded(_ slot: Int32, _ answer: Answer, _ dispatcher: Dispatcher) {
    guard let entry = children.removeValue(forKey: slot) else { return }
    guard results > 0 else {
      return dispatcher.complete(self) {
        dispatcher.pushFlowResult(answer, onto: $0) ? 1 : Int32(SPACER_RAISE)
      }
    }
    let memoryBefore = dispatcher.record.pointee.memory_bytes
    guard dispatcher.pushFlowResult(answer, onto: state) else {
      // The error's text is on the stack.
      let error = LuaStack(state).bytes(at: -1).map { Array($0) } ?? []
      LuaStack(state).pop()
      return fail(error, dispatcher)
    }
    dispatcher.setFlowResult(state, results: results, entry: entry)
    // No run of the caller's counts what is put together while it waits.
    let added = dispatcher.record.pointee.memory_bytes - memoryBefore
    resultBytes += added
    dispatcher.calls[self.slot].heldBytes += added
    guard resultBytes <= dispatcher.policy.callMemoryBytes else {
      let message = "flow.all: the results take more than \(dispatcher.policy.callMemoryBytes) bytes "
      return fail(Array((message + "(limits.callMemoryBytes)").utf8), dispatcher)
    }
    guard children.isEmpty else { return }
    dispatcher.complete(self) { coroutine in
      lua_pushvalue(self.state, self.results)
      lua_xmove(self.state, coroutine, 1)
      return 1
    }
  }
}

extension Dispatcher {
  // MARK: One

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
      try encodeFlowData(state, at: lua_gettop(state) < 2 ? 0 : 2, place: "data")
      let child = try beginFlow(module: flowModule(name, caller: caller), caller: caller)
      guard let answer = startChild(child, from: state) else {
        return park(on: FlowWait(children: [child: 0], state: state, results: 0))
      }
      return pushFlowResult(answer, onto: state) ? 1 : Int32(SPACER_RAISE)
    } catch {
      renderErrorBody(error.message)
      stack.push(output.bytes)
      return Int32(SPACER_RAISE)
    }
  }

  /// Runs a called function until it ends or waits; nil when it waits.
  private func startChild(_ child: Int32, from state: OpaquePointer) -> Answer? {
    guard let coroutine = calls[child].coroutine else { return nil }
    let memoryBefore = record.pointee.memory_bytes
    let outcome = resume(child, coroutine, from: state, arguments: 1, raises: 0)
    let answer: Answer
    switch outcome.status {
    case SPACER_PARKED:
      notePark(child, memoryBefore: memoryBefore)
      return nil
    case SPACER_DONE:
      answer = renderAnswer(child, coroutine, results: outcome.results)
      lua_settop(coroutine, 0)
    default:
      answer = renderError(child, coroutine)
      reset(child, coroutine)
    }
    release(child)
    return answer
  }

  /// Writes what a called function gets into `transfer`. `index` 0 stands for nothing.
  private func encodeFlowData(
    _ state: OpaquePointer, at index: Int32, place: String
  ) throws(RequestFailure) {
    transfer.reset()
    guard index != 0, lua_type(state, index) != LUA_TNIL else { return transfer.append("{}") }
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: state, arrayTag: arrayTag).encode(at: index, into: &transfer)
    } catch {
      throw RequestFailure(400, "flow: the data holds \(error.reason) at \(place)\(error.path)")
    }
  }

  /// The module of the function that the caller's artifact has under a name.
  private func flowModule(_ name: UnsafeRawBufferPointer, caller: Int32) throws(RequestFailure) -> Int {
    guard let module = artifacts[Int(calls[caller].generation)]?.function(named: name) else {
      throw RequestFailure(404, "flow.call: no function named '\(HeaderText.printable(name))'")
    }
    return module
  }

  /// Makes the slot of a called function; its arguments are the JSON text in `transfer`.
  private func beginFlow(module: Int, caller: Int32) throws(RequestFailure) -> Int32 {
    guard calls[caller].depth < policy.flowDepthMax else {
      throw RequestFailure(500, "flow.call is nested deeper than \(policy.flowDepthMax) calls")
    }
    let child = try takeCall(
      calls[caller].exchange, calls[caller].trace.child(span: ids.next()), start: clock())
    calls[child].parent = caller
    calls[child].depth = calls[caller].depth + 1
    calls[child].generation = calls[caller].generation
    try prepare(child, module: module) { dispatcher, coroutine throws(RequestFailure) in
      try BodyArguments.pushJSON(dispatcher.transfer.bytes, onto: coroutine)
    }
    return child
  }

  /// Pushes what a called function's answer means to its caller: the data, or the body to be raised.
  func pushFlowResult(_ answer: Answer, onto state: OpaquePointer) -> Bool {
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

  // MARK: Several

  /// The most functions that one `flow.all` calls.
  private static let flowAllCountMax = 256

  /// `flow.all{ {name, data}, key = {name, data}, … }`: calls them all at once; a table with the result of each
  /// at its key.
  func callFlowAll(_ state: OpaquePointer) -> Int32 {
    // Its calls would share one connection, and one's savepoints would undo what another did.
    guard ambientTransaction == nil else {
      return raise(state, "flow.all does not work in a trigger with transaction: true", at: true)
    }
    let caller = currentCall
    guard caller >= 0 else { return raise(state, "flow.all works inside a handler only", at: true) }
    guard lua_type(state, 1) == LUA_TTABLE else {
      return raise(
        state, "flow.all takes a table of { name, data }, not a \(LuaStack(state).typeName(at: 1))", at: true)
    }
    lua_settop(state, 1)
    lua_createtable(state, 0, 0)
    lua_createtable(state, 0, 0)
    defer { restoreGeneration() }
    var children: [Int32: Int32] = [:]
    do throws(RequestFailure) {
      // All are read before the first runs: it may change the table.
      let entries = try readFlowEntries(state)
      for (number, entry) in entries.enumerated() {
        transfer.reset()
        entry.data.withUnsafeBytes { transfer.append($0) }
        let child = try beginFlow(module: entry.module, caller: caller)
        guard let answer = startChild(child, from: state) else {
          children[child] = Int32(number + 1)
          continue
        }
        guard pushFlowResult(answer, onto: state) else {
          for child in children.keys.sorted() { abandon(child) }
          return Int32(SPACER_RAISE)
        }
        setFlowResult(state, results: 2, entry: Int32(number + 1))
      }
    } catch {
      for child in children.keys.sorted() { abandon(child) }
      renderErrorBody(error.message)
      LuaStack(state).push(output.bytes)
      return Int32(SPACER_RAISE)
    }
    guard children.isEmpty else { return park(on: FlowWait(children: children, state: state, results: 2)) }
    lua_settop(state, 2)
    return 1
  }

  /// The functions of `flow.all` and what they get, those at 1, 2, … first. The table at 3 gets their keys.
  private func readFlowEntries(
    _ state: OpaquePointer
  ) throws(RequestFailure) -> [(module: Int, data: [UInt8])] {
    var entries: [(module: Int, data: [UInt8])] = []
    let count = Int64(lua_rawlen(state, 1))
    for index in 0..<max(0, min(count, Int64(Self.flowAllCountMax) + 1)) {
      lua_pushinteger(state, index + 1)
      lua_rawgeti(state, 1, index + 1)
      entries.append(try readFlowEntry(state, number: entries.count + 1))
    }
    lua_pushnil(state)
    while lua_next(state, 1) != 0 {
      if lua_isinteger(state, -2) != 0, 1...max(1, count) ~= lua_tointegerx(state, -2, nil) {
        spacer_lua_pop(state, 1)
        continue
      }
      lua_pushvalue(state, -2)
      lua_rotate(state, -2, 1)
      entries.append(try readFlowEntry(state, number: entries.count + 1))
    }
    return entries
  }

  /// Reads the entry on top, whose key is below it, and pops both.
  private func readFlowEntry(
    _ state: OpaquePointer, number: Int
  ) throws(RequestFailure) -> (module: Int, data: [UInt8]) {
    guard number <= Self.flowAllCountMax else {
      throw RequestFailure(400, "flow.all takes at most \(Self.flowAllCountMax) functions")
    }
    let stack = LuaStack(state)
    let entry = lua_gettop(state)
    guard lua_type(state, entry) == LUA_TTABLE, lua_rawgeti(state, entry, 1) == LUA_TSTRING,
      let name = stack.bytes(at: -1)
    else { throw RequestFailure(400, "flow.all: entry \(number) is not { name, data }") }
    let module = try flowModule(name, caller: currentCall)
    lua_rawgeti(state, entry, 2)
    try encodeFlowData(state, at: entry + 2, place: "entry \(number)")
    lua_settop(state, entry - 1)
    lua_rawseti(state, 3, Int64(number))
    return (module, Array(transfer.bytes))
  }

  /// Puts the result on top into the table at `results`, at the key of entry `entry`, and pops it.
  func setFlowResult(_ state: OpaquePointer, results: Int32, entry: Int32) {
    lua_rawgeti(state, results + 1, Int64(entry))
    lua_rotate(state, -2, 1)
    lua_rawset(state, results)
  }
}
