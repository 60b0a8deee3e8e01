// The last evaluation of the gateway, good for as long as everything it read is the same: its own text, which
// module each `require` found, and their texts.

/// Evaluates the gateway when it must.
struct GatewayMemo {
  private var digest: ContentDigest?
  private var evaluation = GatewayEvaluation()
  private var digests: [String: ContentDigest] = [:]

  /// The evaluation of the gateway at `path`, whose record has no error.
  mutating func evaluation(
    path: String, scan: ScannedProject, records: [String: ModuleRecord], read: @escaping (String) -> [UInt8]?
  ) -> GatewayEvaluation {
    let current = records[path]?.digest
    if let current, current == digest, holds(scan, records) { return evaluation }
    guard let bytes = read(path) else { return GatewayEvaluation() }
    evaluation = GatewayEvaluator(scan: scan, read: read).evaluate(path: path, bytes: bytes)
    digest = current
    digests = [:]
    for case let path? in evaluation.requires.map(\.path) { digests[path] = records[path]?.digest }
    return evaluation
  }

  /// The files that the last evaluation read beside the gateway itself.
  var requiredPaths: [String] { evaluation.requires.compactMap(\.path) }

  private func holds(_ scan: ScannedProject, _ records: [String: ModuleRecord]) -> Bool {
    evaluation.requires.allSatisfy { requirement in
      let path = scan.resolve(require: requirement.name).map { scan.modules[$0].path }
      guard path == requirement.path else { return false }
      guard let path else { return true }
      // A module that only a computed name finds has no record, and so nothing to compare.
      guard let known = digests[path], let current = records[path]?.digest else { return false }
      return known == current
    }
  }
}
