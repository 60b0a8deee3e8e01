import Testing

@testable import SpacerRuntime

@Suite struct ConnectionPoolTests {
  private var pool = ConnectionPool(
    sizeMax: 2, waitingCountMax: 3, waitMilliseconds: 1_000, idleMilliseconds: 5_000)

  @Test mutating func opensOnDemandAndReuses() {
    #expect(pool.request(10, now: 0) == [.open(1)])
    #expect(pool.opened(1, now: 5) == [.grant(connection: 1, request: 10)])
    #expect(pool.released(1, now: 6) == [])
    #expect(pool.request(11, now: 7) == [.grant(connection: 1, request: 11)])
    #expect(pool.count == 1)
  }

  @Test mutating func neverMoreThanItsSize() {
    #expect(pool.request(10, now: 0) == [.open(1)])
    #expect(pool.request(11, now: 0) == [.open(2)])
    #expect(pool.request(12, now: 0) == [])
    #expect(pool.request(13, now: 0) == [.refuse(request: 13, .tooManyWaiting)])
    #expect(pool.opened(2, now: 1) == [.grant(connection: 2, request: 10)])
    #expect(pool.opened(1, now: 1) == [.grant(connection: 1, request: 11)])
    #expect(pool.released(2, now: 2) == [.grant(connection: 2, request: 12)])
    #expect(pool.count == 2)
  }

  @Test mutating func waitsAreBounded() {
    _ = pool.request(10, now: 0)
    _ = pool.request(11, now: 10)
    #expect(pool.nextDeadline == 1_000)
    #expect(pool.expire(now: 999) == [])
    // No connection was ever made: there is none that could become free.
    #expect(pool.expire(now: 1_000) == [.refuse(request: 10, .cannotConnect)])
    #expect(pool.nextDeadline == 1_010)
    let gaveUp = pool.giveUp(11)
    #expect(gaveUp)
    let again = pool.giveUp(11)
    #expect(!again)
    #expect(pool.waitingCount == 0)
    // What was being opened for them is kept for the next one.
    #expect(pool.opened(1, now: 1_500) == [])
    #expect(pool.request(12, now: 1_501) == [.grant(connection: 1, request: 12)])
  }

  @Test mutating func idleOnesClose() {
    for request in UInt64(1)...2 { _ = pool.request(request, now: 0) }
    for connection in UInt64(1)...2 { _ = pool.opened(connection, now: 0) }
    _ = pool.released(1, now: 100)
    _ = pool.released(2, now: 200)
    #expect(pool.nextDeadline == 5_100)
    #expect(pool.expire(now: 5_100) == [.close(1)])
    #expect(pool.nextDeadline == 5_200)
    #expect(pool.request(3, now: 5_150) == [.grant(connection: 2, request: 3)])
    #expect(pool.nextDeadline == nil)
  }

  @Test mutating func aServerThatIsAwayRefusesAllAtOnce() {
    for request in UInt64(10)...12 { _ = pool.request(request, now: 0) }
    #expect(pool.openFailed(1, now: 5) == [])
    #expect(
      pool.openFailed(2, now: 6) == [
        .refuse(request: 10, .cannotConnect), .refuse(request: 11, .cannotConnect),
        .refuse(request: 12, .cannotConnect),
      ])
    // Nothing holds up the next attempt: there is nothing else to wait for.
    #expect(pool.request(13, now: 7) == [.open(3)])
  }

  @Test mutating func aFailedAttemptWaitsWhileOthersWork() {
    _ = pool.request(10, now: 0)
    _ = pool.opened(1, now: 1)
    #expect(pool.request(11, now: 2) == [.open(2)])
    #expect(pool.openFailed(2, now: 10) == [])
    #expect(pool.request(12, now: 11) == [])
    #expect(pool.nextDeadline == 10 + ConnectionPool.retryMilliseconds)
    #expect(pool.expire(now: 10 + ConnectionPool.retryMilliseconds) == [.open(3)])
    #expect(pool.released(1, now: 300) == [.grant(connection: 1, request: 11)])
  }

  @Test mutating func lostOnesAreReplacedForThoseWhoWait() {
    for request in UInt64(10)...12 { _ = pool.request(request, now: 0) }
    _ = pool.opened(1, now: 1)
    _ = pool.opened(2, now: 1)
    #expect(pool.lost(1, now: 5) == [.open(3)])
    #expect(pool.opened(3, now: 6) == [.grant(connection: 3, request: 12)])
    _ = pool.released(2, now: 7)
    #expect(pool.lost(2, now: 8) == [])
    #expect(pool.count == 1)
  }

  @Test mutating func closing() {
    for request in UInt64(1)...2 { _ = pool.request(request, now: 0) }
    for connection in UInt64(1)...2 { _ = pool.opened(connection, now: 0) }
    _ = pool.released(1, now: 1)
    #expect(pool.close() == [.close(1)])
    #expect(pool.released(2, now: 2) == [.close(2)])
    #expect(pool.count == 0)
  }

  /// Whatever happens in whatever order, each request ends once and no bound is passed.
  @Test(arguments: UInt64(1)...20)
  func anyOrder(_ seed: UInt64) {
    var random = SplitMix(state: seed)
    var pool = ConnectionPool(sizeMax: 3, waitingCountMax: 5, waitMilliseconds: 50, idleMilliseconds: 80)
    var now: UInt64 = 0
    var next: UInt64 = 1
    var waiting: Set<UInt64> = []
    var (opening, granted, idle): (Set<UInt64>, Set<UInt64>, Set<UInt64>) = ([], [], [])
    func apply(_ actions: [ConnectionPool.Action]) {
      for action in actions {
        switch action {
        case .open(let connection): #expect(opening.insert(connection).inserted)
        case .grant(let connection, let request):
          #expect(waiting.remove(request) != nil)
          idle.remove(connection)
          #expect(granted.insert(connection).inserted)
        case .refuse(let request, _): #expect(waiting.remove(request) != nil)
        case .close(let connection): #expect(idle.remove(connection) != nil)
        }
      }
      #expect(pool.count <= 3 && pool.waitingCount <= 5)
      #expect(pool.count == opening.count + granted.count + idle.count)
      #expect(pool.waitingCount == waiting.count)
      #expect(idle.isEmpty || waiting.isEmpty)
    }
    for _ in 0..<2_000 {
      now += random.next() % 20
      switch random.next() % 8 {
      case 0, 1, 2:
        waiting.insert(next)
        apply(pool.request(next, now: now))
        next += 1
      case 3:
        guard let connection = opening.sorted().first else { continue }
        opening.remove(connection)
        if random.next() % 3 == 0 {
          apply(pool.openFailed(connection, now: now))
        } else {
          idle.insert(connection)
          apply(pool.opened(connection, now: now))
        }
      case 4, 5:
        guard let connection = granted.sorted().first else { continue }
        granted.remove(connection)
        idle.insert(connection)
        apply(pool.released(connection, now: now))
      case 6:
        guard let connection = granted.union(idle).sorted().last else { continue }
        granted.remove(connection)
        idle.remove(connection)
        apply(pool.lost(connection, now: now))
      default: apply(pool.expire(now: now))
      }
    }
    apply(pool.expire(now: now + 1_000))
    #expect(waiting.isEmpty)
  }
}

/// A small generator with a seed.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
