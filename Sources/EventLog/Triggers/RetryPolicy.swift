/// How long to wait before another attempt: exponential, with full jitter, so that what failed together is not
/// tried again together.
package struct RetryPolicy: Equatable, Sendable {
  /// Below it there is no delay: what fails at once must not be tried again at once.
  package static let delayMillisecondsMin = 10

  /// The upper bound of the first delay; it doubles with each attempt.
  package var firstMilliseconds: Int
  /// The upper bound of every delay.
  package var maxMilliseconds: Int

  package init(firstMilliseconds: Int = 1_000, maxMilliseconds: Int = 60_000) {
    self.firstMilliseconds = max(Self.delayMillisecondsMin, firstMilliseconds)
    self.maxMilliseconds = max(self.firstMilliseconds, maxMilliseconds)
  }

  /// The delay after the attempt with this number, from 1.
  package func delayMilliseconds(afterAttempt attempt: Int, using random: inout SplitMix) -> Int {
    var bound = firstMilliseconds
    var left = attempt - 1
    while left > 0, bound < maxMilliseconds {
      bound = bound > maxMilliseconds / 2 ? maxMilliseconds : bound * 2
      left -= 1
    }
    return max(Self.delayMillisecondsMin, Int.random(in: 0...bound, using: &random))
  }
}

/// Random numbers from a seed (SplitMix64), for delays; not for secrets.
package struct SplitMix: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
