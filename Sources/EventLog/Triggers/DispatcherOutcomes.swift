// Runs end.

extension TriggerDispatcher {
  /// A run's outcome. An unknown id is ignored.
  package mutating func finished(_ run: RunID, _ outcome: RunOutcome, now: Moment) {
    guard let place = runs.place(named: run.number) else { return }
    let run = runs[place]
    runs.remove(place)
    states[Int(run.trigger)].runCount -= 1
    if case .done = outcome {
      complete(run.first, now)
      for part in run.others { complete(part, now) }
      return
    }
    // Of partitions that were lost meanwhile, only the key is free again.
    let parts = run.parts.filter { part in
      guard let lane = lanes.place(named: part.lane) else { return false }
      if isCurrent(part, lane) { return true }
      free(lane, now)
      return false
    }
    let count = parts.reduce(0) { $0 + Int($1.count) }
    switch outcome {
    case .done: break
    case .partial(let failed, let message): finishPart(parts, run, failed, message, now)
    case .failed(let message, let isFinal): fail(parts, count, run, message, isFinal, now)
    case .timedOut: fail(parts, count, run, "the handler did not end within its time", false, now)
    case .abandoned: runAgain(parts, run, RetryPolicy.delayMillisecondsMin, now)
    case .overloaded: runAgain(parts, run, options.overloadDelayMilliseconds, now)
    }
  }

  private func isCurrent(_ part: LanePart, _ lane: Int32) -> Bool {
    partitions[Int(keys[lanes[lane].key].partition)].epoch == part.epoch
  }

  /// A lane whose run does not count any more.
  private mutating func free(_ lane: Int32, _ now: Moment) {
    leaveRun(lane)
    if lanes[lane].count == 0 { removeLane(lane) } else { makeReady(lane, now) }
  }

  private mutating func complete(_ part: LanePart, _ now: Moment) {
    guard let lane = lanes.place(named: part.lane) else { return }
    guard isCurrent(part, lane) else { return free(lane, now) }
    for _ in 0..<part.count { completeFirst(of: lane) }
    leaveRun(lane)
    settle(lane, now)
  }

  /// The lane's run has ended.
  mutating func leaveRun(_ lane: Int32) {
    let partition = Int(keys[lanes[lane].key].partition)
    partitions[partition].busyCount -= 1
    noteChange(partition)
    lanes[lane].state = .idle
  }

  /// Puts an idle lane where it belongs.
  /// - Parameter hasFailed: Its first item has just failed: it waits.
  mutating func settle(_ lane: Int32, hasFailed: Bool = false, _ now: Moment) {
    guard lanes[lane].count > 0 else { return removeLane(lane) }
    let trigger = Int(lanes[lane].trigger)
    let head = lanes[lane].head
    if hasFailed, let reason = exhaustion(of: head, trigger, now, mindsAge: false) {
      return exhaust(lane, reason, now)
    }
    guard partitions[Int(keys[lanes[lane].key].partition)].ownership == .owned else {
      return removeLane(lane)
    }
    guard hasFailed else { return makeReady(lane, now) }
    let delay = options.retry.delayMilliseconds(afterAttempt: Int(items[head].attempts), using: &random)
    wait(lane, milliseconds: delay, now)
  }

  /// Some events of a batch failed, by name.
  private mutating func finishPart(
    _ parts: [LanePart], _ run: DispatchRun, _ failed: [Int], _ message: String, _ now: Moment
  ) {
    let failed = Set(failed)
    var place = 0
    var current = parts[...]
    for whole in run.parts {
      defer { place += Int(whole.count) }
      guard let part = current.first, part.lane == whole.lane else { continue }
      current.removeFirst()
      guard let lane = lanes.place(named: part.lane) else { continue }
      let failedHere = (0..<Int(part.count)).map { failed.contains(place + $0) }
      let headFails = failedHere.contains(true)
      keepFailed(lane, failedHere, message, now)
      leaveRun(lane)
      settle(lane, hasFailed: headFails, now)
    }
  }

  /// Completes those of a lane's first items that are not marked, and counts an attempt of the others.
  private mutating func keepFailed(_ lane: Int32, _ failed: [Bool], _ message: String, _ now: Moment) {
    var kept: [Int32] = []
    for isFailed in failed {
      guard isFailed else {
        completeFirst(of: lane)
        continue
      }
      let item = lanes[lane].head
      noteFailure(item, message, isFinal: false, now)
      kept.append(item)
      lanes[lane].head = items[item].next
      if lanes[lane].head < 0 { lanes[lane].tail = -1 }
    }
    for item in kept.reversed() {
      items[item].next = lanes[lane].head
      lanes[lane].head = item
      if lanes[lane].tail < 0 { lanes[lane].tail = item }
    }
  }

  private mutating func noteFailure(_ item: Int32, _ message: String, isFinal: Bool, _ now: Moment) {
    items[item].attempts += 1
    items[item].isFinal = isFinal
    items[item].message = message
    items[item].lastFailure = now.wallMilliseconds
    if items[item].firstFailure == nil { items[item].firstFailure = now.wallMilliseconds }
  }

  /// All of a run failed: one event counts an attempt; of several, the halves are run apart.
  private mutating func fail(
    _ parts: [LanePart], _ count: Int, _ run: DispatchRun, _ message: String, _ isFinal: Bool, _ now: Moment
  ) {
    // An event that was run with others, which are another member's now, may not be the one to blame.
    let wasAlone = run.others.isEmpty && run.first.count == 1
    guard count == 1, wasAlone, let part = parts.first, let lane = lanes.place(named: part.lane) else {
      return bisect(parts, count, run, now)
    }
    noteFailure(lanes[lane].head, message, isFinal: isFinal, now)
    leaveRun(lane)
    if triggers[Int(run.trigger)].batchCountMax > 1,
      exhaustion(of: lanes[lane].head, Int(run.trigger), now, mindsAge: false) == nil
    {
      let delay = options.retry.delayMilliseconds(
        afterAttempt: Int(items[lanes[lane].head].attempts), using: &random)
      bundle([part], Int(run.trigger), milliseconds: delay, now)
    } else {
      settle(lane, hasFailed: true, now)
    }
  }

  private mutating func bisect(_ parts: [LanePart], _ count: Int, _ run: DispatchRun, _ now: Moment) {
    for part in parts {
      if let lane = lanes.place(named: part.lane) { leaveRun(lane) }
    }
    let delay = options.retry.delayMilliseconds(afterAttempt: 1, using: &random)
    if parts.count == 1, var part = parts.first {
      // Of one key: the second half comes after the first one.
      part.count = max(1, part.count / 2)
      return bundle([part], Int(run.trigger), milliseconds: delay, now)
    }
    var half = 0
    var taken = 0
    while half < parts.count - 1, half == 0 || taken + Int(parts[half].count) <= count / 2 {
      taken += Int(parts[half].count)
      half += 1
    }
    bundle(Array(parts[..<half]), Int(run.trigger), milliseconds: delay, now)
    bundle(Array(parts[half...]), Int(run.trigger), milliseconds: delay, now)
  }

  /// Runs the parts together, and apart from all else, after a while. Their lanes are idle.
  mutating func bundle(_ parts: [LanePart], _ trigger: Int, milliseconds: Int, _ now: Moment) {
    var left: [LanePart] = []
    for part in parts {
      guard let lane = lanes.place(named: part.lane) else { continue }
      guard partitions[Int(keys[lanes[lane].key].partition)].ownership == .owned else {
        removeLane(lane)
        continue
      }
      lanes[lane].state = .bundled
      left.append(part)
    }
    guard !left.isEmpty else { return }
    let place = bundles.insert(DispatchBundle(trigger: Int32(trigger), parts: left))
    timers.add(.bundle(bundles.name(of: place)), at: now.monotonicMilliseconds + Int64(milliseconds))
  }

  /// The run did not happen.
  mutating func runAgain(
    _ parts: [LanePart], _ run: DispatchRun, _ milliseconds: Int, _ now: Moment
  ) {
    for part in parts {
      guard let lane = lanes.place(named: part.lane) else { continue }
      leaveRun(lane)
      if run.isBundle { continue }
      if partitions[Int(keys[lanes[lane].key].partition)].ownership == .owned {
        wait(lane, milliseconds: milliseconds, now)
      } else {
        removeLane(lane)
      }
    }
    if run.isBundle { bundle(parts, Int(run.trigger), milliseconds: milliseconds, now) }
  }
}
