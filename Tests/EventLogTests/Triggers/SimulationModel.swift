// The world that the simulation puts around dispatchers: a durable log with committed offsets, members that come and
// go, handlers with random outcomes. One seed makes one schedule.

@testable import SpacerEventLog

/// What an invariant's breach looks like.
struct SimulationFailure: Error, CustomStringConvertible {
  var seed: UInt64
  var message: String
  var description: String { "seed \(seed): \(message)" }
}

/// How the world behaves in one run, from its seed.
struct SimulationPlan {
  var triggers: [Trigger]
  var options: DispatcherOptions
  var partitions: [TopicPartition]
  var memberCount: Int
  var stepCount: Int
  var keyCount: Int
  /// In a thousand.
  var crashRate: Int
  var failureRate: Int
  var poisonRate: Int

  init(_ random: inout SplitMix) {
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
    let mayComeLate = chance(40)
    triggers = []
    for index in 0..<Int.random(in: 1...3, using: &random) {
      let isBatch = chance(40)
      triggers.append(
        Trigger(
          topic: chance(80) ? "orders" : "users", function: "f\(index)",
          filter: chance(30) ? try? EventFilter(#"[{"path":["t"],"equals":["a"]}]"#) : nil,
          batchCountMax: isBatch ? pick([2, 3, 8]) : 1,
          batchWindowMilliseconds: isBatch ? pick([0, 5, 40]) : 0, concurrency: pick([1, 2, 4]),
          attemptsMax: pick([1, 2, 4]), ageMillisecondsMax: chance(20) ? 400 : nil,
          onExhausted: pick([.deadLetter, .deadLetter, .drop, .pause])))
    }
    triggers.append(Trigger(topic: InternalEvent.topic, function: "nightly"))
    let partitionCount = Int32.random(in: 1...3, using: &random)
    partitions = ["orders", "users", InternalEvent.topic].flatMap { topic in
      (0..<partitionCount).map { TopicPartition(topic: topic, partition: $0) }
    }
    options = DispatcherOptions(
      group: "g", retry: RetryPolicy(firstMilliseconds: 20, maxMilliseconds: 100),
      seed: random.next(), eventsMayComeLate: mayComeLate, eventCountMax: pick([4, 12, 1_000]),
      partitionEventCountMax: pick([3, 8, 1_000]), commitIntervalMilliseconds: pick([0, 10, 50]),
      commitCountMax: pick([1, 5, 1_000]), overloadDelayMilliseconds: 5)
    memberCount = pick([1, 2, 3])
    stepCount = pick([60, 120, 200])
    keyCount = pick([1, 2, 5])
    crashRate = pick([0, 2, 10])
    failureRate = pick([0, 100, 400])
    poisonRate = pick([0, 30, 150])
  }
}

/// An event of the model's log.
struct SimulatedEvent {
  enum Nature { case good, poison, finalPoison }

  var record: EventRecord
  var partition: Int
  var nature: Nature
  /// It was a final poison once; an operator may have mended it.
  let mayBeFinal: Bool
  /// Triggers that are to be done with it; -1 stands for the dead letters as an event that names none.
  var targets: [Int]
  /// Which of them are, in truth: by effect, not by what a dispatcher believes.
  var done: [Bool]
  /// Its transaction has committed. An event that never will is taken out of the log.
  var isVisible: Bool

  init(
    record: EventRecord, partition: Int, nature: Nature, targets: [Int], isVisible: Bool
  ) {
    self.record = record
    self.partition = partition
    self.nature = nature
    mayBeFinal = nature == .finalPoison
    self.targets = targets
    done = targets.map { _ in false }
    self.isVisible = isVisible
  }

  var isDone: Bool { done.allSatisfy { $0 } }
}

/// A partition as a member has it.
struct SimulatedAssignment {
  var epoch: Int
  /// What the group had done when it began.
  var base: Int64
  /// Events brought, in order.
  var delivered: [Int] = []
  var isDelivered: Set<Int> = []
  /// The last commit, less what was brought late since.
  var lastCommit: Int64
  var isPaused = false
  var isRevoking = false
}

/// A run in a worker.
struct SimulatedRun {
  var due: Int64
  var run: TriggerRun
  /// In the log.
  var events: [Int]
  var keys: Set<SimulatedKey>
}

struct SimulatedKey: Hashable {
  var trigger: Int
  var partition: Int
  var key: [UInt8]
}

/// A dead letter on its way.
struct SimulatedLetter {
  var due: Int64
  var id: DeadLetterID
  var letter: DeadLetter
}

/// A process of the group.
struct SimulatedMember {
  var dispatcher: TriggerDispatcher
  var isAlive = true
  /// It stops, or makes another dispatcher: see `isReloading`.
  var isDraining = false
  var isReloading = false
  /// By partition.
  var assignments: [Int: SimulatedAssignment] = [:]
  /// Partitions that were taken away, which it does not know yet.
  var unknownLosses: [Int] = []
  var runs: [SimulatedRun] = []
  var letters: [SimulatedLetter] = []
  var isPaused: [Bool]

  init(_ plan: SimulationPlan, seed: UInt64) {
    var options = plan.options
    options.seed = seed
    dispatcher = TriggerDispatcher(triggers: plan.triggers, options: options)
    isPaused = plan.triggers.map { _ in false }
  }
}
