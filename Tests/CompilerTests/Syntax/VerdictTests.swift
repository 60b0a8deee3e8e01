// The parser accepts exactly what the VM accepts: on real files whole, and on damaged ones.
// SPACER_FUZZ_SECONDS makes the fuzzer run longer, SPACER_FUZZ_SEED repeats a run.

import Foundation
import Testing

@testable import SpacerCompiler

@Suite struct VerdictTests {
  @Test func corpus() {
    let oracle = LuaOracle()
    for file in LuaCorpus.load() {
      #expect(oracle.disagreement(file.bytes) == nil, "\(file.path)")
    }
  }

  @Test func mutants() {
    let files = LuaCorpus.load()
    guard !files.isEmpty else { return }
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["SPACER_FUZZ_SECONDS"].flatMap(Double.init) ?? 2
    let seed = environment["SPACER_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)
    let oracle = LuaOracle()
    var mutator = LuaMutator(random: SeededGenerator(seed: seed))
    let end = ContinuousClock.now + .seconds(seconds)
    var count = 0
    var accepted = 0
    var failures = 0
    while ContinuousClock.now < end, failures < 20, count < 10_000_000 {
      guard let file = files.randomElement(using: &mutator.random) else { break }
      let mutant = mutator.mutate(file.bytes, others: files)
      count += 1
      if let complaint = oracle.disagreement(mutant) {
        failures += 1
        Issue.record("\(complaint)\nseed \(seed), mutant \(count) of \(file.path)\n\(shown(mutant))")
      }
      if oracle.verdict(mutant) == .accepted { accepted += 1 }
    }
    print("verdict fuzzer: seed \(seed), \(count) mutants, \(accepted) accepted, \(failures) disagreements")
  }

  private func shown(_ bytes: [UInt8]) -> String {
    bytes.count < 1_500 ? String(decoding: bytes, as: UTF8.self) : "(\(bytes.count) bytes)"
  }
}
