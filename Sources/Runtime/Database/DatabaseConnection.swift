// One connection as its database sees it: opened, given one statement at a time, cancelled, closed. What comes
// of it is told through `DatabaseConnectionOwner`. Everything here is on the worker's thread.

/// What a statement gave.
struct StatementResult: Sendable {
  var rows = RowBuffer()
  /// Rows that were changed, or read.
  var affected: Int64 = 0
  /// The server's word for what it did, `COMMIT`; empty where there is none.
  var command = ""
}

/// How a statement ended.
enum StatementOutcome: Sendable {
  case done(StatementResult)
  case failed(DatabaseError)
  /// The connection was lost before anything of the statement was run, so another may take it.
  case notBegun(DatabaseError)
}

/// What hears of a connection. None of these is called from within a method of the connection's.
protocol DatabaseConnectionOwner: AnyObject {
  func connectionOpened(_ connection: DatabaseConnection)
  func connectionFailed(_ connection: DatabaseConnection, _ error: DatabaseError)
  /// What was started with `start` has ended, and so has its cancelling.
  func statementEnded(_ connection: DatabaseConnection, _ outcome: StatementOutcome)
  /// The other side closed it while it was idle.
  func connectionLost(_ connection: DatabaseConnection)
}

/// A connection to a database.
class DatabaseConnection {
  /// Its number in the pool, unique in the worker with the database's.
  final let number: UInt64
  final let services: Databases
  /// Its owner's timer: until it is open, then until a cancelled statement must have ended.
  final var timer = TimerID.none
  final weak var owner: (any DatabaseConnectionOwner)?
  /// What the owner has it for.
  final var request: DatabaseRequest?
  /// The transaction it is pinned by.
  final weak var transaction: DatabaseTransaction?
  /// What a call left open is being rolled back.
  final var isTidying = false

  init(number: UInt64, services: Databases) {
    self.number = number
    self.services = services
  }

  /// Begins to open it.
  func open() {}
  /// Runs a statement; nothing runs now.
  func start(_ statement: DatabaseStatement) {}
  /// Has the running statement end soon.
  func cancel() {}
  /// Closes it whatever it does; its owner hears nothing more.
  func close() {}
  /// A statement runs.
  var isRunning: Bool { false }
  var isClosed: Bool { true }
  /// A transaction is open on it.
  var isInTransaction: Bool { false }
}
