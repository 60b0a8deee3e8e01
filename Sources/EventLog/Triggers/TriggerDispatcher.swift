// Events in, runs of handlers out: a pure state machine. Its owner tells it what happened, with the time, and
// performs what `step` gives out.
//
// What holds at each moment:
// - An event is done when each trigger of its topic is done with it: its filter does not want it, a run succeeded,
//   its dead letter is durable, or it was dropped. A commit never covers an event that was brought and is not done.
// - Per trigger, the events of one key of a partition run one after the other, in order of their offsets; the next
//   one begins when the earlier one is done for the trigger. Triggers do not wait for each other.
// - Keys run in parallel, as many as the trigger's `concurrency` says. A key that waits for another attempt holds up
//   none but its own events.
// - What is on hand is bounded (`DispatcherOptions`), and a partition that cannot go on does not keep others from
//   theirs.
// - Attempts are counted in memory: a member that takes over begins anew.
//
// A batch is made from whatever keys of the topic are ready, over all partitions that are ours: keys are spread
// over partitions, so that a batch of one partition's would be small where events are few, which is where a batch
// window matters. Nothing depends on it: events are done one by one.

/// A dispatcher, owned by one thread.
package struct TriggerDispatcher: Sendable {
  /// Numbers for people.
  package struct Status: Equatable, Sendable {
    package var partitionCount = 0
    /// Events on hand, and their bytes.
    package var eventCount = 0
    package var eventBytes = 0
    /// Runs in flight.
    package var runCount = 0
    /// Keys that wait for another attempt, by trigger.
    package var retryCounts: [Int] = []
    package var isPaused: [Bool] = []
  }

  package let triggers: [Trigger]
  package let options: DispatcherOptions

  /// By trigger. The last one stands for events of the internal topic that name no trigger: they fail for good.
  var states: [TriggerState]
  var topicPlaces: [String: Int] = [:]
  /// By topic.
  var topicTriggers: [[Int]] = []
  var topicPartitions: [[Int32: Int32]] = []
  var partitions: [PartitionState] = []
  var events = SlotTable(empty: HeldEvent.empty)
  var items = SlotTable(empty: DispatchItem())
  var keys = SlotTable(empty: DispatchKey(bytes: KeyBytes(bytes: []), partition: -1))
  var lanes = SlotTable(empty: DispatchLane())
  var runs = SlotTable(empty: DispatchRun())
  var bundles = SlotTable(empty: DispatchBundle())
  var letters = SlotTable<PendingLetter?>(empty: nil)
  var lettersInFlight = 0
  var timers = DispatchTimers()
  var random: SplitMix
  var actions: [DispatchAction] = []

  var isDraining = false
  var ownedCount = 0
  var eventCount = 0
  var eventBytes = 0
  /// Partitions with something that is done and not committed.
  var uncommitted: [Int32] = []
  /// When the oldest of it is to be committed.
  var commitDue: Int64?
  var doneSinceCommit = 0
  /// Partitions whose pressure or release is to be looked at.
  var changed: [Int32] = []
  var pausedCount = 0

  package init(triggers: [Trigger], options: DispatcherOptions) {
    self.triggers = triggers
    self.options = options
    states = Array(repeating: TriggerState(), count: triggers.count + 1)
    random = SplitMix(seed: options.seed)
    for (place, trigger) in triggers.enumerated() { topicTriggers[topicPlace(trigger.topic)].append(place) }
  }

  /// All that is to be done now. To be called after each news and when `nextWakeUp` has come.
  package mutating func step(now: Moment) -> [DispatchAction] {
    fireTimers(now)
    if !isDraining {
      for trigger in states.indices { startRuns(of: trigger, now: now) }
    }
    balance()
    commitDone(now)
    releaseFinished()
    defer { actions = [] }
    return actions
  }

  /// When `step` is to be called at the latest, on the monotonic clock; nil: only after news.
  package var nextWakeUp: Int64? {
    var next = timers.next
    func consider(_ milliseconds: Int64) { next = min(next ?? milliseconds, milliseconds) }
    if let commitDue { consider(commitDue) }
    guard !isDraining else { return next }
    for (place, trigger) in triggers.enumerated() where trigger.batchCountMax > 1 {
      let state = states[place]
      guard !state.isPaused, state.runCount < trigger.concurrency, let name = state.ready.first,
        let lane = lanes.place(named: name)
      else { continue }
      consider(lanes[lane].readySince + Int64(trigger.batchWindowMilliseconds))
    }
    return next
  }

  /// After `drain`: nothing runs, nothing is on its way to storage, and all that is done was handed out to be
  /// committed.
  package var isDrained: Bool {
    isDraining && runs.count == 0 && lettersInFlight == 0 && uncommitted.isEmpty && actions.isEmpty
  }

  /// The process ends: finish what runs and begin nothing.
  package mutating func drain() { isDraining = true }

  /// Begins no more runs of the trigger; nothing is lost. Its events stay on hand, so that a partition comes to its
  /// bound and waits, with the topic's other triggers.
  package mutating func pause(trigger: Int) { states[trigger].isPaused = true }

  /// Goes on. An event that the trigger has stopped at gets its attempts anew, whatever its age.
  package mutating func resume(trigger: Int) { states[trigger].isPaused = false }

  /// The lowest offset on hand that is not done, over a topic's partitions; nil when all is done. For who reads a
  /// topic without a group.
  package func unfinishedMin(ofTopic topic: String) -> Int64? {
    guard let topic = topicPlaces[topic] else { return nil }
    return topicPartitions[topic].values.compactMap { partitions[Int($0)].window.unfinishedMin }.min()
  }

  /// As it is now. Looks at all that is on hand.
  package var status: Status {
    var status = Status(
      partitionCount: ownedCount, eventCount: eventCount, eventBytes: eventBytes, runCount: runs.count)
    status.retryCounts = Array(repeating: 0, count: triggers.count)
    for partition in partitions {
      for key in partition.keys.values {
        var lane = keys[key].firstLane
        while lane >= 0 {
          let trigger = Int(lanes[lane].trigger)
          if lanes[lane].state == .waiting || lanes[lane].state == .bundled, trigger < triggers.count {
            status.retryCounts[trigger] += 1
          }
          lane = lanes[lane].nextOfKey
        }
      }
    }
    status.isPaused = states.dropLast().map(\.isPaused)
    return status
  }

  /// Stands for `triggers.count`: see `states`.
  var unknownTrigger: Int { triggers.count }

  private mutating func fireTimers(_ now: Moment) {
    while let target = timers.popDue(now.monotonicMilliseconds) {
      switch target {
      case .lane(let name):
        guard let lane = lanes.place(named: name), lanes[lane].state == .waiting else { continue }
        makeReady(lane, now)
      case .bundle(let name):
        guard let bundle = bundles.place(named: name) else { continue }
        states[Int(bundles[bundle].trigger)].readyBundles.append(name)
      case .letter(let name):
        guard let letter = letters.place(named: name) else { continue }
        sendAgain(letter)
      }
    }
  }

  mutating func topicPlace(_ topic: String) -> Int {
    if let place = topicPlaces[topic] { return place }
    topicPlaces[topic] = topicTriggers.count
    topicTriggers.append([])
    topicPartitions.append([:])
    return topicTriggers.count - 1
  }
}
