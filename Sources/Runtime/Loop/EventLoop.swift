// One loop on one thread: wait for readiness, hand each event to its source, expire timers, repeat.
// The clock is read once after each wait; everything in one turn happens at that time.
//
// A token names the receiver of an event or a timer: the source's number in the top 8 bits, the rest is
// the source's own. Source 0 is the primary one, which `run` takes as a generic argument: its events are
// static calls in a specialised loop, and cost neither a table look-up nor reference counting. All other
// sources (a database's socket, an outbound request) are objects of `EventSource` in a table.
//
// Everything here belongs to the loop's thread, except the mailbox.

/// What a loop serves first and fastest: the HTTP server.
package protocol PrimarySource: AnyObject {
  /// A descriptor that was watched with this token is ready.
  func ready(_ token: UInt64, _ events: PollEvents)
  /// A timer that was scheduled with this token has expired.
  func expired(_ token: UInt64)
  /// All events and timers of this turn have been handed out.
  func finishTurn()
  /// There is work for the next turn even if no event arrives: it must not wait.
  var hasWork: Bool { get }
}

/// A receiver of events and timers besides the primary one.
package class EventSource {
  package init() {}
  /// A descriptor that was watched with this token is ready.
  package func ready(_ token: UInt64, _ events: PollEvents) {}
  /// A timer that was scheduled with this token has expired.
  package func expired(_ token: UInt64) {}
  /// Another thread left this token in the mailbox.
  package func posted(_ token: UInt64) {}
}

/// A source's number in its loop.
package struct SourceID: Hashable, Sendable, BitwiseCopyable {
  let rawValue: UInt8
  package static let primary = SourceID(rawValue: 0)
  static let mailbox = SourceID(rawValue: 255)

  static let tokenMask: UInt64 = 1 << 56 - 1

  /// - Precondition: The token fits 56 bits.
  @inline(__always)
  func compose(_ token: UInt64) -> UInt64 {
    precondition(token <= Self.tokenMask)
    return UInt64(rawValue) << 56 | token
  }
}

/// The event loop of one thread.
package final class EventLoop {
  // The state of a turn stands behind a pointer: a class's own variables are checked for overlapping
  // access at run time, at every touch.
  private struct State: ~Copyable {
    var now: UInt64
    var wheel = TimerWheel()
    var isStopping = false
    var hooks: ContiguousArray<() -> Void> = []
    var sources: ContiguousArray<EventSource?> = [nil]
  }

  private let poller: EpollPoller
  private let state: UnsafeMutablePointer<State>
  private let clock: () -> UInt64
  private let clockStart: UInt64

  /// For other threads: messages and `stop`.
  package let mailbox: LoopMailbox

  /// - Parameter clock: A monotonic clock in nanoseconds; tests pass their own.
  package init(
    clock: @escaping () -> UInt64 = SystemCalls.monotonicNanoseconds
  ) throws(SystemCallError) {
    poller = try EpollPoller()
    mailbox = try LoopMailbox()
    self.clock = clock
    clockStart = clock()
    state = .allocate(capacity: 1)
    state.initialize(to: State(now: clockStart))
    try poller.add(mailbox.descriptor, .readable, token: SourceID.mailbox.compose(0))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  // MARK: Time

  /// The monotonic time of this turn, in nanoseconds.
  package var now: UInt64 { state.pointee.now }

  /// The time of this turn in milliseconds since the loop was made.
  package var milliseconds: UInt64 { (state.pointee.now &- clockStart) / 1_000_000 }

  /// Schedules `expired(token)` of a source, not before that many milliseconds have passed.
  package func schedule(
    afterMilliseconds delay: UInt64, _ token: UInt64, for source: SourceID
  ) -> TimerID {
    schedule(atMilliseconds: milliseconds + delay, token, for: source)
  }

  /// Schedules at a time of `milliseconds`.
  package func schedule(
    atMilliseconds time: UInt64, _ token: UInt64, for source: SourceID
  ) -> TimerID {
    state.pointee.wheel.schedule(at: time, token: source.compose(token))
  }

  /// Cancels a timer; one that has fired, or `none`, is ignored.
  package func cancel(_ timer: TimerID) { state.pointee.wheel.cancel(timer) }

  // MARK: Sources

  /// Adds a source; it is held until it is unregistered.
  /// - Precondition: At most 254 sources at a time.
  package func register(_ source: EventSource) -> SourceID {
    let index = state.pointee.sources.dropFirst().firstIndex { $0 == nil } ?? state.pointee.sources.count
    precondition(index < Int(SourceID.mailbox.rawValue), "too many event sources")
    if index == state.pointee.sources.count {
      state.pointee.sources.append(source)
    } else {
      state.pointee.sources[index] = source
    }
    return SourceID(rawValue: UInt8(index))
  }

  /// Forgets a source; what is still reported for it is dropped.
  package func unregister(_ source: SourceID) {
    precondition(source != .primary && source != .mailbox)
    state.pointee.sources[Int(source.rawValue)] = nil
  }

  /// Watches a descriptor for a source; `token` (56 bits) comes back with its events.
  package func watch(
    _ descriptor: Int32, _ events: PollEvents, _ token: UInt64, for source: SourceID
  ) throws(SystemCallError) {
    try poller.add(descriptor, events, token: source.compose(token))
  }

  /// Changes what a watched descriptor is watched for.
  package func rewatch(
    _ descriptor: Int32, _ events: PollEvents, _ token: UInt64, for source: SourceID
  ) throws(SystemCallError) {
    try poller.modify(descriptor, events, token: source.compose(token))
  }

  /// Stops watching a descriptor that stays open.
  package func unwatch(_ descriptor: Int32) throws(SystemCallError) { try poller.remove(descriptor) }

  /// Adds something to be done at the end of every turn, such as flushing logs.
  package func afterPoll(_ hook: @escaping () -> Void) { state.pointee.hooks.append(hook) }

  // MARK: Running

  /// Runs turns until `stop`.
  package func run<Primary: PrimarySource>(_ primary: Primary) throws(SystemCallError) {
    while !state.pointee.isStopping { try turn(primary) }
    state.pointee.isStopping = false
  }

  /// Ends `run` after this turn; from the loop's thread. Others post `.stop`.
  package func stop() { state.pointee.isStopping = true }

  /// One turn: wait at most so long (-1: until there is something to do), then handle what there is.
  package func turn<Primary: PrimarySource>(
    _ primary: Primary, waitMillisecondsMax: Int32 = -1
  ) throws(SystemCallError) {
    let wait = primary.hasWork ? 0 : waitMilliseconds(waitMillisecondsMax)
    let count = try poller.wait(milliseconds: wait)
    state.pointee.now = clock()
    for index in 0..<count {
      let event = poller.event(at: index)
      let source = event.token >> 56
      if source == 0 {
        primary.ready(event.token, event.events)
      } else {
        dispatch(Int(source), event.token & SourceID.tokenMask, event.events)
      }
    }
    while let token = state.pointee.wheel.takeExpired(now: milliseconds) {
      let source = token >> 56
      if source == 0 {
        primary.expired(token)
      } else {
        state.pointee.sources[Int(source)]?.expired(token & SourceID.tokenMask)
      }
    }
    primary.finishTurn()
    for index in state.pointee.hooks.indices { state.pointee.hooks[index]() }
  }

  private func waitMilliseconds(_ waitMax: Int32) -> Int32 {
    guard let time = state.pointee.wheel.nextTime() else { return waitMax }
    let wait = Int32(clamping: time - min(time, milliseconds))
    return waitMax < 0 ? wait : min(wait, waitMax)
  }

  private func dispatch(_ source: Int, _ token: UInt64, _ events: PollEvents) {
    guard source == Int(SourceID.mailbox.rawValue) else {
      state.pointee.sources[source]?.ready(token, events)
      return
    }
    for message in mailbox.takeAll() {
      switch message {
      case .token(let source, let token): state.pointee.sources[Int(source.rawValue)]?.posted(token)
      case .work(let body): body()
      case .stop: stop()
      }
    }
  }
}
