// The rules of the watch loop, with the clock in the test's hand.

import Testing

@testable import spacer

@Suite struct WatchDebounceTests {
  private let second: UInt64 = 1_000_000_000
  private let millisecond: UInt64 = 1_000_000

  @Test func nothingToDoWithoutAChange() {
    let debounce = WatchDebounce()
    #expect(debounce.deadline == nil)
    #expect(!debounce.isDue(at: 5 * second))
  }

  @Test func theFirstChangeBuildsAtOnce() {
    var debounce = WatchDebounce()
    debounce.changed(at: second)
    #expect(debounce.isDue(at: second))
    debounce.begin()
    #expect(!debounce.isDue(at: second), "one change is one build")
  }

  @Test func aChangeLongAfterABuildBuildsAtOnce() {
    var debounce = WatchDebounce()
    debounce.changed(at: second)
    debounce.begin()
    debounce.built(at: 2 * second)
    debounce.changed(at: 3 * second)
    #expect(debounce.isDue(at: 3 * second))
  }

  @Test func changesDuringABuildAreOneMoreBuild() throws {
    var debounce = WatchDebounce()
    debounce.changed(at: second)
    debounce.begin()
    for step in 1...5 as ClosedRange<UInt64> { debounce.changed(at: second + step * millisecond) }
    #expect(!debounce.isDue(at: second + 6 * millisecond), "a build is running")
    let end = second + 10 * millisecond
    debounce.built(at: end)
    let deadline = try #require(debounce.deadline)
    #expect(deadline == end + WatchDebounce.quietNanoseconds)
    #expect(!debounce.isDue(at: deadline - 1))
    #expect(debounce.isDue(at: deadline))
    debounce.begin()
    debounce.built(at: deadline + millisecond)
    #expect(debounce.deadline == nil)
  }

  @Test func aBurstWaitsForQuiet() {
    var debounce = WatchDebounce()
    debounce.changed(at: second)
    debounce.begin()
    debounce.built(at: second + millisecond)
    let first = second + 2 * millisecond
    debounce.changed(at: first)
    debounce.changed(at: first + 20 * millisecond)
    #expect(!debounce.isDue(at: first + 30 * millisecond), "the second change began the quiet time anew")
    #expect(debounce.isDue(at: first + 45 * millisecond))
  }

  @Test func aBurstWithoutEndIsBuiltAllTheSame() {
    var debounce = WatchDebounce()
    debounce.changed(at: second)
    debounce.begin()
    debounce.built(at: second)
    let first = second + millisecond
    var now = first
    while now < first + WatchDebounce.waitMaxNanoseconds {
      debounce.changed(at: now)
      #expect(!debounce.isDue(at: now))
      now += 10 * millisecond
    }
    #expect(debounce.isDue(at: now))
  }
}
