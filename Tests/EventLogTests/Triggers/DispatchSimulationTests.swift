// The dispatcher's proof: random schedules with failures, crashes, rebalances, late and doubled events, and the
// invariants checked at every action. SPACER_FUZZ_SEED runs one seed again; with SPACER_FUZZ_SECONDS it goes over
// 100,000 seeds, or longer.

import Testing

struct DispatchSimulationTests {
  /// Of one pass in CI.
  private static let seedCount: UInt64 = 1_000
  /// Of `make fuzz`, at least.
  private static let seedCountLong: UInt64 = 100_000

  @Test func fuzzSchedules() throws {
    if let seed = TriggerFuzz.number("SPACER_FUZZ_SEED") {
      var simulation = DispatchSimulation(seed: seed)
      return try simulation.run()
    }
    let seconds = TriggerFuzz.number("SPACER_FUZZ_SECONDS")
    let first = seconds == nil ? 1 : UInt64.random(in: 1...(1 << 40))
    print("fuzz dispatch: seeds from \(first)")
    let end = ContinuousClock.now + .seconds(Double(seconds ?? 0))
    let count = seconds == nil ? Self.seedCount : Self.seedCountLong
    var seed = first
    while seed < first + count || ContinuousClock.now < end {
      var simulation = DispatchSimulation(seed: seed)
      try simulation.run()
      seed += 1
    }
    print("fuzz dispatch: \(seed - first) seeds")
  }

  @Test func crashesAtEveryAction() throws {
    var total = 0
    for seed in UInt64(1)...8 {
      var action = 1
      while true {
        var simulation = DispatchSimulation(seed: seed, crashAction: action)
        try simulation.run()
        guard simulation.hasCrashed else { break }
        action += 1
      }
      total += action
    }
    #expect(total > 200)
  }
}
