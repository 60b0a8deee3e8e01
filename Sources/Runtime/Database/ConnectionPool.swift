// Which call gets which connection, as a value: requests, releases and failures go in, actions come out, the
// clock is passed in. The owner opens, grants and closes.
//
// Invariants: a connection is in exactly one of `opening`, `idle` and `busy`; there are never more than
// `sizeMax` together; nobody waits while one is idle.

/// The connections of one worker to one database. Connections and requests are told apart by the owner's
/// numbers; times are milliseconds of one monotonic clock.
struct ConnectionPool {
  /// What the owner is to do, in order.
  enum Action: Equatable {
    /// Begin to make a connection of this number; `opened` or `openFailed` follows.
    case open(UInt64)
    /// The request may use the connection until `released` or `lost`.
    case grant(connection: UInt64, request: UInt64)
    /// The request gets none.
    case refuse(request: UInt64, Refusal)
    case close(UInt64)
  }

  enum Refusal: Equatable {
    /// No connection became free in time.
    case waitedTooLong
    /// Too many wait already.
    case tooManyWaiting
    /// The last attempt to connect failed, and there is no connection to wait for.
    case cannotConnect
  }

  /// How long after a failed attempt the next one waits while other connections work.
  static let retryMilliseconds: UInt64 = 200

  private struct Idle {
    var connection: UInt64
    var since: UInt64
  }
  private struct Waiter {
    var request: UInt64
    var deadline: UInt64
  }

  let sizeMax: Int
  let waitingCountMax: Int
  let waitMilliseconds: UInt64
  let idleMilliseconds: UInt64
  private var opening: Set<UInt64> = []
  /// The last one was used last.
  private var idle: [Idle] = []
  private var busy: Set<UInt64> = []
  /// In order of arrival, so by deadline too.
  private var waiters: [Waiter] = []
  private var nextConnection: UInt64
  private var opensNotBefore: UInt64 = 0
  /// No further requests are served, and connections close when they are free.
  private(set) var isClosing = false

  init(
    sizeMax: Int, waitingCountMax: Int, waitMilliseconds: Int, idleMilliseconds: Int,
    firstConnection: UInt64 = 1
  ) {
    nextConnection = firstConnection
    self.sizeMax = sizeMax
    self.waitingCountMax = waitingCountMax
    self.waitMilliseconds = UInt64(waitMilliseconds)
    self.idleMilliseconds = UInt64(idleMilliseconds)
  }

  var count: Int { opening.count + idle.count + busy.count }
  var waitingCount: Int { waiters.count }

  // MARK: Requests

  /// A call wants a connection.
  mutating func request(_ request: UInt64, now: UInt64) -> [Action] {
    if let free = idle.popLast() {
      busy.insert(free.connection)
      return [.grant(connection: free.connection, request: request)]
    }
    guard waiters.count < waitingCountMax else { return [.refuse(request: request, .tooManyWaiting)] }
    waiters.append(Waiter(request: request, deadline: now + waitMilliseconds))
    return openMore(now)
  }

  /// The request is not wanted any more; false when it does not wait.
  mutating func giveUp(_ request: UInt64) -> Bool {
    guard let place = waiters.firstIndex(where: { $0.request == request }) else { return false }
    waiters.remove(at: place)
    return true
  }

  // MARK: Connections

  mutating func opened(_ connection: UInt64, now: UInt64) -> [Action] {
    guard opening.remove(connection) != nil else { return [] }
    return makeFree(connection, now: now)
  }

  mutating func openFailed(_ connection: UInt64, now: UInt64) -> [Action] {
    guard opening.remove(connection) != nil else { return [] }
    guard idle.isEmpty, busy.isEmpty else {
      opensNotBefore = now + Self.retryMilliseconds
      return []
    }
    guard opening.isEmpty else { return [] }
    defer { waiters.removeAll() }
    return waiters.map { .refuse(request: $0.request, .cannotConnect) }
  }

  /// The request that had the connection is done with it, and it is in a clean state.
  mutating func released(_ connection: UInt64, now: UInt64) -> [Action] {
    guard busy.remove(connection) != nil else { return [] }
    return makeFree(connection, now: now)
  }

  /// The connection is closed, by whichever side.
  mutating func lost(_ connection: UInt64, now: UInt64) -> [Action] {
    idle.removeAll { $0.connection == connection }
    busy.remove(connection)
    opening.remove(connection)
    return openMore(now)
  }

  private mutating func makeFree(_ connection: UInt64, now: UInt64) -> [Action] {
    if !waiters.isEmpty {
      let waiter = waiters.removeFirst()
      busy.insert(connection)
      return [.grant(connection: connection, request: waiter.request)]
    }
    guard !isClosing else { return [.close(connection)] }
    idle.append(Idle(connection: connection, since: now))
    return []
  }

  private mutating func openMore(_ now: UInt64) -> [Action] {
    var actions: [Action] = []
    guard now >= opensNotBefore || idle.isEmpty && busy.isEmpty else { return [] }
    while opening.count < waiters.count, count < sizeMax {
      opening.insert(nextConnection)
      actions.append(.open(nextConnection))
      nextConnection += 1
    }
    return actions
  }

  // MARK: Time

  /// When `expire` has something to do next.
  var nextDeadline: UInt64? {
    var deadline: UInt64?
    func consider(_ time: UInt64) { deadline = min(deadline ?? time, time) }
    if let waiter = waiters.first { consider(waiter.deadline) }
    if let oldest = idle.first { consider(oldest.since + idleMilliseconds) }
    if opening.count < waiters.count, count < sizeMax { consider(opensNotBefore) }
    return deadline
  }

  /// Time has passed.
  mutating func expire(now: UInt64) -> [Action] {
    var actions: [Action] = []
    // Where no connection was ever made, none can become free.
    let refusal: Refusal = idle.isEmpty && busy.isEmpty ? .cannotConnect : .waitedTooLong
    while let waiter = waiters.first, waiter.deadline <= now {
      waiters.removeFirst()
      actions.append(.refuse(request: waiter.request, refusal))
    }
    // Taken from the end and put there, so the first ones are unused longest.
    while let oldest = idle.first, oldest.since + idleMilliseconds <= now {
      idle.removeFirst()
      actions.append(.close(oldest.connection))
    }
    return actions + openMore(now)
  }

  /// Closes what is idle now, and everything else once it is free.
  mutating func close() -> [Action] {
    isClosing = true
    defer { idle.removeAll() }
    return idle.map { .close($0.connection) }
  }
}
