// What the fuzzers share: a seeded generator and the time they may take.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// SplitMix64.
struct FuzzRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A fuzzer's run: SPACER_FUZZ_SEED repeats one, SPACER_FUZZ_SECONDS makes it longer than its two seconds.
struct Fuzz {
  let seed: UInt64
  var random: FuzzRandom
  private(set) var rounds = 0
  private let name: String
  private let deadline: ContinuousClock.Instant

  init(_ name: String) {
    self.name = name
    seed = Self.number("SPACER_FUZZ_SEED") ?? UInt64.random(in: 0...(.max))
    random = FuzzRandom(state: seed)
    deadline = .now + .seconds(Double(Self.number("SPACER_FUZZ_SECONDS") ?? 2))
    print("fuzz \(name): seed \(seed)")
  }

  /// False once the time is over.
  mutating func goesOn() -> Bool {
    guard ContinuousClock.now < deadline else {
      print("fuzz \(name): \(rounds) rounds")
      return false
    }
    rounds += 1
    return true
  }

  private static func number(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }
}
