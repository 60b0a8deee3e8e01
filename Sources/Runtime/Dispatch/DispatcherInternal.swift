// The two ways past the gateway: `/private/NAME` for loopback peers, and any function by name for a request
// that bears the internal token. Both take the body as the arguments.

import CLua
import SpacerArtifact

/// The internal token's place in a query.
enum InternalToken {
  static let parameter: StaticString = "spacer_internal_token="

  /// Whether two byte strings are equal, in a time that depends on their lengths only.
  static func isEqual(_ a: UnsafeRawBufferPointer, _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for index in b.indices { difference |= a[index] ^ b[index] }
    return difference == 0
  }
}

extension Dispatcher {
  /// What follows `prefix` in a path, or nil.
  func internalName(_ path: UnsafeRawBufferPointer, _ prefix: StaticString) -> UnsafeRawBufferPointer? {
    let count = prefix.utf8CodeUnitCount
    guard path.count >= count else { return nil }
    for index in 0..<count where path[index] != prefix.utf8Start[index] { return nil }
    return UnsafeRawBufferPointer(rebasing: path[count...])
  }

  /// Whether one of the query's parameters is the internal token with the right value.
  func hasInternalToken(_ text: UnsafeRawBufferPointer) -> Bool {
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != UInt8(ascii: "&") { end += 1 }
      let pair = UnsafeRawBufferPointer(rebasing: text[start..<end])
      if let value = internalName(pair, InternalToken.parameter) {
        transfer.reset()
        PercentDecoder.decode(value, plusIsSpace: true, into: &transfer)
        if InternalToken.isEqual(transfer.bytes, policy.internalToken) { return true }
      }
      start = end + 1
    }
    return false
  }

  func handlePrivate(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ name: UnsafeRawBufferPointer,
    _ trace: TraceContext
  ) throws(RequestFailure) {
    // Behind a proxy on this host every peer is loopback: one that names itself makes the request a remote one.
    guard request.isLocal else {
      throw RequestFailure(403, "private functions answer on loopback only")
    }
    try callByName(exchange, request, prefix: "private/", name, trace)
  }

  func handleInternal(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ path: UnsafeRawBufferPointer,
    _ trace: TraceContext
  ) throws(RequestFailure) {
    guard let name = internalName(path, "/") else { throw RequestFailure(404, "not found") }
    try callByName(exchange, request, prefix: "", name, trace)
  }

  private func callByName(
    _ exchange: ExchangeID, _ request: borrowing RequestView, prefix: StaticString,
    _ name: UnsafeRawBufferPointer, _ trace: TraceContext
  ) throws(RequestFailure) {
    var end = name.count
    while end > 0, name[end - 1] == UInt8(ascii: "/") { end -= 1 }
    transfer.reset()
    transfer.append(prefix)
    transfer.append(UnsafeRawBufferPointer(rebasing: name[..<end]))
    guard let artifact = artifacts[Int(currentGeneration)],
      let module = artifact.function(named: transfer.bytes)
    else { throw RequestFailure(404, "not found") }
    let slot = try takeCall(exchange, trace, start: request.receivedNanoseconds)
    calls[slot].isByName = true
    try begin(slot, module: module) { dispatcher, state throws(RequestFailure) in
      let pushed = try BodyArguments.push(
        body: request.body, contentType: request.contentType, query: &dispatcher.query, onto: state,
        memory: dispatcher.bodyMemory)
      if !pushed { lua_createtable(state, 0, 0) }
    }
  }
}
