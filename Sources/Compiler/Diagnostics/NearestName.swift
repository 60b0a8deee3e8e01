// "Did you mean …": the candidate that a mistyped name most likely stands for.
//
// Distance is Damerau-Levenshtein in its restricted form (insert, delete, replace, swap of neighbours). The
// order of preference is a total one, so that the answer never depends on the order of the candidates:
// the same name in other letter case, then by distance (a name whose last path components are the mistyped
// name counts as between one and two edits), then by length of the common prefix, then by bytes.

/// Finds known names close to a misspelt one.
package enum NearestName {
  /// Longer names are no typos; the bound also bounds the work per candidate.
  static let lengthMax = 128

  /// The best candidate, or nil when none is close.
  package static func find(_ name: String, in candidates: some Sequence<String>) -> String? {
    findAll(name, in: candidates, limit: 1).first
  }

  /// Up to `limit` candidates, best first.
  package static func findAll(
    _ name: String, in candidates: some Sequence<String>, limit: Int = 3
  ) -> [String] {
    let wanted = Array(name.unicodeScalars)
    guard !wanted.isEmpty, wanted.count <= lengthMax else { return [] }
    let folded = fold(wanted)
    var scored: [(score: Int, prefix: Int, name: String)] = []
    for candidate in candidates where candidate != name {
      let scalars = Array(candidate.unicodeScalars)
      guard let score = score(folded, scalars, name: name, candidate: candidate) else { continue }
      let prefix = zip(folded, fold(scalars)).prefix { $0 == $1 }.count
      scored.append((score, prefix, candidate))
    }
    scored.sort {
      if $0.score != $1.score { return $0.score < $1.score }
      if $0.prefix != $1.prefix { return $0.prefix > $1.prefix }
      return ByteOrder.precedes($0.name, $1.name)
    }
    var result: [String] = []
    for entry in scored where result.last != entry.name {
      guard result.count < limit else { break }
      result.append(entry.name)
    }
    return result
  }

  /// `did you mean 'x'?`, or nil when nothing is close.
  package static func hint(_ name: String, in candidates: some Sequence<String>) -> String? {
    find(name, in: candidates).map { "did you mean '\($0)'?" }
  }

  /// Twice the edits, less is better; nil when too far away.
  private static func score(
    _ folded: [Unicode.Scalar], _ scalars: [Unicode.Scalar], name: String, candidate: String
  ) -> Int? {
    let other = fold(scalars)
    if folded == other { return 0 }
    let isSuffix = candidate.utf8.count > name.utf8.count + 1 && candidate.hasSuffix("/" + name)
    let limit = Swift.min(4, Swift.max(1, folded.count / 3))
    let distance = distance(folded, other, limit: limit)
    // An edit of every character is no likeness.
    if let distance, distance < folded.count {
      return isSuffix ? Swift.min(3, 2 * distance) : 2 * distance
    }
    return isSuffix ? 3 : nil
  }

  private static func fold(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    scalars.map { $0.value >= 0x41 && $0.value <= 0x5A ? Unicode.Scalar(UInt8($0.value) + 0x20) : $0 }
  }

  /// The distance when it is at most `limit`.
  static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar], limit: Int) -> Int? {
    guard abs(a.count - b.count) <= limit, b.count <= lengthMax + limit else { return nil }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    var current = last
    for i in 0..<a.count {
      current[0] = i + 1
      var smallest = current[0]
      for j in 0..<b.count {
        var best = Swift.min(last[j + 1] + 1, current[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = Swift.min(best, beforeLast[j - 1] + 1) }
        current[j + 1] = best
        smallest = Swift.min(smallest, best)
      }
      // A swap may still use the row before, hence the slack of one.
      if smallest > limit + 1 { return nil }
      (beforeLast, last, current) = (last, current, beforeLast)
    }
    return last[b.count] <= limit ? last[b.count] : nil
  }
}
