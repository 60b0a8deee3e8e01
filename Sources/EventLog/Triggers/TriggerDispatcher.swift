/// Events in, runs of handlers out: a value, owned by one thread, which performs its actions.
package struct TriggerDispatcher: Sendable {
  /// What a new dispatcher takes over from an old one, when the triggers change.
  package struct HandOver: Equatable, Sendable {
    /// To be told to the new one with `assigned`.
    package var assigned: [TopicPartition]
    /// Those of them that the old one had paused: to be resumed at the driver.
    package var paused: [TopicPartition]
    /// Not done by all their triggers: to be told to the new one with `deliver`. What was done of them is done again.
    package var events: [EventRecord]
  }

  /// Numbers for people.
  package struct Status: Equatable, Sendable {
    package var partitionCount = 0
    /// Events on hand, and their bytes.
    package var eventCount = 0
    package var eventBytes = 0
    /// Runs in flight.
    package var runCount = 0
    /// Events that wait for another attempt, by trigger.
    package var retryCounts: [Int] = []
    package var isPaused: [Bool] = []
  }

  package let triggers: [Trigger]
  package let options: DispatcherOptions

  package init(triggers: [Trigger], options: DispatcherOptions) {
    self.triggers = triggers
    self.options = options
  }

  // MARK: What the driver tells

  /// The partitions are ours now; their events follow. What was on hand of them from an earlier time is forgotten.
  package mutating func assigned(_ partitions: [TopicPartition]) {}
  /// Finish what runs and begin nothing; `release` follows.
  package mutating func revoking(_ partitions: [TopicPartition]) {}
  /// They are another's: all of them is forgotten; outcomes of what runs are taken and mean nothing.
  package mutating func lost(_ partitions: [TopicPartition]) {}
  /// Events of partitions that are ours; others are ignored, as are those that are here already.
  package mutating func deliver(_ events: [EventRecord], now: Moment) {}
  /// Nothing of the last commit may have arrived: commits all again after the commit interval.
  package mutating func commitFailed(now: Moment) {}

  // MARK: What the workers and the storage tell

  /// A run's outcome. An unknown id is ignored.
  package mutating func finished(_ run: RunID, _ outcome: RunOutcome, now: Moment) {}
  /// A dead letter is durable: its event is done for its trigger.
  package mutating func deadLetterStored(_ id: DeadLetterID, now: Moment) {}
  /// It is not: asked for again after a delay.
  package mutating func deadLetterFailed(_ id: DeadLetterID, now: Moment) {}

  // MARK: What the operator tells

  /// Begins no more runs of the trigger; nothing is lost. Its events stay on hand, so that a partition comes to its
  /// bound and waits, with the topic's other triggers.
  package mutating func pause(trigger: Int) {}
  /// Goes on. An event that the trigger has stopped at gets its attempts anew, whatever its age.
  package mutating func resume(trigger: Int) {}
  /// The process ends: finish what runs and begin nothing.
  package mutating func drain() {}

  // MARK: What is to be done

  /// All that is to be done now. To be called after each of the above and when `nextWakeUp` has come.
  package mutating func step(now: Moment) -> [DispatchAction] { [] }
  /// When `step` is to be called at the latest, on the monotonic clock; nil: only after news.
  package var nextWakeUp: Int64? { nil }
  /// After `drain`: nothing runs, nothing waits for storage, and all that is done was handed out to be committed.
  package var isDrained: Bool { false }
  /// How many more events to ask the driver for.
  package var roomCount: Int { 0 }

  /// The lowest offset on hand that is not done, over a topic's partitions; nil when all is done. For who reads a
  /// topic without a group.
  package func unfinishedMin(ofTopic topic: String) -> Int64? { nil }
  /// For another dispatcher; after `isDrained`.
  package func handOver() -> HandOver { HandOver(assigned: [], paused: [], events: []) }
  package var status: Status { Status() }
}
