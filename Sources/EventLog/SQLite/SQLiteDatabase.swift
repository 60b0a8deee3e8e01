// A connection to a SQLite file for our own statements. Unsafe: `raw` and the statements are SQLite's; they live
// as long as this object, which one thread uses at a time (its owner stands in a monitor or belongs to one
// consumer).

import CSQLite
import Glibc

/// An open database with its prepared statements.
final class SQLiteDatabase {
  private var raw: OpaquePointer?
  private var statements: [String: SQLiteStatement] = [:]
  /// How long a statement waits for another connection's lock.
  static let busyMilliseconds: Int32 = 5_000

  /// Opens a file, or makes it.
  init(path: String) throws(EventLogError) {
    if let reason = spacer_sqlite_load() {
      throw EventLogError(.incompatible, String(cString: reason))
    }
    let status = spacer_sqlite_open_log(path, &raw, Self.busyMilliseconds)
    guard status == SQLITE_OK else {
      let error = failure("cannot open the event log's file \(path)")
      close()
      throw error
    }
  }

  deinit { close() }

  private func close() {
    for statement in statements.values { spacer_sqlite_finalize(statement.raw) }
    statements = [:]
    if let raw { spacer_sqlite_close(raw) }
    raw = nil
  }

  /// What went wrong last.
  func failure(_ doing: String, isCommit: Bool = false) -> EventLogError {
    guard let raw else { return EventLogError(.overloaded, "\(doing): out of memory") }
    return SQLiteError.error(
      code: spacer_sqlite_extended_errcode(raw), systemError: spacer_sqlite_system_errno(raw),
      message: spacer_sqlite_errmsg(raw).map { String(cString: $0) } ?? "unknown error", doing: doing,
      isCommit: isCommit)
  }

  /// The prepared statement for a text, which stays prepared.
  func statement(_ sql: String) throws(EventLogError) -> SQLiteStatement {
    if let statement = statements[sql] { return statement }
    let statement = SQLiteStatement(raw: try prepare(sql))
    statements[sql] = statement
    return statement
  }

  private func prepare(_ sql: String) throws(EventLogError) -> OpaquePointer {
    var prepared: OpaquePointer?
    let status = spacer_sqlite_prepare(raw, sql, -1, &prepared, nil)
    guard status == SQLITE_OK, let prepared else { throw failure("cannot use the event log's tables") }
    return prepared
  }

  /// Runs a statement without rows, which is not kept.
  func execute(_ sql: String, isCommit: Bool = false) throws(EventLogError) {
    let prepared = try prepare(sql)
    defer { spacer_sqlite_finalize(prepared) }
    while true {
      switch spacer_sqlite_step(prepared) {
      case SQLITE_ROW: continue
      case SQLITE_DONE: return
      default: throw failure("cannot write the event log", isCommit: isCommit)
      }
    }
  }

  /// Runs a statement that stays prepared, to its end or until `row` says no. It is reset afterwards.
  func run(
    _ sql: String, _ parameters: [SQLiteValue] = [], row: (SQLiteStatement) -> Bool = { _ in true }
  ) throws(EventLogError) {
    let statement = try statement(sql)
    defer { statement.reset() }
    for (index, parameter) in parameters.enumerated() {
      guard statement.bind(parameter, at: Int32(clamping: index + 1)) else {
        throw failure("cannot hand a value to SQLite")
      }
    }
    while try step(statement) {
      guard row(statement) else { return }
    }
  }

  /// True when there is a row.
  func step(_ statement: SQLiteStatement, isCommit: Bool = false) throws(EventLogError) -> Bool {
    switch spacer_sqlite_step(statement.raw) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw failure("cannot use the event log", isCommit: isCommit)
    }
  }

  /// The one number that a statement answers with; nil when it has no row.
  func number(_ sql: String, _ parameters: [SQLiteValue] = []) throws(EventLogError) -> Int64? {
    var number: Int64?
    try run(sql, parameters) { statement in
      number = statement.isNull(0) ? nil : statement.integer(0)
      return false
    }
    return number
  }

  /// Changes when another connection, of this process or another, has committed.
  func dataVersion() throws(EventLogError) -> Int64 { try number("PRAGMA data_version") ?? 0 }

  var lastInsertedOffset: Int64 { raw.map { Int64(spacer_sqlite_last_insert_rowid($0)) } ?? 0 }

  /// Rows that the last statement changed.
  var changeCount: Int64 { raw.map { Int64(spacer_sqlite_changes($0)) } ?? 0 }

  /// Runs `body` in a transaction that writes; on an error nothing of it stays.
  func transaction<Result>(_ body: () throws(EventLogError) -> Result) throws(EventLogError) -> Result {
    try run("BEGIN IMMEDIATE")
    do throws(EventLogError) {
      let result = try body()
      let commit = try statement("COMMIT")
      defer { commit.reset() }
      _ = try step(commit, isCommit: true)
      return result
    } catch {
      if let raw, spacer_sqlite_is_autocommit(raw) == 0 { try? run("ROLLBACK") }
      throw error
    }
  }
}

/// A parameter of a statement.
enum SQLiteValue {
  case integer(Int64)
  case text([UInt8])
  case blob([UInt8])

  static func text(_ text: String) -> SQLiteValue { .text(Array(text.utf8)) }
}

/// A prepared statement; its `SQLiteDatabase` owns it.
struct SQLiteStatement {
  let raw: OpaquePointer

  func reset() { _ = spacer_sqlite_reset(raw) }

  func bind(_ value: SQLiteValue, at index: Int32) -> Bool {
    let status =
      switch value {
      case .integer(let number): spacer_sqlite_bind_int64(raw, index, number)
      case .text(let bytes):
        bytes.withUnsafeBytes {
          spacer_sqlite_bind_text(
            raw, index, $0.baseAddress?.assumingMemoryBound(to: CChar.self), UInt($0.count))
        }
      case .blob(let bytes):
        bytes.withUnsafeBytes { spacer_sqlite_bind_blob(raw, index, $0.baseAddress, UInt($0.count)) }
      }
    return status == SQLITE_OK
  }

  func isNull(_ column: Int32) -> Bool { spacer_sqlite_column_type(raw, column) == SQLITE_NULL }

  func integer(_ column: Int32) -> Int64 { Int64(spacer_sqlite_column_int64(raw, column)) }

  func bytes(_ column: Int32) -> [UInt8] {
    var length: Int32 = 0
    guard let bytes = spacer_sqlite_column_bytes(raw, column, &length), length > 0 else { return [] }
    return Array(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
  }

  /// Nil for NULL.
  func string(_ column: Int32) -> String? {
    isNull(column) ? nil : String(decoding: bytes(column), as: UTF8.self)
  }
}
