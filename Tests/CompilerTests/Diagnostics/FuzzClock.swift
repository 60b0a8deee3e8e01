// How the fuzzers of this target run: about a second each, longer with SPACER_FUZZ_SECONDS; the printed seed
// repeats a run under SPACER_FUZZ_SEED.

import Foundation

/// A small generator whose seed can be printed and set.
struct SplitMix: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Calls `body` with one generator until the time is over.
func fuzz(_ name: String, _ body: (inout SplitMix) throws -> Void) rethrows {
  let environment = ProcessInfo.processInfo.environment
  let seed = environment["SPACER_FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
  let seconds = environment["SPACER_FUZZ_SECONDS"].flatMap { Double($0) } ?? 1
  print("\(name): SPACER_FUZZ_SEED=\(seed)")
  var random = SplitMix(seed: seed)
  let deadline = ContinuousClock.now + .seconds(seconds)
  repeat { try body(&random) } while ContinuousClock.now < deadline
}
