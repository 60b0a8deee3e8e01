// Results and errors as Lua values. Only API calls that cannot raise.

import CLua

extension Databases {
  /// Pushes what the call gets for a statement that went well; returns how many values, or what to raise.
  func push(_ result: StatementResult, of request: DatabaseRequest, onto state: OpaquePointer) -> Int32 {
    switch request.kind {
    case .begin:
      lua_pushinteger(state, request.transaction?.id ?? 0)
      return 1
    case .commit, .rollback: return 0
    case .savepoint:
      lua_pushinteger(state, -request.savepoint)
      return 1
    case .append:
      LuaStack(state).push("ok")
      return 1
    case .statement: break
    }
    guard request.statement.shape != .count else {
      lua_pushinteger(state, result.affected)
      return 1
    }
    let top = lua_gettop(state)
    do throws(DatabaseError) {
      try push(result.rows, of: request, onto: state)
      return 1
    } catch {
      lua_settop(state, top)
      push(error, from: request.thread, onto: state)
      return Int32(SPACER_RAISE)
    }
  }

  private func push(
    _ rows: RowBuffer, of request: DatabaseRequest, onto state: OpaquePointer
  ) throws(DatabaseError) {
    let configuration = request.database.configuration
    let columnCount = Int32(clamping: rows.columns.count)
    guard lua_checkstack(state, columnCount + 20) != 0 else { throw configuration.tooLarge }
    let isList = request.statement.shape == .rows
    guard isList || rows.rowCount > 0 else { return lua_pushnil(state) }
    if isList {
      // A hint only: the memory is looked at row by row below.
      lua_createtable(state, Int32(min(rows.rowCount, 1024)), 0)
      // So that no rows are `[]` in an answer.
      JSONTag.push(onto: state)
      lua_setmetatable(state, -2)
    }
    let names = lua_gettop(state) + 1
    for column in rows.columns { LuaStack(state).push(column) }
    let reader = PostgresReader(
      state: state, readsNumericAsNumber: configuration.readsNumericAsNumber, memory: dispatcher.bodyMemory)
    let conversions = rows.types.map { PostgresConversion(type: $0) }
    var failure: DatabaseError?
    var row: Int64 = 0
    rows.forEach { column, value in
      if column == 0 {
        guard reader.memory.held.pointee <= reader.memory.max else {
          failure = DatabaseError(
            "the result takes more memory than one call may (limits.callMemoryBytes): ask for fewer rows",
            sqlstate: DatabaseError.State.resultTooLarge)
          return false
        }
        lua_createtable(state, 0, columnCount)
      }
      lua_pushvalue(state, names + Int32(column))
      do throws(PostgresReader.Refusal) {
        try push(value, as: column < conversions.count ? conversions[column] : .text, reader)
      } catch {
        failure = DatabaseError(
          "the column '\(rows.columns[column])' cannot be read: \(error.message)",
          sqlstate: DatabaseError.State.general)
        return false
      }
      lua_rawset(state, -3)
      guard column == rows.columns.count - 1 else { return true }
      row += 1
      if isList { lua_rawseti(state, names - 1, row) }
      return isList
    }
    if let failure { throw failure }
    // A statement without columns has rows all the same: `SELECT FROM t`.
    if isList {
      lua_settop(state, names - 1)
    } else if rows.columns.isEmpty {
      lua_createtable(state, 0, 0)
    } else {
      lua_copy(state, -1, names)
      lua_settop(state, names)
    }
  }

  private func push(
    _ value: RowBuffer.Value, as conversion: PostgresConversion, _ reader: PostgresReader
  ) throws(PostgresReader.Refusal) {
    switch value {
    case .null: lua_pushlightuserdata(reader.state, nil)
    case .integer(let number): lua_pushinteger(reader.state, number)
    case .float(let number): lua_pushnumber(reader.state, number)
    case .bytes(let bytes): try reader.push(bytes, as: conversion)
    }
  }

  // MARK: Errors

  /// Pushes an error's table; `thread` is the one that called.
  func push(_ error: DatabaseError, from thread: OpaquePointer, onto state: OpaquePointer) {
    let stack = LuaStack(state)
    let place = Self.position(of: thread)
    lua_createtable(state, 0, 8)
    let fields = [
      ("message", error.message), ("sqlstate", error.sqlstate), ("detail", error.detail),
      ("hint", error.hint),
      ("constraint", error.constraint), ("table", error.table), ("column", error.column),
      ("where", place.isEmpty ? nil : place),
    ]
    for (name, value) in fields {
      guard let value else { continue }
      stack.push(value)
      stack.setField(name)
    }
    if let position = error.position {
      lua_pushinteger(state, Int64(position))
      stack.setField("position")
    }
    lua_rawgeti(state, spacer_lua_registry(), Int64(errorTag))
    lua_setmetatable(state, -2)
  }

  /// `app/books.lua:12`: the innermost line of the application's that runs or waits on `thread`.
  static func position(of thread: OpaquePointer) -> String {
    var activation = lua_Debug()
    var level: Int32 = 0
    while lua_getstack(thread, level, &activation) != 0 {
      level += 1
      guard lua_getinfo(thread, "Sl", &activation) != 0, activation.currentline > 0 else { continue }
      let source = withUnsafeBytes(of: activation.short_src) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if source != "db" { return "\(source):\(activation.currentline)" }
    }
    return ""
  }
}
