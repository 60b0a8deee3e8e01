@testable import SpacerEventLog

/// A dispatcher with a clock, for tests that tell it one thing after the other.
struct DispatcherHarness {
  var dispatcher: TriggerDispatcher
  var now = Moment(monotonicMilliseconds: 0, wallMilliseconds: 1_000_000)
  /// What the last steps gave out, less runs.
  var actions: [DispatchAction] = []
  /// Runs that have no outcome yet.
  var runs: [TriggerRun] = []

  init(_ triggers: [Trigger], _ change: (inout DispatcherOptions) -> Void = { _ in }, partitions: Int32 = 1) {
    var options = DispatcherOptions(
      group: "g", retry: RetryPolicy(firstMilliseconds: 100, maxMilliseconds: 1_000), seed: 7)
    change(&options)
    dispatcher = TriggerDispatcher(triggers: triggers, options: options)
    dispatcher.assigned((0..<partitions).map { TopicPartition(topic: "t", partition: $0) })
    dispatcher.assigned([TopicPartition(topic: InternalEvent.topic, partition: 0)])
  }

  mutating func step() {
    for action in dispatcher.step(now: now) {
      if case .run(let run) = action { runs.append(run) } else { actions.append(action) }
    }
  }

  mutating func pass(_ milliseconds: Int64) {
    now.monotonicMilliseconds += milliseconds
    now.wallMilliseconds += milliseconds
    step()
  }

  /// Goes to the moment at which the dispatcher wants to be woken.
  mutating func passToWakeUp() {
    if let wake = dispatcher.nextWakeUp { pass(max(0, wake - now.monotonicMilliseconds)) }
  }

  /// Brings events with these keys, at growing offsets from `offset`.
  mutating func bring(_ keys: String..., offset: Int64, partition: Int32 = 0) {
    let records = keys.enumerated().map { place, key in
      EventRecord(
        topic: "t", partition: partition, offset: offset + Int64(place), key: Array(key.utf8),
        value: Array(#"{"k":"\#(key)"}"#.utf8), timestampMilliseconds: now.wallMilliseconds)
    }
    dispatcher.deliver(records, now: now)
    step()
  }

  /// Ends the oldest run.
  mutating func finish(_ outcome: RunOutcome = .done) {
    guard !runs.isEmpty else { return }
    dispatcher.finished(runs.removeFirst().id, outcome, now: now)
    step()
  }

  /// The offsets of each run in flight.
  var running: [[Int64]] { runs.map { $0.events.map(\.record.offset) } }

  var letters: [(DeadLetterID, DeadLetter)] {
    actions.compactMap { action in
      if case .storeDeadLetter(let id, let letter) = action { (id, letter) } else { nil }
    }
  }

  /// The last offset committed in partition 0.
  var committed: Int64? {
    actions.compactMap { action in
      if case .commit(let done) = action { done[TopicPartition(topic: "t", partition: 0)] } else { nil }
    }.last
  }

  func count(_ isWanted: (DispatchAction) -> Bool) -> Int { actions.count(where: isWanted) }
}
