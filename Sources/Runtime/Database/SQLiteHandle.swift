// SQLite itself, on the threads of `WorkQueue.sqlite`. Unsafe: `raw` and the statements are SQLite's, owned
// here and used under `lock`: the loop gives a handle one job at a time, but closes it while one may still run.

import CSQLite
import Glibc
import Synchronization

/// An open database and its prepared statements.
final class SQLiteHandle: @unchecked Sendable {
  // Thread rule: see above; `cancel` and `clearCancel` alone are called on the loop's thread, and `raw` does not
  // change from the end of `open` to the begin of `close`.
  private let lock = Mutex(())
  private let configuration: DatabaseConfiguration
  private var raw: OpaquePointer?
  private var cache: StatementCache<OpaquePointer>
  /// Not 0 while the running statement shall end.
  private let cancelFlag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  /// How a job ended.
  enum Outcome: Sendable {
    case done(StatementResult, isInTransaction: Bool)
    /// Another connection holds the lock; nothing was done.
    case busy
    case failed(DatabaseError, isInTransaction: Bool)
  }

  init(_ configuration: DatabaseConfiguration) {
    self.configuration = configuration
    cache = StatementCache(countMax: max(1, configuration.statementCountMax))
    cancelFlag.initialize(to: 0)
  }

  deinit {
    close()
    cancelFlag.deallocate()
  }

  // MARK: On the loop's thread

  /// Ends the running statement soon. The handle is open, and not closed before this returns.
  func cancel() {
    spacer_sqlite_set_flag(cancelFlag, 1)
    if let raw { spacer_sqlite_interrupt(raw) }
  }

  /// Before a statement is handed over.
  func clearCancel() { spacer_sqlite_set_flag(cancelFlag, 0) }

  // MARK: On a thread of the queue

  /// Opens the database.
  func open() -> Outcome { lock.withLock { _ in openLocked() } }

  /// Runs a statement to its end.
  func run(_ statement: DatabaseStatement) -> Outcome { lock.withLock { _ in runLocked(statement) } }

  func close() { lock.withLock { _ in closeLocked() } }

  private func openLocked() -> Outcome {
    if raw == nil {
      SQLitePlace.prepare(configuration)
      let path = SQLitePlace.uri(configuration)
      guard spacer_sqlite_open(path, &raw, cancelFlag) == SQLITE_OK else {
        let outcome = failure("cannot open \(configuration.location): ")
        closeLocked()
        return outcome
      }
    }
    for pragma in ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"] {
      let outcome = runLocked(.control("PRAGMA \(pragma)"))
      guard case .done = outcome else { return outcome }
    }
    return .done(StatementResult(), isInTransaction: false)
  }

  private func closeLocked() {
    for statement in cache.removeAll() { spacer_sqlite_finalize(statement) }
    if let raw { spacer_sqlite_close(raw) }
    raw = nil
  }

  private var isInTransaction: Bool { raw.map { spacer_sqlite_is_autocommit($0) == 0 } ?? false }

  private func runLocked(_ statement: DatabaseStatement) -> Outcome {
    guard let raw else {
      return .failed(
        DatabaseError("the database is closed", sqlstate: DatabaseError.State.connectionLost),
        isInTransaction: false)
    }
    guard spacer_sqlite_flag(cancelFlag) == 0 else {
      return .failed(
        DatabaseError("cancelled", sqlstate: DatabaseError.State.cancelled), isInTransaction: isInTransaction)
    }
    do throws(SQLiteStop) {
      let prepared = try prepare(statement.sql, raw)
      defer { spacer_sqlite_reset(prepared) }
      try bind(statement.parameters, to: prepared)
      return .done(try step(prepared, raw, statement.shape), isInTransaction: isInTransaction)
    } catch {
      switch error {
      case .library: return failure()
      case .refused(let error): return .failed(error, isInTransaction: isInTransaction)
      }
    }
  }

  /// Why a statement ended before its end.
  private enum SQLiteStop: Error {
    /// SQLite says why.
    case library
    case refused(DatabaseError)

    static func refusal(_ message: String, _ state: String = DatabaseError.State.syntax) -> SQLiteStop {
      .refused(DatabaseError(message, sqlstate: state))
    }
  }

  private func failure(_ prefix: String = "") -> Outcome {
    guard let raw else {
      return .failed(
        DatabaseError(prefix + "out of memory", sqlstate: DatabaseError.State.general), isInTransaction: false
      )
    }
    let code = spacer_sqlite_extended_errcode(raw)
    let text = spacer_sqlite_errmsg(raw).map { String(cString: $0) } ?? "unknown error"
    if code & 0xFF == SQLITE_BUSY { return .busy }
    return .failed(SQLiteErrors.error(code: code, prefix + text), isInTransaction: isInTransaction)
  }

  private func prepare(_ sql: [UInt8], _ raw: OpaquePointer) throws(SQLiteStop) -> OpaquePointer {
    if let prepared = cache.find(sql) { return prepared }
    var prepared: OpaquePointer?
    var restOffset = sql.count
    let status = sql.withUnsafeBytes { bytes -> Int32 in
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return SQLITE_ERROR }
      var tail: UnsafePointer<CChar>?
      let status = spacer_sqlite_prepare(raw, base, Int32(clamping: bytes.count), &prepared, &tail)
      if let tail { restOffset = min(tail - base, bytes.count) }
      return status
    }
    guard status == SQLITE_OK else { throw .library }
    guard let prepared else { throw .refusal("the statement is empty") }
    guard SQLiteErrors.isBlank(sql[restOffset...]) else {
      spacer_sqlite_finalize(prepared)
      throw .refusal("several statements in one string: run each by itself")
    }
    if let old = cache.insert(sql, prepared) { spacer_sqlite_finalize(old) }
    return prepared
  }

  private func bind(_ parameters: [DatabaseParameter], to prepared: OpaquePointer) throws(SQLiteStop) {
    var numberMax = 0
    for index in 0..<spacer_sqlite_bind_parameter_count(prepared) {
      // A number that is left out, as with `?3` alone, has no name.
      guard let raw = spacer_sqlite_bind_parameter_name(prepared, index + 1) else {
        throw .refusal("write parameters as $1, $2 …")
      }
      let name = String(cString: raw)
      guard name.hasPrefix("$") || name.hasPrefix("?"), let number = Int(name.dropFirst()), number > 0 else {
        throw .refusal("write parameters as $1, $2 …, not \(name)")
      }
      numberMax = max(numberMax, number)
      guard number <= parameters.count else { break }
      guard bind(parameters[number - 1], at: index + 1, to: prepared) == SQLITE_OK else { throw .library }
    }
    guard numberMax == parameters.count else {
      throw .refusal(
        "the statement has \(numberMax) parameters, and \(parameters.count) were given",
        DatabaseError.State.parameterCount)
    }
  }

  private func bind(_ parameter: DatabaseParameter, at index: Int32, to prepared: OpaquePointer) -> Int32 {
    switch parameter {
    case .null: spacer_sqlite_bind_null(prepared, index)
    case .boolean(let flag): spacer_sqlite_bind_int64(prepared, index, flag ? 1 : 0)
    case .integer(let number): spacer_sqlite_bind_int64(prepared, index, number)
    case .float(let number): spacer_sqlite_bind_double(prepared, index, number)
    case .text(let bytes):
      bytes.withUnsafeBytes {
        spacer_sqlite_bind_text(
          prepared, index, $0.baseAddress?.assumingMemoryBound(to: CChar.self), UInt($0.count))
      }
    case .bytes(let bytes):
      bytes.withUnsafeBytes { spacer_sqlite_bind_blob(prepared, index, $0.baseAddress, UInt($0.count)) }
    }
  }

  private func step(
    _ prepared: OpaquePointer, _ raw: OpaquePointer, _ shape: ResultShape
  ) throws(SQLiteStop) -> StatementResult {
    var result = StatementResult()
    let changesBefore = spacer_sqlite_total_changes(raw)
    var rowCount: Int64 = 0
    while true {
      switch spacer_sqlite_step(prepared) {
      case SQLITE_ROW: break
      case SQLITE_DONE:
        let isWrite = spacer_sqlite_is_readonly(prepared) == 0
        let hasChanged = spacer_sqlite_total_changes(raw) != changesBefore
        result.affected = isWrite ? (hasChanged ? spacer_sqlite_changes(raw) : 0) : rowCount
        return result
      default: throw .library
      }
      rowCount += 1
      if rowCount == 1 {
        // A schema that changed since it was prepared shows only now.
        result.rows.columns = (0..<spacer_sqlite_column_count(prepared)).map {
          spacer_sqlite_column_name(prepared, $0).map { String(cString: $0) } ?? ""
        }
      }
      guard shape == .rows || shape == .first && rowCount == 1 else { continue }
      Self.appendRow(prepared, to: &result.rows)
      if result.rows.byteCount > configuration.resultBytesMax { throw .refused(configuration.tooLarge) }
    }
  }

  private static func appendRow(_ prepared: OpaquePointer, to rows: inout RowBuffer) {
    for column in 0..<Int32(clamping: rows.columns.count) {
      switch spacer_sqlite_column_type(prepared, column) {
      case SQLITE_INTEGER: rows.append(Int64(spacer_sqlite_column_int64(prepared, column)))
      case SQLITE_FLOAT: rows.append(spacer_sqlite_column_double(prepared, column))
      case SQLITE_NULL: rows.appendNull()
      default:
        var length: Int32 = 0
        let bytes = spacer_sqlite_column_bytes(prepared, column, &length)
        rows.append(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(length)))
      }
    }
    rows.endRow()
  }
}

/// Where a SQLite database is.
enum SQLitePlace {
  /// The path as SQLite takes it. `:memory:` is one database of the whole process.
  static func uri(_ configuration: DatabaseConfiguration) -> String {
    switch configuration.location {
    case ":memory:": "file:/spacer-\(configuration.name)?vfs=memdb"
    case DatabaseConfiguration.ownMemory: "file::memory:"
    default: plain(configuration.location)
    }
  }

  /// A path that begins with `file:` would be read as a URI.
  private static func plain(_ path: String) -> String { path.hasPrefix("/") ? path : "./" + path }

  /// Makes the folders that are missing; what fails shows when the database is opened.
  static func prepare(_ configuration: DatabaseConfiguration) {
    guard configuration.location != ":memory:" else { return SQLiteMemory.keep(uri(configuration)) }
    guard configuration.location != DatabaseConfiguration.ownMemory else { return }
    var folder = ""
    for part in configuration.location.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      folder += part
      if !folder.isEmpty { _ = mkdir(folder, 0o755) }
      folder += "/"
    }
  }
}

/// Databases in memory: each lives as long as one connection to it, so one stays open to the end of the process.
private enum SQLiteMemory {
  private static let kept = Mutex<Set<String>>([])

  static func keep(_ uri: String) {
    kept.withLock { kept in
      guard kept.insert(uri).inserted else { return }
      let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
      flag.initialize(to: 0)
      var database: OpaquePointer?
      _ = spacer_sqlite_open(uri, &database, flag)
    }
  }
}

/// SQLite's errors in PostgreSQL's terms.
enum SQLiteErrors {
  static func error(code: Int32, _ message: String) -> DatabaseError {
    var error = DatabaseError(message, sqlstate: sqlstate(code: code, message))
    // `UNIQUE constraint failed: books.title`
    if code & 0xFF == SQLITE_CONSTRAINT, let colon = message.lastIndex(of: ":") {
      let place = message[message.index(after: colon)...].drop { $0 == " " }
      // A trigger's own message may be anything.
      let parts = (place.split(separator: ",").first ?? "").split(separator: ".")
      if parts.count == 2 {
        error.table = String(parts[0])
        error.column = String(parts[1])
      } else if code == constraintCheck {
        error.constraint = String(place)
      }
    }
    return error
  }

  // The extended codes are macros that are not imported: the primary code and a number shifted by 8.
  private static let constraintCheck = SQLITE_CONSTRAINT | 1 << 8
  private static let constraintForeignKey = SQLITE_CONSTRAINT | 3 << 8
  private static let constraintNotNull = SQLITE_CONSTRAINT | 5 << 8
  private static let constraintPrimaryKey = SQLITE_CONSTRAINT | 6 << 8
  private static let constraintUnique = SQLITE_CONSTRAINT | 8 << 8
  private static let constraintRowID = SQLITE_CONSTRAINT | 10 << 8

  private static func sqlstate(code: Int32, _ message: String) -> String {
    switch code {
    case constraintCheck: return "23514"
    case constraintForeignKey: return "23503"
    case constraintNotNull: return "23502"
    case constraintPrimaryKey, constraintUnique, constraintRowID: return "23505"
    default: break
    }
    switch code & 0xFF {
    case SQLITE_CONSTRAINT: return "23000"
    case SQLITE_BUSY, SQLITE_LOCKED: return DatabaseError.State.lockNotAvailable
    case SQLITE_INTERRUPT: return DatabaseError.State.cancelled
    case SQLITE_READONLY: return "25006"
    case SQLITE_FULL: return "53100"
    case SQLITE_TOOBIG: return DatabaseError.State.resultTooLarge
    case SQLITE_CANTOPEN, SQLITE_NOTADB: return DatabaseError.State.cannotConnect
    case SQLITE_AUTH: return "42501"
    case SQLITE_MISMATCH: return "22000"
    case SQLITE_ERROR where message.hasPrefix("no such table"): return "42P01"
    case SQLITE_ERROR where message.hasPrefix("no such column"): return "42703"
    case SQLITE_ERROR where message.hasPrefix("no such function"): return "42883"
    case SQLITE_ERROR where message.hasSuffix("already exists"): return "42P07"
    case SQLITE_ERROR: return DatabaseError.State.syntax
    default: return DatabaseError.State.general
    }
  }

  /// Whether what is behind a statement is space, comments and semicolons.
  static func isBlank(_ rest: ArraySlice<UInt8>) -> Bool {
    var rest = rest
    while let byte = rest.first, byte != 0 {
      if byte == UInt8(ascii: ";") || byte == 0x20 || (0x09...0x0D).contains(byte) {
        rest = rest.dropFirst()
      } else if rest.starts(with: "--".utf8) {
        rest = rest.drop { $0 != 0x0A }
      } else if rest.starts(with: "/*".utf8) {
        rest = rest.dropFirst(2)
        while !rest.isEmpty, !rest.starts(with: "*/".utf8) { rest = rest.dropFirst() }
        rest = rest.dropFirst(2)
      } else {
        return false
      }
    }
    return true
  }
}
