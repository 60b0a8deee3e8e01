// What the fuzzers of this target share.

import Glibc

/// How long fuzzers run, and with which seed.
enum Fuzz {
  static var seconds: Double {
    getenv("SPACER_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) } ?? 2
  }

  /// `SPACER_FUZZ_SEED`, or a new one; printed, so that a find can be had again.
  static func seed(_ name: String) -> UInt64 {
    let seed =
      getenv("SPACER_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) }
      ?? UInt64.random(in: 1...UInt64(UInt32.max))
    print("fuzz \(name): seed \(seed)")
    return seed
  }

  /// Runs `body` until the time is over.
  static func run(_ body: () throws -> Void) rethrows {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while clock.now < end { try body() }
  }
}

/// SplitMix64: small, seedable.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
