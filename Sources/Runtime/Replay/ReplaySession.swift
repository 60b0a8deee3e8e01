// What a replay's thread keeps and does at each turn: the dispatcher, the position, the counts.

import Glibc
import SpacerEventLog
import SpacerSystem

/// One run of a replay. Belongs to the replay's thread.
struct ReplaySession {
  private static let keepMilliseconds: Int64 = 1_000
  /// Events of one read.
  private static let readCountMax = 1_000
  /// Between two looks at a log that gives nothing although its end is not reached.
  private static let idleMilliseconds: Int64 = 100

  private let group: String
  private let target: ReplayTarget
  private let store: any EventStore
  private let clock = SystemClock.machine
  private var dispatcher: TriggerDispatcher
  private var record: ReplayRecord
  private let window: ReplayWindow
  private var position: ReadPosition
  /// Where one partition has its own offsets: what is done of it.
  private var committed: [Int32: Int64] = [:]
  private var readNow: Int64 = 0
  private var bucket: TokenBucket?
  private let startMonotonic: Int64
  private var nextKeep: Int64
  private var notBefore: Int64 = 0
  private var problem: String?
  private var isStopping = false
  let wasResumed: Bool
  /// Why the last write of the progress failed; nil when it did not.
  private(set) var unkept: String?

  init(
    group: String, record: ReplayRecord, triggers: [Trigger], target: ReplayTarget, store: any EventStore,
    wasResumed: Bool, rate: Int?
  ) throws(EventLogError) {
    self.group = group
    self.target = target
    self.store = store
    self.wasResumed = wasResumed
    self.record = record
    window = ReplayWindow(start: record.position, end: record.end)
    position = record.position
    startMonotonic = clock.monotonicMilliseconds()
    nextKeep = startMonotonic
    bucket = rate.map { [startMonotonic] in TokenBucket(rate: $0, now: startMonotonic) }
    var random = SystemRandomNumberGenerator()
    dispatcher = TriggerDispatcher(
      triggers: triggers,
      options: DispatcherOptions(
        group: group,
        retry: RetryPolicy(
          firstMilliseconds: target.events.backoffMilliseconds,
          maxMilliseconds: target.events.backoffMaxMilliseconds),
        seed: random.next()))
    let status = try store.status(ofTopic: record.topic)
    let count = max(status.partitionCount, (record.end.next.keys.max() ?? 0) + 1)
    dispatcher.assigned((0..<count).map { TopicPartition(topic: record.topic, partition: $0) })
    self.record.host = ReplayRecord.thisHost
    self.record.process = Int64(getpid())
  }

  var now: Moment {
    Moment(
      monotonicMilliseconds: clock.monotonicMilliseconds(), wallMilliseconds: clock.wallMilliseconds())
  }

  // MARK: News

  mutating func stop() {
    guard !isStopping else { return }
    isStopping = true
    dispatcher.drain()
  }

  mutating func take(_ outcomes: [(number: UInt64, outcome: RunOutcome)]) {
    let now = now
    for (number, outcome) in outcomes {
      let count = Int64(runSizes.removeValue(forKey: number) ?? 0)
      switch outcome {
      case .done: record.counts.handled += count
      case .partial(let failed, _): record.counts.handled += max(0, count - Int64(failed.count))
      case .failed, .timedOut, .abandoned, .overloaded: break
      }
      dispatcher.finished(RunID(number: number), outcome, now: now)
    }
  }

  /// Events of the runs in flight.
  private var runSizes: [UInt64: Int] = [:]

  // MARK: A turn

  /// Does what the dispatcher wants, and returns the runs for workers.
  mutating func step() -> [HandlerRun] {
    var runs: [HandlerRun] = []
    while true {
      let actions = dispatcher.step(now: now)
      var letters: [(id: DeadLetterID, letter: DeadLetter)] = []
      for action in actions {
        switch action {
        case .run(let run): runs.append(handlerRun(run))
        case .storeDeadLetter(let id, let letter): letters.append((id, letter))
        case .dropped: record.counts.dropped += 1
        case .commit(let done):
          for (place, offset) in done { committed[place.partition] = offset }
        // No trigger of a replay pauses, and what is on hand is bounded by `roomCount`.
        case .paused, .pausePartitions, .resumePartitions, .release: break
        }
      }
      if letters.isEmpty { return runs }
      keep(letters)
    }
  }

  private mutating func handlerRun(_ run: TriggerRun) -> HandlerRun {
    let trigger = dispatcher.triggers[run.trigger]
    runSizes[run.id.number] = run.events.count
    return HandlerRun(
      number: run.id.number, function: trigger.function, topic: trigger.topic, group: group,
      events: run.events, isBatch: trigger.batchCountMax > 1,
      timeoutMilliseconds: trigger.timeoutMilliseconds ?? target.events.timeoutMilliseconds,
      isTransactional: trigger.isTransactional)
  }

  private mutating func keep(_ letters: [(id: DeadLetterID, letter: DeadLetter)]) {
    do throws(EventLogError) {
      try store.put(.deadLetters, letters.map(\.letter.storedRecord))
    } catch {
      problem = "a dead letter cannot be stored yet: \(error.message)"
      for letter in letters { dispatcher.deadLetterFailed(letter.id, now: now) }
      return
    }
    record.counts.deadLetters += Int64(letters.count)
    for letter in letters { dispatcher.deadLetterStored(letter.id, now: now) }
  }

  // MARK: Reading

  private var isRead: Bool { window.isPassed(by: position) }

  /// Nothing is left to do, or to wait for.
  var isOver: Bool {
    if isStopping { return dispatcher.isDrained }
    return isRead && dispatcher.unfinishedMin(ofTopic: record.topic) == nil
  }

  /// Reads more events for the dispatcher. False when there is nothing to read now.
  mutating func read() -> Bool {
    let now = now
    guard !isStopping, !isRead, notBefore <= now.monotonicMilliseconds else { return false }
    var limit = min(dispatcher.roomCount, Self.readCountMax)
    if let available = bucket?.available(now: now.monotonicMilliseconds) { limit = min(limit, available) }
    guard limit > 0 else { return false }
    let events: [EventRecord]
    do throws(EventLogError) {
      events = try store.read(record.topic, &position, limit: limit, waitMilliseconds: 0)
      if events.isEmpty { try skipWhatIsGone() }
      problem = nil
    } catch {
      problem = "no events can be read for now: \(error.message)"
      notBefore = now.monotonicMilliseconds + 1_000
      return false
    }
    let wanted = events.filter { window.contains(partition: $0.partition, offset: $0.offset) }
    guard !wanted.isEmpty else {
      if events.isEmpty { notBefore = now.monotonicMilliseconds + Self.idleMilliseconds }
      return !events.isEmpty
    }
    bucket?.take(wanted.count)
    readNow += Int64(wanted.count)
    record.counts.read += Int64(wanted.count)
    for trigger in dispatcher.triggers {
      guard let filter = trigger.filter else { continue }
      record.counts.filtered += Int64(wanted.count { !filter.matches($0.value) })
    }
    dispatcher.deliver(wanted, now: now)
    return true
  }

  /// The events up to the end may have been removed since, by the topic's retention.
  private mutating func skipWhatIsGone() throws(EventLogError) {
    let status = try store.status(ofTopic: record.topic)
    for (partition, end) in window.end.next where position.next[partition] ?? 0 < end {
      let first = status.first[partition] ?? status.end[partition] ?? end
      if first >= end { position.next[partition] = end }
    }
  }

  /// How long nothing has to be done, unless there is news.
  var waitMilliseconds: Int {
    let now = clock.monotonicMilliseconds()
    var wakeUp = min(dispatcher.nextWakeUp ?? .max, nextKeep, now + 100)
    if !isStopping, !isRead, dispatcher.roomCount > 0 {
      var copy = bucket
      wakeUp = min(wakeUp, max(notBefore, now + (copy?.delay(now: now) ?? 0)))
    }
    return Int(max(1, wakeUp - now))
  }

  // MARK: Progress

  /// All before it is done.
  private var donePosition: ReadPosition {
    let unfinished = dispatcher.unfinishedMin(ofTopic: record.topic)
    guard let unfinished else { return window.clamped(position) }
    if window.isOneSequence {
      return window.clamped(ReadPosition(next: [0: min(unfinished, position.next[0] ?? unfinished)]))
    }
    return window.clamped(ReadPosition(next: committed.mapValues { $0 + 1 }))
  }

  /// Writes the progress when it is time to, or at once.
  mutating func keep(isForced: Bool) {
    let now = now
    guard isForced || now.monotonicMilliseconds >= nextKeep else { return }
    nextKeep = now.monotonicMilliseconds + Self.keepMilliseconds
    record.position = donePosition
    record.updatedMilliseconds = now.wallMilliseconds
    record.isComplete = isRead && dispatcher.unfinishedMin(ofTopic: record.topic) == nil
    do throws(EventLogError) {
      try store.put(.controls, [record.storedRecord(group: group)])
      unkept = nil
    } catch {
      unkept = error.message
      problem = "the progress cannot be kept for now: \(error.message)"
    }
  }

  var status: ReplayStatus {
    ReplayStatus(
      counts: record.counts, offsetCount: window.offsetCount, doneCount: window.offsetCount(to: donePosition),
      readNow: readNow, milliseconds: clock.monotonicMilliseconds() - startMonotonic,
      problem: problem)
  }

  var summary: ReplaySummary {
    ReplaySummary(
      group: group, topic: record.topic, functions: record.functions, counts: record.counts,
      milliseconds: clock.monotonicMilliseconds() - startMonotonic, position: record.position.description,
      isComplete: record.isComplete, wasResumed: wasResumed)
  }
}
