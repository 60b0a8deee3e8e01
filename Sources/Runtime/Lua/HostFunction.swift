// The host functions: the numbers by which the C side asks for them, and the built-in modules they stand in.

/// A function of a built-in module, implemented here. Numbers are this build's own: no artifact holds them.
enum HostFunction: Int32 {
  case getenv = 1
  case jsonEncode
  case jsonDecode
  case jsonSafeEncode
  case jsonSafeDecode
  case jsonNew
  case jsonOption
  case requestField
  case headersIndex
  case flowCall
  case topicsAppend

  /// Whether it may park the calling coroutine.
  var mayWait: Bool { self == .flowCall }
}

/// A module that `require` finds after `app/` and `lib/`.
package enum BuiltinModule: Int32, CaseIterable, Sendable {
  case cjson
  case cjsonSafe
  case request
  case flow
  case topics

  /// The name, with `/` between its parts as `require` normalises it.
  package var name: String {
    switch self {
    case .cjson: "cjson"
    case .cjsonSafe: "cjson/safe"
    case .request: "request"
    case .flow: "flow"
    case .topics: "topics"
    }
  }
}
