// Runs the log again through handlers: events come from the storage by position, not by a consumer group, and go
// through the same dispatcher as in serving, so that order per key, retries, batches and filters hold. A server of
// the application goes on meanwhile, and hears nothing of it.
//
// Invariants: what is written as progress was done before; after a stop or a crash a replay does at most the last
// second again. Only the thread in `run` touches the dispatcher.

import Glibc
import SpacerEventLog
import SpacerSystem

/// One replay. `run` blocks; `stop` may be called from any thread.
package final class Replay: HandlerRunSink {
  private struct Inbox {
    var outcomes: [(number: UInt64, outcome: RunOutcome)] = []
    var isStopping = false
  }

  private let inbox = Monitor(Inbox())
  private let target: ReplayTarget
  private let options: ReplayOptions
  private let triggers: [Trigger]
  private let store: any EventStore
  package let group: String

  /// Connects to the storage; blocks.
  package init(_ artifact: LoadedArtifact, _ options: ReplayOptions) throws(ReplayFailure) {
    target = try ReplayTarget(artifact, environment: options.environment)
    self.options = options
    try target.requireTopic(options.topic)
    triggers = try target.triggers(of: options.topic, functions: options.functions)
    let functions = triggers.map(\.function)
    group = options.group ?? ReplayRecord.defaultGroup(topic: options.topic, functions: functions)
    guard group != target.events.group else {
      throw ReplayFailure(
        .usage, "'\(group)' is the group that serves: a replay needs one of its own, with --group")
    }
    store = try target.open(address: options.address, token: options.token)
  }

  package var functions: [String] { triggers.map(\.function) }

  // MARK: From other threads

  package func stop() {
    inbox.withLock { $0.isStopping = true }
    inbox.signal()
  }

  func runEnded(_ number: UInt64, _ outcome: RunOutcome) {
    inbox.withLock { $0.outcomes.append((number, outcome)) }
    inbox.signal()
  }

  // MARK: The run

  /// Runs until the end of the window or `stop`.
  /// - Parameters:
  ///   - begun: Told once, before the first event: how it stands, and whether it goes on where another run stopped.
  ///   - report: Told how it stands about ten times a second.
  package func run(
    begun: (ReplayStatus, _ wasResumed: Bool) -> Void, report: (ReplayStatus) -> Void
  ) throws(ReplayFailure) -> ReplaySummary {
    defer { store.close() }
    var session: ReplaySession
    do throws(EventLogError) {
      let earlier = options.restarts ? nil : try storedRecord()
      session = try ReplaySession(
        group: group, record: try record(earlier), triggers: triggers, target: target, store: store,
        wasResumed: earlier != nil, rate: options.rate)
    } catch {
      throw ReplayFailure(.missing, "the event log: \(error.message)")
    }
    let access = try target.access(store)
    let workers: HeadlessWorkers
    do throws(StartError) {
      workers = try HeadlessWorkers(
        target.artifact, target.configuration, events: access,
        log: options.log)
    } catch {
      throw ReplayFailure(.missing, error.message)
    }
    workers.start()
    begun(session.status, session.wasResumed)
    serve(&session, workers.workers[0], report)
    workers.end()
    // What ended while the workers did counts as well.
    session.take(inbox.withLock { $0.outcomes })
    _ = session.step()
    session.keep(isForced: true)
    report(session.status)
    guard let problem = session.unkept else { return session.summary }
    throw ReplayFailure(
      .missing,
      "the progress of '\(group)' could not be kept (\(problem)): it is done again from the last one kept")
  }

  private func serve(_ session: inout ReplaySession, _ worker: Worker, _ report: (ReplayStatus) -> Void) {
    var lastReport: Int64 = 0
    while true {
      let news = inbox.withLock { inbox in
        defer { inbox.outcomes = [] }
        return inbox
      }
      if news.isStopping { session.stop() }
      session.take(news.outcomes)
      let runs = session.step()
      if !runs.isEmpty { worker.start(runs, self) }
      session.keep(isForced: false)
      let now = session.now.monotonicMilliseconds
      if now - lastReport >= 100 {
        lastReport = now
        report(session.status)
      }
      if session.isOver { return }
      guard !session.read() else { continue }
      let wait = session.waitMilliseconds
      inbox.wait(milliseconds: wait) {
        !$0.outcomes.isEmpty || ($0.isStopping && !news.isStopping) ? () : nil
      }
    }
  }

  // MARK: Progress

  private func storedRecord() throws(EventLogError) -> ReplayRecord? {
    let key = ReplayRecord.key(group: group)
    let found = try store.records(.controls, prefix: key, after: nil, limit: 1).first
    guard let found, found.key == key else { return nil }
    return ReplayRecord(json: found.value)
  }

  /// The record to go on with: an earlier run's, or a new one.
  private func record(_ earlier: ReplayRecord?) throws(EventLogError) -> ReplayRecord {
    let window = try ReplayWindow.find(store, options.topic, from: options.from, to: options.to)
    let wall = SystemClock.machine.wallMilliseconds()
    let from = options.fromText ?? "beginning"
    guard var record = earlier else {
      return ReplayRecord(
        topic: options.topic, functions: functions, from: from, position: window.start, end: window.end,
        startedMilliseconds: wall)
    }
    let way = "choose another --group, or begin anew with --restart"
    guard record.topic == options.topic, record.functions == functions else {
      throw EventLogError(
        .failed,
        "the group '\(group)' replays '\(record.topic)' through \(record.functions.joined(separator: ", ")): \(way)"
      )
    }
    guard options.fromText == nil || record.from == from else {
      throw EventLogError(.failed, "the replay '\(group)' began at \(record.from), not at \(from): \(way)")
    }
    guard !record.isRunning(now: wall) else {
      throw EventLogError(
        .failed, "the replay '\(group)' is being run by process \(record.process) already")
    }
    record.end = window.end
    record.isComplete = false
    return record
  }
}

extension ReplayRecord {
  /// Another process on this machine writes it.
  fileprivate func isRunning(now: Int64) -> Bool {
    guard !isComplete, host == Self.thisHost, process != Int64(getpid()), process > 0,
      now - updatedMilliseconds < 5_000, let process = pid_t(exactly: process)
    else { return false }
    return kill(process, 0) == 0
  }

  static var thisHost: String {
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
