// `require "host"`: the functions that a program which embeds the runtime has registered. One that blocks, or is
// asynchronous, parks the call; what it came to is posted to the loop, and only there does anybody touch the call.

import CLua

enum HostModule {
  /// Adds to a table of functions the answer to what it lacks.
  static let prelude: StaticString = """
    local host = ...
    local names = {}
    for name in next, host do names[#names + 1] = name end
    table.sort(names)
    local list = #names > 0 and "it has " .. table.concat(names, ", ") or "it has none"
    return setmetatable(host, { __index = function(_, name)
      error("host." .. tostring(name) .. ": the program that serves this registers no such function; " .. list, 2)
    end })
    """
}

extension BuiltinModules {
  /// Pushes the table of the registered functions, whose numbers are their places in the registry.
  static func pushHost(
    _ functions: [HostFunction], onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    lua_createtable(state, 0, Int32(clamping: functions.count))
    for (index, function) in functions.enumerated() {
      let number = BuiltinModule.host.rawValue << 8 | Int32(truncatingIfNeeded: index)
      spacer_push_host_function(state, function.mayWait ? -number : number, "host." + function.name)
      LuaStack(state).setField(function.name)
    }
    runPrelude(HostModule.prelude, name: "=host", onto: state, host: host)
  }
}

/// A call that waits for a host function.
private final class HostWait: Wait {
  var reply: HostReply?
  var end: (@Sendable () -> Void)?

  override func cancelled(_ dispatcher: Dispatcher) {
    reply?.cancel()
    end?()
  }
}

/// What only the loop's thread touches, on its way there through another.
private struct LoopBound: @unchecked Sendable {
  let wait: HostWait
  let name: String
  unowned(unsafe) let dispatcher: Dispatcher
}

extension Dispatcher {
  /// Runs the registered function at a place of the registry.
  func callHost(_ place: Int32, _ state: OpaquePointer) -> Int32 {
    let functions = policy.hostFunctions.functions
    guard functions.indices.contains(Int(place)) else {
      return raise(state, "unknown host function", at: true)
    }
    let function = functions[Int(place)]
    let name = function.name
    guard currentCall >= 0 else { return raise(state, "host.\(name) works inside a handler only", at: true) }
    if lua_type(state, 1) == LUA_TTABLE, luaL_getmetafield(state, 1, "__frozen") != LUA_TNIL {
      return raise(state, "host.\(name): its first argument is a module", at: true)
    }
    let arguments: HostArguments
    do throws(LuaJSONFailure) {
      var reader = LuaJSONReader(state: state, arrayTag: arrayTag)
      arguments = HostArguments(try reader.values(from: 1))
    } catch {
      return raise(state, "host.\(name): \(error.message) cannot be passed on", at: true)
    }
    switch function.body {
    case .inline(let body): return push(HostOutcome { try body(arguments) }, of: name, onto: state)
    case .blocking(let body):
      return waitForHost(name, state) { reply in
        guard HostThreads.run(reply, { try body(arguments) }) else { return nil }
        return {}
      }
    case .asynchronous(let body): return waitForHost(name, state) { reply in body(arguments, reply) }
    }
  }

  /// Has `begin` start a function and the call wait for it. `begin` gives what ends it early, nil when it could not
  /// be started.
  private func waitForHost(
    _ name: String, _ state: OpaquePointer, _ begin: (HostReply) -> (@Sendable () -> Void)?
  ) -> Int32 {
    guard let mailbox = loop?.mailbox else {
      return raise(state, "host.\(name): there is no loop to wait on", at: true)
    }
    let wait = HostWait()
    let target = LoopBound(wait: wait, name: name, dispatcher: self)
    let reply = HostReply { outcome in
      mailbox.post(.work { target.dispatcher.finish(target.wait, outcome, target.name) })
    }
    wait.reply = reply
    guard let end = begin(reply) else {
      return raise(state, "host.\(name): too many calls of host functions wait: try again later", at: true)
    }
    wait.end = end
    return park(on: wait)
  }

  private func finish(_ wait: HostWait, _ outcome: HostOutcome, _ name: String) {
    wait.reply = nil
    wait.end = nil
    complete(wait) { coroutine in self.push(outcome, of: name, onto: coroutine) }
  }

  /// Pushes a function's result, or its error; what a host function returns then.
  private func push(_ outcome: HostOutcome, of name: String, onto state: OpaquePointer) -> Int32 {
    let value: JSONValue
    switch outcome {
    case .value(let result): value = result
    case .failed(let text): return raise(state, "host.\(name): \(text)", at: true)
    }
    do throws(LuaJSONFailure) {
      try LuaJSONWriter(state: state, memory: bodyMemory).push(value)
      return 1
    } catch {
      return raise(state, "host.\(name): its result cannot be taken: \(error.message)", at: true)
    }
  }
}
