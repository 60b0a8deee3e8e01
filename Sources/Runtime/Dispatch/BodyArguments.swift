// What a request's body means for its arguments: contract section 2.

import CLua

/// How a body is read.
enum BodyKind {
  /// JSON: the type says so, or there is none.
  case json
  case form
  /// Only through `require "request"`.
  case raw

  /// - Parameter contentType: The header's value, empty when there is none.
  static func of(contentType: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) -> BodyKind {
    var end = 0
    while end < contentType.count, contentType[end] != UInt8(ascii: ";") { end += 1 }
    while end > 0, contentType[end - 1] == 0x20 || contentType[end - 1] == 0x09 { end -= 1 }
    let media = UnsafeRawBufferPointer(rebasing: contentType[..<end])
    if media.isEmpty || equals(media, "application/json") || hasSuffix(media, "+json") { return .json }
    guard equals(media, "application/x-www-form-urlencoded") else { return .raw }
    // `curl -d '{…}'` sends JSON under the form type.
    for byte in body where byte != 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D {
      return byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") ? .json : .form
    }
    return .form
  }

  private static func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    bytes.count == text.utf8CodeUnitCount && hasSuffix(bytes, text)
  }

  private static func hasSuffix(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count >= count else { return false }
    for offset in 0..<count {
      let byte = bytes[bytes.count - count + offset]
      let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
      if lower != text.utf8Start[offset] { return false }
    }
    return true
  }
}

enum BodyArguments {
  /// Pushes the table a body gives, or nothing when it gives none. True when a table was pushed.
  /// - Throws: A 400 for a body that is no JSON object or array, or no UTF-8.
  static func push(
    body: UnsafeRawBufferPointer, contentType: UnsafeRawBufferPointer, query: inout QueryArguments,
    onto state: OpaquePointer, memory: (held: UnsafePointer<Int>, max: Int)
  ) throws(RequestFailure) -> Bool {
    guard !body.isEmpty else { return false }
    switch BodyKind.of(contentType: contentType, body: body) {
    case .raw:
      return false
    case .form:
      lua_createtable(state, 0, 4)
      do throws(RequestFailure) {
        try query.add(body, to: state)
      } catch {
        spacer_lua_pop(state, 1)
        throw RequestFailure(400, "a form field is not UTF-8")
      }
      return true
    case .json:
      try pushJSON(body, onto: state, memory: memory)
      return true
    }
  }

  /// Pushes the table of a JSON text.
  static func pushJSON(
    _ text: UnsafeRawBufferPointer, onto state: OpaquePointer,
    memory: (held: UnsafePointer<Int>, max: Int)? = nil
  ) throws(RequestFailure) {
    var decoder = JSONDecoder(state: state, bytes: text, memory: memory)
    guard let first = decoder.firstByte else {
      throw RequestFailure(400, "malformed JSON: the body holds only white space")
    }
    do throws(JSONDecodeFailure) {
      try decoder.decode()
    } catch {
      if let memory, memory.held.pointee > memory.max {
        throw RequestFailure(413, "the body holds \(error.message)")
      }
      throw RequestFailure(400, "malformed JSON: \(error.message)")
    }
    guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
      spacer_lua_pop(state, 1)
      throw RequestFailure(400, "the JSON body must be an object or an array (at byte 1)")
    }
  }
}
