// How Lua reaches what is implemented here: built-in modules, each with functions that the C side asks for by
// number. A number is the module's times 256 plus the function's; none of them is in an artifact, so they
// are this build's own.

import CLua

/// A module that `require` finds after `app/` and `lib/`. Numbers begin at 1.
package enum BuiltinModule: Int32, CaseIterable, Sendable {
  case cjson = 1
  case cjsonSafe
  case request
  case flow
  case topics
  case time
  case kv
  case log
  case validate
  case http
  case crypto
  case uuid
  case hmac
  case jwt
  case restyHMAC
  case restyEVP
  case restyJWT
  case restyJWTValidators
  case db
  case host

  /// The name, with `/` between its parts as `require` normalises it.
  package var name: String {
    switch self {
    case .cjson: "cjson"
    case .cjsonSafe: "cjson/safe"
    case .request: "request"
    case .flow: "flow"
    case .topics: "topics"
    case .time: "time"
    case .kv: "kv"
    case .log: "log"
    case .validate: "validate"
    case .http: "http"
    case .crypto: "crypto"
    case .uuid: "uuid"
    case .hmac: "hmac"
    case .jwt: "jwt"
    case .restyHMAC: "resty/hmac"
    case .restyEVP: "resty/evp"
    case .restyJWT: "resty/jwt"
    case .restyJWTValidators: "resty/jwt-validators"
    case .db: "db"
    case .host: "host"
    }
  }
}

/// The functions of one module that are implemented here; raw values from 0 to 255.
protocol HostFunctions: RawRepresentable<Int32>, CaseIterable {
  /// Module 0 stands for the global functions.
  static var moduleNumber: Int32 { get }
  /// What the module's name is before a function's in messages: `http.` or nothing.
  static var prefix: String { get }
  /// The field that holds it.
  var name: String { get }
  /// Whether it may park the calling coroutine.
  var mayWait: Bool { get }
  /// Runs it with the arguments on `state`'s stack (1 … top). Only API calls that cannot raise.
  /// - Returns: How many results are on top, or one of `SPACER_RAISE`, `SPACER_RAISE_AT`, `SPACER_WAIT`.
  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32
}

extension HostFunctions {
  var name: String { "\(self)" }
  var mayWait: Bool { false }

  @inline(__always)
  static func invoke(_ number: Int32, _ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    guard let function = Self(rawValue: number) else {
      return dispatcher.raise(state, "unknown host function", at: true)
    }
    return function.invoke(dispatcher, state)
  }

  /// Pushes the function for Lua.
  func push(onto state: OpaquePointer) {
    let number = Self.moduleNumber << 8 | rawValue
    spacer_push_host_function(state, mayWait ? -number : number, Self.prefix + name)
  }

  /// Adds the function as a field of the table on top.
  func add(to state: OpaquePointer) {
    push(onto: state)
    LuaStack(state).setField(name)
  }

  /// Pushes a table with all functions of the module.
  static func pushTable(onto state: OpaquePointer) {
    lua_createtable(state, 0, Int32(allCases.count))
    for function in allCases { function.add(to: state) }
  }
}

/// The global functions that are implemented here.
enum GlobalFunction: Int32, HostFunctions {
  case getenv = 1
  case sleep
  case `defer`
  /// The time while capturing, in whole seconds: part of no library, but what `os.time` is then made from.
  case capturedTime

  static var moduleNumber: Int32 { 0 }
  static var prefix: String { "" }
  var mayWait: Bool { self == .sleep }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .getenv: dispatcher.environmentVariable(state)
    case .sleep: dispatcher.sleep(state)
    case .defer: dispatcher.deferFunction(state)
    case .capturedTime: dispatcher.pushCapturedSeconds(state)
    }
  }
}
