// A connection to SQLite as its database sees it: jobs go to the threads, results come back through the
// mailbox. A lock that another connection holds is waited for here and not on a thread, which the holder's
// next statement may need.

import CSQLite

final class SQLiteConnection: DatabaseConnection {
  private enum Phase { case new, opening, idle, running, closed }

  /// How long the next attempt at a lock waits, in milliseconds, by attempt; as SQLite itself does.
  private static let delays: [UInt64] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100]

  private let configuration: DatabaseConfiguration
  private let handle: SQLiteHandle
  private var phase = Phase.new
  private var isInTransactionNow = false
  private var statement = DatabaseStatement(sql: [0])
  private var isCancelled = false
  private var attempts = 0
  private var busySince: UInt64 = 0
  private var retryTimer = TimerID.none

  init(number: UInt64, services: Databases, configuration: DatabaseConfiguration) {
    self.configuration = configuration
    handle = SQLiteHandle(configuration)
    super.init(number: number, services: services)
  }

  override var isRunning: Bool { phase == .running }
  override var isClosed: Bool { phase == .closed }
  override var isInTransaction: Bool { isInTransactionNow }

  override func open() {
    if let problem = spacer_sqlite_load() {
      phase = .closed
      let error = DatabaseError(String(cString: problem), sqlstate: DatabaseError.State.cannotConnect)
      return services.later { [self] in owner?.connectionFailed(self, error) }
    }
    phase = .opening
    begin()
  }

  override func start(_ statement: DatabaseStatement) {
    phase = .running
    self.statement = statement
    isCancelled = false
    handle.clearCancel()
    begin()
  }

  private func begin() {
    attempts = 0
    busySince = services.milliseconds
    submit()
  }

  private func submit() {
    let (handle, number, mailbox, reference) = (handle, number, services.mailbox, services.reference)
    // At the first statement of a process this starts the threads.
    let job = phase == .opening ? nil : statement
    WorkQueue.sqlite.run {
      let outcome = job.map { handle.run($0) } ?? handle.open()
      mailbox.post(
        .work {
          reference.value?.onConnection(number) { ($0 as? SQLiteConnection)?.ended(outcome) }
        })
    }
  }

  private func ended(_ outcome: SQLiteHandle.Outcome) {
    switch outcome {
    case .busy where isCancelled:
      finish(.failed(DatabaseError("cancelled", sqlstate: DatabaseError.State.cancelled)))
    case .busy:
      let waited = services.milliseconds - busySince
      guard waited < UInt64(configuration.busyMilliseconds) else {
        return finish(.failed(lockedError))
      }
      let delay = Self.delays[min(attempts, Self.delays.count - 1)]
      attempts += 1
      retryTimer = services.startTimer(.retry, number, afterMilliseconds: delay)
    case .done(let result, let isInTransaction):
      isInTransactionNow = isInTransaction
      finish(.done(result))
    case .failed(let error, let isInTransaction):
      isInTransactionNow = isInTransaction
      finish(.failed(error))
    }
  }

  private var lockedError: DatabaseError {
    DatabaseError(
      "the database was locked by another writer for \(configuration.busyMilliseconds) ms "
        + "(databases.\(configuration.name).busyMilliseconds); inside db.transaction use tx:exec and tx:query, "
        + "since db.exec waits for the transaction itself", sqlstate: DatabaseError.State.lockNotAvailable
    )
  }

  /// The time to try again has come.
  func retry() {
    retryTimer = .none
    guard phase == .opening || phase == .running else { return }
    submit()
  }

  private func finish(_ outcome: StatementOutcome) {
    guard phase == .opening else {
      guard phase == .running else { return }
      phase = .idle
      return services.later { [self] in owner?.statementEnded(self, outcome) }
    }
    if case .failed(let error) = outcome {
      phase = .closed
      return services.later { [self] in owner?.connectionFailed(self, error) }
    }
    phase = .idle
    services.later { [self] in owner?.connectionOpened(self) }
  }

  override func cancel() {
    guard phase == .running, !isCancelled else { return }
    isCancelled = true
    guard retryTimer == .none else {
      services.cancelTimer(retryTimer)
      retryTimer = .none
      return finish(.failed(DatabaseError("cancelled", sqlstate: DatabaseError.State.cancelled)))
    }
    handle.cancel()
  }

  override func close() {
    services.cancelTimer(retryTimer)
    retryTimer = .none
    if phase == .running { handle.cancel() }
    phase = .closed
    // Behind the job that may still run: the handle is used by one thread at a time.
    let handle = handle
    WorkQueue.sqlite.run { handle.close() }
  }
}
