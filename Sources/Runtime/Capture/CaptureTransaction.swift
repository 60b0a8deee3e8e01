// The transaction of one database in one run, always rolled back. Begun with the first statement; what the run asks
// for meanwhile waits in line, since a connection runs one statement at a time. A transaction that functions begin
// themselves is a savepoint in it.
//
// Invariant: nothing runs on the connection outside of the transaction: when that is over, what is asked for fails.

import CLua

/// Belongs to its worker's thread.
final class CaptureTransaction {
  private enum Phase {
    case new
    case idle
    case busy
    /// Nothing can be run in it.
    case failed(DatabaseError)
  }

  /// Where PostgreSQL goes back to when a statement fails: outside of a transaction that would undo only itself.
  private static let guardName = "spacer_statement"

  let database: Database
  private let transaction: DatabaseTransaction
  private var phase = Phase.new
  private var queue: [DatabaseRequest] = []
  private var whenEnded: (() -> Void)?

  init(_ database: Database) {
    self.database = database
    transaction = DatabaseTransaction(database: database, slot: -1)
  }

  /// A request for it, on which the running call parks.
  func request(
    _ kind: RequestKind, _ statement: DatabaseStatement, thread: OpaquePointer
  ) -> DatabaseRequest {
    DatabaseRequest(kind, statement, on: database, transaction: transaction, thread: thread)
  }

  /// Runs a request when its turn comes. Its call has parked on it.
  func submit(_ request: DatabaseRequest) {
    queue.append(request)
    switch phase {
    case .new: begin()
    case .idle, .failed: next()
    case .busy: break
    }
  }

  /// Rolls all back, and calls `whenEnded` when that is done.
  func end(_ whenEnded: @escaping () -> Void) {
    self.whenEnded = whenEnded
    if case .busy = phase { return }
    next()
  }

  private func begin() {
    phase = .busy
    let text = database.configuration.driver == .sqlite ? "BEGIN IMMEDIATE" : "BEGIN"
    control(.begin, text) { [self] outcome in
      if let error = outcome.error { phase = .failed(error) } else { phase = .idle }
      next()
    }
  }

  /// Runs a statement of our own, for no call.
  private func control(_ kind: RequestKind, _ text: String, _ then: @escaping (StatementOutcome) -> Void) {
    let request = DatabaseRequest(
      kind, .control(text, isHarmless: kind == .begin), on: database, transaction: transaction,
      thread: database.services.dispatcher.main)
    request.whenEnded = then
    database.submit(request)
  }

  private var isOver: Bool { transaction.isOver || transaction.connection == nil }

  private func next() {
    if case .busy = phase { return }
    while !queue.isEmpty {
      let request = queue.removeFirst()
      // Its call was given up.
      guard request.isPending else { continue }
      if case .failed(let error) = phase { return fail(request, error) }
      guard !isOver else { return fail(request, database.services.overError(transaction)) }
      phase = .busy
      return run(request)
    }
    guard let whenEnded else { return }
    self.whenEnded = nil
    if case .new = phase { return forget(whenEnded) }
    guard !isOver else { return forget(whenEnded) }
    phase = .busy
    control(.rollback, "ROLLBACK") { _ in whenEnded() }
  }

  private func forget(_ whenEnded: @escaping () -> Void) {
    database.services.forget(transaction)
    database.services.later(whenEnded)
  }

  /// The call goes on from the loop, with nothing of this on the stack.
  private func fail(_ request: DatabaseRequest, _ error: DatabaseError) {
    database.services.later { [self] in
      database.services.dispatcher.answer(request, with: .failed(error))
      next()
    }
  }

  private func run(_ request: DatabaseRequest) {
    guard database.configuration.driver == .postgres, request.kind == .statement,
      !request.statement.isControl
    else { return start(request, isGuarded: false) }
    control(.statement, "SAVEPOINT \(Self.guardName)") { [self] outcome in
      if outcome.error == nil, request.isPending, !isOver { return start(request, isGuarded: true) }
      phase = .idle
      if request.isPending {
        database.services.dispatcher.answer(
          request, with: .failed(outcome.error ?? database.services.overError(transaction)))
      }
      next()
    }
  }

  private func start(_ request: DatabaseRequest, isGuarded: Bool) {
    request.whenEnded = { [self] outcome in
      guard isGuarded, outcome.error != nil, !isOver else { return finish(request, outcome) }
      control(.statement, "ROLLBACK TO SAVEPOINT \(Self.guardName)") { [self] _ in
        finish(request, outcome)
      }
    }
    database.submit(request)
  }

  private func finish(_ request: DatabaseRequest, _ outcome: StatementOutcome) {
    phase = .idle
    request.whenEnded = nil
    database.services.dispatcher.answer(request, with: outcome)
    next()
  }
}

extension StatementOutcome {
  fileprivate var error: DatabaseError? {
    switch self {
    case .done: nil
    case .failed(let error), .notBegun(let error): error
    }
  }
}

// MARK: Native functions of `db`, while capturing

extension Databases {
  private func transaction(of database: Database, _ capture: Capture) -> CaptureTransaction {
    if let found = capture.transactions.first(where: { $0.database === database }) { return found }
    let made = CaptureTransaction(database)
    capture.transactions.append(made)
    return made
  }

  private func park(_ request: DatabaseRequest, _ transaction: CaptureTransaction) -> Int32 {
    let result = dispatcher.park(on: request)
    transaction.submit(request)
    return result
  }

  /// `db.query` and its kin; see `DatabaseFunction.run`.
  func runCaptured(_ state: OpaquePointer, _ capture: Capture) -> Int32 {
    let shape = ResultShape(rawValue: Int32(truncatingIfNeeded: lua_tointegerx(state, 2, nil))) ?? .count
    let isInTransaction = lua_isinteger(state, 1) != 0
    let name = (isInTransaction ? "tx:" : "db.") + shape.functionName
    let transaction: CaptureTransaction
    if isInTransaction {
      guard let savepoint = capture.savepoints[-lua_tointegerx(state, 1, nil)] else {
        return fail(state, overError(nil))
      }
      transaction = savepoint.transaction
    } else {
      let wanted = LuaStack(state).text(at: 1)
      guard let found = database(named: wanted) else { return refuse(state, "\(name): \(complaint(wanted))") }
      transaction = self.transaction(of: found, capture)
    }
    let reader = ParameterReader(
      state: state, driver: transaction.database.configuration.driver, bytesTag: bytesTag, arrayTag: arrayTag,
      jsonTag: dispatcher.arrayTag)
    let statement: DatabaseStatement
    do throws(ParameterReader.Refusal) {
      statement = try reader.statement(at: 3, shape: shape)
    } catch {
      return refuse(state, "\(name): \(error.message)")
    }
    switch StatementKind(statement.sql.dropLast()) {
    case .reads: break
    case .changes: capture.note(statement, on: transaction.database)
    case .control:
      return fail(
        state,
        DatabaseError(
          "a comparison runs all statements in a transaction of its own: use db.transaction",
          sqlstate: DatabaseError.State.transactionState))
    }
    return park(transaction.request(.statement, statement, thread: state), transaction)
  }

  func beginCaptured(_ state: OpaquePointer, _ capture: Capture) -> Int32 {
    let wanted = LuaStack(state).text(at: 1)
    guard let found = database(named: wanted) else {
      return refuse(state, "db.transaction: \(complaint(wanted))")
    }
    let transaction = transaction(of: found, capture)
    capture.savepointCount += 1
    let number = capture.savepointCount
    capture.savepoints[number] = (transaction, capture.statementCount)
    let request = transaction.request(.savepoint, .control("SAVEPOINT spacer_\(number)"), thread: state)
    request.savepoint = number
    return park(request, transaction)
  }

  func finishCaptured(_ state: OpaquePointer, _ kind: RequestKind, _ capture: Capture) -> Int32 {
    let number = -lua_tointegerx(state, 1, nil)
    guard let savepoint = capture.savepoints.removeValue(forKey: number) else {
      return kind == .rollback ? 0 : fail(state, overError(nil))
    }
    let transaction = savepoint.transaction
    if kind == .rollback { capture.forgetStatements(after: savepoint.noted, on: transaction.database) }
    let text =
      kind == .commit ? "RELEASE SAVEPOINT spacer_\(number)" : "ROLLBACK TO SAVEPOINT spacer_\(number)"
    return park(transaction.request(.statement, .control(text), thread: state), transaction)
  }
}
