// Calls that wait. A host function that cannot answer at once makes a `Wait`, starts whatever will end it and
// returns `park(on:)`; the call's coroutine yields and the worker goes on. When the result is there, an event
// of the loop calls `complete`, which pushes the results and runs the coroutine on.
//
// Invariants: a parked call has exactly one wait, which knows its slot; a wait that is over (completed or
// cancelled) has none, and completing it again does nothing. `complete` is called from the loop only, never
// while Lua code runs.

import CLua
import SpacerEventLog

/// What one parked call waits for. Belongs to its worker's thread.
class Wait {
  /// The waiting call; -1 before and after.
  fileprivate(set) final var slot: Int32 = -1
  fileprivate final var timer = TimerID.none

  /// Whether the call still waits for this.
  final var isPending: Bool { slot >= 0 }

  /// The time given to `startTimer` is over.
  func expired(_ dispatcher: Dispatcher) {}
  /// The call was given up: whatever was begun for it ends. The wait is over already.
  func cancelled(_ dispatcher: Dispatcher) {}
}

/// The waits of parked calls, by the call's slot.
struct WaitTable {
  private var waits: ContiguousArray<Wait?> = []
  private var count = 0

  var isEmpty: Bool { count == 0 }
  /// Where waits are.
  var slots: some Sequence<Int32> {
    waits.indices.lazy.filter { [waits] in waits[$0] != nil }.map { Int32($0) }
  }

  subscript(slot: Int32) -> Wait? {
    get { waits.indices.contains(Int(slot)) ? waits[Int(slot)] : nil }
    set {
      if slot >= waits.count {
        waits.append(contentsOf: repeatElement(nil, count: Int(slot) + 1 - waits.count))
      }
      count += (newValue == nil ? 0 : 1) - (waits[Int(slot)] == nil ? 0 : 1)
      waits[Int(slot)] = newValue
    }
  }
}

/// Something a call holds until it ends, such as a transaction.
class CallResource {
  /// The call has ended, in whatever way.
  func callEnded(_ dispatcher: Dispatcher) {}
}

/// Hands expired timers to a dispatcher.
final class CallTimers: EventSource {
  var whenExpired: (UInt64) -> Void = { _ in }

  override func expired(_ token: UInt64) { whenExpired(token) }
}

/// What a dispatcher keeps of its calls that wait; all of it is empty for calls that never do.
struct WaitState {
  /// The waits of parked calls, by slot.
  var waits = WaitTable()
  var resources: [Int32: [CallResource]] = [:]
  /// References to the functions given to `defer`, by the slot of the call that gave them.
  var deferred: [Int32: [Int32]] = [:]
  /// Calls that answer nobody and have not ended: deferred functions and runs of triggers.
  var detachedCount = 0
  /// The runs of triggers among them, by slot.
  var triggerRuns: [Int32: ActiveRun] = [:]
  var whenIdle: (() -> Void)?
  /// The transactions that all a call does on one database belongs to, by the slot of the call above all others.
  var ambient: [Int32: AmbientTransaction] = [:]
  /// What `require "db"` reaches; made on first use.
  var databases: Databases?
  var waitTimers = SourceID.primary
  var wallTimers = SourceID.primary
  /// Made with the first outbound request.
  var outbound: OutboundClient?
  /// The state's memory at which it is looked into, in bytes.
  var memoryBytesMax = Int.max
}

extension Dispatcher {
  /// Gives the dispatcher the loop whose thread it runs on. Once, before the first request.
  func attach(to loop: EventLoop) {
    self.loop = loop
    let waitTimers = CallTimers()
    waitTimers.whenExpired = { [unowned(unsafe) self] token in
      guard let wait = waiting.waits[slot(of: token)], self.token(wait.slot) == token else { return }
      wait.timer = .none
      wait.expired(self)
    }
    waiting.waitTimers = loop.register(waitTimers)
    let appendNotices = AppendNotices()
    appendNotices.whenPosted = { [unowned(unsafe) self] in finishAppends() }
    let (mailbox, appendSource) = (loop.mailbox, loop.register(appendNotices))
    appends = AppendInbox { mailbox.post(.token(source: appendSource, 0)) }
    let wallTimers = CallTimers()
    wallTimers.whenExpired = { [unowned(unsafe) self] token in
      let slot = slot(of: token)
      guard self.token(slot) == token else { return }
      calls[slot].timer = .none
      endOverWall(slot)
    }
    waiting.wallTimers = loop.register(wallTimers)
  }

  private func slot(of token: UInt64) -> Int32 { Int32(truncatingIfNeeded: token & 0xFF_FFFF) }

  /// A timer's token for the call that is in `slot` now.
  private func token(_ slot: Int32) -> UInt64 { UInt64(calls[slot].serial) << 24 | UInt64(slot) }

  // MARK: Waiting

  /// Makes the running call wait; what a host function returns then. `wait` is new.
  func park(on wait: Wait) -> Int32 {
    precondition(currentCall >= 0 && wait.slot < 0)
    dropWait(of: currentCall)
    wait.slot = currentCall
    waiting.waits[currentCall] = wait
    return Int32(SPACER_WAIT)
  }

  /// Has `wait.expired` called after so long. `wait` is pending and has no timer.
  func startTimer(for wait: Wait, afterMilliseconds delay: UInt64) {
    guard let loop, wait.isPending else { return }
    // The loop's time is that of the turn's begin, which a busy worker has left behind.
    let late = (clock() &- loop.now &+ 999_999) / 1_000_000
    wait.timer = loop.schedule(afterMilliseconds: delay + late, token(wait.slot), for: waiting.waitTimers)
  }

  /// Ends a wait: the call goes on with the values that `push` pushes onto the coroutine it is given.
  /// - Parameter push: Returns how many values it pushed, or `SPACER_RAISE`, `SPACER_RAISE_AT` with the
  ///   error on top. Only API calls that cannot raise.
  func complete(_ wait: Wait, _ push: (OpaquePointer) -> Int32) {
    precondition(currentCall < 0, "a wait is completed from the loop")
    guard wait.isPending else { return }
    let slot = wait.slot
    guard let coroutine = calls[slot].coroutine, lua_checkstack(coroutine, 20) != 0 else {
      var root = slot
      while calls[root].parent >= 0 { root = calls[root].parent }
      return endParked(root, RequestFailure(503, "the function's stack is full"))
    }
    end(wait)
    let memoryBefore = record.pointee.memory_bytes
    let count = push(coroutine)
    record.pointee.run_memory_base = memoryBefore
    run(slot, coroutine, arguments: count < 0 ? 1 : count, raises: min(count, 0))
  }

  /// Ends what a call is registered to wait for although it goes on or has ended: nothing may complete it then.
  func dropWait(of slot: Int32) {
    guard let wait = waiting.waits[slot] else { return }
    end(wait)
    wait.cancelled(self)
  }

  private func end(_ wait: Wait) {
    loop?.cancel(wait.timer)
    wait.timer = .none
    waiting.waits[wait.slot] = nil
    wait.slot = -1
  }

  /// The call has parked: counts what it holds, and bounds its time when it is the first time.
  func notePark(_ slot: Int32, memoryBefore: Int) {
    let added = record.pointee.memory_bytes - memoryBefore
    calls[slot].heldBytes += added
    // A function that is called in place adds to its caller's run too.
    if currentCall >= 0 { calls[currentCall].heldBytes -= added }
    calls[slot].state = .parked
    guard !calls[slot].wasParked else { return }
    calls[slot].wasParked = true
    guard calls[slot].parent < 0 else { return }
    if !calls[slot].isDetached { parked[calls[slot].exchange] = slot }
    let elapsed = (clock() &- calls[slot].start) / 1_000_000
    let bound = UInt64(wallMilliseconds(of: slot))
    let rest = bound - min(elapsed, bound)
    if let loop {
      calls[slot].timer = loop.schedule(afterMilliseconds: rest, token(slot), for: waiting.wallTimers)
    }
  }

  // MARK: The end of calls

  /// Ends a call that nobody waits for any more, and first the calls it waits for.
  func abandon(_ slot: Int32) {
    if currentCall < 0 {
      // What the last run ended with is not about this call.
      record.pointee.is_over_time = 0
      record.pointee.is_over_memory = 0
    }
    dropWait(of: slot)
    if let coroutine = calls[slot].coroutine { reset(slot, coroutine) }
    release(slot)
  }

  /// The call and all it waits for took too long.
  private func endOverWall(_ slot: Int32) {
    let isRun = waiting.triggerRuns[slot] != nil
    let failure = RequestFailure(
      504,
      "the function took more than \(wallMilliseconds(of: slot)) ms "
        + (isRun ? "(the trigger's timeout)" : "(limits.wallMilliseconds)"))
    endParked(slot, failure)
  }

  /// Answers a parked call that no other waits for with `failure`, and ends it.
  private func endParked(_ slot: Int32, _ failure: RequestFailure) {
    if let testing, testing.owns(slot) { return testing.ended(slot, failure) }
    log.message(.error, failure.message, trace: calls[slot].trace)
    waiting.triggerRuns[slot]?.outcome =
      failure.status == 504 ? .timedOut : .failed(message: failure.message, isFinal: false)
    if !calls[slot].isDetached {
      parked.removeValue(forKey: calls[slot].exchange)
      headers.reset()
      renderErrorBody(failure.message)
      send(slot, Answer(status: failure.status))
    }
    abandon(slot)
  }

  /// Has `resource.callEnded` called when the running call ends.
  func hold(_ resource: CallResource) {
    calls[currentCall].hasExtras = true
    waiting.resources[currentCall, default: []].append(resource)
  }

  /// Stops holding a resource of the call in `slot`.
  func drop(_ resource: CallResource, of slot: Int32) {
    waiting.resources[slot]?.removeAll { $0 === resource }
  }

  /// What a call leaves behind besides its coroutine.
  func endExtras(_ slot: Int32) {
    loop?.cancel(calls[slot].timer)
    calls[slot].timer = .none
    guard calls[slot].hasExtras else { return }
    calls[slot].hasExtras = false
    // Last: what it deferred counts as begun before it counts as ended.
    defer { if calls[slot].isDetached { noteDetachedEnd(slot) } }
    waiting.ambient[slot] = nil
    for resource in waiting.resources.removeValue(forKey: slot) ?? [] { resource.callEnded(self) }
    guard let functions = waiting.deferred.removeValue(forKey: slot) else { return }
    let parent = calls[slot].parent
    if parent >= 0 {
      calls[parent].hasExtras = true
      waiting.deferred[parent, default: []] += functions
    } else {
      startDeferred(functions, after: slot)
    }
  }

  // MARK: Deferred functions

  /// The most functions that one call may defer.
  private static let deferredCountMax = 100

  /// `defer(fn)`: runs it after the answer.
  func deferFunction(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard currentCall >= 0 else { return raise(state, "defer works inside a handler only", at: true) }
    guard lua_type(state, 1) == LUA_TFUNCTION else {
      return raise(state, "defer takes a function, not a \(stack.typeName(at: 1))", at: true)
    }
    guard !calls[currentCall].isDetached || waiting.triggerRuns[currentCall] != nil else {
      return raise(state, "defer: this function is a deferred one already", at: true)
    }
    guard waiting.deferred[currentCall]?.count ?? 0 < Self.deferredCountMax else {
      return raise(state, "defer: more than \(Self.deferredCountMax) functions of one call", at: true)
    }
    calls[currentCall].hasExtras = true
    lua_settop(state, 1)
    waiting.deferred[currentCall, default: []].append(luaL_ref(state, spacer_lua_registry()))
    return 0
  }

  private func startDeferred(_ functions: [Int32], after slot: Int32) {
    let (trace, generation, module) = (calls[slot].trace, calls[slot].generation, calls[slot].module)
    for function in functions {
      defer { luaL_unref(main, spacer_lua_registry(), function) }
      do throws(RequestFailure) {
        let deferred = try takeCall(ExchangeID(rawValue: .max), trace.child(span: ids.next()), start: clock())
        calls[deferred].isDetached = true
        calls[deferred].generation = generation
        let memoryBefore = record.pointee.memory_bytes
        try prepare(deferred, module: Int(module), pushesHandler: false) {
          _, coroutine throws(RequestFailure) in
          lua_rawgeti(coroutine, spacer_lua_registry(), Int64(function))
        }
        record.pointee.run_memory_base = memoryBefore
        calls[deferred].hasExtras = true
        waiting.detachedCount += 1
        if let coroutine = calls[deferred].coroutine { run(deferred, coroutine, arguments: 0, raises: 0) }
      } catch {
        log.message(.error, "a deferred function was not run: \(error.message)", trace: trace)
      }
    }
  }

  /// A call that answers nobody has ended.
  private func noteDetachedEnd(_ slot: Int32) {
    waiting.detachedCount -= 1
    if let run = waiting.triggerRuns.removeValue(forKey: slot) { end(run, slot) }
    testing?.detachedCallEnded()
    guard waiting.detachedCount == 0, let whenIdle = waiting.whenIdle else { return }
    waiting.whenIdle = nil
    whenIdle()
  }

  /// Calls `body` once no deferred function and no trigger runs any more, at once when none does.
  func whenIdle(_ body: @escaping () -> Void) {
    if waiting.detachedCount == 0 { body() } else { waiting.whenIdle = body }
  }

  // MARK: Memory

  /// Makes room when the calls hold more than the worker may: collects, and if that is not enough ends the
  /// parked call that holds most, until it is. Called between runs.
  @inline(never)
  func relieveMemory() {
    spacer_lua_collect(main)
    while record.pointee.memory_bytes > policy.workerMemoryBytes, let slot = largestParked() {
      endParked(
        slot,
        RequestFailure(
          503,
          "the functions of a worker hold more than \(policy.workerMemoryBytes) bytes, this one the most "
            + "(limits.workerMemoryBytes)"))
      spacer_lua_collect(main)
    }
    // What modules keep cannot be ended: no further look before it has grown by a tenth.
    waiting.memoryBytesMax = max(
      policy.workerMemoryBytes, record.pointee.memory_bytes + record.pointee.memory_bytes / 10)
  }

  /// The parked call, with no other above it, that holds most together with those it waits for.
  private func largestParked() -> Int32? {
    var held: [Int32: Int] = [:]
    for slot in waiting.waits.slots {
      var root = slot
      while calls[root].parent >= 0 { root = calls[root].parent }
      held[root, default: 0] += calls[slot].heldBytes
    }
    return held.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
  }
}
