// A call that waits for a database, and the transaction a call holds.

import CLua

/// What a call asked a database for.
enum RequestKind {
  case statement
  case begin
  case commit
  case rollback
  /// A transaction within an ambient one.
  case savepoint
  /// An append of events within an ambient transaction.
  case append
}

/// A call that waits for a statement.
final class DatabaseRequest: Wait {
  let number: UInt64
  let kind: RequestKind
  let statement: DatabaseStatement
  let database: Database
  let transaction: DatabaseTransaction?
  /// The thread that called: where an error's position is found.
  let thread: OpaquePointer
  var connection: DatabaseConnection?
  var timer = TimerID.none
  var isTimedOut = false
  /// Of `savepoint`: its number in the ambient transaction.
  var savepoint: Int64 = 0
  /// Takes the outcome in place of the call that waits, if any.
  var whenEnded: ((StatementOutcome) -> Void)?
  /// It was begun once on a connection that turned out to be lost.
  var hasRetried = false

  init(
    _ kind: RequestKind, _ statement: DatabaseStatement, on database: Database,
    transaction: DatabaseTransaction?, thread: OpaquePointer
  ) {
    number = database.services.makeRequestNumber()
    self.kind = kind
    self.statement = statement
    self.database = database
    self.transaction = transaction
    self.thread = thread
  }

  override func cancelled(_ dispatcher: Dispatcher) { database.cancel(self) }

  /// `timeoutMilliseconds` of the database are over.
  func statementTimedOut() {
    timer = .none
    guard isPending, let connection else { return }
    isTimedOut = true
    database.cancelRunning(connection)
  }
}

/// A transaction of a call.
final class DatabaseTransaction: CallResource {
  let database: Database
  /// The call it belongs to.
  let slot: Int32
  private(set) var id: Int64 = 0
  var connection: DatabaseConnection?
  /// Nothing more can be run in it.
  private(set) var isOver = false
  /// Why it ended before its function did.
  private(set) var reason: String?

  init(database: Database, slot: Int32) {
    self.database = database
    self.slot = slot
    super.init()
    id = database.services.add(self)
  }

  override func callEnded(_ dispatcher: Dispatcher) {
    let pinned = connection
    end(reason: nil)
    database.services.forget(self)
    if let pinned { database.unpinned(pinned) }
  }

  /// It has no connection any more, and what is run in it fails with the reason.
  func end(reason: String?) {
    isOver = true
    if self.reason == nil { self.reason = reason }
    connection?.transaction = nil
    connection = nil
  }
}
