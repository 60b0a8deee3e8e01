// The databases of one worker: what connects them to its loop and its calls.
//
// Everything that hears of an end (a call that goes on, an owner that is told) goes through `later`, and runs
// from the loop with nothing of this module on the stack: so no method has to expect that its object changed
// under it, and no call goes on while another one's Lua code runs.

import CLua

/// Lets other threads' answers find a worker's databases, if they are still there.
final class DatabasesReference: @unchecked Sendable {
  // Thread rule: `value` is read and written on the worker's thread only; other threads carry it back there.
  weak var value: Databases?
}

/// Hands the loop's events to a worker's databases.
private final class DatabaseEvents: EventSource {
  weak var receiver: Databases?

  override func ready(_ token: UInt64, _ events: PollEvents) { receiver?.ready(token) }
  override func posted(_ token: UInt64) { receiver?.posted() }
  override func expired(_ token: UInt64) { receiver?.expired(token) }
}

/// The databases of one worker.
final class Databases {
  /// What a token of the loop's is about; the number behind it is a connection's, a request's or a database's.
  enum Token: UInt64 {
    case socket, later, connection, statement, pool, retry

    static let numberBits: UInt64 = 48

    func with(_ number: UInt64) -> UInt64 {
      rawValue << Self.numberBits | number & (1 << Self.numberBits - 1)
    }
  }

  unowned(unsafe) let dispatcher: Dispatcher
  private unowned(unsafe) let loop: EventLoop
  let mailbox: LoopMailbox
  let reference = DatabasesReference()
  private var source = SourceID.primary
  private var isInside = false
  private var isPosted = false
  private var work: [() -> Void] = []

  private(set) var databases: [Database] = []
  /// Those of earlier configurations, until their last connection is closed.
  private var retired: [Database] = []
  private var nextDatabase: UInt64 = 1
  private var connections: [UInt64: DatabaseConnection] = [:]
  private var requests: [UInt64: DatabaseRequest] = [:]
  private var nextRequest: UInt64 = 1
  var transactions: [Int64: DatabaseTransaction] = [:]
  private var nextTransaction: Int64 = 1

  /// Registry reference of the function that runs a handler in a transaction; 0 before `db` was loaded.
  var ambientFunction: Int32 = 0
  /// Registry references of the metatables the Lua part made.
  var bytesTag: Int32 = 0
  var arrayTag: Int32 = 0
  var errorTag: Int32 = 0

  init(dispatcher: Dispatcher, loop: EventLoop) {
    self.dispatcher = dispatcher
    self.loop = loop
    mailbox = loop.mailbox
    let events = DatabaseEvents()
    source = loop.register(events)
    events.receiver = self
    reference.value = self
    adopt(dispatcher.policy.databases)
  }

  // MARK: Configuration

  /// Uses `configurations` from now on; a database that is the same in both keeps its connections.
  func adopt(_ configurations: [DatabaseConfiguration]) {
    var old = databases
    databases = configurations.map { configuration in
      if let place = old.firstIndex(where: { $0.configuration == configuration }) {
        return old.remove(at: place)
      }
      defer { nextDatabase += 1 }
      return Database(configuration, number: nextDatabase, services: self)
    }
    retired += old
    for database in old { database.retire() }
    retired.removeAll { $0.isEmpty }
  }

  func database(named name: String?) -> Database? {
    guard let name else {
      return databases.first { $0.configuration.name == "default" }
        ?? (databases.count == 1 ? databases.first : nil)
    }
    return databases.first { $0.configuration.name == name }
  }

  /// Why `database(named:)` gives none.
  func complaint(_ name: String?) -> String {
    let names = databases.map { "'\($0.configuration.name)'" }.joined(separator: ", ")
    guard !names.isEmpty else {
      return "no database is configured for the environment '\(dispatcher.policy.environmentName)': add one "
        + "under 'databases' in config/application.yml, or a driver for this environment"
    }
    guard let name else { return "there are several databases: call db.use with one of \(names)" }
    return "there is no database '\(name)' under 'databases' in config/application.yml, only \(names)"
  }

  // MARK: What is where

  func add(_ connection: DatabaseConnection) { connections[connection.number] = connection }
  func connection(_ number: UInt64) -> DatabaseConnection? { connections[number] }
  func remove(_ connection: DatabaseConnection) { connections[connection.number] = nil }

  func makeRequestNumber() -> UInt64 {
    defer { nextRequest += 1 }
    return nextRequest
  }

  func add(_ request: DatabaseRequest) { requests[request.number] = request }
  func remove(_ request: DatabaseRequest) { requests[request.number] = nil }

  func add(_ transaction: DatabaseTransaction) -> Int64 {
    defer { nextTransaction += 1 }
    transactions[nextTransaction] = transaction
    return nextTransaction
  }

  /// Its function has ended.
  func forget(_ transaction: DatabaseTransaction) {
    transactions[transaction.id] = nil
    dispatcher.drop(transaction, of: transaction.slot)
  }

  /// Runs `body` with a connection that may be gone; from another thread's message.
  func onConnection(_ number: UInt64, _ body: (DatabaseConnection) -> Void) {
    enter { if let connection = connections[number] { body(connection) } }
  }

  // MARK: The loop

  var milliseconds: UInt64 { loop.milliseconds }

  func watch(
    _ descriptor: Int32, _ events: PollEvents, connection number: UInt64
  ) throws(SystemCallError) {
    let token = Token.socket.with(number)
    do throws(SystemCallError) {
      try loop.rewatch(descriptor, events, token, for: source)
    } catch {
      // It is a new one: the old was closed by libpq, which takes it off the loop.
      try loop.watch(descriptor, events, token, for: source)
    }
  }

  func startTimer(_ kind: Token, _ number: UInt64, afterMilliseconds delay: UInt64) -> TimerID {
    loop.schedule(afterMilliseconds: delay, kind.with(number), for: source)
  }

  func cancelTimer(_ timer: TimerID) { loop.cancel(timer) }

  /// Has `body` run from the loop, after what runs now.
  func later(_ body: @escaping () -> Void) {
    work.append(body)
    if !isInside { post() }
  }

  private func post() {
    guard !isPosted else { return }
    isPosted = true
    mailbox.post(.token(source: source, Token.later.with(0)))
  }

  /// Handles an event of the loop's and then what it put off. What that puts off in turn waits for the next
  /// turn, so that a function that fails over and over holds up nobody.
  private func enter(_ event: () -> Void) {
    isInside = true
    event()
    let now = work
    work = []
    for body in now { body() }
    isInside = false
    if !work.isEmpty { post() }
  }

  fileprivate func ready(_ token: UInt64) {
    enter { (connections[number(of: token)] as? PostgresConnection)?.ready() }
  }

  fileprivate func posted() {
    isPosted = false
    enter {}
  }

  fileprivate func expired(_ token: UInt64) {
    let number = number(of: token)
    enter {
      switch Token(rawValue: token >> Token.numberBits) {
      case .connection:
        if let connection = connections[number] { (connection.owner as? Database)?.overdue(connection) }
      case .statement: requests[number]?.statementTimedOut()
      case .pool: (databases + retired).first { $0.number == number }?.poolTimerExpired()
      case .retry: (connections[number] as? SQLiteConnection)?.retry()
      case .socket, .later, nil: break
      }
    }
  }

  private func number(of token: UInt64) -> UInt64 { token & (1 << Token.numberBits - 1) }
}
