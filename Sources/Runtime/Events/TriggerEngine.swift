// Runs the triggers of an application: one thread, which is a member of the consumer group. It feeds what the
// storage and the workers tell to the dispatcher, a value, and does what that wants done.
//
// Invariants: only the thread touches the consumer, but for `wake`; a run is handed to a worker only while no drain
// has begun, so that none goes to a worker that has ended.

import Glibc
import SpacerEventLog
import SpacerSystem
import Synchronization

/// The member of one process. Methods may be called from any thread.
final class TriggerEngine: HandlerRunSink {
  private struct Inbox {
    var outcomes: [(number: UInt64, outcome: RunOutcome)] = []
    /// The thread was told since it looked last.
    var isTold = false
    var isDraining = false
    /// No outcome will come any more.
    var haveWorkersEnded = false
    var hasEnded = false
  }

  /// Lets other threads wake the one that polls.
  private final class Waker: @unchecked Sendable {
    // Thread rule: `wake` alone is called, which any thread may.
    private let consumer: any GroupConsumer
    init(_ consumer: any GroupConsumer) { self.consumer = consumer }
    func wake() { consumer.wake() }
  }

  let configuration: EventConfiguration
  private let store: any EventStore
  private let workers: [Worker]
  private let inbox = Monitor(Inbox())
  private let waker = Mutex<Waker?>(nil)
  private let log: EngineLog

  init(
    _ configuration: EventConfiguration, store: any EventStore, workers: [Worker], log: EngineLog
  ) {
    self.configuration = configuration
    self.store = store
    self.workers = workers
    self.log = log
  }

  /// Starts the thread.
  func start() { Threads.start(name: "triggers") { self.run() } }

  // MARK: From other threads

  func runEnded(_ number: UInt64, _ outcome: RunOutcome) {
    tell { $0.outcomes.append((number, outcome)) }
  }

  /// Begins to end: no more runs, those in flight are finished and committed.
  func beginDrain() { tell { $0.isDraining = true } }

  /// Whatever still runs will not be heard of.
  func workersHaveEnded() { tell { $0.haveWorkersEnded = true } }

  /// Returns when the thread has left the group.
  func waitUntilEnded() { inbox.wait(milliseconds: nil) { $0.hasEnded ? () : nil } }

  private func tell(_ change: (inout Inbox) -> Void) {
    let wasTold = inbox.withLock { inbox in
      change(&inbox)
      defer { inbox.isTold = true }
      return inbox.isTold
    }
    guard !wasTold else { return }
    inbox.signal()
    waker.withLock { $0 }?.wake()
  }

  // MARK: The thread

  private func run() {
    var member = TriggerMember(configuration, store: store, log: log) { [weak self] in self?.tell { _ in } }
    if let consumer = join() {
      waker.withLock { $0 = Waker(consumer) }
      serve(&member, consumer)
      waker.withLock { $0 = nil }
      consumer.close()
    }
    inbox.withLock { $0.hasEnded = true }
    inbox.signal()
  }

  /// Nil when the end came first.
  private func join() -> (any GroupConsumer)? {
    var backoff = Backoff()
    while true {
      do throws(EventLogError) {
        let consumer = try store.join(
          group: configuration.group, topics: configuration.consumedTopics,
          options: ConsumerOptions(memberID: Self.memberID()))
        if backoff.hasFailed { log.say(.info, "joined the consumer group '\(configuration.group)'") }
        return consumer
      } catch {
        if !backoff.hasFailed {
          log.say(.warn, "cannot join the consumer group '\(configuration.group)' yet: \(error.message)")
        }
        if waitToEnd(milliseconds: backoff.next()) { return nil }
      }
    }
  }

  /// True when a drain has begun.
  private func waitToEnd(milliseconds: Int) -> Bool {
    inbox.wait(milliseconds: milliseconds) { $0.isDraining || $0.haveWorkersEnded ? () : nil } != nil
  }

  private static func memberID() -> String {
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var random = SystemRandomNumberGenerator()
    return "\(name)-\(getpid())-\(String(random.next(), radix: 16))"
  }

  private func serve(_ member: inout TriggerMember, _ consumer: any GroupConsumer) {
    var backoff = Backoff()
    while true {
      let news = inbox.withLock { inbox in
        defer {
          inbox.outcomes = []
          inbox.isTold = false
        }
        return inbox
      }
      if news.isDraining { member.drain() }
      member.take(news.outcomes)
      if news.haveWorkersEnded { member.abandonRuns() }
      let runs = member.step(consumer)
      if news.haveWorkersEnded || (news.isDraining && member.isDrained) { return }
      hand(runs, to: &member)
      do throws(EventLogError) {
        let notices = try consumer.poll(limit: member.roomCount, waitMilliseconds: member.waitMilliseconds)
        if backoff.hasFailed {
          log.say(.info, "the event log is back")
          backoff = Backoff()
        }
        member.take(notices)
      } catch {
        if !backoff.hasFailed { log.say(.warn, "no events can be read for now: \(error.message)") }
        _ = inbox.wait(milliseconds: backoff.next()) { inbox in
          inbox.haveWorkersEnded || !inbox.outcomes.isEmpty || inbox.isDraining && !news.isDraining ? () : nil
        }
      }
    }
  }

  /// Gives each run to the worker that has least to do.
  private func hand(_ runs: [HandlerRun], to member: inout TriggerMember) {
    guard !runs.isEmpty else { return }
    var shares = [[HandlerRun]](repeating: [], count: workers.count)
    for run in runs { shares[member.place(run, among: workers.count)].append(run) }
    let isDraining = inbox.withLock { inbox in
      guard !inbox.isDraining, !inbox.haveWorkersEnded else { return true }
      for (worker, share) in zip(workers, shares) where !share.isEmpty { worker.start(share, self) }
      return false
    }
    if isDraining { member.take(runs.map { ($0.number, .abandoned) }) }
  }
}

/// Growing delays of what fails again and again.
private struct Backoff {
  private var milliseconds = 0
  var hasFailed: Bool { milliseconds > 0 }

  mutating func next() -> Int {
    milliseconds = min(5_000, max(100, milliseconds * 2))
    return milliseconds
  }
}
