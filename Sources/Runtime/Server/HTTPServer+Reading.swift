// From readable bytes to handled requests. `proceed` is the one way on for a connection, whatever woke
// it: it decodes what is there, hands a request on, goes on when that was answered, and reads when there
// is nothing to decode. It stops when the socket is empty, the request is pending, the client is slow to
// take its answers, or the connection has had its share of the turn.

extension HTTPServer {
  /// Reads and requests that one connection may use before others get their turn.
  private static var readCountMax: Int { 4 }
  private static var requestCountMax: Int { 64 }
  /// A read that could take less is not worth its call.
  private static var readBytesMin: Int { 4_096 }
  /// Answers to pipelined requests are collected up to this.
  private static var collectBytesMax: Int { 16 * 1_024 }

  /// Goes on with a connection as far as it can go, and leaves it settled or closed.
  func proceed(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    if connection.pointee.phase == .lingering { return dropInput(slot, connection) }
    var reads = 0
    var requests = 0
    if connection.pointee.phase == .handling {
      guard connection.pointee.flags.contains(.answered) else { return settle(slot, connection) }
      finishExchange(connection)
    }
    while connection.pointee.flags.isDisjoint(with: [.closing, .broken, .blocked]) {
      if !connection.pointee.input.isEmpty {
        switch connection.pointee.decoder.advance(&connection.pointee.input, options) {
        case .complete:
          guard dispatch(slot, connection) else { return settleAfterWriting(slot, connection) }
          requests += 1
          if connection.pointee.output.count >= Self.collectBytesMax { flush(connection) }
          if requests < Self.requestCountMax { continue }
          enqueue(slot, connection)
        case .needsMore:
          if connection.pointee.decoder.takeContinue(connection.pointee.input) {
            writeContinue(connection)
          }
        case .refused(let refusal): refuse(connection, refusal)
        }
      }
      guard connection.pointee.flags.contains(.readable),
        connection.pointee.flags.isDisjoint(with: [.closing, .queued])
      else { break }
      guard reads < Self.readCountMax else {
        enqueue(slot, connection)
        break
      }
      reads += 1
      receive(connection)
    }
    settleAfterWriting(slot, connection)
  }

  private func settleAfterWriting(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    if !connection.pointee.output.isEmpty { flush(connection) }
    settle(slot, connection)
  }

  /// Reads once; an end or a failure goes to the flags.
  private func receive(_ connection: UnsafeMutablePointer<Connection>) {
    // A little more than is missing, so that the last read of a body comes short and none must follow.
    connection.pointee.input.reserveExactly(
      connection.pointee.decoder.wantedBytes + Self.readBytesMin, &state.pointee.pool)
    let tail = connection.pointee.input.tail
    if tail.count + connection.pointee.input.count > BufferPool.blockBytes,
      state.pointee.pool.largeBytes > options.bufferedBytesMax
    {
      return refuse(connection, .outOfMemory)
    }
    if let session = connection.pointee.tls { return receiveTLS(connection, session) }
    switch SystemCalls.receive(connection.pointee.descriptor, tail) {
    case .done(let count):
      guard count > 0 else { return noteEnd(connection) }
      connection.pointee.input.commit(count)
      // Less than there was room for means that the socket is empty; but an end still has to be read.
      if count < tail.count, !connection.pointee.flags.contains(.peerFinished) {
        connection.pointee.flags.remove(.readable)
      }
    case .wouldBlock: connection.pointee.flags.remove(.readable)
    case .failed: connection.pointee.flags.insert(.broken)
    }
  }

  /// The client sends no more: answers that wait still go out, a request that has begun is forgotten.
  func noteEnd(_ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.flags.insert(.closing)
    connection.pointee.flags.remove(.readable)
    connection.pointee.input.release(&state.pointee.pool)
  }

  /// Hands the request at the input's head on; true when it was answered at once.
  private func dispatch(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) -> Bool {
    connection.pointee.phase = .handling
    connection.pointee.receivedAt = loop.now
    let exchange = ExchangeID(slot: slot, serial: connection.pointee.serial)
    state.pointee.currentSlot = slot
    handler.handle(exchange, RequestView(connection))
    state.pointee.currentSlot = -1
    guard connection.pointee.flags.contains(.answered) else { return false }
    finishExchange(connection)
    return true
  }

  /// Takes the answered request off the input.
  private func finishExchange(_ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.input.consume(connection.pointee.decoder.position)
    connection.pointee.decoder = RequestDecoder()
    connection.pointee.serial = (connection.pointee.serial &+ 1) & (1 << 40 - 1)
    connection.pointee.flags.subtract([.answered, .streaming, .chunked, .bodiless])
    connection.pointee.flags.insert(.served)
    connection.pointee.phase = .idle
    connection.pointee.phaseSince = loop.milliseconds
  }
}
