// Builds the modules whose Lua parts stand in the files beside this one. They are given the functions of
// `CryptoFunction` and a few of other modules.

import CLua

extension BuiltinModules {
  static func pushCrypto(
    _ module: BuiltinModule, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    switch module {
    case .hmac: pushSame(as: .restyHMAC, onto: state, host: host)
    case .jwt: pushSame(as: .restyJWT, onto: state, host: host)
    case .uuid: run(CryptoPrelude.uuid, name: "=uuid", onto: state, host: host)
    case .restyHMAC: run(CryptoPrelude.hmac, name: "=hmac", onto: state, host: host)
    case .restyEVP: run(CryptoPrelude.evp, name: "=resty.evp", onto: state, host: host)
    case .restyJWTValidators:
      run(CryptoPrelude.jwtValidators, name: "=resty.jwt-validators", onto: state, host: host)
    case .restyJWT: pushTokens(onto: state, host: host)
    default: run(CryptoPrelude.crypto, name: "=crypto", onto: state, host: host)
    }
  }

  private static func run(
    _ text: StaticString, name: String, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    pushFunctions(onto: state)
    runPrelude(text, name: name, onto: state, host: host)
  }

  /// Pushes what each Lua part is given.
  private static func pushFunctions(onto state: OpaquePointer) {
    let stack = LuaStack(state)
    CryptoFunction.pushTable(onto: state)
    JSONFunction.safeEncode.push(onto: state)
    stack.setField("json_encode")
    JSONFunction.safeDecode.push(onto: state)
    stack.setField("json_decode")
    TimeFunction.now.push(onto: state)
    stack.setField("now")
  }

  /// Tokens are in three parts: what both interfaces use, and one for each.
  private static func pushTokens(onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>) {
    let stack = LuaStack(state)
    pushFunctions(onto: state)
    run(CryptoPrelude.tokens, name: "=jwt", onto: state, host: host)
    stack.setField("tokens")
    pushFunctions(onto: state)
    pushSame(as: .restyJWTValidators, onto: state, host: host)
    stack.setField("validators")
    runPrelude(CryptoPrelude.jwtMethods, name: "=resty.jwt", onto: state, host: host)
    stack.setField("methods")
    runPrelude(CryptoPrelude.jwt, name: "=jwt", onto: state, host: host)
  }

  /// Pushes the one value that `require` gives for `module`, for a second name or for another module.
  private static func pushSame(
    as module: BuiltinModule, onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>
  ) {
    let key = Int64(module.rawValue) + 1
    guard lua_rawgeti(state, Int32(SPACER_INDEX_BUILTINS), key) == LUA_TNIL else { return }
    LuaStack(state).pop()
    push(module, onto: state, host: host)
    lua_pushvalue(state, -1)
    lua_rawseti(state, Int32(SPACER_INDEX_BUILTINS), key)
  }
}

/// The Lua parts, each in a file of its own.
enum CryptoPrelude {}
