// What a dispatcher is made from.

/// What becomes of an event whose attempts or time are used up, or whose handler failed for good.
package enum ExhaustedPolicy: String, Sendable {
  /// It goes to the dead letters.
  case deadLetter
  /// The trigger stops at it until an operator resumes it.
  case pause
  /// It is given up.
  case drop
}

/// A function that is run for a topic's events.
package struct Trigger: Equatable, Sendable {
  /// Stands for a function in the trigger of the internal topic that does the appends of schedules. No function
  /// of an application has such a name.
  package static let appendFunction = "topics.append"

  /// `InternalEvent.topic` for what schedules call.
  package var topic: String
  package var function: String
  /// Nil: every event.
  package var filter: EventFilter?
  /// 1: one event a run.
  package var batchCountMax: Int
  /// How long an event may wait for others to be run with.
  package var batchWindowMilliseconds: Int
  /// Runs at the same time.
  package var concurrency: Int
  package var attemptsMax: Int
  /// From an event's append to the begin of an attempt; nil for ever.
  package var ageMillisecondsMax: Int64?
  package var onExhausted: ExhaustedPolicy
  /// Of a run. For who performs it: the dispatcher waits for as long as it takes.
  package var timeoutMilliseconds: Int?
  /// For who performs it.
  package var isTransactional: Bool

  package init(
    topic: String, function: String, filter: EventFilter? = nil, batchCountMax: Int = 1,
    batchWindowMilliseconds: Int = 0, concurrency: Int = 64, attemptsMax: Int = 10,
    ageMillisecondsMax: Int64? = nil, onExhausted: ExhaustedPolicy = .deadLetter,
    timeoutMilliseconds: Int? = nil, isTransactional: Bool = false
  ) {
    self.topic = topic
    self.function = function
    self.filter = filter
    self.batchCountMax = max(1, batchCountMax)
    self.batchWindowMilliseconds = max(0, batchWindowMilliseconds)
    self.concurrency = max(1, concurrency)
    self.attemptsMax = max(1, attemptsMax)
    self.ageMillisecondsMax = ageMillisecondsMax
    self.onExhausted = onExhausted
    self.timeoutMilliseconds = timeoutMilliseconds
    self.isTransactional = isTransactional
  }
}

/// How a dispatcher behaves beside its triggers.
package struct DispatcherOptions: Sendable {
  /// The consumer group, for dead letters.
  package var group: String
  package var retry: RetryPolicy
  /// Of the random delays.
  package var seed: UInt64
  /// The driver may bring an event with a lower offset than one it brought before (PostgreSQL: a transaction that
  /// committed late). Otherwise such an event was there already and is ignored.
  package var eventsMayComeLate: Bool
  /// Events on hand above which partitions that hold more than their share are paused. A partition may always
  /// hold its share (this by the number of partitions), so there are at most twice as many, and one poll's.
  package var eventCountMax: Int
  package var eventBytesMax: Int
  /// Events on hand at which their partition is paused; it goes on at the half.
  package var partitionEventCountMax: Int
  package var partitionEventBytesMax: Int
  /// What is done is committed after this long, or after this many events.
  package var commitIntervalMilliseconds: Int
  package var commitCountMax: Int
  /// After this long, a run that found no room in a worker is tried again.
  package var overloadDelayMilliseconds: Int

  package init(
    group: String, retry: RetryPolicy = RetryPolicy(), seed: UInt64 = 0, eventsMayComeLate: Bool = false,
    eventCountMax: Int = 20_000, eventBytesMax: Int = 64 << 20, partitionEventCountMax: Int = 4_000,
    partitionEventBytesMax: Int = 16 << 20, commitIntervalMilliseconds: Int = 100,
    commitCountMax: Int = 1_000, overloadDelayMilliseconds: Int = 20
  ) {
    self.group = group
    self.retry = retry
    self.seed = seed
    self.eventsMayComeLate = eventsMayComeLate
    self.eventCountMax = max(1, eventCountMax)
    self.eventBytesMax = max(1, eventBytesMax)
    self.partitionEventCountMax = max(1, partitionEventCountMax)
    self.partitionEventBytesMax = max(1, partitionEventBytesMax)
    self.commitIntervalMilliseconds = max(0, commitIntervalMilliseconds)
    self.commitCountMax = max(1, commitCountMax)
    self.overloadDelayMilliseconds = max(1, overloadDelayMilliseconds)
  }
}
