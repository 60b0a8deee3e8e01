// The arguments of the functions of `http` as a request. Tables are read raw; nothing here raises.

import CLua

/// Reads a request from a host function's arguments.
struct OutboundArguments {
  private let stack: LuaStack
  private let arrayTag: UnsafeRawPointer?
  private var state: OpaquePointer { stack.raw }

  private enum Option: String, CaseIterable {
    case url, method, headers, query, body, json, form, timeout, connectTimeout, redirects, maxBytes
  }

  private static let timeoutSecondsMax = 86_400.0
  private static let redirectsMax: Int64 = 50
  private static let bodyBytesMax: Int64 = 1 << 30

  init(state: OpaquePointer, arrayTag: UnsafeRawPointer?) {
    stack = LuaStack(state)
    self.arrayTag = arrayTag
  }

  /// - Parameter method: Nil for `http.request`, whose options name method and URL.
  mutating func request(method: String?) throws(OutboundRefusal) -> OutboundRequest {
    let options: Int32 = method == nil ? 1 : 2
    var url: [UInt8]?
    if method != nil {
      guard let text = stack.bytes(at: 1) else {
        throw refusal("the URL must be a string, not a \(stack.typeName(at: 1))")
      }
      url = Array(text)
    }
    lua_settop(state, options)
    switch lua_type(state, options) {
    case LUA_TTABLE: try checkNames(at: options, isRequest: method == nil)
    case LUA_TNIL where method != nil: lua_createtable(state, 0, 0)
    default: throw refusal("the options must be a table, not a \(stack.typeName(at: options))")
    }
    // The table is on top from here on.
    if method == nil { url = try bytes(.url) }
    guard let url else { throw refusal("url is missing") }
    return try request(url: url, method: method)
  }

  private func request(url: [UInt8], method: String?) throws(OutboundRefusal) -> OutboundRequest {
    let content = try content()
    let named = try self.method()
    let method = method ?? named ?? (content == nil ? "GET" : "POST")
    let query = try pairs(.query) ?? []
    var request = OutboundRequest(method: method, url: try OutboundURL(URLEncoding.add(query, to: url)))
    request.headers = try headers()
    if let content {
      guard method != "HEAD" else { throw refusal("a HEAD request has no body") }
      request.body = content.body
      if let type = content.type, !request.has("content-type") {
        request.headers.append(OutboundHeader("Content-Type", type))
      }
    } else if ["POST", "PUT", "PATCH"].contains(method) {
      request.body = []
    }
    if let time = try milliseconds(.timeout) { request.timeoutMilliseconds = UInt64(time) }
    if let time = try milliseconds(.connectTimeout) { request.connectMilliseconds = time }
    if let count = try integer(.redirects, in: 0...Self.redirectsMax) { request.redirects = count }
    if let count = try integer(.maxBytes, in: 0...Self.bodyBytesMax) { request.bodyBytesMax = count }
    return request
  }

  private func refusal(_ message: String) -> OutboundRefusal { OutboundRefusal(message: message) }

  /// Refuses options that there are not: a misspelt one would be without effect.
  private func checkNames(at index: Int32, isRequest: Bool) throws(OutboundRefusal) {
    lua_pushnil(state)
    while lua_next(state, index) != 0 {
      stack.pop()
      guard let name = stack.text(at: -1), let option = Option(rawValue: name),
        isRequest || option != .url && option != .method
      else {
        let name = stack.text(at: -1).map { "'\($0)'" } ?? "of type \(stack.typeName(at: -1))"
        let known = Option.allCases.filter { isRequest || $0 != .url && $0 != .method }
        throw refusal(
          "there is no option \(name); the options are \(known.map(\.rawValue).joined(separator: ", "))")
      }
    }
  }

  // MARK: Values

  /// Pushes an option's value and returns its type.
  private func push(_ option: Option) -> Int32 {
    stack.push(option.rawValue)
    return lua_rawget(state, -2)
  }

  private func wrongType(_ option: Option, _ expected: String) -> OutboundRefusal {
    let refusal = refusal("\(option.rawValue) must be \(expected), not a \(stack.typeName(at: -1))")
    stack.pop()
    return refusal
  }

  private func bytes(_ option: Option) throws(OutboundRefusal) -> [UInt8]? {
    guard push(option) != LUA_TNIL else {
      stack.pop()
      return nil
    }
    guard let bytes = stack.bytes(at: -1) else { throw wrongType(option, "a string") }
    defer { stack.pop() }
    return Array(bytes)
  }

  private func method() throws(OutboundRefusal) -> String? {
    guard let bytes = try bytes(.method) else { return nil }
    guard !bytes.isEmpty, bytes.count <= 32, bytes.allSatisfy(HeaderText.isToken) else {
      throw refusal("'\(bytes.withUnsafeBytes { HeaderText.printable($0) })' is no method")
    }
    let method = String(decoding: bytes, as: UTF8.self).uppercased()
    guard method != "CONNECT", method != "TRACE" else {
      throw refusal("the method \(method) is not for functions")
    }
    return method
  }

  private func number(_ option: Option) throws(OutboundRefusal) -> Double? {
    let type = push(option)
    guard type == LUA_TNUMBER || type == LUA_TNIL else { throw wrongType(option, "a number") }
    defer { stack.pop() }
    return type == LUA_TNIL ? nil : lua_tonumberx(state, -1, nil)
  }

  private func milliseconds(_ option: Option) throws(OutboundRefusal) -> Int? {
    guard let seconds = try number(option) else { return nil }
    guard seconds > 0, seconds <= Self.timeoutSecondsMax else {
      throw refusal(
        "\(option.rawValue) must be more than 0 and at most \(Int(Self.timeoutSecondsMax)) seconds, not \(seconds)"
      )
    }
    return max(1, Int((seconds * 1000).rounded()))
  }

  private func integer(_ option: Option, in valid: ClosedRange<Int64>) throws(OutboundRefusal) -> Int? {
    guard let number = try number(option) else { return nil }
    guard number == number.rounded(), Double(valid.lowerBound)...Double(valid.upperBound) ~= number else {
      throw refusal(
        "\(option.rawValue) must be a whole number from \(valid.lowerBound) to \(valid.upperBound), not \(number)"
      )
    }
    return Int(number)
  }

  // MARK: Bodies

  /// The body and its type.
  private func content() throws(OutboundRefusal) -> (body: [UInt8], type: String?)? {
    var found: [(option: Option, body: [UInt8], type: String?)] = []
    if let body = try bytes(.body) { found.append((.body, body, nil)) }
    if push(.json) != LUA_TNIL {
      var text = OutputBuffer(capacity: 512)
      do throws(JSONEncodeFailure) {
        try JSONEncoder(state: state, arrayTag: arrayTag).encode(at: -1, into: &text)
      } catch {
        throw refusal("json holds \(error.reason)\(error.path.isEmpty ? "" : " at json\(error.path)")")
      }
      found.append((.json, Array(text.bytes), "application/json"))
    }
    stack.pop()
    if let pairs = try pairs(.form) {
      found.append((.form, URLEncoding.encode(pairs, isForm: true), "application/x-www-form-urlencoded"))
    }
    guard found.count <= 1 else {
      throw refusal("\(found.map(\.option.rawValue).joined(separator: " and ")) exclude each other")
    }
    return found.first.map { ($0.body, $0.type) }
  }

  // MARK: Tables of names and values

  /// The text of a string, a number or a truth value at `index`; nil for any other.
  private func text(at index: Int32, allowsBooleans: Bool) -> [UInt8]? {
    switch lua_type(state, index) {
    case LUA_TSTRING: return stack.bytes(at: index).map { Array($0) }
    case LUA_TNUMBER:
      guard lua_isinteger(state, index) == 0 else {
        return Array(String(lua_tointegerx(state, index, nil)).utf8)
      }
      let number = lua_tonumberx(state, index, nil)
      guard number.isFinite else { return nil }
      var text = OutputBuffer(capacity: 64)
      JSONEncoder.append(number, to: &text)
      return Array(text.bytes)
    case LUA_TBOOLEAN where allowsBooleans:
      return Array((lua_toboolean(state, index) != 0 ? "true" : "false").utf8)
    default: return nil
    }
  }

  /// Names and values of a table, in byte order of the names; an array gives its items one after the other.
  /// Nil when the option is absent.
  private func pairs(
    _ option: Option, allowsBooleans: Bool = true
  ) throws(OutboundRefusal) -> [(name: [UInt8], value: [UInt8])]? {
    let type = push(option)
    guard type == LUA_TTABLE || type == LUA_TNIL else { throw wrongType(option, "a table") }
    defer { stack.pop() }
    guard type == LUA_TTABLE else { return nil }
    let table = lua_gettop(state)
    var fields: [(name: [UInt8], values: [[UInt8]])] = []
    lua_pushnil(state)
    while lua_next(state, table) != 0 {
      guard let name = text(at: -2, allowsBooleans: false),
        let values = values(allowsBooleans: allowsBooleans)
      else {
        let name = text(at: -2, allowsBooleans: false) ?? []
        let shown = name.withUnsafeBytes { HeaderText.printable($0) }
        let type = stack.typeName(at: -1)
        stack.pop(2)
        throw refusal(
          "\(option.rawValue): '\(shown)' must be a string or a number, or an array of these, not a \(type)")
      }
      fields.append((name, values))
      stack.pop()
    }
    fields.sort { $0.name.lexicographicallyPrecedes($1.name) }
    return fields.flatMap { field in field.values.map { (field.name, $0) } }
  }

  /// The value on top as texts.
  private func values(allowsBooleans: Bool) -> [[UInt8]]? {
    guard lua_type(state, -1) == LUA_TTABLE else {
      return text(at: -1, allowsBooleans: allowsBooleans).map { [$0] }
    }
    var values: [[UInt8]] = []
    let count = Int64(lua_rawlen(state, -1))
    for index in 0..<count {
      lua_rawgeti(state, -1, index + 1)
      defer { stack.pop() }
      guard let value = text(at: -1, allowsBooleans: allowsBooleans) else { return nil }
      values.append(value)
    }
    return values
  }

  private func headers() throws(OutboundRefusal) -> [OutboundHeader] {
    var headers: [OutboundHeader] = []
    for (name, value) in try pairs(.headers, allowsBooleans: false) ?? [] {
      headers.append(try OutboundHeader(name: name, value: value))
    }
    return headers
  }
}
