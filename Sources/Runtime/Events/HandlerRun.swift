// One run of a trigger's handler, on its way from the engine to a worker and back.

import SpacerEventLog

/// What a worker is asked to run.
struct HandlerRun: Sendable {
  /// The engine's number for it.
  var number: UInt64
  var function: String
  /// The trigger's topic.
  var topic: String
  var group: String
  /// One event, or the batch.
  var events: [TriggerEvent]
  /// The handler gets arrays.
  var isBatch: Bool
  var timeoutMilliseconds: Int
  /// The handler's statements and appends and the note that the events are done are one transaction.
  var isTransactional: Bool
}

/// Takes the outcomes of runs, from any thread.
protocol HandlerRunSink: AnyObject, Sendable {
  func runEnded(_ number: UInt64, _ outcome: RunOutcome)
}

/// A run that a worker is at.
struct ActiveRun {
  let run: HandlerRun
  let sink: any HandlerRunSink
  var outcome = RunOutcome.abandoned
}

extension RunOutcome {
  /// For the log.
  var word: StaticString {
    switch self {
    case .done: "done"
    case .partial: "failed in part"
    case .failed(_, let isFinal): isFinal ? "refused" : "failed"
    case .timedOut: "timed out"
    case .abandoned: "abandoned"
    case .overloaded: "put off"
    }
  }
}
