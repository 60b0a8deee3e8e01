// PostgreSQL's text of an array, `{1,NULL,"a \"b\""}`, `[0:1]={{1,2},{3,4}}`, read into Lua tables.

import CLua

struct PostgresArrayReader {
  /// More than any server sends.
  private static let depthMax = 16

  let text: UnsafeRawBufferPointer
  let element: PostgresConversion
  let reader: PostgresReader
  private var offset = 0

  init(text: UnsafeRawBufferPointer, element: PostgresConversion, reader: PostgresReader) {
    self.text = text
    self.element = element
    self.reader = reader
  }

  private var state: OpaquePointer { reader.state }
  private var byte: UInt8? { offset < text.count ? text[offset] : nil }

  /// Pushes the array's table.
  mutating func push() throws(PostgresReader.Refusal) {
    // Bounds other than 1…n come first; Lua's arrays begin at 1 whatever they say.
    if byte == UInt8(ascii: "["), let equals = text.firstIndex(of: UInt8(ascii: "=")) { offset = equals + 1 }
    let top = lua_gettop(state)
    do throws(PostgresReader.Refusal) {
      try array(depth: 1)
    } catch {
      lua_settop(state, top)
      throw error
    }
  }

  private func malformed() -> PostgresReader.Refusal {
    PostgresReader.Refusal(message: "malformed array at byte \(offset + 1)")
  }

  private mutating func array(depth: Int) throws(PostgresReader.Refusal) {
    guard byte == UInt8(ascii: "{"), depth <= Self.depthMax, lua_checkstack(state, 10) != 0 else {
      throw malformed()
    }
    guard reader.memory.held.pointee <= reader.memory.max else {
      throw PostgresReader.Refusal(message: "more values than one call's memory holds")
    }
    offset += 1
    lua_createtable(state, 0, 0)
    if byte == UInt8(ascii: "}") {
      offset += 1
      JSONTag.push(onto: state)
      lua_setmetatable(state, -2)
      return
    }
    var place: Int64 = 1
    while true {
      if byte == UInt8(ascii: "{") {
        try array(depth: depth + 1)
      } else if byte == UInt8(ascii: "\"") {
        try quoted()
      } else {
        try plain()
      }
      lua_rawseti(state, -2, place)
      place += 1
      switch byte {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "}"):
        offset += 1
        return
      default: throw malformed()
      }
    }
  }

  private mutating func plain() throws(PostgresReader.Refusal) {
    let start = offset
    while let byte, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") { offset += 1 }
    let value = UnsafeRawBufferPointer(rebasing: text[start..<offset])
    if value.elementsEqual("NULL".utf8) { return lua_pushlightuserdata(state, nil) }
    try reader.push(value, as: element)
  }

  private mutating func quoted() throws(PostgresReader.Refusal) {
    offset += 1
    var value: [UInt8] = []
    while let byte, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\\") { offset += 1 }
      guard let plain = self.byte else { throw malformed() }
      value.append(plain)
      offset += 1
    }
    guard byte != nil else { throw malformed() }
    offset += 1
    var failure: PostgresReader.Refusal?
    value.withUnsafeBytes { bytes in
      do throws(PostgresReader.Refusal) { try reader.push(bytes, as: element) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
