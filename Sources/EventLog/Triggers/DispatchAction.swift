// What goes into a dispatcher and comes out of it.

/// The clocks at one moment.
package struct Moment: Equatable, Sendable {
  /// For delays.
  package var monotonicMilliseconds: Int64
  /// Since 1970; for ages, and for the times in dead letters.
  package var wallMilliseconds: Int64

  package init(monotonicMilliseconds: Int64, wallMilliseconds: Int64) {
    self.monotonicMilliseconds = monotonicMilliseconds
    self.wallMilliseconds = wallMilliseconds
  }
}

/// Names a run; never used again by the same dispatcher.
package struct RunID: Hashable, Sendable {
  package var number: UInt64

  package init(number: UInt64) { self.number = number }
}

/// An event on its way to a handler.
package struct TriggerEvent: Equatable, Sendable {
  /// What the handler sees: of a retried dead letter the event it was made from, of a schedule an event of the
  /// internal topic with the schedule's name as key and its time as timestamp.
  package var record: EventRecord
  /// From 1.
  package var attempt: Int
  /// Set when a schedule's time has come.
  package var schedule: InternalEvent.Schedule?

  package init(record: EventRecord, attempt: Int, schedule: InternalEvent.Schedule? = nil) {
    self.record = record
    self.attempt = attempt
    self.schedule = schedule
  }
}

/// A handler to call.
package struct TriggerRun: Equatable, Sendable {
  package var id: RunID
  /// Place in the dispatcher's triggers.
  package var trigger: Int
  /// One, or up to the trigger's `batchCountMax`; events with equal keys are in the order of their offsets.
  package var events: [TriggerEvent]

  package init(id: RunID, trigger: Int, events: [TriggerEvent]) {
    self.id = id
    self.trigger = trigger
    self.events = events
  }
}

/// What a run came to.
package enum RunOutcome: Equatable, Sendable {
  case done
  /// The events at these places (from 0) failed, the others are done, also those that follow a failed one with
  /// the same key. For all places it is as `failed`, without bisection.
  case partial(failed: [Int], message: String)
  /// Final: trying again will not help. Of a batch, the halves are run apart, down to the event that fails.
  case failed(message: String, isFinal: Bool)
  case timedOut
  /// The worker gave it up, by no fault of the event's: tried again soon, without counting.
  case abandoned
  /// No worker had room: tried again soon, without counting.
  case overloaded
}

/// Names a dead letter on its way to storage; never used again by the same dispatcher.
package struct DeadLetterID: Hashable, Sendable {
  package var number: UInt64

  package init(number: UInt64) { self.number = number }
}

/// What a dispatcher wants done, in this order.
package enum DispatchAction: Equatable, Sendable {
  /// Answered by `finished`, however long it takes.
  case run(TriggerRun)
  /// Put it into the dead letters, durably. Answered by `deadLetterStored` or `deadLetterFailed`.
  case storeDeadLetter(DeadLetterID, DeadLetter)
  /// An event was given up, as its trigger wants it. For the log.
  case dropped(DeadLetter)
  /// The trigger has stopped at an event, as it wants it. To be recorded, so that other members and the next start
  /// of this one know it.
  case paused(trigger: Int, DeadLetter)
  /// `GroupConsumer.commit`. When it fails for now: `commitFailed`.
  case commit([TopicPartition: Int64])
  /// `GroupConsumer.pause`.
  case pausePartitions([TopicPartition])
  /// `GroupConsumer.resume`.
  case resumePartitions([TopicPartition])
  /// `GroupConsumer.release`: nothing of them is in flight, and what is done of them was committed before.
  case release([TopicPartition])
}
