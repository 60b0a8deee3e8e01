// What the engine's thread keeps and does at each turn: the dispatcher, the runs in flight, the triggers that
// operators have paused. Everything the dispatcher wants of the storage is done here, and may block.

import SpacerEventLog
import SpacerSystem

/// One membership of a group. Belongs to the engine's thread.
struct TriggerMember {
  /// Between two looks at what operators have noted.
  private static let controlMilliseconds: Int64 = 1_000
  /// A `poll` at least this often, for the member's sign of life.
  private static let waitMillisecondsMax: Int64 = 1_000

  private let configuration: EventConfiguration
  private let store: any EventStore
  private let log: EngineLog
  private let wake: @Sendable () -> Void
  private let clock = SystemClock.machine
  private var dispatcher: TriggerDispatcher
  /// By the number of the run: its worker.
  private var places: [UInt64: Int] = [:]
  private var loads: [Int] = []
  /// Appends of schedules that have ended: runs of the trigger without a function.
  private let appends: AppendInbox
  private var nextControl: Int64 = 0
  /// Triggers that are paused, and of these the ones whose record is known to be stored.
  private var paused: Set<Int> = []
  private var recorded: Set<Int> = []
  private var schedules: ScheduleRunner

  /// - Parameter wake: Ends the engine's waiting, from any thread.
  init(
    _ configuration: EventConfiguration, store: any EventStore, log: EngineLog,
    wake: @escaping @Sendable () -> Void
  ) {
    self.wake = wake
    appends = AppendInbox(tell: wake)
    self.configuration = configuration
    self.store = store
    self.log = log
    var random = SystemRandomNumberGenerator()
    dispatcher = TriggerDispatcher(
      triggers: configuration.allTriggers,
      options: DispatcherOptions(
        group: configuration.group,
        retry: RetryPolicy(
          firstMilliseconds: configuration.backoffMilliseconds,
          maxMilliseconds: configuration.backoffMaxMilliseconds),
        seed: random.next(), eventsMayComeLate: configuration.storage.driver == "postgres"))
    schedules = ScheduleRunner(configuration)
  }

  private var now: Moment {
    Moment(
      monotonicMilliseconds: clock.monotonicMilliseconds(), wallMilliseconds: clock.wallMilliseconds())
  }

  // MARK: News

  mutating func drain() { dispatcher.drain() }
  var isDrained: Bool { dispatcher.isDrained }
  var roomCount: Int { dispatcher.roomCount }

  mutating func take(_ outcomes: [(number: UInt64, outcome: RunOutcome)]) {
    guard !outcomes.isEmpty else { return }
    let now = now
    for (number, outcome) in outcomes {
      if let place = places.removeValue(forKey: number) { loads[place] -= 1 }
      dispatcher.finished(RunID(number: number), outcome, now: now)
    }
  }

  /// The workers have ended: nothing more is heard of what they ran.
  mutating func abandonRuns() { take(places.keys.map { ($0, .abandoned) }) }

  mutating func take(_ notices: [ConsumerNotice]) {
    for notice in notices {
      switch notice {
      case .assigned(let partitions):
        dispatcher.assigned(partitions)
        schedules.assigned(partitions)
      case .revoking(let partitions):
        dispatcher.revoking(partitions)
        schedules.revoked(partitions)
      case .lost(let partitions):
        dispatcher.lost(partitions)
        schedules.revoked(partitions)
      case .events(let events): dispatcher.deliver(events, now: now)
      }
    }
  }

  /// How long `poll` may wait.
  var waitMilliseconds: Int {
    let monotonic = clock.monotonicMilliseconds()
    let wakeUp = min(
      dispatcher.nextWakeUp ?? .max, nextControl, monotonic + Self.waitMillisecondsMax,
      schedules.nextDue.map { monotonic + max(0, $0 - clock.wallMilliseconds()) } ?? .max)
    return Int(max(0, wakeUp - monotonic))
  }

  /// A worker for a run: the one with the fewest.
  mutating func place(_ run: HandlerRun, among count: Int) -> Int {
    while loads.count < count { loads.append(0) }
    var place = 0
    for index in 1..<max(1, count) where loads[index] < loads[place] { place = index }
    loads[place] += 1
    places[run.number] = place
    return place
  }

  // MARK: A turn

  /// Does what the dispatcher wants, and returns the runs for workers.
  mutating func step(_ consumer: any GroupConsumer) -> [HandlerRun] {
    for item in appends.takeAll() {
      let outcome: RunOutcome =
        switch item.result {
        case .success: .done
        case .failure(let error): .failed(message: error.message, isFinal: !error.isTemporary)
        }
      dispatcher.finished(RunID(number: item.number), outcome, now: now)
    }
    if clock.monotonicMilliseconds() >= nextControl { lookAtControls() }
    appendDueSchedules()
    var runs: [HandlerRun] = []
    // Answers of the storage make for new actions; each turn's are fewer, since each is answered once.
    while true {
      let actions = dispatcher.step(now: now)
      if actions.isEmpty { break }
      var letters: [(DeadLetterID, DeadLetter)] = []
      for action in actions {
        switch action {
        case .run(let run): begin(run, &runs)
        case .storeDeadLetter(let id, let letter): letters.append((id, letter))
        case .dropped(let letter): log.say(.warn, "dropped: \(letter.summary)")
        case .paused(let trigger, let letter): notePause(trigger, letter)
        case .commit(let done): commit(done, consumer)
        case .pausePartitions(let partitions): consumer.pause(partitions)
        case .resumePartitions(let partitions): consumer.resume(partitions)
        case .release(let partitions): release(partitions, consumer)
        }
      }
      if letters.isEmpty { break }
      store(letters)
    }
    return runs
  }

  private mutating func begin(_ run: TriggerRun, _ runs: inout [HandlerRun]) {
    let trigger = dispatcher.triggers[run.trigger]
    if trigger.function == Trigger.appendFunction {
      return append(run)
    }
    runs.append(
      HandlerRun(
        number: run.id.number, function: trigger.function, topic: trigger.topic, group: configuration.group,
        events: run.events, isBatch: trigger.batchCountMax > 1,
        timeoutMilliseconds: trigger.timeoutMilliseconds ?? configuration.timeoutMilliseconds,
        isTransactional: trigger.isTransactional))
  }

  /// Appends what a schedule asks for. Its id is the schedule's and the time's, so that an attempt that had done its
  /// work appends nothing twice where the storage can promise it.
  private func append(_ run: TriggerRun) {
    let number = run.id.number
    guard let schedule = run.events.first?.schedule, case .append(let topic, let key) = schedule.target else {
      return appends.add(
        AppendInbox.Item(
          number: number, result: .failure(EventLogError(.failed, "the event is none of a schedule's"))))
    }
    let request = AppendRequest(
      topic: topic,
      entries: [AppendEntry(key: Array(key.utf8), value: schedule.payload, id: schedule.id)],
      trace: run.events.first?.record.trace.flatMap { TraceParent($0) })
    store.append(PendingAppend(request, number: number, for: appends))
  }

  private mutating func commit(_ done: [TopicPartition: Int64], _ consumer: any GroupConsumer) {
    do throws(EventLogError) {
      try consumer.commit(done)
    } catch {
      // What is another's by now is told with `lost`.
      if error.code == .fenced { return }
      dispatcher.commitFailed(now: now)
    }
  }

  private func release(_ partitions: [TopicPartition], _ consumer: any GroupConsumer) {
    do throws(EventLogError) {
      try consumer.release(partitions)
    } catch {
      log.say(.warn, "cannot give partitions back: \(error.message)")
    }
  }

  private mutating func store(_ letters: [(id: DeadLetterID, letter: DeadLetter)]) {
    do throws(EventLogError) {
      try store.put(.deadLetters, letters.map(\.letter.storedRecord))
    } catch {
      guard error.isTemporary else { return storeOneByOne(letters) }
      log.say(.warn, "cannot store a dead letter yet: \(error.message)")
      for letter in letters { dispatcher.deadLetterFailed(letter.id, now: now) }
      return
    }
    for (id, letter) in letters {
      log.say(.error, "dead letter: \(letter.summary)")
      dispatcher.deadLetterStored(id, now: now)
    }
  }

  /// One of them cannot be stored as it is: what is too large is kept without its payload, which its topic and
  /// offset still lead to.
  private mutating func storeOneByOne(_ letters: [(id: DeadLetterID, letter: DeadLetter)]) {
    for (id, letter) in letters {
      var short = letter
      short.event.value = Array("null".utf8)
      short.message = "(kept without its payload, which is too large for the storage)"
      do throws(EventLogError) {
        do throws(EventLogError) {
          try store.put(.deadLetters, [letter.storedRecord])
        } catch {
          guard !error.isTemporary else { throw error }
          try store.put(.deadLetters, [short.storedRecord])
        }
        log.say(.error, "dead letter: \(letter.summary)")
        dispatcher.deadLetterStored(id, now: now)
      } catch {
        log.say(.error, "cannot store a dead letter: \(error.message)")
        dispatcher.deadLetterFailed(id, now: now)
      }
    }
  }

  // MARK: Pauses

  private func pauseKey(_ trigger: Int) -> String {
    let trigger = dispatcher.triggers[trigger]
    return "pause/\(configuration.group)/\(trigger.topic)/\(trigger.function)"
  }

  /// A trigger has stopped at an event, as it wants it.
  private mutating func notePause(_ trigger: Int, _ letter: DeadLetter) {
    log.say(.error, "paused at an event, until 'spacer events resume': \(letter.summary)")
    paused.insert(trigger)
    recorded.remove(trigger)
    recordPause(trigger)
  }

  private mutating func recordPause(_ trigger: Int) {
    do throws(EventLogError) {
      try store.put(
        .controls, [StoredRecord(key: pauseKey(trigger), value: Array(#"{"by":"onExhausted"}"#.utf8))])
      recorded.insert(trigger)
    } catch {
      log.say(.warn, "cannot record a pause yet: \(error.message)")
    }
  }

  /// Takes over what operators have noted since.
  private mutating func lookAtControls() {
    nextControl = clock.monotonicMilliseconds() + Self.controlMilliseconds
    let keys: Set<String>
    do throws(EventLogError) {
      keys = Set(
        try store.records(.controls, prefix: "pause/\(configuration.group)/", after: nil, limit: 10_000)
          .map(\.key))
    } catch {
      return
    }
    for trigger in dispatcher.triggers.indices {
      let isWanted = keys.contains(pauseKey(trigger))
      switch (paused.contains(trigger), isWanted) {
      case (false, true):
        paused.insert(trigger)
        recorded.insert(trigger)
        dispatcher.pause(trigger: trigger)
        log.say(
          .info,
          "paused: \(dispatcher.triggers[trigger].function) for '\(dispatcher.triggers[trigger].topic)'")
      case (true, false) where recorded.contains(trigger):
        paused.remove(trigger)
        recorded.remove(trigger)
        dispatcher.resume(trigger: trigger)
        log.say(
          .info,
          "resumed: \(dispatcher.triggers[trigger].function) for '\(dispatcher.triggers[trigger].topic)'")
      case (true, false): recordPause(trigger)
      case (true, true): recorded.insert(trigger)
      case (false, false): break
      }
    }
  }

  // MARK: Schedules

  private mutating func appendDueSchedules() {
    for problem in schedules.finish(wallMilliseconds: clock.wallMilliseconds(), store: store) {
      log.say(.error, problem)
    }
    let (results, wake) = (schedules.results, wake)
    for (index, event) in schedules.takeDue(wallMilliseconds: clock.wallMilliseconds(), store: store) {
      let request = AppendRequest(topic: InternalEvent.topic, entries: [InternalEvent.schedule(event).entry])
      store.append(request) { result in
        if case .failure(let error) = result {
          results.add(index, event.dueMilliseconds, error: error.message)
        } else {
          results.add(index, event.dueMilliseconds, error: nil)
        }
        wake()
      }
    }
  }
}

extension DeadLetter {
  /// For the log: what and why, without what user code said.
  var summary: String {
    "event \(event.id) of '\(topic)' for \(function), after \(attempts) attempts (\(reason.rawValue))"
  }
}
