// How a connection rests and how it ends. `settle` is called once a connection has gone as far as it can:
// it closes what is done, gives memory back and sets the deadline of the phase. The rule for deadlines is
// a value of its own, `ConnectionDeadline`.

/// When a connection that rests is to be ended.
enum ConnectionDeadline {
  /// The milliseconds that a phase may take, counted from its begin or its last progress; nil without end.
  static func milliseconds(
    _ phase: ConnectionPhase, isOutputWaiting: Bool, isDraining: Bool, _ options: borrowing HTTPOptions
  ) -> UInt64? {
    if isOutputWaiting { return options.writeMilliseconds }
    switch phase {
    case .idle:
      return isDraining
        ? min(options.drainGraceMilliseconds, options.idleMilliseconds) : options.idleMilliseconds
    case .head: return options.headerMilliseconds
    case .body: return options.bodyMilliseconds
    case .handling: return nil
    case .lingering: return options.lingerMilliseconds
    }
  }
}

extension HTTPServer {
  // MARK: Rest

  /// Leaves a connection waiting for its next event, or ends it.
  func settle(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    let flags = connection.pointee.flags
    if flags.contains(.broken) { return close(slot, connection) }
    let isHandling = connection.pointee.phase == .handling
    if connection.pointee.output.isEmpty {
      connection.pointee.output.release(&state.pointee.pool)
      if flags.contains(.closing), !isHandling { return end(slot, connection) }
    }
    if connection.pointee.input.isEmpty { connection.pointee.input.release(&state.pointee.pool) }
    if !isHandling { notePhase(connection) }
    if state.pointee.isDraining, connection.pointee.phase == .idle, flags.contains(.served),
      !flags.contains(.queued), connection.pointee.output.isEmpty
    {
      return end(slot, connection)
    }
    // Whoever waits with little does not keep a whole block.
    if connection.pointee.phase != .idle, !flags.contains(.queued) {
      connection.pointee.input.shrink(&state.pointee.pool)
    }
    _ = rest(slot, connection)
  }

  /// Sees to it that the connection is woken, by its socket or its deadline. False when it had to close.
  private func rest(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) -> Bool {
    if !connection.pointee.flags.contains(.watched) {
      do {
        try loop.watch(
          connection.pointee.descriptor, [.readable, .writable, .peerFinished, .edgeTriggered],
          ConnectionToken.make(slot, connection.pointee.generation), for: .primary)
      } catch {
        close(slot, connection)
        return false
      }
      connection.pointee.flags.insert(.watched)
    }
    setDeadline(slot, connection)
    return true
  }

  /// Works out the phase of a connection that waits for input, and the progress of a body.
  private func notePhase(_ connection: UnsafeMutablePointer<Connection>) {
    let phase: ConnectionPhase
    if connection.pointee.decoder.stage == .head {
      let hasBegun = !connection.pointee.input.isEmpty || connection.pointee.flags.contains(.handshaking)
      phase = hasBegun ? .head : .idle
    } else {
      phase = .body
    }
    let bodyCount = connection.pointee.decoder.bodyCount
    if phase != connection.pointee.phase {
      connection.pointee.phase = phase
    } else if phase != .body || bodyCount - connection.pointee.phaseBytes < options.progressBytes {
      return
    }
    connection.pointee.phaseBytes = bodyCount
    connection.pointee.phaseSince = loop.milliseconds
  }

  private func setDeadline(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    let isWaiting = connection.pointee.outputSince != 0
    guard
      let span = ConnectionDeadline.milliseconds(
        connection.pointee.phase, isOutputWaiting: isWaiting, isDraining: state.pointee.isDraining, options)
    else {
      connection.pointee.deadline = 0
      return
    }
    let since = isWaiting ? connection.pointee.outputSince : connection.pointee.phaseSince
    let deadline = since + span
    connection.pointee.deadline = deadline
    guard connection.pointee.timer == .none || connection.pointee.timerAt > deadline else { return }
    loop.cancel(connection.pointee.timer)
    startTimer(slot, connection)
  }

  private func startTimer(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.timerAt = connection.pointee.deadline
    connection.pointee.timer = loop.schedule(
      atMilliseconds: connection.pointee.deadline,
      ConnectionToken.make(slot, connection.pointee.generation), for: .primary)
  }

  func deadlineTimerFired(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    connection.pointee.timer = .none
    guard connection.pointee.deadline != 0 else { return }
    guard connection.pointee.deadline <= loop.milliseconds else { return startTimer(slot, connection) }
    let isReading = connection.pointee.phase == .head || connection.pointee.phase == .body
    guard isReading, connection.pointee.output.isEmpty,
      connection.pointee.flags.isDisjoint(with: [.handshaking, .blocked])
    else { return close(slot, connection) }
    refuse(connection, .requestTimeout)
    flush(connection)
    settle(slot, connection)
  }

  // MARK: The end

  /// The last answer has left: close, or wait for the client to see it.
  private func end(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    if let session = connection.pointee.tls {
      guard finishTLS(connection, session) else {
        _ = rest(slot, connection)
        return
      }
      if connection.pointee.flags.contains(.broken) { return close(slot, connection) }
      endTLS(connection)
    }
    // Closing with unread bytes resets the connection, and the reset may overtake the answer.
    guard
      !connection.pointee.flags.isDisjoint(with: [.lingers, .readable]) || !connection.pointee.input.isEmpty
    else { return close(slot, connection) }
    SystemCalls.shutdownWriting(connection.pointee.descriptor)
    connection.pointee.input.release(&state.pointee.pool)
    connection.pointee.phase = .lingering
    connection.pointee.phaseSince = loop.milliseconds
    connection.pointee.movedBytes = 0
    state.pointee.lingeringCount += 1
    if rest(slot, connection) { dropInput(slot, connection) }
  }

  /// Reads and forgets, while the client has not seen our end.
  func dropInput(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    guard connection.pointee.flags.contains(.readable) else { return }
    var scratch = state.pointee.pool.take()
    defer { scratch.release(&state.pointee.pool) }
    for _ in 0..<16 {
      switch SystemCalls.receive(connection.pointee.descriptor, scratch.tail) {
      case .done(let count):
        connection.pointee.movedBytes += count
        guard count > 0, connection.pointee.movedBytes < options.lingerBytesMax else {
          return close(slot, connection)
        }
      case .wouldBlock:
        connection.pointee.flags.remove(.readable)
        return
      case .failed: return close(slot, connection)
      }
    }
    enqueue(slot, connection)
  }

  /// Closes the socket and frees the slot; the handler of a pending request is told.
  func close(_ slot: Int, _ connection: UnsafeMutablePointer<Connection>) {
    let isPending = connection.pointee.phase == .handling && !connection.pointee.flags.contains(.answered)
    let exchange = ExchangeID(slot: slot, serial: connection.pointee.serial)
    if connection.pointee.phase == .lingering { state.pointee.lingeringCount -= 1 }
    loop.cancel(connection.pointee.timer)
    if isPending { handler.lost(exchange, RequestView(connection)) }
    SystemCalls.close(connection.pointee.descriptor)
    if connection.pointee.tls != nil { endTLS(connection) }
    connection.pointee.input.release(&state.pointee.pool)
    connection.pointee.output.release(&state.pointee.pool)
    state.pointee.table.remove(slot)
    if isPending { handler.cancel(exchange) }
    if isDrained, let whenDrained {
      self.whenDrained = nil
      whenDrained()
    }
  }

  // MARK: Drain

  /// Begins to end: takes what waits in the listeners' queues, closes them, and lets every connection end
  /// with the request it is at. Connections that wait between requests end now; those that came and have
  /// sent nothing yet get `drainGraceMilliseconds`.
  package func beginDrain() {
    guard !state.pointee.isDraining else { return }
    closeListeners()
    state.pointee.isDraining = true
    for slot in 0..<state.pointee.table.usedMax {
      let connection = state.pointee.table[slot]
      guard connection.pointee.descriptor >= 0, connection.pointee.phase == .idle else { continue }
      // A request may have come in this moment.
      connection.pointee.flags.insert(.readable)
      enqueue(slot, connection)
    }
    if isDrained, let whenDrained {
      self.whenDrained = nil
      whenDrained()
    }
  }

  /// Whether a drain has ended: no connection is left.
  package var isDrained: Bool { state.pointee.isDraining && state.pointee.table.count == 0 }

  /// Ends a drain that takes too long: every connection is closed, pending requests are cancelled.
  package func closeAll() {
    for slot in 0..<state.pointee.table.usedMax {
      let connection = state.pointee.table[slot]
      if connection.pointee.descriptor >= 0 { close(slot, connection) }
    }
  }
}
