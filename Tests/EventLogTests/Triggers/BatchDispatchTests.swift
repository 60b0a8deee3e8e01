import Testing

@testable import SpacerEventLog

struct BatchDispatchTests {
  private func world(count: Int, window: Int = 50, concurrency: Int = 4, attemptsMax: Int = 2)
    -> DispatcherHarness
  {
    DispatcherHarness([
      Trigger(
        topic: "t", function: "f", batchCountMax: count, batchWindowMilliseconds: window,
        concurrency: concurrency,
        attemptsMax: attemptsMax)
    ])
  }

  @Test func runsWhenFullOrWhenItsTimeIsOver() {
    var world = world(count: 3)
    world.bring("a", "b", offset: 1)
    #expect(world.running.isEmpty)
    #expect(world.dispatcher.nextWakeUp == 50)
    world.bring("a", offset: 3)
    #expect(world.running == [[1, 3, 2]])
    world.bring("c", offset: 4)
    world.pass(49)
    #expect(world.running == [[1, 3, 2]])
    world.pass(1)
    #expect(world.running == [[1, 3, 2], [4]])
  }

  @Test func aKeyIsInOneRunAtATime() {
    var world = world(count: 2)
    world.bring("a", "a", "a", "b", offset: 1)
    #expect(world.running == [[1, 2]])
    world.pass(50)
    #expect(world.running == [[1, 2], [4]])
    world.finish()
    world.pass(50)
    #expect(world.running == [[4], [3]])
  }

  @Test func namedFailuresAloneAreTriedAgain() {
    var world = world(count: 4)
    world.bring("a", "a", "b", "c", offset: 1)
    #expect(world.running == [[1, 2, 3, 4]])
    world.finish(.partial(failed: [0, 3, 99], message: "x"))
    while world.runs.isEmpty { world.passToWakeUp() }
    while world.runs.flatMap(\.events).count < 2 { world.passToWakeUp() }
    #expect(world.runs.flatMap(\.events).map(\.record.offset).sorted() == [1, 4])
    #expect(world.runs.flatMap(\.events).allSatisfy { $0.attempt == 2 })
    while !world.runs.isEmpty { world.finish(.partial(failed: [0], message: "again")) }
    #expect(world.letters.count >= 1)
  }

  @Test func theOneThatFailsIsFound() {
    var world = world(count: 8)
    world.bring("a", "b", "c", "d", "e", "f", "g", "h", offset: 1)
    var sizes: [Int] = []
    var done: Set<Int64> = []
    for _ in 0..<100 where world.letters.isEmpty || done.count < 7 {
      guard let run = world.runs.first else {
        world.passToWakeUp()
        continue
      }
      sizes.append(run.events.count)
      let offsets = run.events.map(\.record.offset)
      if offsets.contains(6) {
        world.finish(.failed(message: "poison", isFinal: false))
      } else {
        done.formUnion(offsets)
        world.finish()
      }
    }
    #expect(done == [1, 2, 3, 4, 5, 7, 8])
    #expect(world.letters.map(\.1.event.offset) == [6])
    #expect(world.letters.first?.1.attempts == 2)
    #expect(sizes.sorted() == [1, 1, 1, 2, 2, 4, 4, 8])
  }

  @Test func eventsOfOneKeyAreBisectedInOrder() {
    var world = world(count: 4)
    world.bring("a", "a", "a", "a", offset: 1)
    var done: [Int64] = []
    for _ in 0..<100 where done.count < 3 {
      guard let run = world.runs.first else {
        if let (id, _) = world.letters.first {
          world.actions = []
          world.dispatcher.deadLetterStored(id, now: world.now)
          world.step()
        } else {
          world.passToWakeUp()
        }
        continue
      }
      let offsets = run.events.map(\.record.offset)
      if offsets.contains(3) {
        world.finish(.failed(message: "poison", isFinal: true))
      } else {
        done += offsets
        world.finish()
      }
    }
    #expect(done == [1, 2, 4])
  }

  @Test func batchesGoOverPartitions() {
    var world = DispatcherHarness(
      [Trigger(topic: "t", function: "f", batchCountMax: 2, batchWindowMilliseconds: 50)], partitions: 2)
    world.bring("a", offset: 1)
    world.bring("a", offset: 1, partition: 1)
    #expect(world.runs.first?.events.map(\.record.partition) == [0, 1])
    world.dispatcher.lost([TopicPartition(topic: "t", partition: 1)])
    world.finish()
    world.pass(100)
    #expect(world.committed == 1)
  }
}
