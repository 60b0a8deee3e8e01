// Lengths of time as the configuration writes them: a whole number with its unit, `30s`.

/// Reads durations.
enum Durations {
  /// Longest units last; a year has 365 days.
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("y", 31_536_000_000),
  ]

  /// Milliseconds from `500ms`, `30s`, `10m`, `12h`, `30d` or `1y`; nil for anything else.
  static func milliseconds(_ text: some StringProtocol) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let value = Int64(digits),
      let unit = units.first(where: { text.dropFirst(digits.count) == $0.name })
    else { return nil }
    let (result, isTooLarge) = value.multipliedReportingOverflow(by: unit.milliseconds)
    return isTooLarge ? nil : result
  }

  /// The same in the longest unit that divides it: `90m`.
  static func text(milliseconds: Int64) -> String {
    let unit = units.last { milliseconds % $0.milliseconds == 0 && milliseconds >= $0.milliseconds }
    guard let unit else { return "\(milliseconds)ms" }
    return "\(milliseconds / unit.milliseconds)\(unit.name)"
  }
}
