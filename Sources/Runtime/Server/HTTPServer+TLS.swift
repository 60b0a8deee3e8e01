// Connections with TLS. They read, write and end as plain ones do, with three steps in between: what was read
// is decrypted into the input, what is in the output is encrypted as it is sent, and the end is announced.
//
// `readable` stays set until the socket is empty and everything read was decrypted; so it means the same as on
// a plain connection, and whatever loops until it is gone loses nothing. While the client is slow to take what
// was encrypted, nothing more of it is read or encrypted: at most `TLSExchange.pieceBytes` and what the
// protocol itself has to say wait.

import CTLS

extension HTTPServer {
  /// What the framing of records takes, beside the bytes that there is room for.
  private static var framingBytes: Int { 1_024 }

  /// Serves connections that come from now on with this certificate; those that are open keep theirs.
  package func useTLS(_ context: TLSContext) {
    state.pointee.tlsExchange.prepare()
    state.pointee.tlsContext = context
  }

  /// Gives a new connection its session; false when there is no memory for it.
  func beginTLS(_ connection: UnsafeMutablePointer<Connection>, _ context: TLSContext) -> Bool {
    guard let session = TLSSession(context, state.pointee.tlsExchange.io) else { return false }
    let place = UnsafeMutablePointer<TLSSession>.allocate(capacity: 1)
    place.initialize(to: session)
    connection.pointee.tls = place
    return true
  }

  /// Frees a connection's session; it is a plain one then.
  func endTLS(_ connection: UnsafeMutablePointer<Connection>) {
    guard let session = connection.pointee.tls else { return }
    session.pointee.end(&state.pointee.pool)
    session.deallocate()
    connection.pointee.tls = nil
    connection.pointee.flags.remove(.handshaking)
  }

  // MARK: Reading

  /// What a look at the socket came to.
  private enum Filling {
    /// There is something to decrypt, and perhaps more in the socket.
    case filled
    /// There is something to decrypt, and the socket is empty.
    case drained
    /// Nothing came; the flags say why.
    case nothing
    /// The client has closed.
    case closed
    /// What came is plain HTTP, and was answered.
    case plain
  }

  /// Reads from the socket once and decrypts into the input's free memory; an end or a failure goes to the flags.
  func receiveTLS(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>
  ) {
    guard !session.pointee.hasEnded else { return noteEnd(connection) }
    state.pointee.tlsExchange.begin()
    var filling: Filling?
    if session.pointee.holdsMore {
      state.pointee.tlsExchange.feed(session.pointee.unread.bytes)
    } else {
      filling = fill(connection, session)
      if filling == .plain { return }
    }
    var gained = 0
    while filling == nil || filling == .filled || filling == .drained {
      let room = connection.pointee.input.tail
      session.pointee.holdsMore = room.count == 0
      guard room.count > 0 else { break }
      let (status, count) = session.pointee.read(room)
      guard status == SPACER_TLS_DONE || status == SPACER_TLS_STARVED else {
        noteTLSEnd(connection, session, hasFailed: status == SPACER_TLS_BROKEN)
        break
      }
      connection.pointee.input.commit(count)
      gained += count
      // A record that left room was the last one, if nothing follows; asking for more would cost a call.
      if count == room.count || (count > 0 && state.pointee.tlsExchange.rest.count > 0) { continue }
      if filling == nil {
        session.pointee.unread.release(&state.pointee.pool)
        filling = fill(connection, session)
      } else {
        if filling == .drained { connection.pointee.flags.remove(.readable) }
        break
      }
    }
    keepUnread(session, isFromSocket: filling != nil)
    sendProduced(connection, session)
    if connection.pointee.flags.contains(.handshaking), session.pointee.isEstablished {
      connection.pointee.flags.remove(.handshaking)
    }
    // What came before the end is served first: `readable` is still set, and the next read finds the end again.
    if gained == 0, filling == .closed || session.pointee.hasEnded { noteEnd(connection) }
  }

  /// Reads from the socket into the window, and feeds that.
  private func fill(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>
  ) -> Filling {
    // Little more than there is room for, so that nothing needs to be kept.
    let wanted = connection.pointee.input.tail.count + Self.framingBytes
    let window = UnsafeMutableRawBufferPointer(rebasing: state.pointee.tlsExchange.window.prefix(wanted))
    switch SystemCalls.receive(connection.pointee.descriptor, window) {
    case .done(let count):
      guard count > 0 else { return .closed }
      if !session.pointee.hasBegun {
        if TLSOpening.isPlainHTTP(window[0]) {
          endTLS(connection)
          refuse(connection, .plainHTTP)
          return .plain
        }
        session.pointee.hasBegun = true
        connection.pointee.flags.insert(.handshaking)
      }
      state.pointee.tlsExchange.feed(UnsafeRawBufferPointer(rebasing: window[..<count]))
      let isDrained = count < window.count && !connection.pointee.flags.contains(.peerFinished)
      return isDrained ? .drained : .filled
    case .wouldBlock:
      connection.pointee.flags.remove(.readable)
      return .nothing
    case .failed:
      connection.pointee.flags.insert(.broken)
      return .nothing
    }
  }

  private func noteTLSEnd(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>,
    hasFailed: Bool
  ) {
    session.pointee.hasEnded = true
    guard hasFailed else { return }
    session.pointee.hasFailed = true
    handler.tlsFailed(spacer_tls_reason(), peer: connection.pointee.peer)
  }

  /// Keeps the ciphertext for which there was no room.
  private func keepUnread(_ session: UnsafeMutablePointer<TLSSession>, isFromSocket: Bool) {
    let rest = state.pointee.tlsExchange.rest
    guard rest.count > 0, !session.pointee.hasEnded else {
      return session.pointee.unread.release(&state.pointee.pool)
    }
    if isFromSocket {
      session.pointee.unread.append(rest, &state.pointee.pool)
    } else {
      session.pointee.unread.consume(session.pointee.unread.count - rest.count)
    }
  }

  // MARK: Writing

  /// `flush` of a connection with TLS: encrypts and sends what the output holds, as far as the client takes it.
  func flushTLS(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>
  ) {
    while true {
      sendSealed(connection, session)
      guard session.pointee.sealed.isEmpty, !connection.pointee.flags.contains(.broken) else { return }
      connection.pointee.output.consume(session.pointee.sealedCount)
      session.pointee.sealedCount = 0
      guard !connection.pointee.output.isEmpty else { break }
      let piece = UnsafeRawBufferPointer(
        rebasing: connection.pointee.output.bytes.prefix(TLSExchange.pieceBytes))
      state.pointee.tlsExchange.begin()
      guard !session.pointee.isFinished, session.pointee.write(piece) else {
        connection.pointee.flags.insert(.broken)
        return
      }
      session.pointee.sealedCount = piece.count
      sendProduced(connection, session)
    }
    noteAllSent(connection)
  }

  /// Sends what a call has produced, behind what waits.
  private func sendProduced(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>
  ) {
    let produced = state.pointee.tlsExchange.produced
    guard produced.count > 0 else { return }
    let sent = session.pointee.sealed.isEmpty ? send(connection, produced) : 0
    guard sent < produced.count, !connection.pointee.flags.contains(.broken) else { return }
    session.pointee.sealed.append(
      UnsafeRawBufferPointer(rebasing: produced[sent...]), &state.pointee.pool)
  }

  private func sendSealed(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>
  ) {
    guard !session.pointee.sealed.isEmpty else { return }
    session.pointee.sealed.consume(send(connection, session.pointee.sealed.bytes))
    if session.pointee.sealed.isEmpty { session.pointee.sealed.release(&state.pointee.pool) }
  }

  /// Sends as far as the socket takes it; returns how much that was.
  private func send(_ connection: UnsafeMutablePointer<Connection>, _ bytes: UnsafeRawBufferPointer) -> Int {
    var sent = 0
    while sent < bytes.count, connection.pointee.flags.isDisjoint(with: [.blocked, .broken]) {
      switch SystemCalls.send(connection.pointee.descriptor, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
      {
      case .done(let count):
        sent += count
        noteSent(connection, count)
      case .wouldBlock: noteBlocked(connection)
      case .failed: connection.pointee.flags.insert(.broken)
      }
    }
    return sent
  }

  // MARK: The end

  /// Announces the end; false while the client is slow to take what was encrypted before it.
  func finishTLS(
    _ connection: UnsafeMutablePointer<Connection>, _ session: UnsafeMutablePointer<TLSSession>
  ) -> Bool {
    if !session.pointee.isFinished {
      session.pointee.isFinished = true
      connection.pointee.flags.insert(.closing)
      if !session.pointee.hasFailed, session.pointee.isEstablished {
        state.pointee.tlsExchange.begin()
        session.pointee.finish()
        sendProduced(connection, session)
      }
    }
    return session.pointee.sealed.isEmpty || connection.pointee.flags.contains(.broken)
  }
}
