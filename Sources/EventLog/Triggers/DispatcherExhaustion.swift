// Events that are given up: dead letters, drops, and triggers that stop.

extension TriggerDispatcher {
  /// A dead letter is durable: its event is done for its trigger.
  package mutating func deadLetterStored(_ id: DeadLetterID, now: Moment) {
    guard let place = letters.place(named: id.number), let pending = letters[place], pending.isInFlight else {
      return
    }
    letters.remove(place)
    lettersInFlight -= 1
    completeFirst(of: pending.lane)
    leaveRun(pending.lane)
    settle(pending.lane, now)
  }

  /// It is not: asked for again after a delay.
  package mutating func deadLetterFailed(_ id: DeadLetterID, now: Moment) {
    guard let place = letters.place(named: id.number), let pending = letters[place], pending.isInFlight else {
      return
    }
    lettersInFlight -= 1
    letters[place]?.isInFlight = false
    letters[place]?.failureCount += 1
    if partitions[Int(keys[lanes[pending.lane].key].partition)].ownership == .owned {
      let delay = options.retry.delayMilliseconds(afterAttempt: pending.failureCount + 1, using: &random)
      timers.add(.letter(id.number), at: now.monotonicMilliseconds + Int64(delay))
    } else {
      giveUpLetter(of: pending.lane)
      removeLane(pending.lane)
    }
  }

  /// A dead letter's time has come again.
  mutating func sendAgain(_ place: Int32) {
    guard !isDraining, let pending = letters[place], !pending.isInFlight else { return }
    letters[place]?.isInFlight = true
    lettersInFlight += 1
    actions.append(.storeDeadLetter(DeadLetterID(number: letters.name(of: place)), pending.letter))
  }

  /// Forgets the dead letter of a lane that goes away.
  mutating func giveUpLetter(of lane: Int32) {
    let place = lanes[lane].letter
    if letters[place]?.isInFlight == true { lettersInFlight -= 1 }
    letters.remove(place)
    leaveRun(lane)
  }

  /// Why an item must not be run, if so.
  func exhaustion(of item: Int32, _ trigger: Int, _ now: Moment, mindsAge: Bool = true) -> DeadLetter.Reason?
  {
    if items[item].isFinal { return .final }
    if Int(items[item].attempts) >= triggers[trigger].attemptsMax { return .attempts }
    guard mindsAge, !items[item].isAgeless, let ageMax = triggers[trigger].ageMillisecondsMax else {
      return nil
    }
    let (age, overflow) = now.wallMilliseconds.subtractingReportingOverflow(
      events[items[item].event].record.timestampMilliseconds)
    return overflow || age > ageMax ? .age : nil
  }

  /// Gives the first item of an idle lane up, and puts the lane where it belongs.
  mutating func exhaust(_ lane: Int32, _ reason: DeadLetter.Reason, _ now: Moment) {
    let trigger = Int(lanes[lane].trigger)
    let item = lanes[lane].head
    let letter = makeLetter(item, trigger, reason, now)
    let partition = Int(keys[lanes[lane].key].partition)
    switch trigger < triggers.count ? triggers[trigger].onExhausted : .deadLetter {
    case .deadLetter:
      let place = letters.insert(PendingLetter(lane: lane, letter: letter))
      lettersInFlight += 1
      lanes[lane].state = .storing
      lanes[lane].letter = place
      partitions[partition].busyCount += 1
      actions.append(.storeDeadLetter(DeadLetterID(number: letters.name(of: place)), letter))
      if partitions[partition].ownership != .owned { dropItems(of: lane, after: 1) }
    case .drop:
      actions.append(.dropped(letter))
      completeFirst(of: lane)
      settle(lane, now)
    case .pause:
      if !states[trigger].isPaused { actions.append(.paused(trigger: trigger, letter)) }
      states[trigger].isPaused = true
      items[item].attempts = 0
      items[item].isFinal = false
      items[item].isAgeless = true
      settle(lane, now)
    }
  }

  private func makeLetter(
    _ item: Int32, _ trigger: Int, _ reason: DeadLetter.Reason, _ now: Moment
  ) -> DeadLetter {
    let event = events[items[item].event]
    let earlier = event.special?.earlier
    var message = items[item].message
    if reason == .age {
      let age = triggers[trigger].ageMillisecondsMax ?? 0
      message = "older than \(age) ms" + (message.isEmpty ? "" : "; before: \(message)")
    }
    var function = trigger < triggers.count ? triggers[trigger].function : ""
    if trigger == unknownTrigger {
      function = earlier?.function ?? event.special?.schedule?.functionName ?? ""
    }
    let last = items[item].firstFailure == nil ? now.wallMilliseconds : items[item].lastFailure
    return DeadLetter(
      group: options.group, topic: earlier?.topic ?? event.record.topic, function: function,
      event: event.record, reason: reason, message: message,
      attempts: (earlier?.attempts ?? 0) + Int(items[item].attempts),
      firstFailureMilliseconds: earlier?.firstFailureMilliseconds ?? items[item].firstFailure
        ?? now.wallMilliseconds,
      lastFailureMilliseconds: last)
  }
}
