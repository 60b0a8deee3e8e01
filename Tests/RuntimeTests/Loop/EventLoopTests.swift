import Glibc
import Testing

@testable import SpacerRuntime

@Suite("Event loop")
struct EventLoopTests {
  private final class Recorder: EventSource {
    var events: [(UInt64, PollEvents)] = []
    var expiredTokens: [UInt64] = []
    var postedTokens: [UInt64] = []
    override func ready(_ token: UInt64, _ events: PollEvents) { self.events.append((token, events)) }
    override func expired(_ token: UInt64) { expiredTokens.append(token) }
    override func posted(_ token: UInt64) { postedTokens.append(token) }
  }

  private final class Primary: PrimarySource {
    var turns = 0
    var expiredTokens: [UInt64] = []
    func ready(_ token: UInt64, _ events: PollEvents) {}
    func expired(_ token: UInt64) { expiredTokens.append(token) }
    func finishTurn() { turns += 1 }
    var hasWork: Bool { false }
  }

  @Test("timers reach their source, with the time of the turn")
  func timers() throws {
    let clock = ManualClock()
    let loop = try EventLoop(clock: { clock.nanoseconds })
    let primary = Primary()
    let recorder = Recorder()
    let source = loop.register(recorder)
    _ = loop.schedule(afterMilliseconds: 10, 5, for: source)
    let cancelled = loop.schedule(afterMilliseconds: 10, 6, for: source)
    _ = loop.schedule(afterMilliseconds: 20, 7, for: .primary)
    loop.cancel(cancelled)
    clock.advance(milliseconds: 9)
    try loop.turn(primary, waitMillisecondsMax: 0)
    #expect(recorder.expiredTokens.isEmpty)
    clock.advance(milliseconds: 1)
    try loop.turn(primary)
    #expect(recorder.expiredTokens == [5])
    #expect(loop.milliseconds == 10)
    clock.advance(milliseconds: 100)
    try loop.turn(primary)
    #expect(primary.expiredTokens == [7])
  }

  @Test("foreign descriptors reach their source until it is unregistered")
  func foreignDescriptor() throws {
    let loop = try EventLoop()
    let primary = Primary()
    let recorder = Recorder()
    let source = loop.register(recorder)
    let descriptor = try SystemCalls.eventDescriptor()
    defer { SystemCalls.close(descriptor) }
    try loop.watch(descriptor, .readable, 42, for: source)
    try loop.turn(primary, waitMillisecondsMax: 0)
    #expect(recorder.events.isEmpty)
    var one: UInt64 = 1
    withUnsafeBytes(of: &one) { #expect(SystemCalls.write(descriptor, $0) == .done(8)) }
    try loop.turn(primary)
    #expect(recorder.events.map(\.0) == [42])
    #expect(recorder.events[0].1 == .readable)
    try loop.rewatch(descriptor, .writable, 43, for: source)
    try loop.turn(primary)
    #expect(recorder.events.map(\.0) == [42, 43])
    loop.unregister(source)
    try loop.turn(primary, waitMillisecondsMax: 0)
    #expect(recorder.events.count == 2)
    try loop.unwatch(descriptor)
    let next = loop.register(Recorder())
    #expect(next == source)
  }

  @Test("other threads leave tokens and work, and stop the loop")
  func mailbox() async throws {
    let loop = try EventLoop()
    let primary = Primary()
    let recorder = Recorder()
    let source = loop.register(recorder)
    var polls = 0
    loop.afterPoll { polls += 1 }
    let mailbox = loop.mailbox
    let sender = Task.detached {
      for token: UInt64 in 0..<100 { mailbox.post(.token(source: source, token)) }
      mailbox.post(.stop)
    }
    try loop.run(primary)
    await sender.value
    #expect(recorder.postedTokens == Array(0..<100))
    #expect(polls == primary.turns && polls > 0)
  }

  @Test("a failed call says which, and why")
  func errors() {
    #expect(throws: SystemCallError(call: "epoll_ctl", code: EBADF)) {
      try EpollPoller().add(-1, .readable, token: 0)
    }
    #expect("\(SystemCallError(call: "bind", code: EADDRINUSE))" == "bind: Address already in use")
  }
}
