// Answers. An answer is put behind what the connection's output holds already, and sent: at once when it
// comes late, at the end of the connection's turn when its handler gave it directly, so that the answers
// to pipelined requests leave together. What the client does not take stays in the output and waits for
// writability; until then nothing more of that client is read or dispatched.

import SpacerArtifact

extension HTTPServer {
  /// A body of this size is sent from where it is, not copied first.
  private static var copiedBytesMax: Int { 16 * 1_024 }

  // MARK: Answers in one piece

  /// Answers a request. A second answer, or one to a request that is gone, is ignored.
  /// - Parameters:
  ///   - status: 200 to 999; with 204, 205 and 304 the body is left out, as with HEAD.
  ///   - headers: Whole lines with their ends, already checked. They do not name Date, Connection,
  ///     Content-Length or Transfer-Encoding, nor Content-Type with `.json`.
  ///   - body: Copied or sent before this returns.
  package func respond(
    _ exchange: ExchangeID, status: Int, headers: UnsafeRawBufferPointer,
    contentType: ResponseContentType, body: UnsafeRawBufferPointer
  ) {
    guard let connection = state.pointee.table.find(exchange),
      !connection.pointee.flags.contains(.streaming)
    else { return }
    let hasBody = !Self.isBodiless(status)
    // Only 204 and 304 end with their head by themselves; 205 has to say that nothing follows.
    let length: ResponseFraming = status == 205 ? .length(0) : .none
    appendHead(
      connection, status: status, headers: headers, contentType: contentType,
      framing: hasBody ? .length(body.count) : length)
    connection.pointee.flags.insert(.answered)
    if hasBody, !Self.isHead(connection) { appendBody(connection, body) }
    finishAnswer(exchange.slot, connection)
  }

  /// By pattern: comparing with `==` goes through the other module's protocol witness.
  private static func isHead(_ connection: UnsafeMutablePointer<Connection>) -> Bool {
    if case .head = connection.pointee.decoder.head.method { true } else { false }
  }

  private static func isBodiless(_ status: Int) -> Bool { status == 204 || status == 304 || status == 205 }

  private func appendHead(
    _ connection: UnsafeMutablePointer<Connection>, status: Int, headers: UnsafeRawBufferPointer,
    contentType: ResponseContentType, framing: ResponseFraming
  ) {
    let head = connection.pointee.decoder.head
    let keepsAlive = framing != .close && head.keepsAlive && !endsForDrain(connection)
    if !keepsAlive { connection.pointee.flags.insert(.closing) }
    let said: ConnectionHeader = keepsAlive ? (head.minorVersion == 0 ? .keepAlive : .implied) : .close
    writeHead(
      connection, status: status, headers: headers, contentType: contentType, connectionHeader: said,
      framing: framing)
  }

  /// While draining, a connection ends with its last request; those that are in its buffer come first.
  private func endsForDrain(_ connection: UnsafeMutablePointer<Connection>) -> Bool {
    state.pointee.isDraining && !connection.pointee.flags.contains(.readable)
      && connection.pointee.input.count == connection.pointee.decoder.position
  }

  private func writeHead(
    _ connection: UnsafeMutablePointer<Connection>, status: Int, headers: UnsafeRawBufferPointer,
    contentType: ResponseContentType, connectionHeader: ConnectionHeader, framing: ResponseFraming
  ) {
    refreshDate()
    connection.pointee.output.reserve(ResponseHead.bytesMax + headers.count, &state.pointee.pool)
    var writer = ByteWriter(connection.pointee.output.tail)
    ResponseHead.write(
      &writer, status: status, prefix: state.pointee.prefix, contentType: contentType,
      connection: connectionHeader, framing: framing, headers: headers)
    connection.pointee.output.commit(writer.count)
  }

  private func refreshDate() {
    guard loop.now >= state.pointee.prefixUntil else { return }
    let time = SystemCalls.wallClock()
    state.pointee.prefix = ResponsePrefix(seconds: time.seconds)
    state.pointee.prefixUntil = loop.now + UInt64(1_000_000_000 - time.nanoseconds)
  }

  private func appendBody(
    _ connection: UnsafeMutablePointer<Connection>, _ body: UnsafeRawBufferPointer
  ) {
    guard body.count > Self.copiedBytesMax, connection.pointee.tls == nil,
      connection.pointee.flags.isDisjoint(with: [.blocked, .broken])
    else { return connection.pointee.output.append(body, &state.pointee.pool) }
    let headCount = connection.pointee.output.count
    var sent = 0
    switch SystemCalls.send(connection.pointee.descriptor, connection.pointee.output.bytes, body) {
    case .done(let count): sent = count
    case .wouldBlock: break
    case .failed:
      connection.pointee.flags.insert(.broken)
      return
    }
    connection.pointee.output.consume(min(sent, headCount))
    let rest = UnsafeRawBufferPointer(rebasing: body[max(0, sent - headCount)...])
    if rest.count > 0 { connection.pointee.output.append(rest, &state.pointee.pool) }
    noteSent(connection, sent)
  }

  /// An answer is whole: its connection goes on, by itself or with the queue.
  private func finishAnswer(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    guard slot != state.pointee.currentSlot else { return }
    flush(connection)
    enqueue(slot, connection)
  }

  // MARK: Answers in pieces

  /// Begins an answer whose length is not known: in chunks, or up to the connection's end for HTTP/1.0.
  /// The rest as `respond`.
  package func beginResponse(
    _ exchange: ExchangeID, status: Int, headers: UnsafeRawBufferPointer,
    contentType: ResponseContentType
  ) {
    guard let connection = state.pointee.table.find(exchange),
      !connection.pointee.flags.contains(.streaming)
    else { return }
    let head = connection.pointee.decoder.head
    let hasBody = !Self.isBodiless(status)
    let length: ResponseFraming = status == 205 ? .length(0) : .none
    let framing: ResponseFraming = hasBody ? (head.minorVersion == 0 ? .close : .chunked) : length
    appendHead(
      connection, status: status, headers: headers, contentType: contentType, framing: framing)
    connection.pointee.flags.insert(.streaming)
    if framing == .chunked { connection.pointee.flags.insert(.chunked) }
    if !hasBody || Self.isHead(connection) { connection.pointee.flags.insert(.bodiless) }
    if exchange.slot != state.pointee.currentSlot {
      flush(connection)
      enqueue(exchange.slot, connection)
    }
  }

  /// Sends a piece of an answer that was begun.
  /// - Returns: The bytes that the client has not taken yet. When there are some, it is wise to wait for
  ///   the handler's `writable`. Nil when the exchange is gone.
  @discardableResult
  package func write(_ exchange: ExchangeID, _ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let connection = state.pointee.table.find(exchange),
      connection.pointee.flags.contains(.streaming), !connection.pointee.flags.contains(.broken)
    else { return nil }
    if bytes.count > 0, !connection.pointee.flags.contains(.bodiless) {
      if connection.pointee.flags.contains(.chunked) {
        connection.pointee.output.reserve(bytes.count + 20, &state.pointee.pool)
        var writer = ByteWriter(connection.pointee.output.tail)
        writer.append(hexadecimal: bytes.count)
        writer.append("\r\n")
        writer.append(bytes)
        writer.append("\r\n")
        connection.pointee.output.commit(writer.count)
      } else {
        connection.pointee.output.append(bytes, &state.pointee.pool)
      }
    }
    flush(connection)
    enqueue(exchange.slot, connection)
    return connection.pointee.output.count
  }

  /// Ends an answer that was begun.
  package func endResponse(_ exchange: ExchangeID) {
    guard let connection = state.pointee.table.find(exchange),
      connection.pointee.flags.contains(.streaming)
    else { return }
    if connection.pointee.flags.contains(.chunked), !connection.pointee.flags.contains(.bodiless) {
      let end: StaticString = "0\r\n\r\n"
      connection.pointee.output.append(
        UnsafeRawBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount), &state.pointee.pool)
    }
    connection.pointee.flags.insert(.answered)
    finishAnswer(exchange.slot, connection)
  }

  // MARK: What the server itself says

  func writeContinue(_ connection: UnsafeMutablePointer<Connection>) {
    let line: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
    connection.pointee.output.append(
      UnsafeRawBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount), &state.pointee.pool)
    flush(connection)
  }

  /// Answers what is not handed on; the connection ends with it, and its input is forgotten.
  func refuse(_ connection: UnsafeMutablePointer<Connection>, _ refusal: Refusal) {
    let body = UnsafeRawBufferPointer(
      start: refusal.body.utf8Start, count: refusal.body.utf8CodeUnitCount)
    writeHead(
      connection, status: refusal.status, headers: UnsafeRawBufferPointer(start: nil, count: 0),
      contentType: .json, connectionHeader: .close, framing: .length(body.count))
    if !Self.isHead(connection) {
      connection.pointee.output.append(body, &state.pointee.pool)
    }
    connection.pointee.flags.formUnion([.closing, .lingers])
    if connection.pointee.input.count > 0 {
      // What of the head was understood lies within the input.
      let request = RequestView(connection)
      handler.refused(
        refusal, method: request.methodName, path: request.path, peer: connection.pointee.peer)
    } else {
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      handler.refused(refusal, method: nothing, path: nothing, peer: connection.pointee.peer)
    }
    connection.pointee.input.release(&state.pointee.pool)
  }

  // MARK: Sending

  /// Sends what the output holds, as far as the client takes it. Never closes: `settle` does.
  func flush(_ connection: UnsafeMutablePointer<Connection>) {
    guard connection.pointee.flags.isDisjoint(with: [.blocked, .broken]) else { return }
    if let session = connection.pointee.tls { return flushTLS(connection, session) }
    while !connection.pointee.output.isEmpty {
      switch SystemCalls.send(connection.pointee.descriptor, connection.pointee.output.bytes) {
      case .done(let count):
        connection.pointee.output.consume(count)
        noteSent(connection, count)
      case .wouldBlock:
        return noteBlocked(connection)
      case .failed:
        connection.pointee.flags.insert(.broken)
        return
      }
    }
    noteAllSent(connection)
  }

  /// The socket takes no more for now: the client's time begins.
  func noteBlocked(_ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.flags.insert(.blocked)
    if connection.pointee.outputSince == 0 { connection.pointee.outputSince = max(1, loop.milliseconds) }
  }

  func noteAllSent(_ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.outputSince = 0
    connection.pointee.movedBytes = 0
  }

  /// Enough bytes taken renew the client's time.
  func noteSent(_ connection: UnsafeMutablePointer<Connection>, _ count: Int) {
    guard connection.pointee.outputSince != 0 else { return }
    connection.pointee.movedBytes += count
    if connection.pointee.movedBytes >= options.progressBytes {
      connection.pointee.movedBytes = 0
      connection.pointee.outputSince = max(1, loop.milliseconds)
    }
  }

  /// The socket takes bytes again.
  func continueWriting(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.flags.remove(.blocked)
    flush(connection)
    let isPending = connection.pointee.phase == .handling && !connection.pointee.flags.contains(.answered)
    if isPending, connection.pointee.output.isEmpty, connection.pointee.flags.contains(.streaming) {
      handler.writable(ExchangeID(slot: slot, serial: connection.pointee.serial))
    }
    proceed(slot, connection)
  }
}
