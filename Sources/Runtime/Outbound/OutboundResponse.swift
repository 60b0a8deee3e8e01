// The answer of an outbound request as Lua sees it.

import CLua

/// An answer; the bytes belong to its transfer.
struct OutboundResponse {
  var status: Int
  /// The lines of the head, with their ends.
  var head: UnsafeRawBufferPointer
  var body: UnsafeRawBufferPointer
  var url: String
  /// The body was decompressed if it was compressed.
  var wasDecoded: Bool

  // Addresses that name the shared metatables in the registry. Never read or written.
  private nonisolated(unsafe) static let responseKey = UnsafeMutableRawPointer.allocate(
    byteCount: 1, alignment: 1)
  private nonisolated(unsafe) static let headersKey = UnsafeMutableRawPointer.allocate(
    byteCount: 1, alignment: 1)

  /// Pushes `{ status, headers, body, url }` with the method `json`.
  func push(onto stack: LuaStack) {
    let state = stack.raw
    lua_createtable(state, 0, 4)
    lua_pushinteger(state, Int64(status))
    stack.setField("status")
    pushHeaders(onto: stack)
    stack.setField("headers")
    stack.push(body)
    stack.setField("body")
    stack.push(url)
    stack.setField("url")
    Self.pushMetatable(Self.responseKey, onto: stack) {
      lua_createtable(state, 0, 1)
      HTTPFunction.responseJSON.push(onto: state)
      stack.setField("json")
    }
    lua_setmetatable(state, -2)
  }

  /// A table with lower-case names; other spellings are looked up by the metatable.
  private func pushHeaders(onto stack: LuaStack) {
    let state = stack.raw
    lua_createtable(state, 0, 8)
    var fields: [(name: [UInt8], value: [UInt8])] = []
    var places: [[UInt8]: Int] = [:]
    for line in head.split(separator: 0x0A).dropFirst() {
      guard let colon = line.firstIndex(of: 0x3A), line.first != 0x20, line.first != 0x09 else { continue }
      let name = line[..<colon].map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
      let value = Self.trimmed(line[line.index(after: colon)...])
      if let place = places[name] {
        fields[place].value += [0x2C, 0x20] + value
      } else {
        places[name] = fields.count
        fields.append((name, Array(value)))
      }
    }
    // They are about the bytes that came, not about those that are given on.
    let hidden: [[UInt8]] =
      wasDecoded && places[Self.contentEncoding] != nil ? [Self.contentEncoding, Self.contentLength] : []
    for (name, value) in fields where !hidden.contains(name) {
      name.withUnsafeBytes { stack.push($0) }
      value.withUnsafeBytes { stack.push($0) }
      lua_rawset(state, -3)
    }
    Self.pushMetatable(Self.headersKey, onto: stack) { HTTPFunction.headersIndex.push(onto: state) }
    lua_setmetatable(state, -2)
  }

  private static let contentEncoding = Array("content-encoding".utf8)
  private static let contentLength = Array("content-length".utf8)

  private static func trimmed(_ value: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var value = value
    while let byte = value.first, isSpace(byte) { value = value.dropFirst() }
    while let byte = value.last, isSpace(byte) { value = value.dropLast() }
    return value
  }

  /// Pushes a metatable whose `__index` is what `index` pushes, made once a state.
  private static func pushMetatable(
    _ key: UnsafeMutableRawPointer, onto stack: LuaStack, index: () -> Void
  ) {
    let state = stack.raw
    guard lua_rawgetp(state, spacer_lua_registry(), key) != LUA_TTABLE else { return }
    stack.pop()
    lua_createtable(state, 0, 2)
    index()
    stack.setField("__index")
    lua_pushboolean(state, 0)
    stack.setField("__metatable")
    lua_pushvalue(state, -1)
    lua_rawsetp(state, spacer_lua_registry(), key)
  }
}
