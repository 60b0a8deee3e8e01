@testable import SpacerEventLog

/// One run of the world. Throws at the first breach of an invariant.
struct DispatchSimulation {
  let seed: UInt64
  let plan: SimulationPlan
  var random: SplitMix
  var now = Moment(monotonicMilliseconds: 1_000, wallMilliseconds: 1_700_000_000_000)
  var events: [SimulatedEvent] = []
  /// By partition: events in order of their offsets, reserved ones too.
  var log: [[Int]]
  var offsetNext: [Int64]
  /// What the group has done, durably; by partition.
  var stored: [Int64]
  var owner: [Int?]
  var ownerEpoch: [Int]
  var members: [SimulatedMember] = []
  var eventOfValue: [[UInt8]: Int] = [:]
  var deadLetters: [DeadLetter] = []
  var isCalm = false
  /// Actions performed so far; a crash at one of them can be asked for.
  var actionCount = 0
  let crashAction: Int?
  var hasCrashed = false
  /// Events that were brought to members.
  var deliveredCount = 0

  init(seed: UInt64, crashAction: Int? = nil) {
    self.seed = seed
    self.crashAction = crashAction
    random = SplitMix(seed: seed)
    var plan = SimulationPlan(&random)
    if crashAction != nil {
      plan.crashRate = 0
      plan.stepCount = 60
    }
    self.plan = plan
    log = plan.partitions.map { _ in [] }
    offsetNext = plan.partitions.map { _ in 0 }
    stored = plan.partitions.map { _ in -1 }
    owner = plan.partitions.map { _ in nil }
    ownerEpoch = plan.partitions.map { _ in 0 }
    for _ in 0..<plan.memberCount { members.append(SimulatedMember(plan, seed: random.next())) }
  }

  mutating func run() throws {
    for _ in 0..<plan.stepCount {
      try oneStep()
      try wakeMembers()
    }
    try calmDown()
  }

  mutating func chance(_ thousandth: Int) -> Bool { Int.random(in: 0..<1_000, using: &random) < thousandth }
  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &random) }

  func failure(_ message: String) -> SimulationFailure { SimulationFailure(seed: seed, message: message) }
  func check(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw failure(message()) }
  }

  private mutating func oneStep() throws {
    switch below(100) {
    case 0..<20: append()
    case 20..<25: settleReserved()
    case 25..<45: try poll(below(members.count), limit: 1 + below(6))
    case 45..<65: try finishDue()
    case 65..<80: advance(Int64(below(40)))
    case 80..<85: try assignFree()
    case 85..<90: try rebalance()
    case 90..<93: try operate()
    case 93..<95: retryLetter()
    case 95..<97: try endOrReload()
    case 97..<98: now.wallMilliseconds += Int64(below(7_200_000)) - 3_600_000
    default: if chance(plan.crashRate * 20) { try crash(below(members.count)) }
    }
  }

  mutating func advance(_ milliseconds: Int64) {
    now.monotonicMilliseconds += milliseconds
    now.wallMilliseconds += milliseconds
  }

  /// Steps members whose time has come.
  mutating func wakeMembers() throws {
    for member in members.indices where members[member].isAlive {
      if let wake = members[member].dispatcher.nextWakeUp, wake <= now.monotonicMilliseconds {
        try perform(member)
      }
    }
  }

  /// Faults stop: all must come to an end.
  private mutating func calmDown() throws {
    isCalm = true
    for event in events.indices where !events[event].isVisible { show(event) }
    var idleRounds = 0
    for round in 0..<20_000 {
      for member in members.indices {
        if members[member].isDraining, !members[member].isReloading, members[member].isAlive {
          try crash(member)
        }
        if !members[member].isAlive { members[member] = SimulatedMember(plan, seed: random.next()) }
      }
      let deliveredBefore = deliveredCount
      try tellLosses()
      try assignFree()
      for member in members.indices {
        for trigger in plan.triggers.indices where members[member].isPaused[trigger] {
          try resume(member, trigger)
        }
        try poll(member, limit: 6)
      }
      try finishDue()
      try wakeMembers()
      if isEnded { return try checkEnd() }
      if deliveredCount > deliveredBefore
        || members.contains(where: { !$0.isAlive || $0.isPaused.contains(true) })
      {
        continue
      }
      guard let next = nextTime else {
        idleRounds += 1
        try check(idleRounds < 3, "stuck after \(round) rounds: \(unfinished)")
        continue
      }
      idleRounds = 0
      if next > now.monotonicMilliseconds { advance(next - now.monotonicMilliseconds) }
    }
    throw failure("no end: \(unfinished)")
  }

  private var nextTime: Int64? {
    var times: [Int64] = []
    for member in members where member.isAlive {
      times += member.runs.map(\.due) + member.letters.map(\.due)
      if let wake = member.dispatcher.nextWakeUp { times.append(wake) }
    }
    return times.min()
  }

  private var isEnded: Bool {
    events.allSatisfy(\.isDone)
      && members.allSatisfy { $0.runs.isEmpty && $0.letters.isEmpty && $0.unknownLosses.isEmpty }
      && log.indices.allSatisfy { partition in
        guard let last = log[partition].last else { return true }
        return stored[partition] >= events[last].record.offset
      }
  }

  private var unfinished: String {
    let open = events.indices.filter { !events[$0].isDone }
      .map { "\(events[$0].record.id)\(events[$0].targets)\(events[$0].done)" }
    let behind = log.indices.filter { partition in
      log[partition].last.map { stored[partition] < events[$0].record.offset } ?? false
    }.map { "\(plan.partitions[$0]) stored \(stored[$0])" }
    return "open \(open), behind \(behind), \(members.map(\.dispatcher.status))"
  }

  private func checkEnd() throws {
    for member in members where member.isAlive {
      let status = member.dispatcher.status
      // What is brought twice may still be on hand.
      try check(status.runCount == 0, "runs without end: \(status)")
    }
    for letter in deadLetters {
      try check(DeadLetter(json: letter.json) == letter, "a dead letter does not come back from JSON")
    }
  }
}
