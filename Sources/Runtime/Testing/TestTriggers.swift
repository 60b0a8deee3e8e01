// Events of tests: what functions append is recorded, and a test has the triggers run when it wants them to.

import CLua
import SpacerEventLog

/// A test that waits for a trigger's handler.
private final class TestTriggerWait: Wait {}

/// Takes the outcome of a run.
private final class TestTriggerSink: HandlerRunSink, @unchecked Sendable {
  // Thread rule: made, called and freed on the worker's thread.
  let whenEnded: (RunOutcome) -> Void

  init(_ whenEnded: @escaping (RunOutcome) -> Void) { self.whenEnded = whenEnded }

  func runEnded(_ number: UInt64, _ outcome: RunOutcome) { whenEnded(outcome) }
}

extension TestBench {
  /// Records an append in `spacer.topics`.
  func note(_ request: AppendRequest, onto state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    pushShared("topics", onto: state)
    let list = lua_gettop(state)
    for entry in request.entries {
      lua_createtable(state, 0, 4)
      stack.push(request.topic)
      stack.setField("topic")
      entry.key.withUnsafeBytes { stack.push($0) }
      stack.setField("key")
      let isDecoded = entry.value.withUnsafeBytes { bytes in
        var decoder = JSONDecoder(state: state, bytes: bytes)
        return (try? decoder.decode()) != nil
      }
      if isDecoded { stack.setField("payload") }
      if let id = entry.id {
        stack.push(id)
        stack.setField("id")
      }
      lua_rawseti(state, list, Int64(clamping: lua_rawlen(state, list)) + 1)
    }
    lua_settop(state, list - 1)
    stack.push("ok")
    return 1
  }

  /// The handler's results are all that is on the stack.
  func noteResults(_ coroutine: OpaquePointer, _ results: Int32) {
    returned = nil
    guard results >= 1, lua_type(coroutine, 1) != LUA_TNIL else { return }
    var buffer = OutputBuffer(capacity: 256)
    let encoded: Void? = try? JSONEncoder(state: coroutine, arrayTag: dispatcher.arrayTag).encode(
      at: 1, into: &buffer)
    if encoded != nil { returned = Array(buffer.bytes) }
  }

  /// `trigger(topic, number, key, payload, id, attempt)`.
  func runTrigger(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    let topic = stack.text(at: 1) ?? ""
    let number = Int(clamping: lua_tointegerx(state, 2, nil))
    guard let events, let key = stack.bytes(at: 3).map({ Array($0) }),
      let payload = stack.bytes(at: 4).map({ Array($0) }),
      case let triggers = events.triggers.filter({ $0.topic == topic }), triggers.indices.contains(number - 1)
    else { return dispatcher.raise(state, "there is no such trigger", at: true) }
    let trigger = triggers[number - 1]
    stack.push(trigger.function)
    if let filter = trigger.filter, !filter.matches(payload) {
      stack.push("filtered out")
      return 2
    }
    let wall = SystemCalls.wallClock()
    eventCount += 1
    let record = EventRecord(
      topic: topic, partition: 0, offset: eventCount, key: key, value: payload,
      timestampMilliseconds: frozenMilliseconds ?? (wall.seconds * 1_000 + wall.nanoseconds / 1_000_000),
      givenID: stack.text(at: 5))
    let run = HandlerRun(
      number: 0, function: trigger.function, topic: topic, group: events.group,
      events: [TriggerEvent(record: record, attempt: Int(clamping: lua_tointegerx(state, 6, nil)))],
      isBatch: trigger.batchCountMax > 1,
      timeoutMilliseconds: trigger.timeoutMilliseconds ?? events.timeoutMilliseconds, isTransactional: false)
    let wait = TestTriggerWait()
    let parked = dispatcher.park(on: wait)
    returned = nil
    later { [unowned(unsafe) self] in
      guard wait.isPending else { return }
      leaveTestCode()
      dispatcher.start(
        run,
        TestTriggerSink { [unowned(unsafe) self] outcome in
          let returned = returned
          later { [unowned(unsafe) self] in
            afterDeferred { [unowned(unsafe) self] in
              enterTestCode()
              dispatcher.complete(wait) { Self.push(trigger.function, outcome, returned, onto: $0) }
            }
          }
        })
    }
    return parked
  }

  private static func push(
    _ function: String, _ outcome: RunOutcome, _ returned: [UInt8]?, onto state: OpaquePointer
  ) -> Int32 {
    let stack = LuaStack(state)
    stack.push(function)
    stack.push("\(outcome.word)")
    switch outcome {
    case .failed(let message, _), .partial(_, let message): stack.push(message)
    case .timedOut: stack.push("it took too long")
    case .done, .abandoned, .overloaded: lua_pushnil(state)
    }
    guard case .done = outcome, let returned else { return 3 }
    returned.withUnsafeBytes { stack.push($0) }
    return 4
  }
}
