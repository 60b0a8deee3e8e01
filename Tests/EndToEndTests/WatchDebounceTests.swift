// The rules of the watch loop, with the clock in the test's hand.

import Testing

@testable import spacer

@Suite struct WatchDebounceTests {
  private let second: UInt64 = 1_000_000_000

  /// `isDue` in a copy.
  private func isDue(_ debounce: WatchDebounce, at now: UInt64 = 0, isLocked: Bool = false) -> Bool {
    var copy = debounce
    return ask(&copy, at: now, isLocked: isLocked)
  }

  /// `isDue` as a plain call, since `#expect` takes no mutating one.
  private func ask(_ debounce: inout WatchDebounce, at now: UInt64, isLocked: Bool) -> Bool {
    debounce.isDue(at: now, isLocked: isLocked)
  }

  @Test func nothingToDoWithoutAChange() {
    let debounce = WatchDebounce()
    #expect(debounce.waitNanoseconds == nil)
    #expect(!isDue(debounce, at: 5 * second))
  }

  @Test func aChangeBuildsAtOnce() {
    var debounce = WatchDebounce()
    for _ in 0..<3 {
      debounce.changed()
      #expect(isDue(debounce))
      #expect(debounce.waitNanoseconds == 0)
      debounce.begin()
      #expect(!isDue(debounce), "one change is one build")
      debounce.built()
      #expect(!isDue(debounce))
      #expect(debounce.waitNanoseconds == nil)
    }
  }

  @Test func changesBeforeABuildAreOneBuild() {
    var debounce = WatchDebounce()
    for _ in 0..<5 { debounce.changed() }
    debounce.begin()
    #expect(!debounce.hasChangedMeanwhile)
    debounce.built()
    #expect(!isDue(debounce))
  }

  @Test func changesDuringABuildAreOneMoreRightAfterIt() {
    var debounce = WatchDebounce()
    debounce.changed()
    debounce.begin()
    for _ in 0..<5 { debounce.changed() }
    #expect(!isDue(debounce), "a build is running")
    #expect(debounce.hasChangedMeanwhile)
    debounce.built()
    #expect(isDue(debounce), "without any quiet time")
    #expect(debounce.waitNanoseconds == 0)
    debounce.begin()
    debounce.built()
    #expect(!isDue(debounce))
  }

  @Test func aHeldLockPutsABuildOff() {
    var debounce = WatchDebounce()
    debounce.changed()
    let answer1 = ask(&debounce, at: second, isLocked: true)
    #expect(!answer1)
    #expect(debounce.waitNanoseconds == WatchDebounce.lockPollNanoseconds)
    debounce.changed()
    #expect(!isDue(debounce, at: second + WatchDebounce.lockWaitMaxNanoseconds - 1, isLocked: true))
    #expect(isDue(debounce, at: second + 1))
  }

  @Test func aLockThatStaysStopsNothing() {
    var debounce = WatchDebounce()
    debounce.changed()
    let answer2 = ask(&debounce, at: second, isLocked: true)
    #expect(!answer2)
    let end = second + WatchDebounce.lockWaitMaxNanoseconds
    let answer3 = ask(&debounce, at: end, isLocked: true)
    #expect(answer3)
    debounce.begin()
    debounce.built()
    debounce.changed()
    let answer4 = ask(&debounce, at: end, isLocked: true)
    #expect(answer4, "waited for once, not for every build")
    debounce.begin()
    debounce.built()
    debounce.changed()
    let answer5 = ask(&debounce, at: end, isLocked: false)
    #expect(answer5)
    let answer6 = ask(&debounce, at: end, isLocked: true)
    #expect(!answer6, "a new lock counts again")
  }
}
