// Times as people write them on the command line, and as the commands print them. Pure: what time it is now is passed
// in. Without Foundation, whose formatters depend on the machine's settings.

/// A moment in milliseconds since 1970.
enum EventTime {
  /// Why a text is no time: a sentence.
  struct Problem: Error, Equatable {
    var message: String
  }

  /// Numbers from here on can only be milliseconds (1973), below they can be offsets.
  static let millisecondsMin: Int64 = 100_000_000_000

  private static let forms =
    "a date (2026-03-01), a date and time with its zone (2026-03-01T12:30:00Z, 2026-03-01T12:30+02:00), a time "
    + "before now (-30m, -12h, -7d) or milliseconds since 1970"

  /// Reads any of the forms.
  static func parse(_ text: String, now: Int64) throws(Problem) -> Int64 {
    if text == "now" { return now }
    if let milliseconds = Int64(text), !text.hasPrefix("-"), !text.hasPrefix("+") { return milliseconds }
    if text.hasPrefix("-") {
      guard let span = span(text.dropFirst()) else {
        throw Problem(
          message:
            "'\(text)' is no time before now: write a number with s, m, h, d or w, as in -30m or -1h30m")
      }
      let (time, isOver) = now.subtractingReportingOverflow(span)
      return isOver ? 0 : max(0, time)
    }
    return try date(text)
  }

  /// Where `--from` begins: `beginning`, `end`, an offset or a time.
  static func parseStart(_ text: String, now: Int64) throws(Problem) -> EventStart {
    switch text {
    case "beginning": return .beginning
    case "end": return .end
    default: break
    }
    if text.hasPrefix("offset:") {
      guard let offset = Int64(text.dropFirst("offset:".count)), offset >= 0 else {
        throw Problem(message: "'\(text)' is no offset: write offset: and a number from 0 on")
      }
      return .offset(offset)
    }
    if let number = Int64(text), number >= 0, number < millisecondsMin { return .offset(number) }
    do throws(Problem) {
      return .time(try parse(text, now: now))
    } catch {
      guard !text.hasPrefix("-") else { throw error }
      throw Problem(
        message: "'\(text)' is no place to begin at: write beginning, end, an offset, or \(forms)")
    }
  }

  // MARK: Parts

  /// `1h30m`: numbers, each with its unit, in milliseconds.
  private static func span(_ text: Substring) -> Int64? {
    let units: [Character: Int64] = [
      "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
    ]
    var total: Int64 = 0
    var rest = text
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      guard let number = Int64(digits), let unit = rest.first.flatMap({ units[$0] }) else { return nil }
      rest = rest.dropFirst()
      let (part, isOver) = number.multipliedReportingOverflow(by: unit)
      let (sum, isSumOver) = total.addingReportingOverflow(part)
      guard !isOver, !isSumOver else { return nil }
      total = sum
    }
    return total
  }

  private static func date(_ text: String) throws(Problem) -> Int64 {
    var reader = DigitReader(text)
    guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
      let day = reader.number(2)
    else { throw Problem(message: "'\(text)' is no time: write \(forms)") }
    guard (1...12).contains(month), day >= 1, day <= dayCount(year, month) else {
      throw Problem(message: "'\(text)' names a day that does not exist")
    }
    let midnight = days(year, month, day) * 86_400_000
    if reader.isAtEnd { return midnight }
    guard reader.take("T") || reader.take("t") || reader.take(" "), let hour = reader.number(2),
      reader.take(":"), let minute = reader.number(2)
    else { throw Problem(message: "'\(text)' is no time: write \(forms)") }
    var time = Int64(hour) * 3_600_000 + Int64(minute) * 60_000
    var second = 0
    if reader.take(":") {
      guard let number = reader.number(2) else {
        throw Problem(message: "'\(text)' is no time: write \(forms)")
      }
      second = number
      time += Int64(number) * 1_000
      if reader.take(".") {
        guard let fraction = reader.milliseconds() else {
          throw Problem(message: "'\(text)' is no time: digits must follow the point")
        }
        time += fraction
      }
    }
    guard hour < 24, minute < 60, second < 60 else {
      throw Problem(message: "'\(text)' names a time of day that does not exist")
    }
    guard !reader.isAtEnd else {
      throw Problem(message: "'\(text)' lacks its zone: add Z for UTC, or an offset such as +02:00")
    }
    guard let zone = reader.zoneMilliseconds(), reader.isAtEnd else {
      throw Problem(message: "'\(text)' has a zone that cannot be read: write Z, or an offset such as +02:00")
    }
    return midnight + time - zone
  }

  private static func dayCount(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1970-01-01 to a day of the Gregorian calendar; years begin in March here, so that the day that
  /// leap years add is their last one.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  // MARK: Writing

  /// `2026-03-01T12:30:00.250Z`.
  static func text(_ milliseconds: Int64) -> String {
    // What lies beyond the year 9999, or before 1970, is no moment of an event.
    guard (0..<253_402_300_800_000).contains(milliseconds) else { return "\(milliseconds)" }
    let days = milliseconds / 86_400_000 + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let time = milliseconds % 86_400_000
    return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T" + pad(time / 3_600_000, 2) + ":"
      + pad(time / 60_000 % 60, 2) + ":" + pad(time / 1_000 % 60, 2) + "." + pad(time % 1_000, 3) + "Z"
  }

  private static func pad(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// Where reading begins, as `--from` names it.
enum EventStart: Equatable {
  case beginning, end
  case offset(Int64)
  case time(Int64)
}

/// Takes a time's text apart.
private struct DigitReader {
  private var rest: Substring.UTF8View

  init(_ text: String) { rest = Substring(text).utf8 }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// Exactly so many digits.
  mutating func number(_ count: Int) -> Int? {
    let digits = rest.prefix(count)
    guard digits.count == count, digits.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
    rest = rest.dropFirst(count)
    return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
  }

  /// A fraction of a second; what is finer than a millisecond is dropped.
  mutating func milliseconds() -> Int64? {
    let digits = rest.prefix { $0 &- 48 < 10 }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    var value: Int64 = 0
    var place: Int64 = 100
    for digit in digits.prefix(3) {
      value += Int64(digit - 48) * place
      place /= 10
    }
    return value
  }

  /// `Z`, `+02:00`, `+0200` or `+02`, east of Greenwich.
  mutating func zoneMilliseconds() -> Int64? {
    if take("Z") || take("z") { return 0 }
    let isWest = take("-")
    guard isWest || take("+"), let hours = number(2), hours < 24 else { return nil }
    var minutes = 0
    if !isAtEnd {
      _ = take(":")
      guard let number = number(2), number < 60 else { return nil }
      minutes = number
    }
    let offset = Int64(hours * 60 + minutes) * 60_000
    return isWest ? -offset : offset
  }
}
