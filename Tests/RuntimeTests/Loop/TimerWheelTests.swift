import Testing

@testable import SpacerRuntime

@Suite("Timer wheel")
struct TimerWheelTests {
  @Test("fires at its time, not before, and once")
  func single() {
    for delay: UInt64 in [0, 1, 63, 64, 65, 4_095, 4_096, 30_000, 262_144, 100_000_000] {
      for start: UInt64 in [0, 1, 63, 64, 1_000, 4_095, 1_234_567] {
        var wheel = TimerWheel()
        #expect(wheel.takeExpired(now: start) == nil)
        _ = wheel.schedule(at: start + delay, token: 7)
        if delay > 0 { #expect(wheel.takeExpired(now: start + delay - 1) == nil) }
        #expect(wheel.takeExpired(now: start + delay) == 7)
        #expect(wheel.takeExpired(now: start + delay + 1_000_000_000) == nil)
        #expect(wheel.count == 0)
        #expect(wheel.nextTime() == nil)
      }
    }
  }

  @Test("a cancelled timer does not fire, and its identifier stays dead")
  func cancel() {
    var wheel = TimerWheel()
    let first = wheel.schedule(at: 100, token: 1)
    let second = wheel.schedule(at: 100, token: 2)
    #expect(wheel.cancel(first) == true)
    #expect(wheel.cancel(first) == false)
    let third = wheel.schedule(at: 100, token: 3)
    #expect(wheel.cancel(first) == false)
    #expect(wheel.cancel(.none) == false)
    #expect(wheel.cancel(third) == true)
    #expect(wheel.takeExpired(now: 100) == 2)
    #expect(wheel.cancel(second) == false)
    #expect(wheel.takeExpired(now: 100) == nil)
  }

  @Test("what is due and not taken yet can still be cancelled")
  func cancelDue() {
    var wheel = TimerWheel()
    let timers = (0..<3).map { wheel.schedule(at: 10, token: $0) }
    let first = wheel.takeExpired(now: 20)
    let left = (0..<3).filter { UInt64($0) != first }
    #expect(wheel.cancel(timers[left[0]]) == true)
    #expect(wheel.takeExpired(now: 20) == UInt64(left[1]))
    #expect(wheel.takeExpired(now: 20) == nil)
  }

  @Test("the next time is never later than the earliest timer, and waiting by it reaches every timer")
  func nextTime() {
    var wheel = TimerWheel()
    _ = wheel.schedule(at: 1_000_000, token: 1)
    var now: UInt64 = 0
    var wakeUps = 0
    while true {
      if wheel.takeExpired(now: now) != nil { break }
      guard let next = wheel.nextTime() else {
        Issue.record("no time to wait for")
        return
      }
      now = next
      #expect(now <= 1_000_000)
      wakeUps += 1
    }
    #expect(now == 1_000_000)
    #expect(wakeUps <= 6)
  }

  @Test("random timers, against a sorted list")
  func random() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("timer wheel: seed \(seed)")
    var generator = SeededGenerator(state: seed)
    var wheel = TimerWheel(capacity: 1)
    var pending: [UInt64: (expiry: UInt64, timer: TimerID)] = [:]
    var now: UInt64 = 0
    for token: UInt64 in 0..<20_000 {
      let span: UInt64 = [10, 100, 5_000, 1_000_000].randomElement(using: &generator) ?? 10
      let expiry = now + UInt64.random(in: 0...span, using: &generator)
      pending[token] = (expiry, wheel.schedule(at: expiry, token: token))
      if token % 3 == 0, let (other, entry) = pending.randomElement(using: &generator) {
        #expect(wheel.cancel(entry.timer) == true)
        pending[other] = nil
      }
      if token % 16 == 0 {
        let step: UInt64 = [1, 7, 64, 3_000].randomElement(using: &generator) ?? 1
        now += UInt64.random(in: 0...step, using: &generator)
        var last: UInt64 = 0
        while let fired = wheel.takeExpired(now: now) {
          guard let entry = pending.removeValue(forKey: fired) else {
            Issue.record("fired twice, or cancelled")
            return
          }
          #expect(entry.expiry <= now && entry.expiry >= last)
          last = entry.expiry
        }
        #expect(!pending.values.contains { $0.expiry <= now })
      }
      #expect(wheel.count == pending.count)
    }
  }
}
