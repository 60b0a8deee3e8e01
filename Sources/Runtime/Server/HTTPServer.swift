// An HTTP/1.1 server on one loop: connections in a table, requests decoded in their buffers and handed to
// the handler one at a time per connection, answers written at once.
//
// Sockets are watched edge-triggered for everything from when they first rest, so that no request costs a
// call to change it: `readable` and `blocked` in a connection's flags remember what the edges said.
//
// Who closes: only the top of a turn (an event, a timer, the queue of connections to go on with) closes a
// connection or calls the handler. `respond` and its kin, which the handler may call at any time, put
// bytes into the output, send them, and queue the connection; so a view of a request never loses its
// bytes under the handler's hands, and the handler is never entered a second time from inside.
//
// The class is generic so that the handler's calls are static; the loop takes it as its primary source
// for the same reason.

/// What answers a server's requests. Called on the loop's thread.
package protocol ExchangeHandler: AnyObject {
  /// A request is there with its whole body. Leads to exactly one answer, now or later.
  func handle(_ exchange: ExchangeID, _ request: borrowing RequestView)
  /// The client went away before its request was answered; an answer is ignored from now on.
  func cancel(_ exchange: ExchangeID)
  /// The client went away: a last look at its request, before `cancel`.
  func lost(_ exchange: ExchangeID, _ request: borrowing RequestView)
  /// The server itself turned a request down, which no handler will see.
  /// `method` and `path` are empty as far as the head was not understood.
  func refused(
    _ refusal: Refusal, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, peer: PeerAddress)
  /// What came on a TLS connection is no TLS, or none that the server speaks; the connection ends.
  func tlsFailed(_ reason: UnsafePointer<CChar>, peer: PeerAddress)
  /// The client has taken all that was sent of an answer in pieces, after there was more.
  func writable(_ exchange: ExchangeID)
}

extension ExchangeHandler {
  package func lost(_ exchange: ExchangeID, _ request: borrowing RequestView) {}
  package func refused(
    _ refusal: Refusal, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, peer: PeerAddress
  ) {}
  package func tlsFailed(_ reason: UnsafePointer<CChar>, peer: PeerAddress) {}
  package func writable(_ exchange: ExchangeID) {}
}

/// The server's state besides its constants, behind a pointer: see `EventLoop.State`.
struct ServerState: ~Copyable {
  var table: ConnectionTable
  var pool = BufferPool()
  var prefix = ResponsePrefix(seconds: 0)
  /// The loop's time until which the prefix's date is right.
  var prefixUntil: UInt64 = 0
  /// The connections to go on with in this turn, as tokens.
  var queue: ContiguousArray<UInt64> = []
  var listeners: ContiguousArray<Int32> = []
  /// Those of `listeners` that are the write proxy's.
  var proxyListeners: ContiguousArray<Int32> = []
  /// The listeners are not watched, for want of descriptors.
  var isAcceptPaused = false
  var acceptCountMax = 1
  /// Connections whose last answer was given.
  var lingeringCount = 0
  /// The slot whose handler call is running.
  var currentSlot = -1
  var isDraining = false
  /// What new connections begin TLS with; nil on a server of plain HTTP.
  var tlsContext: TLSContext?
  var tlsExchange = TLSExchange()
}

/// The server of one worker. All members belong to the loop's thread.
package final class HTTPServer<Handler: ExchangeHandler>: PrimarySource {
  let loop: EventLoop
  /// Replaced with the artifact; the number of connections alone stays as it was at the start.
  package var options: HTTPOptions
  let handler: Handler
  let state: UnsafeMutablePointer<ServerState>
  /// Called once when a drain has ended.
  package var whenDrained: (() -> Void)?

  /// Slots beyond the limit of connections, for those that are told so.
  private static var spareSlots: Int { 256 }

  /// - Parameter loop: The loop that runs with this server as its primary source.
  package init(loop: EventLoop, options: HTTPOptions, handler: Handler) {
    self.loop = loop
    self.options = options
    self.handler = handler
    state = .allocate(capacity: 1)
    let table = ConnectionTable(
      capacity: min(max(1, options.connectionCountMax), 1 << 20) + Self.spareSlots)
    state.initialize(to: ServerState(table: table))
  }

  deinit {
    for listener in state.pointee.listeners where listener >= 0 { SystemCalls.close(listener) }
    for slot in 0..<state.pointee.table.usedMax {
      let connection = state.pointee.table[slot]
      guard connection.pointee.descriptor >= 0 else { continue }
      SystemCalls.close(connection.pointee.descriptor)
      endTLS(connection)
      connection.pointee.input.release(&state.pointee.pool)
      connection.pointee.output.release(&state.pointee.pool)
    }
    state.deinitialize(count: 1)
    state.deallocate()
  }

  // MARK: What the loop calls

  package func ready(_ token: UInt64, _ events: PollEvents) {
    let slot = ConnectionToken.slot(token)
    guard slot != ConnectionToken.listenerSlot else {
      return acceptConnections(Int(ConnectionToken.generation(token)))
    }
    guard let connection = state.pointee.table.find(slot: slot, generation: ConnectionToken.generation(token))
    else { return }
    if !events.isDisjoint(with: [.failed, .hungUp]) { return close(slot, connection) }
    if !events.isDisjoint(with: [.readable, .peerFinished]) {
      connection.pointee.flags.insert(.readable)
      if events.contains(.peerFinished) {
        connection.pointee.flags.insert(.peerFinished)
        if hasGone(connection) { return close(slot, connection) }
      }
    }
    if events.contains(.writable), connection.pointee.flags.contains(.blocked) {
      continueWriting(slot, connection)
    } else {
      proceed(slot, connection)
    }
  }

  package func expired(_ token: UInt64) {
    let slot = ConnectionToken.slot(token)
    if slot == ConnectionToken.listenerSlot { return resumeAccepting() }
    guard let connection = state.pointee.table.find(slot: slot, generation: ConnectionToken.generation(token))
    else { return }
    deadlineTimerFired(slot, connection)
  }

  package func finishTurn() {
    guard !state.pointee.queue.isEmpty else { return }
    var queue: ContiguousArray<UInt64> = []
    swap(&queue, &state.pointee.queue)
    for token in queue {
      let slot = ConnectionToken.slot(token)
      guard
        let connection = state.pointee.table.find(slot: slot, generation: ConnectionToken.generation(token))
      else { continue }
      connection.pointee.flags.remove(.queued)
      proceed(slot, connection)
    }
    // Keeps the memory for the next turn, unless the turn has filled a new one.
    if state.pointee.queue.isEmpty {
      queue.removeAll(keepingCapacity: true)
      swap(&queue, &state.pointee.queue)
    }
  }

  package var hasWork: Bool { !state.pointee.queue.isEmpty }

  /// Whether a client that has ended its side waits for nothing any more: it does so while its only request
  /// is being handled. One that just half-closes cannot be told from it, and no other sign would come before
  /// the answer; with more requests sent ahead it is taken to wait for the answers.
  private func hasGone(_ connection: UnsafeMutablePointer<Connection>) -> Bool {
    connection.pointee.phase == .handling && !connection.pointee.flags.contains(.answered)
      && connection.pointee.input.count <= connection.pointee.decoder.position
  }

  /// Has a connection looked at again at the end of this turn, or in the next one.
  func enqueue(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    guard !connection.pointee.flags.contains(.queued) else { return }
    connection.pointee.flags.insert(.queued)
    state.pointee.queue.append(ConnectionToken.make(slot, connection.pointee.generation))
  }

  // MARK: What the owner asks

  /// Connections that are open.
  package var connectionCount: Int { state.pointee.table.count }

  /// Gives another look at a request that was not answered yet; nil when it is gone.
  package func request<Result>(
    _ exchange: ExchangeID, _ body: (borrowing RequestView) -> Result
  ) -> Result? {
    guard let connection = state.pointee.table.find(exchange) else { return nil }
    return body(RequestView(connection))
  }
}

/// The token of a connection's events: slot and generation; of a listener's: its index behind a slot that
/// no connection has.
enum ConnectionToken {
  static let listenerSlot = 1 << Int(ExchangeID.slotBits) - 1

  @inline(__always)
  static func make(_ slot: Int, _ generation: UInt32) -> UInt64 {
    UInt64(generation) << ExchangeID.slotBits | UInt64(slot)
  }

  @inline(__always)
  static func slot(_ token: UInt64) -> Int { Int(token & UInt64(listenerSlot)) }

  @inline(__always)
  static func generation(_ token: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: token >> ExchangeID.slotBits)
  }
}
