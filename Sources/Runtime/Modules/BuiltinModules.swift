// Builds the tables of the built-in modules. Runs once a worker and module, on the main thread's stack, and
// uses only API calls that raise nothing but on exhausted memory.

import CLua
import SpacerLuaVM

enum BuiltinModules {
  /// Pushes the value `require` gives for `module`.
  /// - Parameter hostFunctions: What the module `host` holds.
  static func push(
    _ module: BuiltinModule, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>,
    hostFunctions: HostRegistry = HostRegistry()
  ) {
    switch module {
    case .cjson: pushJSON(onto: state, host: host, isSafe: false)
    case .cjsonSafe: pushJSON(onto: state, host: host, isSafe: true)
    case .request: pushRequest(onto: state)
    case .flow: pushFrozen(FlowFunction.self, onto: state, host: host)
    case .topics: pushTopics(onto: state, host: host)
    case .time: pushFrozen(TimeFunction.self, onto: state, host: host)
    case .kv: pushFrozen(KVFunction.self, onto: state, host: host)
    case .log: pushPrelude(LogFunction.self, LogFunction.prelude, name: "=log", onto: state, host: host)
    case .validate: pushValidate(onto: state, host: host)
    case .http: pushHTTP(onto: state, host: host)
    case .crypto, .uuid, .hmac, .jwt, .restyHMAC, .restyEVP, .restyJWT, .restyJWTValidators:
      pushCrypto(module, onto: state, host: host)
    case .db:
      pushPrelude(DatabaseFunction.self, DatabaseFunction.prelude, name: "=db", onto: state, host: host)
    case .host: pushHost(hostFunctions.functions, onto: state, host: host)
    }
  }

  /// Runs function `number` of `module`.
  @inline(__always)
  static func invoke(
    _ module: BuiltinModule, _ number: Int32, _ dispatcher: Dispatcher, _ state: OpaquePointer
  ) -> Int32 {
    switch module {
    case .cjson, .cjsonSafe: JSONFunction.invoke(number, dispatcher, state)
    case .request: RequestFunction.invoke(number, dispatcher, state)
    case .flow: FlowFunction.invoke(number, dispatcher, state)
    case .topics: TopicsFunction.invoke(number, dispatcher, state)
    case .time: TimeFunction.invoke(number, dispatcher, state)
    case .kv: KVFunction.invoke(number, dispatcher, state)
    case .log: LogFunction.invoke(number, dispatcher, state)
    case .validate: ValidateFunction.invoke(number, dispatcher, state)
    case .http: HTTPFunction.invoke(number, dispatcher, state)
    case .crypto: CryptoFunction.invoke(number, dispatcher, state)
    case .uuid, .hmac, .jwt, .restyHMAC, .restyEVP, .restyJWT, .restyJWTValidators: 0
    case .db: DatabaseFunction.invoke(number, dispatcher, state)
    case .host: dispatcher.callHost(number, state)
    }
  }

  /// Pushes a read-only table of all functions of a module.
  private static func pushFrozen<Functions: HostFunctions>(
    _ functions: Functions.Type, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    functions.pushTable(onto: state)
    spacer_freeze(host, state)
  }

  /// Pushes the read-only table that a module's Lua part returns; it is given the module's functions.
  /// `name` is the chunk's: `=db`.
  private static func pushPrelude<Functions: HostFunctions>(
    _ functions: Functions.Type, _ text: StaticString, name: String, onto state: OpaquePointer,
    host: UnsafeMutablePointer<spacer_host>
  ) {
    functions.pushTable(onto: state)
    runPrelude(text, name: name, onto: state, host: host)
  }

  /// Replaces the table on top by the read-only one that the Lua text returns, which is given it.
  static func runPrelude(
    _ text: StaticString, name: String, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    let status = text.utf8Start.withMemoryRebound(to: CChar.self, capacity: text.utf8CodeUnitCount) {
      spacer_run_prelude(host, $0, text.utf8CodeUnitCount, name)
    }
    guard status == 0 else {
      // Stopped by the watchdog, or out of memory: nothing is kept, and the next `require` tries again.
      spacer_lua_pop(state, 1)
      return lua_pushnil(state)
    }
    spacer_freeze(host, state)
  }

  private static func pushTopics(onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>) {
    let stack = LuaStack(state)
    TopicsFunction.pushTable(onto: state)
    pushValidate(onto: state, host: host)
    stack.setField("validate")
    JSONFunction.decode.push(onto: state)
    stack.setField("decode")
    runPrelude(TopicsFunction.prelude, name: "=topics", onto: state, host: host)
  }

  private static func pushValidate(onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>) {
    lua_createtable(state, 0, 0)
    runPrelude(ValidateFunction.scalarsPrelude, name: "=validate", onto: state, host: host)
    lua_createtable(state, 0, 3)
    ValidateFunction.addConstants(to: state)
    lua_rotate(state, -2, 1)
    LuaStack(state).setField("scalars")
    runPrelude(ValidateFunction.prelude, name: "=validate", onto: state, host: host)
    ValidateFunction.makeCallable(state)
  }

  static func pushJSON(onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>, isSafe: Bool) {
    let stack = LuaStack(state)
    lua_createtable(state, 0, 16)
    for function in isSafe ? [JSONFunction.safeEncode, .safeDecode, .new] : [.encode, .decode, .new] {
      function.add(to: state)
    }
    for option in JSONOption.allCases {
      JSONFunction.option.push(onto: state)
      stack.setField(option.rawValue)
    }
    lua_pushlightuserdata(state, nil)
    stack.setField("null")
    lua_pushlightuserdata(state, spacer_empty_array_address())
    stack.setField("empty_array")
    for name in ["array_mt", "empty_array_mt"] {
      JSONTag.push(onto: state)
      stack.setField(name)
    }
    stack.push("cjson")
    stack.setField("_NAME")
    stack.push("2.1.0")
    stack.setField("_VERSION")
    spacer_freeze(host, state)
  }

  /// A table without fields of its own: each read asks for the running call's value.
  private static func pushRequest(onto state: OpaquePointer) {
    lua_createtable(state, 0, 0)
    lua_createtable(state, 0, 4)
    RequestFunction.field.push(onto: state)
    LuaStack(state).setField("__index")
    spacer_add_frozen_fields(state)
    lua_setmetatable(state, -2)
  }
}

/// The settings functions of lua-cjson that existing code calls. Decoding and encoding are strict here, so
/// each accepts the value that is already in force and refuses any other.
enum JSONOption: String, CaseIterable {
  case encodeEmptyTableAsObject = "encode_empty_table_as_object"
  case encodeSparseArray = "encode_sparse_array"
  case encodeMaxDepth = "encode_max_depth"
  case decodeMaxDepth = "decode_max_depth"
  case encodeNumberPrecision = "encode_number_precision"
  case encodeKeepBuffer = "encode_keep_buffer"
  case encodeInvalidNumbers = "encode_invalid_numbers"
  case decodeInvalidNumbers = "decode_invalid_numbers"
  case decodeArrayWithArrayTag = "decode_array_with_array_mt"
}
