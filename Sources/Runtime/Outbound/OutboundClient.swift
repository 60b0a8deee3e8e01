// The outbound requests of one worker: a multi handle of libcurl's, driven by the worker's loop. It keeps the
// connections that are alive for later requests, and used easy handles where the library allows it.
//
// Invariants: everything happens on the loop's thread. `transfers` holds exactly the transfers whose handle is
// in the multi handle. Lua code, and with it new and cancelled transfers, runs only after libcurl has returned.

import CCurl

/// Sends requests and hands their transfers what comes.
final class OutboundClient: EventSource {
  /// Connections at a time; further requests wait for one.
  private static let connectionCountMax = 1024
  /// Connections that are kept alive without a request.
  private static let idleConnectionCountMax = 128
  private static let idleHandleCountMax = 64

  private unowned(unsafe) var loop: EventLoop?
  /// Nil when there was no memory for it.
  private var multi: UnsafeMutableRawPointer?
  private var source = SourceID.primary
  private var timer = TimerID.none
  /// The timer has run out and libcurl is at work.
  private var isExpiring = false
  /// Watched descriptors.
  private var watched: Set<Int32> = []
  private var transfers: [UnsafeMutableRawPointer: OutboundTransfer] = [:]
  private var idleHandles: [UnsafeMutableRawPointer] = []
  /// What requests in progress hold outside of Lua, in bytes.
  var heldBytes = 0

  /// Gives it the loop whose thread it is used on; once. The library is open.
  func attach(to loop: EventLoop) {
    self.loop = loop
    let owner = Unmanaged.passUnretained(self).toOpaque()
    multi = spacer_curl_multi_new(owner, Self.connectionCountMax, Self.idleConnectionCountMax)
    source = loop.register(self)
  }

  deinit {
    // The loop may be gone: nothing is said to it any more.
    if let multi { spacer_curl_multi_silence(multi) }
    for (easy, transfer) in transfers {
      spacer_curl_multi_remove(multi, easy)
      spacer_curl_easy_free(easy)
      transfer.release()
    }
    for easy in idleHandles { spacer_curl_easy_free(easy) }
    if let multi { spacer_curl_multi_free(multi) }
  }

  static func from(_ owner: UnsafeMutableRawPointer?) -> OutboundClient? {
    owner.map { Unmanaged<OutboundClient>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: Transfers

  /// Begins a transfer; its end comes from the loop. False when memory is out.
  func begin(_ transfer: OutboundTransfer) -> Bool {
    guard let multi, let easy = idleHandles.popLast() ?? spacer_curl_easy_new() else { return false }
    guard transfer.prepare(easy), spacer_curl_multi_add(multi, easy) == CURLM_OK else {
      spacer_curl_easy_free(easy)
      transfer.release()
      return false
    }
    transfer.easy = easy
    transfers[easy] = transfer
    return true
  }

  /// Ends a transfer, done or not; what it was connected to is closed unless it is done.
  func end(_ transfer: OutboundTransfer) {
    guard let easy = transfer.easy else { return }
    transfer.easy = nil
    transfers[easy] = nil
    spacer_curl_multi_remove(multi, easy)
    transfer.release()
    if idleHandles.count < Self.idleHandleCountMax, spacer_curl_easy_is_reusable() != 0 {
      idleHandles.append(easy)
    } else {
      spacer_curl_easy_free(easy)
    }
  }

  /// Tells the transfers that are done.
  private func finish() {
    var code = CURLE_OK
    while let easy = spacer_curl_next_done(multi, &code) {
      guard let transfer = transfers[easy] else { continue }
      transfer.done(code)
    }
  }

  // MARK: What libcurl asks of the loop

  func watch(_ descriptor: Int32, _ interest: Int32) {
    var events: PollEvents = []
    if interest & Int32(SPACER_CURL_READABLE) != 0 { events.insert(.readable) }
    if interest & Int32(SPACER_CURL_WRITABLE) != 0 { events.insert(.writable) }
    guard !events.isEmpty else {
      if watched.remove(descriptor) != nil { try? loop?.unwatch(descriptor) }
      return
    }
    guard let loop else { return }
    let token = UInt64(UInt32(bitPattern: descriptor))
    let isKnown = !watched.insert(descriptor).inserted
    // A known one may have been closed unheard, and its number taken by another socket.
    if isKnown, (try? loop.rewatch(descriptor, events, token, for: source)) != nil { return }
    try? loop.watch(descriptor, events, token, for: source)
  }

  func setTimer(_ milliseconds: Int) {
    loop?.cancel(timer)
    timer = .none
    guard milliseconds >= 0, let loop else { return }
    // What is asked for while time runs out waits for the next turn, so that a turn ends.
    let delay = UInt64(max(milliseconds, isExpiring ? 1 : 0))
    timer = loop.schedule(afterMilliseconds: delay, 0, for: source)
  }

  // MARK: Events

  override func ready(_ token: UInt64, _ events: PollEvents) {
    let descriptor = Int32(truncatingIfNeeded: token)
    guard watched.contains(descriptor) else { return }
    var bits: Int32 = 0
    if !events.isDisjoint(with: [.readable, .hungUp]) { bits |= Int32(SPACER_CURL_READABLE) }
    if events.contains(.writable) { bits |= Int32(SPACER_CURL_WRITABLE) }
    if events.contains(.failed) { bits |= Int32(SPACER_CURL_FAILED) }
    spacer_curl_act(multi, descriptor, bits)
    finish()
  }

  override func expired(_ token: UInt64) {
    timer = .none
    isExpiring = true
    spacer_curl_expire(multi)
    isExpiring = false
    finish()
  }
}
