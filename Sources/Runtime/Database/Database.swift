// One database of one worker: its pool, and what becomes of each statement. A connection goes back to the pool
// only in a clean state: nothing runs on it, no cancel request is on its way, no transaction is open.

import CLua

final class Database: DatabaseConnectionOwner {
  /// How long a cancelled statement or a roll-back may take before its connection is closed.
  private static let graceMilliseconds: UInt64 = 5_000
  /// Calls that may wait for a connection at a time.
  private static let waitingCountMax = 10_000

  let configuration: DatabaseConfiguration
  let number: UInt64
  let services: Databases
  private var pool: ConnectionPool
  private var poolTimer = TimerID.none
  private var poolTimerTime = UInt64.max
  private var waiting: [UInt64: DatabaseRequest] = [:]
  private var lastConnectError: DatabaseError?

  init(_ configuration: DatabaseConfiguration, number: UInt64, services: Databases) {
    self.configuration = configuration
    self.number = number
    self.services = services
    pool = ConnectionPool(
      sizeMax: configuration.poolSize, waitingCountMax: Self.waitingCountMax,
      waitMilliseconds: configuration.waitMilliseconds, idleMilliseconds: configuration.idleMilliseconds,
      firstConnection: (number & 0xFFFF) << 32 | 1)
  }

  var isEmpty: Bool { pool.count == 0 && waiting.isEmpty }

  /// The configuration has none like this any more.
  func retire() { perform(pool.close()) }

  // MARK: Requests

  /// Begins what `request` asks for; its call has parked on it.
  func submit(_ request: DatabaseRequest) {
    services.add(request)
    if let connection = request.transaction?.connection { return run(request, on: connection) }
    waiting[request.number] = request
    perform(pool.request(request.number, now: services.milliseconds))
  }

  /// The request's call was given up.
  func cancel(_ request: DatabaseRequest) {
    if waiting.removeValue(forKey: request.number) != nil {
      _ = pool.giveUp(request.number)
      forget(request)
    } else if let connection = request.connection {
      cancelRunning(connection)
    }
  }

  func cancelRunning(_ connection: DatabaseConnection) {
    guard connection.isRunning else { return }
    connection.cancel()
    startGrace(connection)
  }

  private func startGrace(_ connection: DatabaseConnection) {
    services.cancelTimer(connection.timer)
    connection.timer = services.startTimer(
      .connection, connection.number, afterMilliseconds: Self.graceMilliseconds)
  }

  private func run(_ request: DatabaseRequest, on connection: DatabaseConnection) {
    connection.request = request
    request.connection = connection
    if request.kind == .begin, let transaction = request.transaction, !transaction.isOver {
      transaction.connection = connection
      connection.transaction = transaction
    }
    if configuration.timeoutMilliseconds > 0 {
      request.timer = services.startTimer(
        .statement, request.number, afterMilliseconds: UInt64(configuration.timeoutMilliseconds))
    }
    connection.start(request.statement)
  }

  private func forget(_ request: DatabaseRequest) {
    services.cancelTimer(request.timer)
    request.timer = .none
    request.connection = nil
    services.remove(request)
  }

  private func fail(_ request: DatabaseRequest, _ error: DatabaseError) {
    forget(request)
    if request.kind == .begin, let transaction = request.transaction {
      transaction.end(reason: nil)
      services.forget(transaction)
    }
    services.later { [services] in services.dispatcher.complete(request, with: .failed(error)) }
  }

  // MARK: The pool's actions

  private func perform(_ actions: [ConnectionPool.Action]) {
    for action in actions {
      switch action {
      case .open(let number): open(number)
      case .grant(let number, let requestNumber):
        guard let connection = services.connection(number) else { continue }
        guard let request = waiting.removeValue(forKey: requestNumber) else {
          perform(pool.released(number, now: services.milliseconds))
          continue
        }
        run(request, on: connection)
      case .refuse(let requestNumber, let refusal):
        if let request = waiting.removeValue(forKey: requestNumber) { fail(request, error(for: refusal)) }
      case .close(let number):
        guard let connection = services.connection(number) else { continue }
        services.remove(connection)
        connection.close()
      }
    }
    schedulePoolTimer()
  }

  private func error(for refusal: ConnectionPool.Refusal) -> DatabaseError {
    switch refusal {
    case .cannotConnect:
      return lastConnectError
        ?? DatabaseError(
          "cannot connect to databases.\(configuration.name): no answer in "
            + "\(configuration.waitMilliseconds) ms", sqlstate: DatabaseError.State.cannotConnect)
    case .waitedTooLong:
      let seconds = PostgresText.text(of: Double(configuration.waitMilliseconds) / 1000)
      var error = DatabaseError(
        "no connection became free in \(seconds) s "
          + "(databases.\(configuration.name).poolSize is \(configuration.poolSize))",
        sqlstate: DatabaseError.State.noConnectionFree)
      error.detail = lastConnectError.map { "the last attempt to connect: \($0.message)" }
      return error
    case .tooManyWaiting:
      return DatabaseError(
        "\(Self.waitingCountMax) calls wait for a connection already "
          + "(databases.\(configuration.name).poolSize is \(configuration.poolSize))",
        sqlstate: DatabaseError.State.noConnectionFree)
    }
  }

  private func open(_ number: UInt64) {
    let connection: DatabaseConnection =
      switch configuration.driver {
      case .postgres:
        PostgresConnection(number: number, services: services, configuration: configuration)
      case .sqlite: SQLiteConnection(number: number, services: services, configuration: configuration)
      }
    connection.owner = self
    services.add(connection)
    connection.timer = services.startTimer(
      .connection, number, afterMilliseconds: UInt64(configuration.waitMilliseconds))
    connection.open()
  }

  private func schedulePoolTimer() {
    guard let deadline = pool.nextDeadline, deadline < poolTimerTime else { return }
    services.cancelTimer(poolTimer)
    let now = services.milliseconds
    poolTimer = services.startTimer(.pool, number, afterMilliseconds: deadline - min(now, deadline))
    poolTimerTime = deadline
  }

  func poolTimerExpired() {
    poolTimer = .none
    poolTimerTime = .max
    perform(pool.expire(now: services.milliseconds))
  }

  // MARK: What connections say

  func connectionOpened(_ connection: DatabaseConnection) {
    services.cancelTimer(connection.timer)
    lastConnectError = nil
    perform(pool.opened(connection.number, now: services.milliseconds))
  }

  func connectionFailed(_ connection: DatabaseConnection, _ error: DatabaseError) {
    services.cancelTimer(connection.timer)
    services.remove(connection)
    var error = error
    error.message = "cannot connect to databases.\(configuration.name): \(error.message)"
    lastConnectError = error
    perform(pool.openFailed(connection.number, now: services.milliseconds))
  }

  func connectionLost(_ connection: DatabaseConnection) {
    services.cancelTimer(connection.timer)
    let transaction = connection.transaction
    transaction?.end(reason: "the connection was lost")
    services.remove(connection)
    perform(pool.lost(connection.number, now: services.milliseconds))
  }

  /// It was not opened, or did not end what it was to end, in time.
  func overdue(_ connection: DatabaseConnection) {
    guard !connection.isClosed else { return }
    let wasRunning = connection.isRunning
    connection.close()
    guard wasRunning else {
      return connectionFailed(
        connection,
        DatabaseError(
          "no answer in \(configuration.waitMilliseconds) ms", sqlstate: DatabaseError.State.cannotConnect))
    }
    statementEnded(
      connection,
      .failed(
        DatabaseError(
          "the statement was cancelled, but did not end: its connection was closed",
          sqlstate: DatabaseError.State.cancelled)))
  }

  func statementEnded(_ connection: DatabaseConnection, _ outcome: StatementOutcome) {
    services.cancelTimer(connection.timer)
    guard let request = connection.request else { return settle(connection) }
    connection.request = nil
    services.cancelTimer(request.timer)
    request.connection = nil
    let isPinned = request.transaction != nil && request.kind != .begin
    if case .notBegun = outcome, request.isPending, !isPinned, !request.hasRetried {
      request.hasRetried = true
      if request.kind == .begin {
        connection.transaction = nil
        request.transaction?.connection = nil
      }
      settle(connection)
      return submit(request)
    }
    let verdict = judge(request, connection, outcome)
    settle(connection)
    forget(request)
    services.later { [services] in services.dispatcher.complete(request, with: verdict) }
  }

  // MARK: Verdicts

  /// What the call gets, and what becomes of its transaction.
  private func judge(
    _ request: DatabaseRequest, _ connection: DatabaseConnection, _ outcome: StatementOutcome
  ) -> StatementOutcome {
    let verdict = timed(request, outcome)
    guard let transaction = request.transaction else {
      // What is open now is rolled back by `settle`.
      guard case .done = verdict, connection.isInTransaction else { return verdict }
      return .failed(
        DatabaseError(
          "the statement left a transaction open, which was rolled back: use db.transaction",
          sqlstate: DatabaseError.State.transactionState))
    }
    switch request.kind {
    case .begin:
      guard case .done = verdict else {
        transaction.end(reason: nil)
        services.forget(transaction)
        return verdict
      }
      return verdict
    case .commit, .rollback:
      transaction.end(reason: nil)
      services.forget(transaction)
      return request.kind == .commit ? committed(verdict) : verdict
    case .statement, .savepoint, .append:
      return withinTransaction(transaction, connection, verdict)
    }
  }

  private func timed(_ request: DatabaseRequest, _ outcome: StatementOutcome) -> StatementOutcome {
    guard request.isTimedOut, case .failed(var error) = outcome,
      error.sqlstate == DatabaseError.State.cancelled
    else { return outcome }
    error.message =
      "the statement took more than \(configuration.timeoutMilliseconds) ms "
      + "(databases.\(configuration.name).timeoutMilliseconds)"
    return .failed(error)
  }

  private func committed(_ outcome: StatementOutcome) -> StatementOutcome {
    switch outcome {
    case .done(let result) where result.command == "ROLLBACK":
      return .failed(
        DatabaseError(
          "the transaction was rolled back, since a statement in it had failed",
          sqlstate: DatabaseError.State.rolledBack))
    case .failed(let error) where error.isFatal || error.sqlstate.hasPrefix("08"):
      return .failed(
        DatabaseError(
          "the connection was lost during COMMIT, so that nobody knows whether it took effect: \(error.message)",
          sqlstate: DatabaseError.State.outcomeUnknown))
    default: return outcome
    }
  }

  private func withinTransaction(
    _ transaction: DatabaseTransaction, _ connection: DatabaseConnection, _ outcome: StatementOutcome
  ) -> StatementOutcome {
    guard connection.isClosed || !connection.isInTransaction else { return outcome }
    switch outcome {
    case .done:
      let message =
        "the statement ended the transaction: return from its function, or raise an error, instead"
      transaction.end(reason: message)
      return .failed(DatabaseError(message, sqlstate: DatabaseError.State.transactionState))
    case .failed(let error), .notBegun(let error):
      transaction.end(reason: error.message)
      return outcome
    }
  }

  // MARK: Back to the pool

  /// The call of its transaction has ended.
  func unpinned(_ connection: DatabaseConnection) {
    // A statement whose end is still to be told settles it then.
    guard !connection.isRunning, connection.request == nil else { return }
    settle(connection)
  }

  /// Puts a connection on which nothing runs where it belongs.
  private func settle(_ connection: DatabaseConnection) {
    let now = services.milliseconds
    if connection.isClosed {
      connection.transaction?.end(reason: "the connection was lost")
      services.remove(connection)
      return perform(pool.lost(connection.number, now: now))
    }
    if let transaction = connection.transaction, !transaction.isOver { return }
    guard connection.isInTransaction else {
      connection.isTidying = false
      return perform(pool.released(connection.number, now: now))
    }
    guard !connection.isTidying else {
      connection.close()
      return settle(connection)
    }
    connection.isTidying = true
    startGrace(connection)
    connection.start(.control("ROLLBACK"))
  }
}
