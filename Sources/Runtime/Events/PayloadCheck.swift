// Checks payloads against their topic's schema outside of a server, with the same Lua code as `topics.append`. Owns a
// Lua state that runs nothing else.

import CLua

/// Checks the payloads of one topic. Belongs to the thread that uses it.
package final class PayloadCheck {
  private let dispatcher: Dispatcher
  /// Where on the main thread's stack the table stands that the text below is given.
  private let table: Int32

  /// Gives back what is wrong, or nothing, as the module `topics` does. The check is made once and kept in the table.
  private static let text: StaticString = """
    local native = ...
    local check = native.check
    if not check then
      check = native.validate { payload = native.decode(native.schema) }
      native.check = check
    end
    local _, problem = check { payload = native.decode(native.payload) }
    return problem and (problem.message or tostring(problem))
    """

  /// - Parameter schema: A description as `validate` takes it, JSON.
  /// - Throws: When there is no memory or no descriptor for it.
  package init(_ artifact: LoadedArtifact, schema: String) throws(LoadError) {
    let writer: LogWriter
    do throws(SystemCallError) {
      writer = try LogWriter(descriptor: -1)
    } catch {
      throw LoadError(message: "no descriptor to be had: \(error)")
    }
    guard
      let dispatcher = Dispatcher(
        artifact: artifact, policy: DispatchPolicy(showsErrors: true, internalToken: []),
        log: WorkerLog(format: LogFormat(), writer: writer), clock: SystemCalls.monotonicNanoseconds)
    else { throw LoadError(message: "no memory for a Lua state") }
    self.dispatcher = dispatcher
    let stack = LuaStack(dispatcher.main)
    lua_createtable(dispatcher.main, 0, 8)
    table = lua_gettop(dispatcher.main)
    BuiltinModules.push(.validate, onto: dispatcher.main, host: dispatcher.record)
    stack.setField("validate")
    JSONFunction.decode.push(onto: dispatcher.main)
    stack.setField("decode")
    stack.push(schema)
    stack.setField("schema")
  }

  /// What is wrong with a payload, which is JSON; nil when it fits.
  package func problem(of payload: [UInt8]) -> String? {
    let main = dispatcher.main
    let stack = LuaStack(main)
    lua_settop(main, table)
    defer { lua_settop(main, table) }
    payload.withUnsafeBytes { stack.push($0) }
    stack.setField("payload")
    lua_pushvalue(main, table)
    let status = Self.text.utf8Start.withMemoryRebound(to: CChar.self, capacity: Self.text.utf8CodeUnitCount)
    {
      spacer_run_prelude(dispatcher.record, $0, Self.text.utf8CodeUnitCount, "=schema")
    }
    if status == 0, lua_type(main, -1) == LUA_TNIL { return nil }
    return dispatcher.errorText(main)
  }
}
