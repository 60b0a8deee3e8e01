import Testing

@testable import SpacerEventLog

struct TriggerDispatcherTests {
  private let t0 = TopicPartition(topic: "t", partition: 0)

  @Test func keysRunInParallelAndTheirEventsInOrder() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f", concurrency: 2)])
    world.bring("a", "a", "b", "c", offset: 1)
    #expect(world.running == [[1], [3]])
    world.finish()
    #expect(world.running == [[3], [4]])
    world.finish()
    #expect(world.running == [[4], [2]])
  }

  @Test func aRetryHoldsUpItsKeyOnly() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f")])
    world.bring("a", "a", "b", offset: 1)
    world.finish(.failed(message: "x", isFinal: false))
    world.finish()
    #expect(world.running.isEmpty)
    world.bring("b", offset: 4)
    #expect(world.running == [[4]])
    world.finish()
    world.passToWakeUp()
    while world.runs.isEmpty { world.passToWakeUp() }
    #expect(world.running == [[1]])
    #expect(world.runs.first?.events.first?.attempt == 2)
    #expect(world.now.monotonicMilliseconds >= 10 && world.now.monotonicMilliseconds <= 100)
    world.finish()
    #expect(world.running == [[2]])
  }

  @Test func whatDidNotRunIsNotCounted() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f", attemptsMax: 1)])
    world.bring("a", offset: 1)
    for outcome in [RunOutcome.abandoned, .overloaded, .abandoned] {
      world.finish(outcome)
      #expect(world.running.isEmpty)
      world.passToWakeUp()
      #expect(world.runs.first?.events.first?.attempt == 1)
    }
    world.finish(.timedOut)
    #expect(world.letters.first?.1.reason == .attempts)
  }

  @Test func commitsUpToWhatIsNotDone() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f"), Trigger(topic: "t", function: "g")])
    world.bring("a", "b", "c", offset: 5)
    // f and g on each of the three; g is not done with 5.
    #expect(world.running == [[5], [6], [7], [5], [6], [7]])
    world.finish()
    world.finish()
    world.finish()
    let last = world.runs.removeFirst()
    world.finish()
    world.finish()
    world.pass(100)
    #expect(world.committed == 4)
    world.dispatcher.finished(last.id, .done, now: world.now)
    world.step()
    world.pass(100)
    #expect(world.committed == 7)
  }

  @Test func commitsAgainWhatFailed() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f")]) { $0.commitCountMax = 1 }
    world.bring("a", offset: 5)
    world.finish()
    #expect(world.committed == 5)
    world.actions = []
    world.dispatcher.commitFailed(now: world.now)
    world.step()
    #expect(world.committed == nil)
    world.passToWakeUp()
    #expect(world.committed == 5)
    #expect(world.dispatcher.nextWakeUp == nil)
  }

  @Test func aLateEventIsRunAndCommittedAnew() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f")]) {
      $0.eventsMayComeLate = true
      $0.commitCountMax = 1
    }
    world.bring("a", "b", offset: 10)
    world.finish()
    world.finish()
    #expect(world.committed == 11)
    world.actions = []
    world.bring("c", "b", offset: 8)
    #expect(world.running == [[8], [9]])
    world.bring("a", "b", offset: 10)
    #expect(world.running == [[8], [9]])
    world.finish()
    #expect(world.committed == 8)
    world.finish()
    #expect(world.committed == 11)
  }

  @Test func whatIsBroughtTwiceIsIgnored() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f")])
    world.bring("a", "b", offset: 1)
    world.bring("a", "b", "c", offset: 1)
    #expect(world.running == [[1], [2], [3]])
    world.bring("z", offset: 0)
    #expect(world.runs.count == 3)
  }

  @Test func aDeadLetterIsDoneWhenItIsStored() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f")]) { $0.commitCountMax = 1 }
    world.bring("a", "a", offset: 1)
    world.finish(.failed(message: "no", isFinal: true))
    guard let (id, letter) = world.letters.first else {
      Issue.record("no dead letter")
      return
    }
    #expect(letter.reason == .final && letter.attempts == 1 && letter.message == "no")
    #expect(letter.recordKey == "g/t/f/t:1")
    #expect(world.running.isEmpty && world.committed == nil)
    world.actions = []
    world.dispatcher.deadLetterFailed(id, now: world.now)
    world.step()
    world.passToWakeUp()
    #expect(world.letters.first?.0 == id)
    world.dispatcher.deadLetterStored(id, now: world.now)
    world.step()
    #expect(world.running == [[2]] && world.committed == 1)
  }

  @Test func anOldEventIsGivenUpBeforeItRuns() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f", concurrency: 1, ageMillisecondsMax: 50)]
    )
    world.bring("a", "b", offset: 1)
    world.now.wallMilliseconds += 51
    world.finish()
    #expect(world.running.isEmpty)
    #expect(world.letters.first?.1.reason == .age)
    #expect(world.letters.first?.1.attempts == 0)
  }

  @Test func droppedEventsAreDone() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f", attemptsMax: 1, onExhausted: .drop)])
    world.bring("a", "a", offset: 1)
    world.finish(.timedOut)
    #expect(world.count { if case .dropped = $0 { true } else { false } } == 1)
    #expect(world.running == [[2]])
  }

  @Test func aTriggerStopsAtAnEventAndGoesOn() {
    var world = DispatcherHarness([
      Trigger(topic: "t", function: "f", attemptsMax: 2, ageMillisecondsMax: 500, onExhausted: .pause)
    ])
    world.bring("a", offset: 1)
    world.pass(501)
    world.finish(.failed(message: "x", isFinal: true))
    #expect(world.count { if case .paused(trigger: 0, _) = $0 { true } else { false } } == 1)
    world.bring("b", offset: 2)
    world.pass(10_000)
    #expect(world.running.isEmpty)
    #expect(world.dispatcher.status.isPaused == [true])
    world.dispatcher.resume(trigger: 0)
    world.step()
    // Its age does not count any more; the other one's does, and stops the trigger again.
    #expect(world.running == [[1]])
    #expect(world.runs.first?.events.first?.attempt == 1)
    #expect(world.dispatcher.status.isPaused == [true])
  }

  @Test func retriesOfDeadLettersAndSchedules() {
    var world = DispatcherHarness([
      Trigger(topic: "t", function: "f", attemptsMax: 1, ageMillisecondsMax: 1),
      Trigger(topic: InternalEvent.topic, function: "nightly"),
    ])
    let event = EventRecord(
      topic: "t", partition: 9, offset: 77, key: Array("a".utf8), value: Array("{}".utf8),
      timestampMilliseconds: 5)
    var letter = DeadLetter(
      group: "g", topic: "t", function: "f", event: event, reason: .attempts, message: "m", attempts: 3,
      firstFailureMilliseconds: 10, lastFailureMilliseconds: 20)
    var retries = [InternalEvent.retry(letter)]
    letter.function = "gone"
    retries.append(.retry(letter))
    retries.append(
      .schedule(
        InternalEvent.Schedule(name: "s", target: .function("nightly"), payload: [0x31], dueMilliseconds: 99))
    )
    let records = retries.enumerated().map { place, event in
      EventRecord(
        topic: InternalEvent.topic, partition: 0, offset: Int64(place), key: Array(event.entry.key),
        value: event.json, timestampMilliseconds: 1)
    }
    world.dispatcher.deliver(records, now: world.now)
    world.step()
    #expect(world.runs.map(\.trigger) == [0, 1])
    #expect(world.runs.first?.events.first?.record == event)
    #expect(world.runs.last?.events.first?.record.id == "schedule:s:99")
    #expect(world.runs.last?.events.first?.record.timestampMilliseconds == 99)
    #expect(world.runs.last?.events.first?.schedule?.name == "s")
    #expect(world.letters.map(\.1.reason) == [.unknown])
    #expect(world.letters.first?.1.function == "gone")
    world.actions = []
    world.finish(.timedOut)
    #expect(world.letters.first?.1.attempts == 4)
    #expect(world.letters.first?.1.firstFailureMilliseconds == 10)
    #expect(world.letters.first?.1.event == event)
  }

  @Test func aRevokedPartitionIsGivenBackWhenNothingRuns() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f", concurrency: 1)])
    world.bring("a", "b", offset: 1)
    world.dispatcher.revoking([t0])
    world.step()
    #expect(!world.actions.contains(.release([t0])))
    world.finish()
    #expect(world.actions == [.commit([t0: 1]), .release([t0])])
    #expect(world.running.isEmpty)
    #expect(world.dispatcher.status.eventCount == 0)
    world.dispatcher.revoking([t0])
    world.step()
    #expect(world.actions.last == .release([t0]))
  }

  @Test func aKeyOfALostPartitionIsNotRunTwiceAtATime() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f")])
    world.bring("a", offset: 1)
    world.dispatcher.lost([t0])
    world.dispatcher.assigned([t0])
    world.bring("a", "b", offset: 1)
    #expect(world.running == [[1], [2]])
    // The old run's outcome means nothing but that the key is free.
    world.finish()
    #expect(world.running == [[2], [1]])
    world.pass(1_000)
    #expect(world.committed == nil)
  }

  @Test func drainingEndsWithACommit() {
    var world = DispatcherHarness([Trigger(topic: "t", function: "f", concurrency: 1)])
    world.bring("a", "b", offset: 1)
    world.dispatcher.drain()
    world.step()
    #expect(!world.dispatcher.isDrained && world.dispatcher.roomCount == 0)
    world.finish()
    #expect(world.committed == 1)
    #expect(world.running.isEmpty && world.dispatcher.isDrained)
    let handOver = world.dispatcher.handOver()
    #expect(handOver.events.map(\.offset) == [2])
    #expect(handOver.newest[t0] == 2)
  }

  @Test func aFullPartitionIsPausedAndOthersGoOn() {
    var world = DispatcherHarness(
      [Trigger(topic: "t", function: "f", concurrency: 1)],
      {
        $0.eventCountMax = 6
        $0.partitionEventCountMax = 100
      }, partitions: 2)
    world.bring("a", "a", "a", "a", "a", "a", "a", offset: 1)
    #expect(world.actions == [.pausePartitions([t0])])
    // Its share is two.
    world.bring("b", offset: 1, partition: 1)
    #expect(world.actions == [.pausePartitions([t0])])
    #expect(world.dispatcher.roomCount == 2)
    world.bring("b", offset: 2, partition: 1)
    #expect(world.actions.last == .pausePartitions([TopicPartition(topic: "t", partition: 1)]))
    for _ in 0..<9 { world.finish() }
    #expect(world.actions.contains(.resumePartitions([t0])))
    #expect(world.dispatcher.status.eventCount == 0)
  }
}
