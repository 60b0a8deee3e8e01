// Builds the tables of the built-in modules. Runs once a worker and module, on the main thread's stack, and
// uses only API calls that raise nothing but on exhausted memory.

import CLua
import SpacerLuaVM

enum BuiltinModules {
  /// Pushes the value `require` gives for `module`.
  static func push(
    _ module: BuiltinModule, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    switch module {
    case .cjson: pushJSON(onto: state, host: host, isSafe: false)
    case .cjsonSafe: pushJSON(onto: state, host: host, isSafe: true)
    case .request: pushRequest(onto: state)
    case .flow:
      lua_createtable(state, 0, 1)
      add(.flowCall, "call", in: "flow", to: state)
      spacer_freeze(host, state)
    case .topics:
      lua_createtable(state, 0, 1)
      add(.topicsAppend, "append", in: "topics", to: state)
      spacer_freeze(host, state)
    }
  }

  /// Adds `function` as field `name` to the table on top.
  static func add(_ function: HostFunction, _ name: String, in module: String, to state: OpaquePointer) {
    spacer_push_host_function(
      state, function.mayWait ? -function.rawValue : function.rawValue, "\(module).\(name)")
    LuaStack(state).setField(name)
  }

  static func pushJSON(onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>, isSafe: Bool) {
    let module = isSafe ? "cjson.safe" : "cjson"
    let stack = LuaStack(state)
    lua_createtable(state, 0, 16)
    add(isSafe ? .jsonSafeEncode : .jsonEncode, "encode", in: module, to: state)
    add(isSafe ? .jsonSafeDecode : .jsonDecode, "decode", in: module, to: state)
    add(.jsonNew, "new", in: module, to: state)
    for option in JSONOption.allCases { add(.jsonOption, option.rawValue, in: module, to: state) }
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
    add(.requestField, "__index", in: "request", to: state)
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
