// New connections. Listeners are watched level-triggered, and a turn takes a bounded number from each: as
// many as came lately, so that a steady trickle costs no call that finds nothing, and a rush few turns.

import CSystem
import Glibc

extension HTTPServer {
  private static var acceptCountMax: Int { 64 }
  private static var pauseMilliseconds: UInt64 { 100 }

  /// Serves a listening socket, which then belongs to the server.
  /// - Parameter isWriteProxy: Whether requests to it are the write proxy's; those are plain HTTP.
  package func addListener(_ descriptor: Int32, isWriteProxy: Bool = false) throws(SystemCallError) {
    let index = state.pointee.listeners.count
    state.pointee.listeners.append(descriptor)
    if isWriteProxy { state.pointee.proxyListeners.append(descriptor) }
    try loop.watch(descriptor, .readable, listenerToken(index), for: .primary)
  }

  private func listenerToken(_ index: Int) -> UInt64 {
    ConnectionToken.make(ConnectionToken.listenerSlot, UInt32(index))
  }

  func acceptConnections(_ index: Int) {
    guard index < state.pointee.listeners.count, state.pointee.listeners[index] >= 0 else { return }
    let limit = state.pointee.acceptCountMax
    let taken = accept(state.pointee.listeners[index], countMax: limit)
    state.pointee.acceptCountMax = taken == limit ? min(limit * 2, Self.acceptCountMax) : max(1, taken)
  }

  /// Accepts up to so many connections and returns how many there were.
  private func accept(_ listener: Int32, countMax: Int) -> Int {
    var address = sockaddr_storage()
    var taken = 0
    while taken < countMax {
      switch SystemCalls.accept(listener, &address) {
      case .done(let descriptor):
        taken += 1
        open(
          Int32(descriptor), withUnsafeBytes(of: address) { PeerAddress($0) },
          isForWriteProxy: !state.pointee.proxyListeners.isEmpty
            && state.pointee.proxyListeners.contains(listener))
      case .wouldBlock: return taken
      case .failed(let code):
        // A connection that was gone before it was taken is nothing to stop for.
        if code == ECONNABORTED || code == EPROTO { continue }
        pauseAccepting()
        return taken
      }
    }
    return taken
  }

  /// Serves a connection that was made elsewhere; its descriptor then belongs to the server.
  func adopt(_ descriptor: Int32, _ peer: PeerAddress) { open(descriptor, peer, isForWriteProxy: false) }

  private func open(_ descriptor: Int32, _ peer: PeerAddress, isForWriteProxy: Bool) {
    let tlsContext = isForWriteProxy ? nil : state.pointee.tlsContext
    let isOver =
      state.pointee.table.count - state.pointee.lingeringCount >= options.connectionCountMax
    // A refusal would need a handshake first, which is most of what a connection costs.
    if isOver, tlsContext != nil { return SystemCalls.close(descriptor) }
    guard let slot = state.pointee.table.insert(descriptor: descriptor, peer: peer) else {
      return SystemCalls.close(descriptor)
    }
    let connection = state.pointee.table[slot]
    if isForWriteProxy { connection.pointee.flags.insert(.writeProxy) }
    if isForWriteProxy || options.inspectsRequests { connection.pointee.flags.insert(.inspected) }
    if let context = tlsContext, !beginTLS(connection, context) {
      return close(slot, connection)
    }
    connection.pointee.phaseSince = loop.milliseconds
    if isOver {
      refuse(connection, .tooManyConnections)
      flush(connection)
      settle(slot, connection)
    } else {
      // Most clients send at once. What is there by the end of the turn is read without being waited
      // for, and a connection that serves one request never needs to be known to the poller.
      connection.pointee.flags.insert(.readable)
      enqueue(slot, connection)
    }
  }

  /// Without descriptors to accept with, a watched listener would only wake the loop.
  private func pauseAccepting() {
    guard !state.pointee.isAcceptPaused else { return }
    state.pointee.isAcceptPaused = true
    for listener in state.pointee.listeners where listener >= 0 { try? loop.unwatch(listener) }
    _ = loop.schedule(afterMilliseconds: Self.pauseMilliseconds, listenerToken(0), for: .primary)
  }

  func resumeAccepting() {
    guard state.pointee.isAcceptPaused else { return }
    state.pointee.isAcceptPaused = false
    for (index, listener) in state.pointee.listeners.enumerated() where listener >= 0 {
      try? loop.watch(listener, .readable, listenerToken(index), for: .primary)
    }
  }

  /// Takes what waits in the queues, so that no connection made before is reset, then closes.
  func closeListeners() {
    for index in state.pointee.listeners.indices where state.pointee.listeners[index] >= 0 {
      let listener = state.pointee.listeners[index]
      while accept(listener, countMax: Self.acceptCountMax) == Self.acceptCountMax {}
      // Closing alone would not, while another server has the socket too.
      if !state.pointee.isAcceptPaused { try? loop.unwatch(listener) }
      SystemCalls.close(listener)
      state.pointee.listeners[index] = -1
    }
  }
}
