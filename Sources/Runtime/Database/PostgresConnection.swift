// One connection to PostgreSQL, driven by the loop through libpq's asynchronous interface. Unsafe: `raw` is
// libpq's connection, owned here, used on the worker's thread only and gone after `close`.
//
// A statement is a few steps, each sent when the one before has been answered to its end: what must be
// deallocated, preparing it unless it is prepared, running it. Only the last one changes anything, so a
// connection that is lost before it was sent has done nothing.

import CPostgres
import CSystem
import Glibc
import SpacerEventLog

/// What is sent to the server at a time.
enum PostgresStep {
  /// Text of our own.
  case simple([UInt8])
  case deallocate(String)
  case prepare(String)
  case execute(String)
  /// Without a prepared statement.
  case executeOnce
}

final class PostgresConnection: DatabaseConnection {
  private enum Phase { case new, resolving, connecting, settingUp, idle, running, closed }

  /// What makes values come as `PostgresText` reads them, whatever the server's settings.
  private static let setUp =
    "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex'"

  let configuration: DatabaseConfiguration
  var raw: OpaquePointer?
  /// Not 0 once the server has said that it ends the connection.
  private let isEnding = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  private var phase = Phase.new
  private var descriptor: Int32 = -1
  private var interest = PollEvents()
  private var cache: StatementCache<String>
  /// Statements of the server's that nobody knows any more.
  private var leftover: [String] = []
  private var nextName = 1

  var statement = DatabaseStatement(sql: [0])
  private var steps: [PostgresStep] = []
  var step: PostgresStep?
  var result = StatementResult()
  var failure: DatabaseError?
  /// What may change something has been sent.
  private var hasBegun = false
  private var hasRepeated = false
  private var isCancelled = false
  private var cancelsInFlight = 0

  init(number: UInt64, services: Databases, configuration: DatabaseConfiguration) {
    self.configuration = configuration
    cache = StatementCache(countMax: configuration.statementCountMax)
    isEnding.initialize(to: 0)
    super.init(number: number, services: services)
  }

  deinit {
    if let raw { spacer_pq_finish(raw) }
    isEnding.deallocate()
  }

  override var isRunning: Bool { phase == .running }
  override var isClosed: Bool { phase == .closed }
  override var isInTransaction: Bool {
    raw.map { spacer_pq_transaction_status($0) != Int32(PQTRANS_IDLE.rawValue) } ?? false
  }

  // MARK: Opening

  override func open() {
    if let problem = spacer_pq_open() {
      return failOpening(DatabaseError(String(cString: problem), sqlstate: DatabaseError.State.cannotConnect))
    }
    if let problem = PostgresConnString(configuration.location).problem {
      return failOpening("databases.\(configuration.name): \(problem)")
    }
    guard let list = HostList.read(configuration.location) else { return connect(to: nil) }
    phase = .resolving
    let (number, mailbox, reference) = (number, services.mailbox, services.reference)
    WorkQueue.names.run {
      let resolved = list.resolved(HostList.lookUp)
      mailbox.post(
        .work {
          reference.value?.onConnection(number) { connection in
            (connection as? PostgresConnection)?.resolved(resolved, list)
          }
        })
    }
  }

  private func resolved(_ hosts: ResolvedHosts?, _ list: HostList) {
    guard phase == .resolving else { return }
    guard let hosts else {
      return failOpening("cannot resolve the host \(list.hosts.joined(separator: ", "))")
    }
    connect(to: hosts)
  }

  private func connect(to hosts: ResolvedHosts?) {
    // A later keyword takes an earlier one's place, so what the string may change comes before it.
    var pairs = [
      ("gssencmode", "disable"), ("fallback_application_name", "spacer"),
      ("dbname", configuration.location), ("client_encoding", "UTF8"),
    ]
    if let hosts {
      pairs.append(("host", hosts.hosts.joined(separator: ",")))
      pairs.append(("hostaddr", hosts.addresses.joined(separator: ",")))
      pairs.append(("port", hosts.ports.joined(separator: ",")))
    }
    let keywords = pairs.map { strdup($0.0) }
    let values = pairs.map { strdup($0.1) }
    defer { for text in keywords + values { free(text) } }
    raw = spacer_pq_connect_start(
      keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil])
    guard let raw else { return failOpening("out of memory") }
    phase = .connecting
    guard spacer_pq_socket(raw) >= 0 else { return failOpening(errorMessage) }
    watch(.writable)
  }

  private var errorMessage: String {
    guard let raw, let text = spacer_pq_error_message(raw) else { return "the connection is lost" }
    let message = Self.trimmed(String(cString: text))
    return message.isEmpty ? "the server closed the connection" : message
  }

  static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while text.last?.isWhitespace ?? false { text = text.dropLast() }
    return String(text)
  }

  private func failOpening(_ message: String) {
    let message = PostgresConnString(configuration.location).sayable(message)
    failOpening(DatabaseError(message, sqlstate: DatabaseError.State.cannotConnect))
  }

  private func failOpening(_ error: DatabaseError) {
    close()
    services.later { [self] in owner?.connectionFailed(self, error) }
  }

  private func continueConnecting() {
    guard let raw else { return }
    switch UInt32(bitPattern: spacer_pq_connect_poll(raw)) {
    case PGRES_POLLING_READING.rawValue: watch(.readable)
    case PGRES_POLLING_WRITING.rawValue: watch(.writable)
    case PGRES_POLLING_OK.rawValue:
      guard spacer_pq_prepare_connection(raw, isEnding) != 0 else { return failOpening(errorMessage) }
      phase = .settingUp
      steps = [.simple(Array(Self.setUp.utf8) + [0])]
      sendNext()
    default: failOpening(errorMessage)
    }
  }

  // MARK: The socket

  /// Watches the socket, which may have become another one.
  private func watch(_ events: PollEvents) {
    guard let raw else { return }
    let socket = spacer_pq_socket(raw)
    guard socket >= 0 else { return lose(errorMessage) }
    // While it connects, another socket may have got the same number.
    if socket == descriptor, events == interest, phase != .connecting { return }
    do throws(SystemCallError) {
      try services.watch(socket, events, connection: number)
      descriptor = socket
      interest = events
    } catch {
      lose("\(error)")
    }
  }

  /// The socket is ready.
  func ready() {
    switch phase {
    case .connecting: continueConnecting()
    case .idle, .running, .settingUp: readAndWrite()
    case .new, .resolving, .closed: break
    }
  }

  private func readAndWrite() {
    guard let raw else { return }
    guard isAlive(raw) else {
      // The server's last words may be among what came.
      if step != nil { takeResults(isLost: true) }
      return lose(errorMessage)
    }
    flush()
    if step != nil { takeResults(isLost: false) }
  }

  /// Reads what there is.
  private func isAlive(_ raw: OpaquePointer) -> Bool {
    spacer_pq_consume_input(raw) != 0 && spacer_pq_is_ok(raw) != 0 && isEnding.pointee == 0
  }

  private func flush() {
    guard let raw else { return }
    switch spacer_pq_flush(raw) {
    case 0: watch(.readable)
    case 1: watch([.readable, .writable])
    // What the server said before comes with the next read, which also finds that it is gone.
    default: watch(.readable)
    }
  }

  func lose(_ message: String) {
    guard phase != .closed else { return }
    let (before, hasBegun) = (phase, self.hasBegun)
    var error = failure ?? DatabaseError(message, sqlstate: DatabaseError.State.connectionLost)
    error.isFatal = true
    close()
    services.later { [self] in
      switch before {
      case .running: owner?.statementEnded(self, hasBegun ? .failed(error) : .notBegun(error))
      case .idle: owner?.connectionLost(self)
      default: owner?.connectionFailed(self, error)
      }
    }
  }

  override func close() {
    phase = .closed
    step = nil
    steps = []
    if let raw { spacer_pq_finish(raw) }
    raw = nil
    descriptor = -1
  }

  // MARK: Statements

  override func start(_ statement: DatabaseStatement) {
    guard let raw, phase == .idle else {
      return services.later { [self] in
        owner?.statementEnded(
          self,
          .notBegun(DatabaseError("the connection is closed", sqlstate: DatabaseError.State.connectionLost)))
      }
    }
    phase = .running
    self.statement = statement
    result = StatementResult()
    failure = nil
    hasBegun = false
    hasRepeated = false
    isCancelled = false
    step = nil
    // A connection that the server has closed meanwhile is found out before anything is sent.
    guard isAlive(raw) else { return lose(errorMessage) }
    plan()
    sendNext()
  }

  /// The statement's key in the cache: the same text with a `bytea` elsewhere is another statement.
  private var cacheKey: [UInt8] {
    var key = statement.sql
    for (index, parameter) in statement.parameters.enumerated() {
      if case .bytes = parameter { key += Array("\(index),".utf8) }
    }
    return key
  }

  private func plan() {
    guard !statement.isControl else {
      steps = [.simple(statement.sql)]
      return
    }
    guard cache.countMax > 0 else {
      steps = [.executeOnce]
      return
    }
    steps = []
    if let name = cache.find(cacheKey) {
      steps = [.execute(name)]
    } else {
      let name = "spacer_\(nextName)"
      nextName += 1
      // One that the server has forgotten meanwhile is an error, which no transaction survives.
      if !isInTransaction {
        steps = leftover.map { .deallocate($0) }
        leftover = []
      }
      steps += [.prepare(name), .execute(name)]
    }
  }

  private func sendNext() {
    guard let raw, !steps.isEmpty else { return }
    let next = steps.removeFirst()
    step = next
    switch next {
    case .deallocate, .prepare: break
    case .simple, .execute, .executeOnce: hasBegun = !statement.isHarmless
    }
    let isSent: Bool
    switch next {
    case .simple(let text): isSent = text.withUnsafeBytes { spacer_pq_send_query(raw, Self.text($0)) } != 0
    case .deallocate(let name): isSent = spacer_pq_send_query(raw, "DEALLOCATE \(name)") != 0
    case .prepare(let name):
      let types = statement.parameters.map(Self.type)
      isSent = statement.sql.withUnsafeBytes {
        spacer_pq_send_prepare(raw, name, Self.text($0), Int32(types.count), types) != 0
      }
    case .execute(let name):
      isSent = withParameters { values, lengths, formats in
        spacer_pq_send_query_prepared(raw, name, Int32(lengths.count), values, lengths, formats) != 0
      }
      if isSent { _ = spacer_pq_set_single_row_mode(raw) }
    case .executeOnce:
      let types = statement.parameters.map(Self.type)
      isSent = withParameters { values, lengths, formats in
        statement.sql.withUnsafeBytes {
          spacer_pq_send_query_params(
            raw, Self.text($0), Int32(lengths.count), types, values, lengths, formats) != 0
        }
      }
      if isSent { _ = spacer_pq_set_single_row_mode(raw) }
    }
    guard isSent else { return lose(errorMessage) }
    flush()
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<CChar>? {
    bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
  }

  /// `bytea` for bytes; the server infers the others.
  private static func type(of parameter: DatabaseParameter) -> Oid {
    if case .bytes = parameter { 17 } else { 0 }
  }

  /// The parameters as libpq takes them, valid during `body`.
  private func withParameters(
    _ body: (_ values: [UnsafePointer<CChar>?], _ lengths: [Int32], _ formats: [Int32]) -> Bool
  ) -> Bool {
    var bytes: [UInt8] = []
    var starts: [Int] = []
    var lengths: [Int32] = []
    var formats: [Int32] = []
    for parameter in statement.parameters {
      if case .null = parameter { starts.append(-1) } else { starts.append(bytes.count) }
      let text = PostgresText.text(of: parameter)
      bytes += text
      bytes.append(0)
      lengths.append(Int32(clamping: text.count))
      if case .bytes = parameter { formats.append(1) } else { formats.append(0) }
    }
    return bytes.withUnsafeBytes { all in
      let base = Self.text(all)
      return body(starts.map { start in start < 0 ? nil : base.map { $0 + start } }, lengths, formats)
    }
  }

  // MARK: The end of a statement

  /// All that a step gave has come.
  func stepEnded() {
    let ended = step
    step = nil
    guard phase != .settingUp else {
      if let failure { return failOpening(failure) }
      phase = .idle
      return services.later { [self] in owner?.connectionOpened(self) }
    }
    switch ended {
    case .deallocate: failure = nil
    case .prepare(let name) where failure == nil:
      if let evicted = cache.insert(cacheKey, name) { leftover.append(evicted) }
      result = StatementResult()
    default: break
    }
    if let failure, failure.isStalePlan, case .execute(let name) = ended {
      cache.remove(cacheKey)
      if failure.sqlstate != "26000" { leftover.append(name) }
      // Refused before it ran; in a transaction, which is now over, only the function can begin again.
      if !isInTransaction, !hasRepeated, !isCancelled {
        hasRepeated = true
        self.failure = nil
        result = StatementResult()
        plan()
        return sendNext()
      }
    }
    if failure == nil, !steps.isEmpty, !isCancelled { return sendNext() }
    finishStatement()
  }

  /// The statement has ended, unless its cancelling has not: it could hit the next one.
  private func finishStatement() {
    guard phase == .running, step == nil, cancelsInFlight == 0 else { return }
    if failure == nil, isCancelled, !steps.isEmpty {
      failure = DatabaseError("cancelled", sqlstate: DatabaseError.State.cancelled)
    }
    steps = []
    let outcome: StatementOutcome = failure.map { .failed($0) } ?? .done(result)
    result = StatementResult()
    if failure?.isFatal ?? false { close() } else { phase = .idle }
    failure = nil
    services.later { [self] in owner?.statementEnded(self, outcome) }
  }

  // MARK: Cancelling

  override func cancel() {
    guard let raw, phase == .running, !isCancelled else { return }
    isCancelled = true
    guard let request = spacer_pq_get_cancel(raw) else { return }
    cancelsInFlight += 1
    let (number, mailbox, reference) = (number, services.mailbox, services.reference)
    let box = CancelBox(request)
    WorkQueue.cancels.run {
      box.send()
      mailbox.post(
        .work {
          reference.value?.onConnection(number) { connection in
            guard let connection = connection as? PostgresConnection else { return }
            connection.cancelsInFlight -= 1
            connection.finishStatement()
          }
        })
    }
  }
}

/// A cancel request on its way to another thread.
private final class CancelBox: @unchecked Sendable {
  // Thread rule: made on one thread, used and freed on another, never at the same time.
  private let request: OpaquePointer

  init(_ request: OpaquePointer) { self.request = request }

  deinit { spacer_pq_free_cancel(request) }

  func send() { _ = spacer_pq_cancel(request) }
}
