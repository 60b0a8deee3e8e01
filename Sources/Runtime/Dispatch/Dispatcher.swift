// From a complete request to its answer, on one worker's loop: find the function, run it in a coroutine with
// its own globals, write what it returns. Owns the worker's Lua state.
//
// Invariants: the Lua main thread's stack holds, above the C side's anchors, one place a generation and two a
// call slot, and never runs code; `currentCall` is the slot whose coroutine runs, or -1.

import CLua
import SpacerArtifact
import SpacerLuaVM

/// Answers the requests of one worker. Every method is called on the worker's thread.
final class Dispatcher: ExchangeHandler {
  let lua: LuaHostState
  let record: UnsafeMutablePointer<spacer_host>
  let main: OpaquePointer
  /// Replaced with the artifact.
  var policy: DispatchPolicy
  let log: WorkerLog
  /// Set once, before the first request.
  unowned(unsafe) var server: HTTPServer<Dispatcher>?

  /// What changes with each request; see `DispatchState`.
  private let state: UnsafeMutablePointer<DispatchState>
  /// Owns the artifacts of `generations`, at the same places.
  var artifacts: [LoadedArtifact?] = []
  /// The generation whose modules load while no call runs.
  var loadingGeneration: Int32 = 0
  /// The loop of the worker's thread.
  unowned(unsafe) var loop: EventLoop?
  /// What `kv` keeps; the server's, set once.
  var store: KVStore?
  /// What `topics` reaches; nil for an application without topics.
  var events: EventAccess?
  /// Registry reference of the function that the write proxy runs; 0 before `topics` was loaded.
  var proxyFunction: Int32 = 0
  /// Made with the loop.
  var appends: AppendInbox?
  /// Counts appends, to tell a call's from an earlier one's.
  var appendCount: UInt32 = 0
  /// What leaves a handler is captured instead of done; nil in serving.
  var capture: Capture?
  /// Tests run, with stand-ins for the world outside; nil in serving.
  var testing: TestBench?
  /// What the calls that wait are waiting for.
  var waiting = WaitState()
  /// Parked calls by the request they answer.
  var parked: [ExchangeID: Int32] = [:]
  /// What `crypto` and its kin keep.
  lazy var crypto = CryptoState()
  let arrayTag: UnsafeRawPointer?
  let clock: () -> UInt64

  /// Nil when memory is out.
  init?(artifact: LoadedArtifact, policy: DispatchPolicy, log: WorkerLog, clock: @escaping () -> UInt64) {
    guard let lua = LuaHostState() else { return nil }
    record = lua.record
    main = lua.main
    self.lua = lua
    self.policy = policy
    self.log = log
    self.clock = clock
    state = .allocate(capacity: 1)
    state.initialize(to: DispatchState(callCountMax: policy.callCountMax))
    JSONTag.push(onto: main)
    arrayTag = lua_topointer(main, -1)
    spacer_lua_pop(main, 1)
    guard lua_checkstack(main, Generation.anchorEnd + 64) != 0 else { return nil }
    lua_settop(main, Generation.anchorEnd - 1)
    record.pointee.run_memory_bytes = policy.callMemoryBytes
    waiting.memoryBytesMax = policy.workerMemoryBytes
    installCallbacks()
    _ = install(artifact, keepsUnchanged: false)
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  var generations: GenerationTable {
    @inline(__always) _read { yield state.pointee.generations }
    @inline(__always) _modify { yield &state.pointee.generations }
  }
  var currentGeneration: Int32 {
    @inline(__always) get { state.pointee.currentGeneration }
    @inline(__always) set { state.pointee.currentGeneration = newValue }
  }
  var calls: CallTable {
    @inline(__always) _read { yield state.pointee.calls }
    @inline(__always) _modify { yield &state.pointee.calls }
  }
  var currentCall: Int32 {
    @inline(__always) get { state.pointee.currentCall }
    @inline(__always) set { state.pointee.currentCall = newValue }
  }
  var ids: IDGenerator {
    @inline(__always) _read { yield state.pointee.ids }
    @inline(__always) _modify { yield &state.pointee.ids }
  }
  var buildNotice: BuildNotice? {
    @inline(__always) get { state.pointee.buildNotice }
    @inline(__always) set { state.pointee.buildNotice = newValue }
  }
  var query: QueryArguments {
    @inline(__always) _read { yield state.pointee.query }
    @inline(__always) _modify { yield &state.pointee.query }
  }
  var output: OutputBuffer {
    @inline(__always) _read { yield state.pointee.output }
    @inline(__always) _modify { yield &state.pointee.output }
  }
  var headers: OutputBuffer {
    @inline(__always) _read { yield state.pointee.headers }
    @inline(__always) _modify { yield &state.pointee.headers }
  }
  var normalPath: OutputBuffer {
    @inline(__always) _read { yield state.pointee.normalPath }
    @inline(__always) _modify { yield &state.pointee.normalPath }
  }
  var transfer: OutputBuffer {
    @inline(__always) _read { yield state.pointee.transfer }
    @inline(__always) _modify { yield &state.pointee.transfer }
  }
  var chunkName: OutputBuffer {
    @inline(__always) _read { yield state.pointee.chunkName }
    @inline(__always) _modify { yield &state.pointee.chunkName }
  }
  var parameters: RouteParameters {
    @inline(__always) _read { yield state.pointee.parameters }
    @inline(__always) _modify { yield &state.pointee.parameters }
  }

  // MARK: Requests

  func handle(_ exchange: ExchangeID, _ request: borrowing RequestView) {
    var trace = TraceContext(traceHigh: 0, traceLow: 0, span: ids.next(), parent: 0)
    readTrace(of: request, into: &trace)
    do throws(RequestFailure) {
      if request.isInspected, try handleInspected(exchange, request, trace) { return }
      let path = try normalPath(of: request)
      if let name = internalName(path, "/private/") {
        try handlePrivate(exchange, request, name, trace)
        return
      }
      if request.query.count >= InternalToken.parameter.utf8CodeUnitCount, hasInternalToken(request.query) {
        try handleInternal(exchange, request, path, trace)
        return
      }
      guard let routes = generations[currentGeneration]?.routes else { return }
      guard
        let route = routes.match(
          request.method, path: Span(_unsafeBytes: path), parameters: &parameters)
      else {
        refuse(exchange, request, path, routes, trace)
        return
      }
      let slot = try takeCall(exchange, trace, start: request.receivedNanoseconds)
      calls[slot].route = Int32(truncatingIfNeeded: route)
      let record = routes.route(route)
      try begin(slot, module: record.module) { dispatcher, state throws(RequestFailure) in
        try dispatcher.pushArguments(request, path: path, route: record, onto: state)
      }
    } catch {
      fail(exchange, request, error, trace)
    }
  }

  func cancel(_ exchange: ExchangeID) {
    guard let slot = parked.removeValue(forKey: exchange) else { return }
    abandon(slot)
  }

  /// The status of a request whose client did not wait for the answer; nginx's number for it.
  private static let statusClientGone = 499

  func lost(_ exchange: ExchangeID, _ request: borrowing RequestView) {
    guard log.isEnabled(.info), let slot = parked[exchange],
      let name = functionName(of: calls[slot])
    else { return }
    log.access(
      request, status: Self.statusClientGone, function: name, bytes: 0,
      nanoseconds: clock() &- calls[slot].start, trace: calls[slot].trace)
  }

  func refused(
    _ refusal: Refusal, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, peer: PeerAddress
  ) {
    log.refused(status: refusal.status, body: refusal.body, method: method, path: path, peer: peer)
  }

  func tlsFailed(_ reason: UnsafePointer<CChar>, peer: PeerAddress) {
    guard log.isEnabled(.debug) else { return }
    log.message(.debug, "TLS with \(peer.text) failed: \(String(cString: reason))", trace: nil)
  }

  /// The path as the matcher takes it.
  private func normalPath(of request: borrowing RequestView) throws(RequestFailure) -> UnsafeRawBufferPointer
  {
    let path = request.path
    guard request.head.flags.contains(.unusualPath) else { return path }
    normalPath.reset()
    normalPath.append(path)
    guard normalPath.normalizePath() else {
      throw RequestFailure(400, "the path holds an invalid escape or a NUL")
    }
    return normalPath.bytes
  }

  private func readTrace(of request: borrowing RequestView, into trace: inout TraceContext) {
    let head = request.head
    let adopted = !head.traceParent.isEmpty && trace.adopt(traceparent: request.bytes(head.traceParent))
    if !adopted {
      trace.adopt(traceID: request.bytes(head.spacerTraceID))
      trace.adopt(parentSpan: request.bytes(head.spacerSpanID))
    }
    if trace.traceHigh | trace.traceLow == 0 {
      trace.traceHigh = ids.next()
      trace.traceLow = ids.next()
    }
  }

  /// Known path: 405, or 204 for OPTIONS; unknown: 404.
  private func refuse(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ path: UnsafeRawBufferPointer,
    _ routes: RouteTable, _ trace: TraceContext
  ) {
    let allowed = routes.allowedMethods(path: Span(_unsafeBytes: path))
    if request.head.flags.contains(.asterisk) || allowed.isEmpty {
      headers.reset()
      answer(exchange, request, status: 404, body: routes.notFoundBody, trace)
      return
    }
    headers.reset()
    headers.append("Allow: ")
    if let text = routes.allowText(allowed) {
      headers.append(text)
    } else {
      headers.append(allowed.allowText)
    }
    headers.append("\r\n")
    if request.method == .options {
      answer(exchange, request, status: 204, body: UnsafeRawBufferPointer(start: nil, count: 0), trace)
    } else {
      answer(exchange, request, status: 405, body: routes.methodNotAllowedBody, trace)
    }
  }

  // MARK: Arguments

  /// What decoding a body may bring the Lua state to.
  var bodyMemory: (held: UnsafePointer<Int>, max: Int) {
    let held = UnsafeRawPointer(record) + (MemoryLayout<spacer_host>.offset(of: \.memory_bytes) ?? 0)
    return (held.assumingMemoryBound(to: Int.self), record.pointee.memory_bytes + policy.callMemoryBytes)
  }

  /// Pushes the one table of route parameters, query parameters and body; on a clash the earlier wins.
  private func pushArguments(
    _ request: borrowing RequestView, path: UnsafeRawBufferPointer, route: RouteTable.Route,
    onto state: OpaquePointer
  ) throws(RequestFailure) {
    let hasBody = try BodyArguments.push(
      body: request.body, contentType: request.contentType, query: &query, onto: state,
      memory: bodyMemory)
    if !hasBody { lua_createtable(state, 0, Int32(parameters.count)) }
    if !request.query.isEmpty {
      if hasBody {
        // Built apart, since only in a table of its own does a key met again mean a repeated one.
        lua_createtable(state, 0, 4)
        try query.add(request.query, to: state)
        lua_pushnil(state)
        while lua_next(state, -2) != 0 {
          lua_pushvalue(state, -2)
          lua_rotate(state, -2, 1)
          lua_rawset(state, -5)
        }
        spacer_lua_pop(state, 1)
      } else {
        try query.add(request.query, to: state)
      }
    }
    let stack = LuaStack(state)
    for index in 0..<parameters.count {
      let value = UnsafeRawBufferPointer(rebasing: path[parameters[index]])
      stack.push(route.parameterName(index))
      if request.head.flags.contains(.unusualPath) {
        try pushDecoded(value, onto: stack)
      } else {
        stack.push(value)
      }
      lua_rawset(state, -3)
    }
  }

  /// A parameter of a path that was normalised: its stand-ins become slashes again.
  private func pushDecoded(_ value: UnsafeRawBufferPointer, onto stack: LuaStack) throws(RequestFailure) {
    guard UTF8Scanner.firstInvalid(in: value) == nil else {
      stack.pop()
      throw RequestFailure(400, "a path parameter is not UTF-8")
    }
    guard value.contains(PathNormalizer.slashStandIn) else { return stack.push(value) }
    transfer.reset()
    for byte in value { transfer.append(byte == PathNormalizer.slashStandIn ? UInt8(ascii: "/") : byte) }
    stack.push(transfer.bytes)
  }
}
