// What a page shows of a command's output, and whether it is what came.

/// The lines below a command on a page.
struct ExpectedOutput {
  private let lines: [String]

  init(_ lines: [String]) { self.lines = Self.trimmed(lines) }

  /// Nil when `output` is as shown; otherwise what is not. `isWhole`: nothing else may be there.
  func complaint(about output: String, isWhole: Bool) -> String? {
    guard !lines.isEmpty else { return nil }
    let given = Self.trimmed(output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    if isWhole { return Self.fits(lines[...], given[...]) ? nil : missing(in: given) }
    for start in given.indices where Self.fits(lines[...] + ["…"], given[start...]) { return nil }
    return missing(in: given)
  }

  private func missing(in given: [String]) -> String {
    let line = lines.first { line in !Self.isAny(line) && !given.contains { Self.fits(line, $0) } }
    return line.map { "it does not print: \($0)" }
      ?? "it prints other lines than the page shows, or in another order"
  }

  private static func trimmed(_ lines: [String]) -> [String] {
    var lines = lines.map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private static func isAny(_ line: String) -> Bool {
    let text = line.drop { $0 == " " }
    return text == "…" || text == "..."
  }

  private static func fits(_ expected: ArraySlice<String>, _ given: ArraySlice<String>) -> Bool {
    guard let first = expected.first else { return given.isEmpty }
    if isAny(first) {
      let rest = expected.dropFirst()
      return (given.startIndex...given.endIndex).contains { fits(rest, given[$0...]) }
    }
    guard let line = given.first, fits(first, line) else { return false }
    return fits(expected.dropFirst(), given.dropFirst())
  }

  /// Whether one line is as shown.
  private static func fits(_ expected: String, _ given: String) -> Bool {
    // The members of an object have no order.
    if expected.hasPrefix("{"), let value = JSONValue(timeless(expected)) {
      return value == JSONValue(timeless(given))
    }
    let given = timeless(given)
    let parts = timeless(expected).split(separator: "…", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return given == String(parts.first ?? "") }
    guard let first = parts.first, let last = parts.last, given.hasPrefix(first) else { return false }
    var rest = given.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = rest.firstRange(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  /// Without what differs from run to run: times, how long it took and how much it was.
  private static func timeless(_ line: String) -> String {
    line.replacing(/\d{4}-\d\d-\d\dT[\d:.]+Z/, with: "TIME")
      .replacing(/"timestamp":\d+/, with: "\"timestamp\":0")
      .replacing(/\d+(?:\.\d+)?(?= ?(?:ms|s|bytes|KB|MB)\b)/, with: "N")
  }
}
