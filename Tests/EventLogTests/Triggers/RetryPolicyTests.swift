import SpacerEventLog
import Testing

struct RetryPolicyTests {
  @Test func delaysGrowToTheirBoundWithFullJitter() {
    let policy = RetryPolicy(firstMilliseconds: 100, maxMilliseconds: 1_000)
    var random = SplitMix(seed: 1)
    for (attempt, bound) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (1_000_000, 1_000)] {
      let delays = (0..<2_000).map { _ in policy.delayMilliseconds(afterAttempt: attempt, using: &random) }
      #expect(delays.allSatisfy { $0 >= RetryPolicy.delayMillisecondsMin && $0 <= bound })
      #expect((delays.max() ?? 0) > bound * 9 / 10)
      #expect((delays.min() ?? 0) < bound / 5)
    }
  }

  @Test func boundsAreKeptInOrder() {
    var random = SplitMix(seed: 2)
    let policy = RetryPolicy(firstMilliseconds: 0, maxMilliseconds: -5)
    #expect(policy.delayMilliseconds(afterAttempt: 3, using: &random) == RetryPolicy.delayMillisecondsMin)
    let large = RetryPolicy(firstMilliseconds: .max, maxMilliseconds: .max)
    #expect(large.delayMilliseconds(afterAttempt: 70, using: &random) > 0)
  }
}
