// What the fuzzers of this folder share.

import Glibc
import SpacerEventLog

/// How long fuzzers run, and with which seed.
enum TriggerFuzz {
  /// About as many seconds as `SPACER_FUZZ_SECONDS` says, or one; `SPACER_FUZZ_SEED` repeats a run.
  static func run(_ name: String, _ body: (inout SplitMix) throws -> Void) rethrows {
    let seed = number("SPACER_FUZZ_SEED") ?? UInt64.random(in: 1...(1 << 40))
    print("fuzz \(name): seed \(seed)")
    var random = SplitMix(seed: seed)
    let end = ContinuousClock.now + .seconds(Double(number("SPACER_FUZZ_SECONDS") ?? 1))
    while ContinuousClock.now < end { try body(&random) }
  }

  static func number(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }
}

/// A small file's bytes.
func readFile(_ path: String) -> [UInt8]? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
  return bytes
}
