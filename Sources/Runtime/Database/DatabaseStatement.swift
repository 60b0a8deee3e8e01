// A statement with its parameters, taken from a Lua stack: nothing of it points there any more, since it is
// used after the call has parked and on other threads.

import CLua

/// A parameter's value.
enum DatabaseParameter: Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case float(Double)
  case text([UInt8])
  /// `bytea` or a blob.
  case bytes([UInt8])
}

/// What becomes of the rows.
enum ResultShape: Int32, Sendable {
  /// All of them.
  case rows
  /// The first.
  case first
  /// Their number alone.
  case count
}

/// A statement as it is run.
struct DatabaseStatement: Sendable {
  /// With a NUL behind it.
  var sql: [UInt8]
  var parameters: [DatabaseParameter] = []
  var shape = ResultShape.count
  /// `BEGIN` and the like: run as it is, never prepared.
  var isControl = false
  /// It changes nothing, so that it may be run again where nobody knows whether it was: `BEGIN`.
  var isHarmless = false

  /// A statement of our own.
  static func control(_ text: String, isHarmless: Bool = false) -> DatabaseStatement {
    DatabaseStatement(sql: Array(text.utf8) + [0], isControl: true, isHarmless: isHarmless)
  }
}

/// Reads statements and parameters from a Lua stack.
struct ParameterReader {
  static let countMax = 65_535
  static let sqlBytesMax = 16 << 20
  /// PostgreSQL's own bound.
  private static let arrayDepthMax = 6

  let state: OpaquePointer
  let driver: DatabaseConfiguration.Driver
  /// Registry references of the metatables that mark `db.bytes` and `db.array`.
  let bytesTag: Int32
  let arrayTag: Int32
  let jsonTag: UnsafeRawPointer?

  /// Why a parameter cannot be passed.
  struct Refusal: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  /// The statement at `index`, its parameters from the next index on.
  func statement(at index: Int32, shape: ResultShape) throws(Refusal) -> DatabaseStatement {
    guard let sql = LuaStack(state).bytes(at: index) else {
      throw Refusal("the statement must be a string, not \(article(index))")
    }
    guard sql.count <= Self.sqlBytesMax else {
      throw Refusal("the statement is longer than \(Self.sqlBytesMax) bytes")
    }
    guard !sql.contains(0) else { throw Refusal("the statement holds a NUL") }
    var statement = DatabaseStatement(sql: Array(sql) + [0], shape: shape)
    let top = lua_gettop(state)
    guard top > index else { return statement }
    guard Int(top - index) <= Self.countMax else {
      throw Refusal("more than \(Self.countMax) parameters")
    }
    statement.parameters.reserveCapacity(Int(top - index))
    for place in (index + 1)...top {
      do throws(Refusal) {
        statement.parameters.append(try parameter(at: place))
      } catch {
        throw Refusal("parameter $\(place - index): \(error.message)")
      }
    }
    return statement
  }

  private func article(_ index: Int32) -> String {
    let name = LuaStack(state).typeName(at: index)
    return name == "nil" || name == "no value" ? "nil" : "a \(name)"
  }

  private func parameter(at index: Int32) throws(Refusal) -> DatabaseParameter {
    switch lua_type(state, index) {
    case LUA_TNIL: return .null
    case LUA_TBOOLEAN: return .boolean(lua_toboolean(state, index) != 0)
    case LUA_TNUMBER:
      return lua_isinteger(state, index) != 0
        ? .integer(lua_tointegerx(state, index, nil)) : .float(lua_tonumberx(state, index, nil))
    case LUA_TSTRING: return .text(try text(at: index))
    case LUA_TLIGHTUSERDATA where lua_touserdata(state, index) == nil: return .null
    case LUA_TTABLE:
      guard lua_checkstack(state, 40) != 0 else { throw Refusal("too many values") }
      if hasTag(bytesTag, index) { return .bytes(taggedBytes(at: index)) }
      if hasTag(arrayTag, index) { return try array(at: index) }
      return .text(try json(at: index))
    case LUA_TLIGHTUSERDATA: return .text(try json(at: index))
    default: throw Refusal("\(article(index)) cannot be passed to a database")
    }
  }

  private func text(at index: Int32) throws(Refusal) -> [UInt8] {
    guard let bytes = LuaStack(state).bytes(at: index) else { return [] }
    guard driver != .postgres || !bytes.contains(0) else {
      throw Refusal("the string holds a NUL, which text cannot: use db.bytes for binary data")
    }
    return Array(bytes)
  }

  private func json(at index: Int32) throws(Refusal) -> [UInt8] {
    var buffer = OutputBuffer(capacity: 256)
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: state, arrayTag: jsonTag).encode(at: index, into: &buffer)
    } catch {
      let place = error.path.isEmpty ? "" : " at value\(error.path)"
      throw Refusal("JSON cannot hold \(error.reason)\(place)")
    }
    return Array(buffer.bytes)
  }

  private func hasTag(_ tag: Int32, _ index: Int32) -> Bool {
    guard lua_getmetatable(state, index) != 0 else { return false }
    lua_rawgeti(state, spacer_lua_registry(), Int64(tag))
    defer { spacer_lua_pop(state, 2) }
    return lua_rawequal(state, -1, -2) != 0
  }

  private func taggedBytes(at index: Int32) -> [UInt8] {
    lua_rawgeti(state, index, 1)
    defer { spacer_lua_pop(state, 1) }
    return LuaStack(state).bytes(at: -1).map { Array($0) } ?? []
  }

  // MARK: Arrays

  private func array(at index: Int32) throws(Refusal) -> DatabaseParameter {
    lua_rawgeti(state, index, 1)
    defer { spacer_lua_pop(state, 1) }
    guard lua_type(state, -1) == LUA_TTABLE else { throw Refusal("db.array takes a table") }
    let table = lua_gettop(state)
    // SQLite has no arrays; its JSON functions read this.
    guard driver == .postgres else { return .text(try json(at: table)) }
    var literal: [UInt8] = []
    try appendArray(table, to: &literal, depth: 1)
    return .text(literal)
  }

  private func appendArray(_ table: Int32, to literal: inout [UInt8], depth: Int) throws(Refusal) {
    guard depth <= Self.arrayDepthMax else {
      throw Refusal("an array of more than \(Self.arrayDepthMax) dimensions")
    }
    literal.append(UInt8(ascii: "{"))
    let count = lua_rawlen(state, table)
    if count > 0 {
      for place in 1...Int64(clamping: count) {
        if place > 1 { literal.append(UInt8(ascii: ",")) }
        lua_rawgeti(state, table, place)
        let element = lua_gettop(state)
        do throws(Refusal) {
          try appendElement(element, to: &literal, depth: depth)
        } catch {
          lua_settop(state, element - 1)
          throw Refusal("[\(place)]: \(error.message)")
        }
        lua_settop(state, element - 1)
      }
    }
    literal.append(UInt8(ascii: "}"))
  }

  private func appendElement(_ index: Int32, to literal: inout [UInt8], depth: Int) throws(Refusal) {
    if lua_type(state, index) == LUA_TTABLE, !hasTag(bytesTag, index) {
      return try appendArray(index, to: &literal, depth: depth + 1)
    }
    switch try parameter(at: index) {
    case .null: literal += Array("NULL".utf8)
    case .text(let bytes): Self.appendQuoted(bytes, to: &literal)
    case .bytes(let bytes): Self.appendQuoted(PostgresText.hexadecimal(bytes), to: &literal)
    case let value: literal += PostgresText.text(of: value)
    }
  }

  private static func appendQuoted(_ bytes: [UInt8], to literal: inout [UInt8]) {
    literal.append(UInt8(ascii: "\""))
    for byte in bytes {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { literal.append(UInt8(ascii: "\\")) }
      literal.append(byte)
    }
    literal.append(UInt8(ascii: "\""))
  }
}
