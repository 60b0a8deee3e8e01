// The model's members: they perform their dispatchers' actions, and check them.

@testable import SpacerEventLog

extension DispatchSimulation {
  /// Performs what the member's dispatcher wants; it may die at each action.
  mutating func perform(_ member: Int) throws {
    let actions = members[member].dispatcher.step(now: now)
    for action in actions {
      guard members[member].isAlive else { return }
      actionCount += 1
      if actionCount == crashAction || !isCalm && chance(plan.crashRate) {
        hasCrashed = true
        return try crash(member)
      }
      try perform(action, member)
    }
    try checkBounds(member)
    if members[member].isDraining, members[member].dispatcher.isDrained { try endDrain(member) }
  }

  private mutating func perform(_ action: DispatchAction, _ member: Int) throws {
    switch action {
    case .run(let run): try begin(run, member)
    case .storeDeadLetter(let id, let letter):
      let due = now.monotonicMilliseconds + Int64(below(20))
      members[member].letters.append(SimulatedLetter(due: due, id: id, letter: letter))
      try check(
        letter.group == "g" && letter.lastFailureMilliseconds > 0, "an incomplete dead letter: \(letter)")
    case .dropped(let letter):
      try check(trigger(of: letter)?.onExhausted == .drop, "dropped against its trigger's wish: \(letter)")
      try finishTruth(letter)
    case .paused(let trigger, _):
      try check(plan.triggers[trigger].onExhausted == .pause, "paused against its trigger's wish")
      try check(!members[member].isPaused[trigger], "paused twice")
      members[member].isPaused[trigger] = true
    case .commit(let done): try commit(member, done)
    case .pausePartitions(let ids): try setPaused(member, ids, true)
    case .resumePartitions(let ids): try setPaused(member, ids, false)
    case .release(let ids): try release(member, ids)
    }
  }

  private mutating func setPaused(_ member: Int, _ ids: [TopicPartition], _ isPaused: Bool) throws {
    for id in ids {
      guard let partition = plan.partitions.firstIndex(of: id) else { continue }
      try check(
        members[member].assignments[partition]?.isPaused == !isPaused, "\(id) paused or resumed without need")
      members[member].assignments[partition]?.isPaused = isPaused
    }
  }

  private func checkBounds(_ member: Int) throws {
    let options = plan.options
    let count = members[member].dispatcher.eventCount
    // A poll brings at most six.
    try check(
      count <= 2 * options.eventCountMax + 6 + plan.partitions.count, "\(count) events are on hand")
    for (partition, assignment) in members[member].assignments {
      let held = assignment.delivered.reduce(0) { $0 + (events[$1].isDone ? 0 : 1) }
      try check(
        held <= options.partitionEventCountMax + 6, "\(plan.partitions[partition]) has \(held) events on hand"
      )
    }
  }

  private func trigger(of letter: DeadLetter) -> Trigger? {
    plan.triggers.first { $0.function == letter.function && $0.topic == letter.topic }
  }

  // MARK: Runs

  private mutating func begin(_ run: TriggerRun, _ member: Int) throws {
    let trigger = plan.triggers[run.trigger]
    try check(!members[member].isDraining, "a run began while draining")
    try check(!members[member].isPaused[run.trigger], "a run of a paused trigger began")
    try check(
      run.events.count <= trigger.batchCountMax && !run.events.isEmpty, "a run of \(run.events.count)")
    let running = members[member].runs.filter { $0.run.trigger == run.trigger }
    try check(running.count < trigger.concurrency, "more runs than the trigger's concurrency")
    var ids: [Int] = []
    var keys: Set<SimulatedKey> = []
    for event in run.events {
      guard let id = eventOfValue[event.record.value] else {
        throw failure("an event that never was: \(event)")
      }
      try check(event.attempt <= trigger.attemptsMax, "attempt \(event.attempt) of \(event.record.id)")
      try check(events[id].targets.contains(run.trigger), "\(event.record.id) is not for \(trigger.function)")
      let assignment = members[member].assignments[events[id].partition]
      try check(
        assignment?.isRevoking == false && isCurrent(id, member),
        "a run of \(event.record.id), not the member's")
      try checkOrder(id, run.trigger, member, sameRun: ids)
      ids.append(id)
      keys.insert(
        SimulatedKey(trigger: run.trigger, partition: events[id].partition, key: events[id].record.key))
    }
    for other in running {
      try check(other.keys.isDisjoint(with: keys), "a key of \(trigger.function) runs twice in one member")
    }
    members[member].runs.append(
      SimulatedRun(
        due: now.monotonicMilliseconds + Int64(below(30)), run: run, events: ids, keys: keys))
  }

  /// All events of the key that were there before it are done for the trigger.
  private func checkOrder(_ id: Int, _ trigger: Int, _ member: Int, sameRun: [Int]) throws {
    let event = events[id]
    guard let assignment = members[member].assignments[event.partition] else { return }
    for earlier in log[event.partition] {
      let other = events[earlier]
      guard other.record.offset < event.record.offset else { break }
      guard other.record.key == event.record.key, let place = other.targets.firstIndex(of: trigger),
        !other.done[place], !sameRun.contains(earlier)
      else { continue }
      // What came late, after this one, may follow it.
      if let at = assignment.delivered.firstIndex(of: earlier),
        let mine = assignment.delivered.firstIndex(of: id)
      {
        if at > mine { continue }
      } else if !assignment.isDelivered.contains(earlier), plan.options.eventsMayComeLate {
        continue
      }
      throw failure("\(event.record.id) began before \(other.record.id) of its key was done")
    }
  }

  /// Ends runs and dead letters whose time has come.
  mutating func finishDue() throws {
    for member in members.indices {
      while members[member].isAlive,
        let place = members[member].runs.firstIndex(where: { $0.due <= now.monotonicMilliseconds })
      {
        let run = members[member].runs.remove(at: place)
        let outcome = outcome(of: run)
        try applyTruth(run, outcome)
        if !isCalm, chance(plan.crashRate) {
          try crash(member)
          break
        }
        members[member].dispatcher.finished(run.run.id, outcome, now: now)
        try perform(member)
      }
      while members[member].isAlive,
        let place = members[member].letters.firstIndex(where: { $0.due <= now.monotonicMilliseconds })
      {
        let letter = members[member].letters.remove(at: place)
        if !isCalm, chance(150) {
          members[member].dispatcher.deadLetterFailed(letter.id, now: now)
        } else {
          deadLetters.append(letter.letter)
          try finishTruth(letter.letter)
          if !isCalm, chance(plan.crashRate) {
            try crash(member)
            break
          }
          members[member].dispatcher.deadLetterStored(letter.id, now: now)
        }
        try perform(member)
      }
    }
  }

  private mutating func outcome(of run: SimulatedRun) -> RunOutcome {
    if !isCalm, chance(plan.failureRate) {
      switch below(4) {
      case 0: return .abandoned
      case 1: return .overloaded
      case 2: return .timedOut
      default: break
      }
      let failed = run.events.indices.filter { _ in chance(400) }
      return run.events.count > 1 && chance(500)
        ? .partial(failed: failed, message: "some") : .failed(message: "chance", isFinal: false)
    }
    let failing = run.events.indices.filter { events[run.events[$0]].nature != .good }
    guard !failing.isEmpty else { return .done }
    if run.events.count > 1, chance(400) { return .partial(failed: failing, message: "poison") }
    return .failed(message: "poison", isFinal: events[run.events[failing[0]]].nature == .finalPoison)
  }

  /// What a handler did, it did, whether its member hears of it or not.
  private mutating func applyTruth(_ run: SimulatedRun, _ outcome: RunOutcome) throws {
    var failed: Set<Int> = []
    switch outcome {
    case .done: break
    case .partial(let places, _): failed = Set(places)
    case .failed, .timedOut, .abandoned, .overloaded: return
    }
    for (place, event) in run.events.enumerated() where !failed.contains(place) {
      markDone(event, run.run.trigger)
    }
  }

  private mutating func markDone(_ event: Int, _ trigger: Int) {
    guard let place = events[event].targets.firstIndex(of: trigger) else { return }
    events[event].done[place] = true
  }

  private mutating func finishTruth(_ letter: DeadLetter) throws {
    if letter.reason == .unknown {
      guard let event = eventOfValue[letter.event.value] else {
        throw failure("an unknown letter: \(letter)")
      }
      return markDone(event, -1)
    }
    guard let event = eventOfValue[letter.event.value],
      let trigger = plan.triggers.firstIndex(where: { $0.function == letter.function })
    else { throw failure("a dead letter of nothing: \(letter)") }
    switch letter.reason {
    case .age:
      try check(plan.triggers[trigger].ageMillisecondsMax != nil, "too old without a bound: \(letter)")
    case .final: try check(events[event].mayBeFinal, "final without cause: \(letter)")
    case .attempts:
      try check(letter.attempts >= plan.triggers[trigger].attemptsMax, "given up too early: \(letter)")
    case .unknown: break
    }
    markDone(event, trigger)
  }

  // MARK: Operators and ends

  mutating func operate() throws {
    let member = below(members.count)
    let trigger = below(plan.triggers.count)
    guard members[member].isAlive else { return }
    if members[member].isPaused[trigger] {
      try resume(member, trigger)
    } else if chance(300) {
      members[member].isPaused[trigger] = true
      members[member].dispatcher.pause(trigger: trigger)
    }
  }

  /// Whoever resumes a trigger has mended what it stopped at, now and then.
  mutating func resume(_ member: Int, _ trigger: Int) throws {
    if isCalm {
      for event in events.indices where events[event].targets.contains(trigger) {
        events[event].nature = .good
      }
    }
    members[member].isPaused[trigger] = false
    members[member].dispatcher.resume(trigger: trigger)
    try perform(member)
  }

  mutating func crash(_ member: Int) throws {
    guard members[member].isAlive else {
      if chance(500) { members[member] = SimulatedMember(plan, seed: random.next()) }
      return
    }
    members[member].isAlive = false
    members[member].runs = []
    members[member].letters = []
    members[member].assignments = [:]
    members[member].unknownLosses = []
    for partition in owner.indices where owner[partition] == member { owner[partition] = nil }
  }

  mutating func endOrReload() throws {
    let member = below(members.count)
    guard members[member].isAlive, !members[member].isDraining else { return }
    members[member].isDraining = true
    members[member].isReloading = chance(500)
    members[member].dispatcher.drain()
    try perform(member)
  }

  private mutating func endDrain(_ member: Int) throws {
    try check(members[member].runs.isEmpty, "drained, but something runs")
    guard members[member].isReloading else { return try crash(member) }
    let handOver = members[member].dispatcher.handOver()
    var options = plan.options
    options.seed = random.next()
    members[member].dispatcher = TriggerDispatcher(triggers: plan.triggers, options: options)
    members[member].isDraining = false
    // Of partitions that were lost; their answers are not for the new one.
    members[member].letters = []
    for trigger in plan.triggers.indices where members[member].isPaused[trigger] {
      members[member].dispatcher.pause(trigger: trigger)
    }
    for id in handOver.paused {
      guard let partition = plan.partitions.firstIndex(of: id) else { continue }
      members[member].assignments[partition]?.isPaused = false
    }
    members[member].dispatcher.takeOver(handOver, now: now)
    try perform(member)
  }
}
