// When schedules are due.
//
// A cron expression names minutes of a zone's wall clock: those whose minute, hour and month are in it, and whose day
// is. Where both the day of the month and the day of the week are restricted, a day that is in either counts, as in
// every cron. What becomes of clocks that are put on and back:
// - A time that does not exist on a day is run at the moment the gap ends; several of them are one run.
// - A time that exists twice is run once, the first time. But where every hour is named, the repeated hour is run as
//   well: who says "every five minutes" wants no hour without.
//
// An interval is anchored at 1970, not at the start of the process, so that all members mean the same moments.

/// When a schedule is due.
package enum Schedule: Equatable, Sendable {
  case cron(CronSchedule, ZoneRules)
  /// At the multiples of it since 1970.
  case every(milliseconds: Int64)

  /// The first due time after a moment, both in milliseconds since 1970; nil when there is none within
  /// `CronSchedule.yearsMax`, such as for the 30th of February.
  package func next(after milliseconds: Int64) -> Int64? {
    switch self {
    case .every(let interval):
      guard interval > 0 else { return nil }
      let (next, overflow) = (milliseconds.floorDivided(by: interval) + 1).multipliedReportingOverflow(
        by: interval)
      return overflow ? nil : next
    case .cron(let cron, let zone):
      guard let seconds = cron.next(after: milliseconds.floorDivided(by: 1_000), in: zone) else { return nil }
      return seconds * 1_000
    }
  }
}

/// The minutes that a cron expression names.
package struct CronSchedule: Equatable, Sendable {
  /// How far ahead a due time is looked for. The 29th of February on a weekday comes every 28 years, and where a
  /// century leaves its leap year out, after 40.
  package static let yearsMax = 41

  /// Bit 0 is minute 0.
  private let minutes: UInt64
  private let hours: UInt64
  /// Bit 1 is the first.
  private let days: UInt64
  /// Bit 1 is January.
  private let months: UInt64
  /// Bit 0 is Sunday.
  private let weekdays: UInt64
  private let restrictsDays: Bool
  private let restrictsWeekdays: Bool

  /// Reads the compiled form: seven decimal numbers, separated by spaces: masks of minutes, hours, days of the month
  /// (from bit 1), months (from bit 1) and weekdays (bit 0 is Sunday), and 1 where days of the month, and of the week,
  /// were restricted.
  /// - Throws: `failed`.
  package init(_ text: String) throws(EventLogError) {
    let numbers = text.split(separator: " ", omittingEmptySubsequences: false).map { UInt64($0) }
    let bounds: [UInt64] = [1 << 60 - 1, 1 << 24 - 1, 1 << 32 - 2, 1 << 13 - 2, 1 << 7 - 1, 1, 1]
    var values: [UInt64] = []
    for (number, bound) in zip(numbers, bounds) {
      guard let number, number & ~bound == 0, values.count >= 5 || number != 0 else { break }
      values.append(number)
    }
    guard numbers.count == 7, values.count == 7 else {
      throw EventLogError(.failed, "a schedule's cron masks are damaged: build the artifact again")
    }
    minutes = values[0]
    hours = values[1]
    days = values[2]
    months = values[3]
    weekdays = values[4]
    restrictsDays = values[5] == 1
    restrictsWeekdays = values[6] == 1
  }

  var namesEveryHour: Bool { hours == 1 << 24 - 1 }

  /// The first due second after another one, both since 1970.
  func next(after seconds: Int64, in zone: ZoneRules) -> Int64? {
    let limit = seconds + Int64(Self.yearsMax) * 366 * 86_400
    var period = zone.period(at: seconds)
    var after = seconds
    while after < limit {
      if let start = period.start, let before = period.offsetBefore, after < start {
        // What the clock skipped is due where the gap ends.
        if before < period.offset, let match = nextMatch(from: start + before, below: start + period.offset),
          match < start + period.offset
        {
          return start
        }
      }
      var from = (after + 1) + period.offset
      if let start = period.start, let before = period.offsetBefore {
        from = max(from, start + period.offset)
        // What was there before the clock was put back is not done twice.
        if before > period.offset, !namesEveryHour { from = max(from, start + before) }
      }
      let end = period.end ?? limit
      if let match = nextMatch(from: from, below: min(end, limit) + period.offset) {
        return match - period.offset
      }
      guard let following = period.end else { return nil }
      after = max(after, following - 1)
      period = zone.period(at: following)
    }
    return nil
  }

  /// The first named minute of the wall clock in a range, in its seconds since 1970.
  private func nextMatch(from: Int64, below end: Int64) -> Int64? {
    let first = (from + 59).floorDivided(by: 60)
    var day = first.floorDivided(by: 1_440)
    var minute = Int(first - day * 1_440)
    while day * 86_400 < end {
      let date = CivilDate(daysSince1970: day)
      if months & 1 << UInt64(date.month) == 0 {
        day = date.firstOfNextMonth
        minute = 0
        continue
      }
      if isNamed(date, day), let match = nextMinute(from: minute) {
        let seconds = day * 86_400 + Int64(match) * 60
        return seconds < end ? seconds : nil
      }
      day += 1
      minute = 0
    }
    return nil
  }

  private func isNamed(_ date: CivilDate, _ day: Int64) -> Bool {
    // 1970 began on a Thursday.
    let weekday = UInt64((day + 4) - (day + 4).floorDivided(by: 7) * 7)
    let isDay = days & 1 << UInt64(date.day) != 0
    let isWeekday = weekdays & 1 << weekday != 0
    return restrictsDays && restrictsWeekdays ? isDay || isWeekday : isDay && isWeekday
  }

  private func nextMinute(from minute: Int) -> Int? {
    var hour = minute / 60
    var rest = minute % 60
    while hour < 24 {
      if hours & 1 << UInt64(hour) != 0 {
        let left = minutes >> UInt64(rest)
        if left != 0 { return hour * 60 + rest + left.trailingZeroBitCount }
      }
      hour += 1
      rest = 0
    }
    return nil
  }
}
