// `require "http"`: requests to other servers. Every status is a result; what keeps an answer from coming is
// raised as an error.

import CLua

enum HTTPFunction: Int32, HostFunctions {
  case get, post, put, patch, delete, head, request, responseJSON, headersIndex

  static var moduleNumber: Int32 { BuiltinModule.http.rawValue }
  static var prefix: String { "http." }

  var name: String { self == .responseJSON ? "json" : "\(self)" }
  var mayWait: Bool { self != .responseJSON && self != .headersIndex }

  /// The method it stands for; nil when the options name it.
  private var method: String? { self == .request ? nil : "\(self)".uppercased() }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .responseJSON: dispatcher.decodeResponse(state)
    case .headersIndex: dispatcher.headerField(state)
    default: dispatcher.sendRequest(state, function: Self.prefix + name, method: method)
    }
  }
}

extension BuiltinModules {
  static func pushHTTP(onto state: OpaquePointer, host: UnsafeMutablePointer<spacer_host>) {
    _ = CurlLibrary.open()
    lua_createtable(state, 0, 7)
    for function in HTTPFunction.allCases where function.mayWait { function.add(to: state) }
    spacer_freeze(host, state)
  }
}

extension Dispatcher {
  /// Sends the request that the arguments describe.
  func sendRequest(_ state: OpaquePointer, function: String, method: String?) -> Int32 {
    guard currentCall >= 0 else { return raise(state, "\(function) works inside a handler only", at: true) }
    if let reason = CurlLibrary.open() { return raise(state, "\(function): \(reason)", at: true) }
    let request: OutboundRequest
    do throws(OutboundRefusal) {
      var arguments = OutboundArguments(state: state, arrayTag: arrayTag)
      request = try arguments.request(method: method)
    } catch {
      return raise(state, "\(function): \(error.message)", at: true)
    }
    if let capture { return capture.answer(request, onto: state) }
    if let testing { return testing.describe(request, onto: state) }
    guard let client = outboundClient() else {
      return raise(state, "\(function): there is no event loop", at: true)
    }
    let transfer = OutboundTransfer(
      request, client: client, dispatcher: self, trace: calls[currentCall].trace.child(span: ids.next()))
    if let reason = transfer.begin() {
      return raise(state, "http: \(request.method) \(request.url.place): \(reason)", at: true)
    }
    // The end of the call's own time comes from elsewhere, and is another error.
    let endsBeforeCall = transfer.timeoutMilliseconds < millisecondsLeft(currentCall)
    let result = park(on: transfer)
    if endsBeforeCall { startTimer(for: transfer, afterMilliseconds: transfer.timeoutMilliseconds) }
    return result
  }

  private func outboundClient() -> OutboundClient? {
    if let client = waiting.outbound { return client }
    guard let loop else { return nil }
    let client = OutboundClient()
    client.attach(to: loop)
    waiting.outbound = client
    return client
  }

  /// What is left of the time of a call, or of the one it was called by.
  private func millisecondsLeft(_ slot: Int32) -> UInt64 {
    var root = slot
    while calls[root].parent >= 0 { root = calls[root].parent }
    let elapsed = (clock() &- calls[root].start) / 1_000_000
    return UInt64(policy.wallMilliseconds) - min(elapsed, UInt64(policy.wallMilliseconds))
  }

  /// `response:json()`.
  func decodeResponse(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard lua_type(state, 1) == LUA_TTABLE, stack.rawField("body", at: 1) == LUA_TSTRING,
      let body = stack.bytes(at: -1)
    else { return raise(state, "call it with a colon: response:json()", at: true) }
    var decoder = JSONDecoder(state: state, bytes: body, memory: bodyMemory)
    do throws(JSONDecodeFailure) {
      try decoder.decode()
    } catch {
      _ = stack.rawField("status", at: 1)
      let status = lua_tointegerx(state, -1, nil)
      let reason = body.isEmpty ? "it is empty" : error.message
      return raise(state, "response:json(): the body (status \(status)) is no JSON: \(reason)", at: true)
    }
    return 1
  }
}
