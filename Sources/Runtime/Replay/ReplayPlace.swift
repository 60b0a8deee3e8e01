// Where a replay begins or ends, as an operator writes it.

package import SpacerEventLog

/// A place in a topic's log.
package enum ReplayPlace: Equatable, Sendable {
  case beginning
  case end
  case offset(Int64)
  /// In milliseconds since 1970.
  case time(Int64)

  /// How a place is written, for messages.
  package static let forms =
    "an offset (42), a time (2026-11-24T13:00:00Z, or 90m, 2h, 7d ago), 'beginning' or 'end'"

  /// Reads `beginning`, `end`, an offset, a time of RFC 3339 (its end may be left out, from the seconds or the day
  /// on; without a zone it is UTC), or how long ago: `30s`, `90m`, `2h`, `7d`. Nil for anything else.
  package init?(_ text: String, nowMilliseconds now: Int64) {
    switch text {
    case "beginning": self = .beginning
    case "end": self = .end
    default:
      if let offset = Int64(text) {
        guard offset >= 0 else { return nil }
        self = .offset(offset)
      } else if let age = Self.age(text) {
        self = .time(max(0, now - age))
      } else if let time = Self.time(text) {
        self = .time(time)
      } else {
        return nil
      }
    }
  }

  package var start: ReadStart {
    switch self {
    case .beginning: .beginning
    case .end: .end
    case .offset(let offset): .offset(offset)
    case .time(let milliseconds): .time(milliseconds)
    }
  }

  private static func age(_ text: String) -> Int64? {
    let unit: Int64
    switch text.last {
    case "s": unit = 1_000
    case "m": unit = 60_000
    case "h": unit = 3_600_000
    case "d": unit = 86_400_000
    default: return nil
    }
    guard let count = Int64(text.dropLast()), count >= 0,
      case let (product, overflowed) = count.multipliedReportingOverflow(by: unit), !overflowed
    else { return nil }
    return product
  }

  /// `YYYY-MM-DD`, then `T` or a space and `HH:MM`, `:SS`, `.fraction`, then `Z` or `+HH:MM`.
  private static func time(_ text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    func number(_ digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
      guard rest.count >= digits else { return nil }
      var value: Int64 = 0
      for byte in rest.prefix(digits) {
        guard byte &- 0x30 < 10 else { return nil }
        value = value * 10 + Int64(byte - 0x30)
      }
      rest = rest.dropFirst(digits)
      return range.contains(value) ? value : nil
    }
    func take(_ byte: UInt8) -> Bool {
      guard rest.first == byte else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = number(4, 1970...9999), take(UInt8(ascii: "-")), let month = number(2, 1...12),
      take(UInt8(ascii: "-")), let day = number(2, 1...31), day <= Self.dayCount(month, of: year)
    else { return nil }
    var milliseconds = Self.days(year, month, day) * 86_400_000
    guard !rest.isEmpty else { return milliseconds }
    guard take(UInt8(ascii: "T")) || take(UInt8(ascii: "t")) || take(UInt8(ascii: " ")),
      let hour = number(2, 0...23), take(UInt8(ascii: ":")), let minute = number(2, 0...59)
    else { return nil }
    milliseconds += hour * 3_600_000 + minute * 60_000
    if take(UInt8(ascii: ":")) {
      guard let second = number(2, 0...60) else { return nil }
      milliseconds += second * 1_000
      if take(UInt8(ascii: ".")) {
        let digits = rest.prefix { $0 &- 0x30 < 10 }
        guard !digits.isEmpty else { return nil }
        var scale: Int64 = 100
        for byte in digits {
          milliseconds += Int64(byte - 0x30) * scale
          scale /= 10
        }
        rest = rest.dropFirst(digits.count)
      }
    }
    guard !rest.isEmpty, !take(UInt8(ascii: "Z")), !take(UInt8(ascii: "z")) else {
      return rest.isEmpty ? milliseconds : nil
    }
    let isEast = take(UInt8(ascii: "+"))
    guard isEast || take(UInt8(ascii: "-")), let hours = number(2, 0...23), take(UInt8(ascii: ":")),
      let minutes = number(2, 0...59), rest.isEmpty
    else { return nil }
    let zone = hours * 3_600_000 + minutes * 60_000
    return max(0, isEast ? milliseconds - zone : milliseconds + zone)
  }

  private static func dayCount(_ month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 in the Gregorian calendar; the year is counted from March, so that the leap day is its
  /// last.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = (month + 9) % 12
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }
}
