// The model's log and its driver: what is appended, who owns what, what is brought and what is committed.

@testable import SpacerEventLog

extension DispatchSimulation {
  mutating func append() {
    let partition = below(plan.partitions.count)
    let topic = plan.partitions[partition].topic
    if topic == InternalEvent.topic {
      guard chance(300) else { return }
      let schedule = InternalEvent.Schedule(
        name: "s\(below(2))", target: .function(chance(800) ? "nightly" : "gone"), payload: [],
        dueMilliseconds: now.wallMilliseconds)
      return appendSchedule(schedule, partition)
    }
    for _ in 0...below(4) {
      let isWanted = chance(600)
      let id = events.count
      let value = Array(#"{"t":"\#(isWanted ? "a" : "b")","n":\#(id)}"#.utf8)
      let targets = plan.triggers.indices.filter {
        plan.triggers[$0].topic == topic && (plan.triggers[$0].filter == nil || isWanted)
      }
      add(partition, key: "k\(below(plan.keyCount))", value: value, targets: targets)
    }
  }

  private mutating func appendSchedule(_ schedule: InternalEvent.Schedule, _ partition: Int) {
    var schedule = schedule
    schedule.payload = Array(#"{"n":\#(events.count)}"#.utf8)
    let event = InternalEvent.schedule(schedule)
    let target = schedule.functionName == "nightly" ? plan.triggers.count - 1 : -1
    eventOfValue[schedule.payload] = events.count
    add(partition, key: schedule.name, value: event.json, targets: [target])
  }

  /// An operator sends a dead letter back, with another payload.
  mutating func retryLetter() {
    guard !deadLetters.isEmpty else { return }
    var letter = deadLetters[below(deadLetters.count)]
    guard
      let trigger = plan.triggers.firstIndex(where: {
        $0.function == letter.function && $0.topic == letter.topic
      })
    else { return }
    letter.event.value = Array(#"{"t":"retry","n":\#(events.count)}"#.utf8)
    eventOfValue[letter.event.value] = events.count
    let internals = plan.partitions.indices.filter { plan.partitions[$0].topic == InternalEvent.topic }
    let key = String(decoding: letter.event.key, as: UTF8.self)
    add(
      internals[below(internals.count)], key: key, value: InternalEvent.retry(letter).json, targets: [trigger]
    )
  }

  private mutating func add(_ partition: Int, key: String, value: [UInt8], targets: [Int]) {
    let id = events.count
    offsetNext[partition] += Int64(1 + below(3))
    let record = EventRecord(
      topic: plan.partitions[partition].topic, partition: plan.partitions[partition].partition,
      offset: offsetNext[partition], key: Array(key.utf8), value: value,
      timestampMilliseconds: now.wallMilliseconds)
    let nature: SimulatedEvent.Nature =
      chance(plan.poisonRate) ? (chance(500) ? .poison : .finalPoison) : .good
    let isLate = plan.options.eventsMayComeLate && chance(200)
    eventOfValue[value] = id
    events.append(
      SimulatedEvent(
        record: record, partition: partition, nature: nature, targets: targets, isVisible: !isLate))
    log[partition].append(id)
  }

  /// A slow transaction ends.
  mutating func settleReserved() {
    let reserved = events.indices.filter { !events[$0].isVisible }
    guard !reserved.isEmpty else { return }
    show(reserved[below(reserved.count)])
  }

  mutating func show(_ event: Int) {
    events[event].isVisible = true
    guard chance(300) else { return }
    // Rolled back.
    log[events[event].partition].removeAll { $0 == event }
    events[event].done = events[event].done.map { _ in true }
  }

  func isWaiting(_ event: Int, _ assignment: SimulatedAssignment) -> Bool {
    events[event].isVisible && events[event].record.offset > assignment.base
      && !assignment.isDelivered.contains(event)
  }

  mutating func poll(_ member: Int, limit: Int) throws {
    guard members[member].isAlive, !members[member].isDraining else { return }
    var left = min(limit, members[member].dispatcher.roomCount)
    var brought: [EventRecord] = []
    for partition in members[member].assignments.keys.sorted() {
      guard var assignment = members[member].assignments[partition], !assignment.isPaused,
        !assignment.isRevoking
      else { continue }
      if !isCalm, chance(30), let again = assignment.delivered.randomElement(using: &random) {
        brought.append(events[again].record)
      }
      for event in log[partition] where left > 0 && isWaiting(event, assignment) {
        brought.append(events[event].record)
        assignment.delivered.append(event)
        deliveredCount += 1
        assignment.isDelivered.insert(event)
        assignment.lastCommit = min(assignment.lastCommit, events[event].record.offset - 1)
        left -= 1
      }
      members[member].assignments[partition] = assignment
      try store(partition, member)
    }
    guard !brought.isEmpty else { return }
    members[member].dispatcher.deliver(brought, now: now)
    try perform(member)
  }

  /// Partitions that are nobody's go to members that live.
  mutating func assignFree() throws {
    for partition in owner.indices where owner[partition] == nil {
      let able = members.indices.filter { members[$0].isAlive && !members[$0].isDraining }
      guard !able.isEmpty else { return }
      try assign(partition, able[below(able.count)])
    }
  }

  private mutating func assign(_ partition: Int, _ member: Int) throws {
    owner[partition] = member
    ownerEpoch[partition] += 1
    if members[member].unknownLosses.contains(partition) { try tellLosses(of: member) }
    members[member].assignments[partition] = SimulatedAssignment(
      epoch: ownerEpoch[partition], base: stored[partition], lastCommit: stored[partition])
    members[member].dispatcher.assigned([plan.partitions[partition]])
    try perform(member)
  }

  mutating func rebalance() throws {
    try tellLosses()
    let partition = below(owner.count)
    guard let member = owner[partition], members[member].isAlive else { return }
    if chance(600) {
      members[member].assignments[partition]?.isRevoking = true
      members[member].dispatcher.revoking([plan.partitions[partition]])
      try perform(member)
    } else {
      // Its lease is over, and it does not know yet.
      members[member].unknownLosses.append(partition)
      owner[partition] = nil
      if chance(500) { try assignFree() }
    }
  }

  mutating func tellLosses() throws {
    for member in members.indices { try tellLosses(of: member) }
  }

  private mutating func tellLosses(of member: Int) throws {
    guard members[member].isAlive, !members[member].unknownLosses.isEmpty else { return }
    let lost = members[member].unknownLosses
    members[member].unknownLosses = []
    for partition in lost { members[member].assignments[partition] = nil }
    members[member].dispatcher.lost(lost.map { plan.partitions[$0] })
    try perform(member)
  }

  mutating func release(_ member: Int, _ released: [TopicPartition]) throws {
    for id in released {
      guard let partition = plan.partitions.firstIndex(of: id) else { continue }
      for run in members[member].runs {
        let isOfIt = run.events.contains { events[$0].partition == partition && isCurrent($0, member) }
        try check(!isOfIt, "\(id) was released while it ran")
      }
      guard members[member].assignments[partition]?.isRevoking == true else { continue }
      members[member].assignments[partition] = nil
      if members[member].unknownLosses.contains(partition) {
        members[member].unknownLosses.removeAll { $0 == partition }
      } else {
        owner[partition] = nil
      }
    }
  }

  /// The event was brought in the member's present assignment.
  func isCurrent(_ event: Int, _ member: Int) -> Bool {
    members[member].assignments[events[event].partition]?.isDelivered.contains(event) == true
  }

  mutating func commit(_ member: Int, _ done: [TopicPartition: Int64]) throws {
    if !isCalm, chance(100) {
      members[member].dispatcher.commitFailed(now: now)
      return
    }
    for (id, offset) in done {
      guard let partition = plan.partitions.firstIndex(of: id),
        var assignment = members[member].assignments[partition]
      else { throw failure("a commit of \(id), which is not the member's") }
      for event in assignment.delivered where events[event].record.offset <= offset {
        try check(
          events[event].isDone, "\(id) committed up to \(offset), but \(events[event].record.id) is not done")
      }
      assignment.lastCommit = max(assignment.lastCommit, offset)
      members[member].assignments[partition] = assignment
      try store(partition, member)
    }
  }

  /// Notes what the group has done: what was committed, below all offsets that may still come.
  private mutating func store(_ partition: Int, _ member: Int) throws {
    guard let assignment = members[member].assignments[partition], owner[partition] == member,
      ownerEpoch[partition] == assignment.epoch
    else { return }
    let open = log[partition].first { event in
      events[event].record.offset > assignment.base && !assignment.isDelivered.contains(event)
    }
    let bound = open.map { events[$0].record.offset - 1 } ?? Int64.max
    stored[partition] = max(stored[partition], min(assignment.lastCommit, bound))
    for event in log[partition] where events[event].record.offset <= stored[partition] {
      try check(
        events[event].isDone, "the group's offset passed \(events[event].record.id), which is not done")
    }
  }
}
