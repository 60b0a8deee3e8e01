// One event loop on one thread, with its own Lua state, connections and log buffer. Workers share nothing
// but the artifact's read-only image, the store of `kv` and the log writer.

import Glibc
import SpacerArtifact
import SpacerSystem
import Synchronization

/// What a worker needs to begin.
struct WorkerSetup: Sendable {
  var artifact: LoadedArtifact
  var listeners: [Int32]
  var proxyListeners: [Int32]
  var tls: TLSContext?
  var http: HTTPOptions
  var policy: DispatchPolicy
  var logFormat: LogFormat
  var logWriter: LogWriter
  var watchdog: Watchdog
  var store: KVStore
  var buildNotice: BuildNotice?
  /// Nil without topics.
  var events: EventAccess?
  /// How long a drain may take before what is left is cut off.
  var drainMilliseconds: UInt64

  /// - Parameter first: How many of them are the server's already.
  fileprivate func closeListeners(from first: Int = 0) {
    for listener in (listeners + proxyListeners).dropFirst(first) { SystemCalls.close(listener) }
  }
}

/// A running worker as other threads see it.
final class Worker: @unchecked Sendable {
  // Thread rule: everything but `mailbox` and `state` belongs to the worker's thread, which alone calls the
  // private methods; other threads use `post`.
  private let loop: EventLoop
  private let dispatcher: Dispatcher
  private let server: HTTPServer<Dispatcher>
  private let log: WorkerLog
  private let setup: WorkerSetup
  private let timers: WorkerTimers
  private let finished: @Sendable () -> Void

  /// The listeners of `setup` belong to it from now on, and are closed when it cannot be made.
  /// - Parameter finished: Called on the worker's thread when it has drained.
  /// - Throws: A sentence for the user when the system refuses.
  init(_ setup: WorkerSetup, finished: @escaping @Sendable () -> Void) throws(LoadError) {
    self.setup = setup
    self.finished = finished
    log = WorkerLog(format: setup.logFormat, writer: setup.logWriter)
    do throws(SystemCallError) {
      loop = try EventLoop()
    } catch {
      setup.closeListeners()
      throw LoadError(message: "no event loop to be had: \(error)")
    }
    let loop = loop
    guard
      let dispatcher = Dispatcher(
        artifact: setup.artifact, policy: setup.policy, log: log, clock: SystemCalls.monotonicNanoseconds)
    else {
      setup.closeListeners()
      throw LoadError(message: "no memory for a Lua state")
    }
    self.dispatcher = dispatcher
    dispatcher.store = setup.store
    dispatcher.buildNotice = setup.buildNotice
    dispatcher.events = setup.events
    server = HTTPServer(loop: loop, options: setup.http, handler: dispatcher)
    if let tls = setup.tls { server.useTLS(tls) }
    dispatcher.server = server
    dispatcher.attach(to: loop)
    timers = WorkerTimers(log: log)
    timers.attach(to: loop)
    do throws(SystemCallError) {
      for listener in setup.listeners { try server.addListener(listener) }
      for listener in setup.proxyListeners { try server.addListener(listener, isWriteProxy: true) }
    } catch {
      setup.closeListeners(from: server.state.pointee.listeners.count)
      throw LoadError(message: "cannot listen: \(error)")
    }
  }

  /// Starts the thread.
  func start(number: Int) {
    Threads.start(name: "worker\(number)") { self.run() }
  }

  private func run() {
    setup.watchdog.watchThisThread(dispatcher.record)
    server.whenDrained = { [unowned(unsafe) self] in
      dispatcher.whenIdle { [unowned(unsafe) self] in loop.stop() }
    }
    do throws(SystemCallError) {
      try loop.run(server)
    } catch {
      log.message(.error, "a worker stopped: \(error)", trace: nil)
    }
    log.flush()
    setup.watchdog.forget(dispatcher.record)
    finished()
  }

  // MARK: From other threads

  /// Has the worker serve another artifact from its next request on, and another certificate, unless nil,
  /// from its next connection on.
  func swap(
    _ artifact: LoadedArtifact, tls: TLSContext?, http: HTTPOptions, policy: DispatchPolicy,
    events: EventAccess?, keepsUnchanged: Bool
  ) {
    loop.mailbox.post(
      .work {
        self.server.options = http
        if let tls { self.server.useTLS(tls) }
        self.dispatcher.adopt(policy)
        self.dispatcher.events = events
        if !self.dispatcher.install(artifact, keepsUnchanged: keepsUnchanged) {
          self.log.message(
            .error, "too many earlier generations still have calls: this one is not served", trace: nil)
        }
      })
  }

  /// Has the worker tell of another build from its next request on.
  func show(_ notice: BuildNotice) {
    loop.mailbox.post(.work { self.dispatcher.buildNotice = notice })
  }

  /// Has the worker call `body` once it has done all it was told before.
  func whenReached(_ body: @escaping @Sendable () -> Void) { loop.mailbox.post(.work(body)) }

  /// Has the worker run triggers' handlers; their outcomes go to `sink`.
  func start(_ runs: [HandlerRun], _ sink: any HandlerRunSink) {
    loop.mailbox.post(.work { for run in runs { self.dispatcher.start(run, sink) } })
  }

  /// Has the worker's thread run `body`.
  func perform(_ body: @escaping @Sendable (Dispatcher, LoopMailbox) -> Void) {
    loop.mailbox.post(.work { body(self.dispatcher, self.loop.mailbox) })
  }

  /// Has the worker log a warning.
  func warn(_ text: String) {
    loop.mailbox.post(.work { self.log.message(.warn, text, trace: nil) })
  }

  /// Has the worker finish what it is at and end.
  func drain() {
    loop.mailbox.post(
      .work {
        self.timers.cutOff(afterMilliseconds: self.setup.drainMilliseconds) { [unowned(unsafe) self] in
          server.closeAll()
          loop.stop()
        }
        self.server.beginDrain()
      })
  }
}

/// The worker's own timers: handing log lines over, ending a drain that takes too long.
private final class WorkerTimers: EventSource {
  private enum Token { static let log: UInt64 = 1, cutOff: UInt64 = 2 }

  private let log: WorkerLog
  private unowned(unsafe) var loop: EventLoop?
  private var source: SourceID?
  private var isLogTimerSet = false
  private var whenCutOff: (() -> Void)?

  init(log: WorkerLog) { self.log = log }

  func attach(to loop: EventLoop) {
    self.loop = loop
    source = loop.register(self)
    loop.afterPoll { [unowned(unsafe) self] in turnEnded() }
  }

  private func turnEnded() {
    if log.isFull { log.flush() }
    guard !log.isEmpty, !isLogTimerSet, let loop, let source else { return }
    isLogTimerSet = true
    _ = loop.schedule(afterMilliseconds: WorkerLog.delayMilliseconds, Token.log, for: source)
  }

  func cutOff(afterMilliseconds delay: UInt64, _ body: @escaping () -> Void) {
    guard let loop, let source else { return }
    whenCutOff = body
    _ = loop.schedule(afterMilliseconds: delay, Token.cutOff, for: source)
  }

  override func expired(_ token: UInt64) {
    if token == Token.cutOff {
      whenCutOff?()
    } else {
      isLogTimerSet = false
      log.flush()
    }
  }
}
