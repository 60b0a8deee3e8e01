// What tells which descriptors are ready. epoll is the one there is; the protocol is all that the loop
// asks of it, so that another (io_uring) can take its place.
// Invariant: the event buffer belongs to the poller, and is valid from one `wait` to the next.

import CSystem

/// Readiness of a descriptor, in epoll's bits.
package struct PollEvents: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let readable = PollEvents(rawValue: 0x001)
  package static let writable = PollEvents(rawValue: 0x004)
  /// An error on the descriptor; reported unasked.
  package static let failed = PollEvents(rawValue: 0x008)
  /// Both directions have ended; reported unasked.
  package static let hungUp = PollEvents(rawValue: 0x010)
  /// The peer has ended its half.
  package static let peerFinished = PollEvents(rawValue: 0x2000)
  /// Report changes only, not states: what a report names must be remembered.
  package static let edgeTriggered = PollEvents(rawValue: 1 << 31)
}

/// The readiness of many descriptors; used from one thread.
package protocol Poller: ~Copyable {
  /// Watches a descriptor; `token` comes back with each of its events.
  func add(_ descriptor: Int32, _ events: PollEvents, token: UInt64) throws(SystemCallError)
  /// Changes what a watched descriptor is watched for.
  func modify(_ descriptor: Int32, _ events: PollEvents, token: UInt64) throws(SystemCallError)
  /// Stops watching; closing a descriptor's last duplicate does so too.
  func remove(_ descriptor: Int32) throws(SystemCallError)
  /// Waits up to so many milliseconds (-1: without end) and returns the number of events.
  func wait(milliseconds: Int32) throws(SystemCallError) -> Int
  /// An event of the last wait.
  func event(at index: Int) -> (token: UInt64, events: PollEvents)
}

/// The poller on epoll.
package struct EpollPoller: Poller, ~Copyable {
  private let descriptor: Int32
  private let events: UnsafeMutableBufferPointer<epoll_event>

  /// - Parameter eventCountMax: Events fetched by one wait.
  package init(eventCountMax: Int = 512) throws(SystemCallError) {
    descriptor = try SystemCalls.epollCreate()
    events = .allocate(capacity: eventCountMax)
    events.initialize(repeating: epoll_event())
  }

  deinit {
    events.deallocate()
    SystemCalls.close(descriptor)
  }

  package func add(_ watched: Int32, _ events: PollEvents, token: UInt64) throws(SystemCallError) {
    try SystemCalls.epollControl(
      descriptor, EPOLL_CTL_ADD, watched, events: events.rawValue, token: token)
  }

  package func modify(_ watched: Int32, _ events: PollEvents, token: UInt64) throws(SystemCallError) {
    try SystemCalls.epollControl(
      descriptor, EPOLL_CTL_MOD, watched, events: events.rawValue, token: token)
  }

  package func remove(_ watched: Int32) throws(SystemCallError) {
    try SystemCalls.epollControl(descriptor, EPOLL_CTL_DEL, watched, events: 0, token: 0)
  }

  package func wait(milliseconds: Int32) throws(SystemCallError) -> Int {
    try SystemCalls.epollWait(descriptor, events, milliseconds: milliseconds)
  }

  package func event(at index: Int) -> (token: UInt64, events: PollEvents) {
    let event = events[index]
    return (event.data.u64, PollEvents(rawValue: event.events))
  }
}
