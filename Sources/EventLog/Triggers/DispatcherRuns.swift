// Runs begin.

extension TriggerDispatcher {
  /// Begins as many runs of a trigger as may be.
  mutating func startRuns(of trigger: Int, now: Moment) {
    guard trigger < triggers.count else {
      while let lane = takeReady(trigger) { exhaust(lane, .unknown, now) }
      return
    }
    let concurrency = triggers[trigger].concurrency
    let isBatch = triggers[trigger].batchCountMax > 1
    while !states[trigger].isPaused, states[trigger].runCount < concurrency {
      if let name = states[trigger].readyBundles.first {
        states[trigger].readyBundles.removeFirst()
        startBundle(name, now)
      } else if isBatch {
        guard startBatch(of: trigger, now) else { return }
      } else {
        guard let lane = takeReady(trigger) else { return }
        guard isRunnable(lane, now) else { continue }
        var run = DispatchRun(trigger: Int32(trigger))
        run.first = occupy(lane, 1)
        start(run)
      }
    }
  }

  /// Begins a run of the trigger's ready events, if they are enough or have waited long enough.
  private mutating func startBatch(of trigger: Int, _ now: Moment) -> Bool {
    guard let first = firstReady(trigger) else { return false }
    let countMax = triggers[trigger].batchCountMax
    let waited = now.monotonicMilliseconds - lanes[first].readySince
    guard
      states[trigger].readyItemCount >= countMax || waited >= Int64(triggers[trigger].batchWindowMilliseconds)
    else { return false }
    var parts: [LanePart] = []
    var count = 0
    while count < countMax, !states[trigger].isPaused, let lane = takeReady(trigger) {
      guard isRunnable(lane, now) else { continue }
      let part = occupy(lane, runnableCount(lane, limit: countMax - count, now))
      count += Int(part.count)
      parts.append(part)
    }
    start(parts, trigger, isBundle: false, now)
    return true
  }

  /// Begins a run of what is left of a bundle.
  private mutating func startBundle(_ name: UInt64, _ now: Moment) {
    guard let place = bundles.place(named: name) else { return }
    let bundle = bundles[place]
    bundles.remove(place)
    var parts: [LanePart] = []
    for part in bundle.parts {
      guard let lane = lanes.place(named: part.lane), lanes[lane].state == .bundled else { continue }
      lanes[lane].state = .idle
      guard isRunnable(lane, now) else { continue }
      parts.append(occupy(lane, runnableCount(lane, limit: Int(part.count), now)))
    }
    start(parts, Int(bundle.trigger), isBundle: true, now)
  }

  private mutating func start(_ parts: [LanePart], _ trigger: Int, isBundle: Bool, _ now: Moment) {
    guard let first = parts.first else { return }
    let run = DispatchRun(
      trigger: Int32(trigger), first: first, others: Array(parts.dropFirst()), isBundle: isBundle)
    // One of those that were looked at has stopped the trigger.
    if states[trigger].isPaused { return runAgain(parts, run, RetryPolicy.delayMillisecondsMin, now) }
    start(run)
  }

  private mutating func start(_ run: DispatchRun) {
    let place = runs.insert(run)
    states[Int(run.trigger)].runCount += 1
    var events: [TriggerEvent] = []
    events.reserveCapacity(run.parts.reduce(0) { $0 + Int($1.count) })
    for part in run.parts {
      guard let lane = lanes.place(named: part.lane) else { continue }
      var item = lanes[lane].head
      for _ in 0..<part.count {
        let event = items[item].event
        events.append(
          TriggerEvent(
            record: self.events[event].record, attempt: Int(items[item].attempts) + 1,
            schedule: self.events[event].special?.schedule))
        item = items[item].next
      }
    }
    actions.append(
      .run(TriggerRun(id: RunID(number: runs.name(of: place)), trigger: Int(run.trigger), events: events)))
  }

  /// Marks the first items of a lane as running.
  private mutating func occupy(_ lane: Int32, _ count: Int32) -> LanePart {
    let partition = Int(keys[lanes[lane].key].partition)
    lanes[lane].state = .running
    lanes[lane].runCount = count
    partitions[partition].busyCount += 1
    return LanePart(lane: lanes.name(of: lane), count: count, epoch: partitions[partition].epoch)
  }

  /// Whether an idle lane's first item may be run now; if not, it is given up, and the lane is where it belongs.
  private mutating func isRunnable(_ lane: Int32, _ now: Moment) -> Bool {
    guard let reason = exhaustion(of: lanes[lane].head, Int(lanes[lane].trigger), now) else { return true }
    exhaust(lane, reason, now)
    return false
  }

  /// How many of a lane's first items may be run together; the first one may.
  private func runnableCount(_ lane: Int32, limit: Int, _ now: Moment) -> Int32 {
    var count: Int32 = 1
    var item = items[lanes[lane].head].next
    while item >= 0, count < limit, exhaustion(of: item, Int(lanes[lane].trigger), now) == nil {
      count += 1
      item = items[item].next
    }
    return count
  }
}

extension DispatchRun {
  /// All of them.
  var parts: [LanePart] { [first] + others }
}
