// `require "cjson"` and `require "cjson.safe"`: the codec of arguments and results under the names existing
// code uses.

import CLua

enum JSONFunction: Int32, HostFunctions {
  case encode, decode, safeEncode, safeDecode, new, option

  static var moduleNumber: Int32 { BuiltinModule.cjson.rawValue }
  static var prefix: String { "cjson." }

  var name: String {
    switch self {
    case .encode, .safeEncode: "encode"
    case .decode, .safeDecode: "decode"
    case .new: "new"
    case .option: "option"
    }
  }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .encode: dispatcher.encodeJSON(state, isSafe: false)
    case .decode: dispatcher.decodeJSON(state, isSafe: false)
    case .safeEncode: dispatcher.encodeJSON(state, isSafe: true)
    case .safeDecode: dispatcher.decodeJSON(state, isSafe: true)
    case .new: dispatcher.newJSON(state)
    case .option: 0
    }
  }
}

extension Dispatcher {
  func encodeJSON(_ state: OpaquePointer, isSafe: Bool) -> Int32 {
    guard lua_gettop(state) >= 1 else { return refuseJSON(state, "cjson.encode: a value is missing", isSafe) }
    var text = OutputBuffer(capacity: 512)
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: state, arrayTag: arrayTag).encode(at: 1, into: &text)
    } catch {
      let place = error.path.isEmpty ? "" : " at value\(error.path)"
      return refuseJSON(state, "cannot encode \(error.reason)\(place)", isSafe)
    }
    LuaStack(state).push(text.bytes)
    return 1
  }

  func decodeJSON(_ state: OpaquePointer, isSafe: Bool) -> Int32 {
    let stack = LuaStack(state)
    guard let text = stack.bytes(at: 1) else {
      return refuseJSON(state, "cjson.decode: expected a string, not \(stack.typeName(at: 1))", isSafe)
    }
    var decoder = JSONDecoder(state: state, bytes: text)
    do throws(JSONDecodeFailure) {
      try decoder.decode()
    } catch {
      return refuseJSON(state, "malformed JSON: \(error.message)", isSafe)
    }
    return 1
  }

  func newJSON(_ state: OpaquePointer) -> Int32 {
    BuiltinModules.pushJSON(onto: state, host: record, isSafe: false)
    return 1
  }

  private func refuseJSON(_ state: OpaquePointer, _ message: String, _ isSafe: Bool) -> Int32 {
    guard isSafe else { return raise(state, message, at: true) }
    lua_pushnil(state)
    LuaStack(state).push(message)
    return 2
  }
}
