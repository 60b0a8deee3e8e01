// One connection to PostgreSQL, used by one thread at a time, which waits in poll(2) and never without a bound.
// Unsafe: `raw` is libpq's connection, owned here. A session that has failed is closed; `connect` makes it anew.

import CPostgres
import CSystem
import Glibc
import SpacerSystem

final class PostgresSession {
  private let connString: PostgresConnString
  private let settings: [String]
  let clock: SystemClock
  var raw: OpaquePointer?
  /// Not 0 once the server has said that it ends the connection.
  let isEnding = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  private var statements: [String: String] = [:]
  private var statementNumber = 0
  /// A script was sent whose answer has not been taken.
  var isOwedAnAnswer = false
  /// Channels that were notified and not yet taken.
  var notified: Set<String> = []
  /// Called in waits, every few milliseconds.
  var onWait: () -> Void = {}
  /// Counts connections: what was told to an earlier one must be told again.
  private(set) var generation = 0

  /// - Parameter settings: `SET`s that hold for the session.
  init(connString: String, settings: [String] = [], clock: SystemClock) {
    self.connString = PostgresConnString(connString)
    self.settings = settings
    self.clock = clock
    isEnding.initialize(to: 0)
  }

  deinit {
    if let raw { spacer_pq_finish(raw) }
    isEnding.deallocate()
  }

  var isOpen: Bool { raw != nil }

  func close() {
    if let raw { spacer_pq_finish(raw) }
    raw = nil
    isEnding.pointee = 0
    statements = [:]
    isOwedAnAnswer = false
    notified = []
  }

  // MARK: Connecting

  /// Does nothing when it is connected. A host's name is resolved within the resolver's own time-outs.
  func connect(
    milliseconds: Int = PostgresLimits.connectMillisecondsMax
  ) throws(PostgresFailure) {
    if isOpen { return }
    if let problem = spacer_pq_open() {
      throw PostgresFailure(.refused(PostgresFailure.library), String(cString: problem))
    }
    if let problem = connString.problem {
      throw PostgresFailure(.refused(PostgresFailure.connString), problem)
    }
    let deadline = clock.monotonicMilliseconds() + Int64(milliseconds)
    // A later keyword takes an earlier one's place, so what the string may change comes before it.
    let pairs = [
      ("gssencmode", "disable"), ("fallback_application_name", "spacer"), ("tcp_user_timeout", "15000"),
      ("dbname", connString.text), ("client_encoding", "UTF8"),
    ]
    let keywords = pairs.map { strdup($0.0) }
    let values = pairs.map { strdup($0.1) }
    raw = spacer_pq_connect_start(
      keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil])
    for text in keywords + values { free(text) }
    do throws(PostgresFailure) {
      try finishConnecting(deadline)
      try script((Self.settings + settings).joined(separator: "; "))
    } catch {
      close()
      throw PostgresFailure(.notSent, connString.sayable(error.message))
    }
    generation += 1
  }

  /// Whatever the database's defaults: the driver counts on each statement seeing what was committed before it,
  /// and on nobody holding a lock while it is not looking.
  private static let settings = [
    "SET default_transaction_isolation = 'read committed'",
    "SET statement_timeout = \(PostgresLimits.statementMillisecondsMax)",
    "SET idle_in_transaction_session_timeout = \(PostgresLimits.statementMillisecondsMax)",
    "SET client_min_messages = 'warning'",
  ]

  private func finishConnecting(_ deadline: Int64) throws(PostgresFailure) {
    guard let raw else { throw PostgresFailure(.notSent, "out of memory") }
    var events = Int16(POLLOUT)
    while true {
      guard spacer_pq_socket(raw) >= 0 else { throw PostgresFailure(.notSent, errorMessage) }
      guard try wait(events, until: deadline) else {
        throw PostgresFailure(.notSent, "the server did not answer in time")
      }
      switch UInt32(bitPattern: spacer_pq_connect_poll(raw)) {
      case PGRES_POLLING_READING.rawValue: events = Int16(POLLIN)
      case PGRES_POLLING_WRITING.rawValue: events = Int16(POLLOUT)
      case PGRES_POLLING_OK.rawValue:
        guard spacer_pq_prepare_connection(raw, isEnding) != 0 else {
          throw PostgresFailure(.notSent, errorMessage)
        }
        return
      default: throw PostgresFailure(.notSent, errorMessage)
      }
    }
  }

  var errorMessage: String {
    guard let raw, let text = spacer_pq_error_message(raw) else { return "the connection is lost" }
    return Self.line(String(cString: text))
  }

  /// The first line: what follows may quote values.
  private static func line(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.isEmpty ? "the server closed the connection" : line
  }

  // MARK: Statements

  /// Prepares `sql` once a connection and runs it.
  /// - Throws: `refused` leaves the connection as it is; after anything else it is closed.
  @discardableResult
  func run(
    _ sql: String, _ parameters: PostgresParameters = PostgresParameters(),
    milliseconds: Int = PostgresLimits.statementMillisecondsMax
  ) throws(PostgresFailure) -> PostgresRows {
    do throws(PostgresFailure) {
      let name = try prepared(sql)
      return PostgresRows(
        try exchange(milliseconds) { raw in Self.send(raw, name, parameters) })
    } catch {
      if error.isStalePlan || error.endsConnection { close() }
      throw error
    }
  }

  /// Runs statements without parameters, as one transaction unless they say otherwise.
  func script(
    _ sql: String, milliseconds: Int = PostgresLimits.statementMillisecondsMax
  ) throws(PostgresFailure) {
    do throws(PostgresFailure) {
      _ = PostgresRows(try exchange(milliseconds) { spacer_pq_send_query($0, sql) })
    } catch {
      if error.endsConnection { close() }
      throw error
    }
  }

  /// Sends statements whose outcome nobody waits for.
  func post(_ sql: String) {
    guard let raw, (try? takeOwed()) != nil else { return }
    guard spacer_pq_send_query(raw, sql) != 0, spacer_pq_flush(raw) >= 0 else { return close() }
    isOwedAnAnswer = true
  }

  private func prepared(_ sql: String) throws(PostgresFailure) -> String {
    if let name = statements[sql] { return name }
    if statements.count >= PostgresLimits.statementCountMax {
      try script("DEALLOCATE ALL")
      statements = [:]
    }
    statementNumber += 1
    let name = "s\(statementNumber)"
    do throws(PostgresFailure) {
      _ = PostgresRows(
        try exchange(PostgresLimits.statementMillisecondsMax) {
          spacer_pq_send_prepare($0, name, sql, 0, nil)
        })
    } catch {
      // Nothing but the preparing was sent.
      throw error.kind == .lost ? PostgresFailure(.notSent, error.message) : error
    }
    statements[sql] = name
    return name
  }

  private static func send(_ raw: OpaquePointer, _ name: String, _ parameters: PostgresParameters) -> Int32 {
    parameters.bytes.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { bytes in
        let values = parameters.places.map { place in
          place.flatMap { place in bytes.baseAddress.map { $0 + place.offset } }
        }
        let lengths = parameters.places.map { Int32(truncatingIfNeeded: $0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: values.count)
        return spacer_pq_send_binary(raw, name, Int32(values.count), values, lengths, formats)
      }
    }
  }

  /// Sends, and takes all that the server answers: only the end of the answer says that a transaction has been
  /// committed. Gives the last result.
  private func exchange(
    _ milliseconds: Int, _ send: (OpaquePointer) -> Int32
  ) throws(PostgresFailure) -> OpaquePointer? {
    try takeOwed()
    guard let raw, isAlive(raw) else {
      let message = errorMessage
      close()
      throw PostgresFailure(.notSent, message)
    }
    guard send(raw) != 0 else {
      let message = errorMessage
      close()
      throw PostgresFailure(.notSent, message)
    }
    return try answer(milliseconds + PostgresLimits.statementGraceMilliseconds)
  }

  private func takeOwed() throws(PostgresFailure) {
    guard isOwedAnAnswer else { return }
    isOwedAnAnswer = false
    do throws(PostgresFailure) {
      _ = PostgresRows(
        try answer(PostgresLimits.statementMillisecondsMax + PostgresLimits.statementGraceMilliseconds))
    } catch {
      if case .refused = error.kind, !error.endsConnection { return }
      close()
      throw PostgresFailure(.notSent, error.message)
    }
  }

  /// A connection that the server has ended says so here, before anything is sent on it.
  func isAlive(_ raw: OpaquePointer) -> Bool {
    guard spacer_pq_read_input(raw) != 0 else { return false }
    // Looks into what has been read.
    _ = spacer_pq_is_busy(raw)
    return spacer_pq_is_ok(raw) != 0 && isEnding.pointee == 0
  }

  private func answer(_ milliseconds: Int) throws(PostgresFailure) -> OpaquePointer? {
    let deadline = clock.monotonicMilliseconds() + Int64(milliseconds)
    var last: OpaquePointer?
    var refusal: PostgresFailure?
    while let raw {
      let isFlushed = spacer_pq_flush(raw) == 0
      if spacer_pq_is_busy(raw) == 0 {
        guard let part = spacer_pq_get_result(raw) else { break }
        switch UInt32(bitPattern: spacer_pq_result_status(part)) {
        case PGRES_TUPLES_OK.rawValue, PGRES_COMMAND_OK.rawValue, PGRES_EMPTY_QUERY.rawValue:
          if let last { spacer_pq_clear(last) }
          last = part
        default:
          refusal = refusal ?? Self.failure(part)
          spacer_pq_clear(part)
        }
        continue
      }
      var problem: String?
      do throws(PostgresFailure) {
        if try wait(Int16(isFlushed ? POLLIN : POLLIN | POLLOUT), until: deadline) {
          if spacer_pq_read_input(raw) == 0 { problem = errorMessage }
        } else {
          problem = "the server did not answer in time"
        }
      } catch {
        problem = error.message
      }
      if let problem {
        if let last { spacer_pq_clear(last) }
        close()
        throw PostgresFailure(.lost, problem)
      }
    }
    guard let refusal else {
      if raw == nil { throw PostgresFailure(.lost, "the connection is lost") }
      return last
    }
    if let last { spacer_pq_clear(last) }
    // The server's last words do not say whether it had committed before them.
    if raw.map({ spacer_pq_is_ok($0) == 0 }) ?? true || isEnding.pointee != 0 || refusal.state.isEmpty {
      close()
      throw PostgresFailure(.lost, refusal.message)
    }
    throw refusal
  }

  private static func failure(_ part: OpaquePointer) -> PostgresFailure {
    func field(_ code: UInt8) -> String? {
      spacer_pq_result_error_field(part, Int32(code)).map { String(cString: $0) }
    }
    let message = field(UInt8(ascii: "M")) ?? spacer_pq_result_error_message(part).map { String(cString: $0) }
    guard let state = field(UInt8(ascii: "C")) else {
      return PostgresFailure(.lost, line(message ?? ""))
    }
    // Of a violated constraint the name is enough; PostgreSQL puts the values into the detail, which stays out.
    return PostgresFailure(.refused(state), line(message ?? ""))
  }
}
