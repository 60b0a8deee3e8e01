// Runs two artifacts over the same part of the log, with everything that leaves a handler captured, and finds in
// what they differ. One event after the other, the old artifact first: the two are generations of one worker.

package import SpacerEventLog
import SpacerSystem
import Synchronization

/// What is compared, and how.
package struct ComparisonOptions: Sendable {
  package var topic: String
  package var from = ReadStart.beginning
  package var to = ReadStart.end
  /// Empty: the topic's triggers in either artifact.
  package var functions: [String] = []
  /// The most events.
  package var limit: Int?
  package var environment: String?
  package var responses = CannedResponses()
  /// See `ReplayOptions`.
  package var address: RemoteAddress?
  package var token: String?

  package init(topic: String) { self.topic = topic }
}

/// One comparison. `run` blocks; `stop` may be called from any thread.
package final class Comparison: Sendable {
  /// Which of the two.
  enum Side { case old, new }

  private static let group = "compare"
  private static let readCountMax = 200

  private let old: ReplayTarget
  private let new: ReplayTarget
  private let options: ComparisonOptions
  private let store: any EventStore
  private let isStopping = Atomic(false)
  /// Triggers by name, of each side; those of `functions` that are no triggers among them.
  private let oldTriggers: [String: Trigger]
  private let newTriggers: [String: Trigger]

  /// Connects to the storage; blocks.
  package init(
    old: LoadedArtifact, new: LoadedArtifact, _ options: ComparisonOptions
  ) throws(ReplayFailure) {
    self.old = try ReplayTarget(old, environment: options.environment)
    self.new = try ReplayTarget(new, environment: options.environment)
    self.options = options
    try self.old.requireTopic(options.topic)
    oldTriggers = Self.triggers(self.old, options)
    newTriggers = Self.triggers(self.new, options)
    for function in options.functions where oldTriggers[function] == nil && newTriggers[function] == nil {
      throw ReplayFailure(.usage, "neither artifact has a function '\(function)'")
    }
    guard !oldTriggers.isEmpty || !newTriggers.isEmpty else {
      throw ReplayFailure(
        .usage, "no function is a trigger of '\(options.topic)': name those to run with --function")
    }
    // The old one's: nothing is created for the new one.
    store = try self.old.open(address: options.address, token: options.token)
  }

  private static func triggers(_ target: ReplayTarget, _ options: ComparisonOptions) -> [String: Trigger] {
    let names =
      options.functions.isEmpty
      ? target.triggers(of: options.topic).map(\.function) : options.functions.filter(target.hasFunction)
    return Dictionary(names.map { ($0, target.trigger($0, of: options.topic)) }) { first, _ in first }
  }

  package func stop() { isStopping.store(true, ordering: .relaxed) }

  // MARK: The run

  /// - Parameters:
  ///   - report: Called with each pair of runs; the same ones too.
  ///   - progress: Called after each event with their number and the part of the slice that is done, 0 to 1.
  package func run(
    report: (RunPair) -> Void, progress: (_ events: Int, _ part: Double) -> Void
  ) throws(ReplayFailure) -> ComparisonSummary {
    defer { store.close() }
    let both = oldTriggers.keys.filter { newTriggers[$0] != nil }.sorted()
    var summary = ComparisonSummary(topic: options.topic, functions: both)
    summary.onlyOld = oldTriggers.keys.filter { newTriggers[$0] == nil }.sorted()
    summary.onlyNew = newTriggers.keys.filter { oldTriggers[$0] == nil }.sorted()
    guard !both.isEmpty else { return summary }
    let clock = SystemClock.machine
    let start = clock.monotonicMilliseconds()
    let runner = try ComparisonWorker(old: old, new: new, store: store, responses: options.responses)
    defer { runner.end() }
    do throws(EventLogError) {
      let window = try ReplayWindow.find(store, options.topic, from: options.from, to: options.to)
      var position = window.start
      let limit = options.limit ?? .max
      while !window.isPassed(by: position), summary.eventCount < limit {
        let events = try store.read(
          options.topic, &position, limit: Self.readCountMax, waitMilliseconds: 1_000)
        if events.isEmpty, try isGone(window, position) { break }
        for event in events where window.contains(partition: event.partition, offset: event.offset) {
          if isStopping.load(ordering: .relaxed) {
            summary.milliseconds = clock.monotonicMilliseconds() - start
            return summary
          }
          guard summary.eventCount < limit else { break }
          summary.eventCount += 1
          for function in both { compare(function, event, runner, &summary, report) }
          progress(
            summary.eventCount,
            Double(window.offsetCount(to: position)) / Double(max(1, window.offsetCount)))
        }
      }
    } catch {
      throw ReplayFailure(.missing, "the event log: \(error.message)")
    }
    summary.isComplete = true
    summary.milliseconds = clock.monotonicMilliseconds() - start
    return summary
  }

  private func compare(
    _ function: String, _ event: EventRecord, _ runner: ComparisonWorker, _ summary: inout ComparisonSummary,
    _ report: (RunPair) -> Void
  ) {
    guard let oldTrigger = oldTriggers[function], let newTrigger = newTriggers[function] else { return }
    let pair = RunPair(
      event: event, function: function, old: captured(event, oldTrigger, .old, runner),
      new: captured(event, newTrigger, .new, runner))
    summary.count(pair.differences, of: event)
    report(pair)
  }

  private func captured(
    _ event: EventRecord, _ trigger: Trigger, _ side: Side, _ runner: ComparisonWorker
  ) -> CapturedRun {
    if let filter = trigger.filter, !filter.matches(event.value) {
      return CapturedRun(outcome: .filteredOut)
    }
    let target = side == .old ? old : new
    return runner.run(
      HandlerRun(
        number: 0, function: trigger.function, topic: trigger.topic, group: Self.group,
        events: [TriggerEvent(record: event, attempt: 1)], isBatch: trigger.batchCountMax > 1,
        timeoutMilliseconds: trigger.timeoutMilliseconds ?? target.events.timeoutMilliseconds,
        isTransactional: false), side)
  }

  /// The rest of the slice was removed from the log meanwhile.
  private func isGone(_ window: ReplayWindow, _ position: ReadPosition) throws(EventLogError) -> Bool {
    let status = try store.status(ofTopic: options.topic)
    return window.end.next.allSatisfy { partition, end in
      position.next[partition] ?? 0 >= end
        || status.first[partition] ?? status.end[partition] ?? end >= end
    }
  }
}
