// What the server answers to a statement: its rows, its command, its errors. Unsafe: a result of libpq's is
// cleared by whoever took it, after its last use.

import CPostgres

extension PostgresConnection {
  func takeResults(isLost: Bool) {
    while let raw, step != nil {
      // On a lost connection no result makes libpq wait.
      if !isLost, spacer_pq_is_busy(raw) != 0 { return }
      guard let part = spacer_pq_get_result(raw) else {
        if isLost { return }
        stepEnded()
        continue
      }
      take(part)
      spacer_pq_clear(part)
    }
  }

  private func take(_ part: OpaquePointer) {
    switch UInt32(bitPattern: spacer_pq_result_status(part)) {
    case PGRES_SINGLE_TUPLE.rawValue: takeRow(part)
    case PGRES_TUPLES_OK.rawValue, PGRES_COMMAND_OK.rawValue:
      if result.rows.columns.isEmpty { describe(part) }
      if let command = spacer_pq_cmd_status(part) { result.command = String(cString: command) }
      if let count = spacer_pq_cmd_tuples(part) { result.affected = Int64(String(cString: count)) ?? 0 }
    case PGRES_EMPTY_QUERY.rawValue:
      failure = DatabaseError("the statement is empty", sqlstate: DatabaseError.State.syntax)
    case PGRES_COPY_IN.rawValue, PGRES_COPY_OUT.rawValue, PGRES_COPY_BOTH.rawValue:
      var error = DatabaseError(
        "COPY between server and client is not supported", sqlstate: DatabaseError.State.notSupported)
      error.isFatal = true
      fail(error)
      // libpq gives this result over and over until data is copied.
      lose(error.message)
    default: fail(Self.error(of: part))
    }
  }

  func fail(_ error: DatabaseError) {
    // The first says why; what follows is its consequence.
    if failure == nil { failure = error }
  }

  private func describe(_ part: OpaquePointer) {
    for column in 0..<spacer_pq_nfields(part) {
      result.rows.columns.append(spacer_pq_fname(part, column).map { String(cString: $0) } ?? "")
      result.rows.types.append(spacer_pq_ftype(part, column))
    }
  }

  private func takeRow(_ part: OpaquePointer) {
    guard failure == nil, statement.shape != .count,
      statement.shape == .rows || result.rows.rowCount == 0
    else { return }
    if result.rows.columns.isEmpty { describe(part) }
    for column in 0..<spacer_pq_nfields(part) {
      if spacer_pq_getisnull(part, 0, column) != 0 {
        result.rows.appendNull()
      } else {
        result.rows.append(
          UnsafeRawBufferPointer(
            start: spacer_pq_getvalue(part, 0, column), count: Int(spacer_pq_getlength(part, 0, column))))
      }
    }
    result.rows.endRow()
    guard result.rows.byteCount > configuration.resultBytesMax else { return }
    fail(configuration.tooLarge)
    result.rows = RowBuffer()
    cancel()
  }

  static func error(of part: OpaquePointer) -> DatabaseError {
    func field(_ code: UInt8) -> String? {
      spacer_pq_result_error_field(part, Int32(code)).map { String(cString: $0) }
    }
    let text = field(UInt8(ascii: "M")) ?? spacer_pq_result_error_message(part).map { String(cString: $0) }
    var error = DatabaseError(
      trimmed(text ?? "the connection is lost"),
      sqlstate: field(UInt8(ascii: "C")) ?? DatabaseError.State.connectionLost)
    error.detail = field(UInt8(ascii: "D"))
    error.hint = field(UInt8(ascii: "H"))
    error.constraint = field(UInt8(ascii: "n"))
    error.table = field(UInt8(ascii: "t"))
    error.column = field(UInt8(ascii: "c"))
    error.position = field(UInt8(ascii: "P")).flatMap { Int($0) }
    error.isStalePlan =
      error.sqlstate == "26000"
      || error.sqlstate == "0A000" && field(UInt8(ascii: "R")) == "RevalidateCachedQuery"
    let severity = field(UInt8(ascii: "V"))
    error.isFatal = severity == "FATAL" || severity == "PANIC" || severity == nil
    return error
  }
}
