// The difference of two texts by lines, as `diff -u` shows it.

/// Lines of a difference.
package enum LineDiff {
  package enum Line: Equatable, Sendable {
    case same(String)
    case old(String)
    case new(String)
    /// Lines that are the same were left out.
    case gap
  }

  /// Above this many comparisons the middle is shown as replaced as a whole.
  private static let stepCountMax = 4_000_000

  /// - Parameter context: How many lines that are the same are kept around the others.
  package static func lines(_ old: [String], _ new: [String], context: Int = 3) -> [Line] {
    trimmed(all(old, new), context)
  }

  private static func all(_ old: [String], _ new: [String]) -> [Line] {
    var prefix = 0
    while prefix < min(old.count, new.count), old[prefix] == new[prefix] { prefix += 1 }
    var suffix = 0
    while suffix < min(old.count, new.count) - prefix,
      old[old.count - 1 - suffix] == new[new.count - 1 - suffix]
    { suffix += 1 }
    let middle = between(
      Array(old[prefix..<(old.count - suffix)]), Array(new[prefix..<(new.count - suffix)]))
    return old[..<prefix].map(Line.same) + middle + old[(old.count - suffix)...].map(Line.same)
  }

  /// By the longest common subsequence.
  private static func between(_ old: [String], _ new: [String]) -> [Line] {
    let width = new.count + 1
    guard !old.isEmpty, !new.isEmpty, old.count * new.count <= stepCountMax else {
      return old.map(Line.old) + new.map(Line.new)
    }
    var lengths = [Int32](repeating: 0, count: (old.count + 1) * width)
    for i in stride(from: old.count - 1, through: 0, by: -1) {
      for j in stride(from: new.count - 1, through: 0, by: -1) {
        lengths[i * width + j] =
          old[i] == new[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
      }
    }
    var result: [Line] = []
    var (i, j) = (0, 0)
    while i < old.count, j < new.count {
      if old[i] == new[j] {
        result.append(.same(old[i]))
        i += 1
        j += 1
      } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
        result.append(.old(old[i]))
        i += 1
      } else {
        result.append(.new(new[j]))
        j += 1
      }
    }
    return result + old[i...].map(Line.old) + new[j...].map(Line.new)
  }

  private static func trimmed(_ lines: [Line], _ context: Int) -> [Line] {
    func isSame(_ line: Line) -> Bool { if case .same = line { true } else { false } }
    var isKept = [Bool](repeating: false, count: lines.count)
    for (index, line) in lines.enumerated() where !isSame(line) {
      for near in max(0, index - context)...min(lines.count - 1, index + context) { isKept[near] = true }
    }
    var result: [Line] = []
    for (index, line) in lines.enumerated() {
      if isKept[index] { result.append(line) } else if result.last != .gap { result.append(.gap) }
    }
    return result
  }
}
