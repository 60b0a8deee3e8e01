// A time zone as TZif files have it (RFC 8536): moments at which the offset from UTC changes, and a rule in the form
// of POSIX's TZ for all times after the last of them. Times are in seconds since 1970.

/// A time zone's offsets from UTC over time.
package struct ZoneRules: Equatable, Sendable {
  package static let utc = ZoneRules(offsetFirst: 0, moments: [], offsets: [], rule: nil)

  /// A stretch of time with one offset.
  struct Period: Equatable {
    /// Nil where it has always been so.
    var start: Int64?
    /// Nil where it will always be so.
    var end: Int64?
    /// What is added to UTC, in seconds.
    var offset: Int64
    /// That before `start`.
    var offsetBefore: Int64?
  }

  /// Before the first moment.
  private let offsetFirst: Int64
  /// Growing.
  private let moments: [Int64]
  /// From the moment on.
  private let offsets: [Int64]
  /// After the last moment.
  private let rule: ZoneRule?

  init(offsetFirst: Int64, moments: [Int64], offsets: [Int64], rule: ZoneRule?) {
    self.offsetFirst = offsetFirst
    self.moments = moments
    self.offsets = offsets
    self.rule = rule
  }

  /// The stretch that a moment is in.
  func period(at seconds: Int64) -> Period {
    var low = 0
    var high = moments.count
    while low < high {
      let middle = (low + high) / 2
      if moments[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    // `low` moments are over.
    guard low == moments.count else {
      return Period(
        start: low > 0 ? moments[low - 1] : nil, end: moments[low], offset: offsetAfter(low),
        offsetBefore: low > 0 ? offsetAfter(low - 1) : nil)
    }
    guard let rule else {
      return Period(
        start: moments.last, end: nil, offset: offsetAfter(low),
        offsetBefore: low > 0 ? offsetAfter(low - 1) : nil)
    }
    var period = rule.period(at: seconds)
    // The rule holds from the last moment on only.
    if let last = moments.last, period.start.map({ $0 <= last }) ?? true {
      period.start = last
      period.offsetBefore = offsetAfter(low - 1)
    }
    return period
  }

  private func offsetAfter(_ count: Int) -> Int64 { count == 0 ? offsetFirst : offsets[count - 1] }
}

/// A rule in the form of POSIX's TZ variable, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Equatable, Sendable {
  /// A day of a year.
  enum Day: Equatable, Sendable {
    /// From 1 to 365; the leap day is never counted.
    case julian(Int)
    /// From 0 to 365.
    case ordinal(Int)
    /// The week from 1, 5 for the last one, and the weekday from Sunday, 0.
    case month(Int, week: Int, weekday: Int)
  }

  /// When clocks are set.
  struct Change: Equatable, Sendable {
    var day: Day
    /// On the wall clock of before, from the day's midnight; may be negative.
    var seconds: Int64
  }

  var offset: Int64
  /// Nil where clocks are never set.
  var summer: Summer?

  struct Summer: Equatable, Sendable {
    var offset: Int64
    var begin: Change
    var end: Change
  }

  func period(at seconds: Int64) -> ZoneRules.Period {
    guard let summer else { return ZoneRules.Period(start: nil, end: nil, offset: offset, offsetBefore: nil) }
    let year = CivilDate(daysSince1970: (seconds + offset).floorDivided(by: 86_400)).year
    var changes: [(moment: Int64, before: Int64, after: Int64)] = []
    for year in year - 2...year + 2 {
      changes.append((summer.begin.moment(in: year, offset: offset), offset, summer.offset))
      changes.append((summer.end.moment(in: year, offset: summer.offset), summer.offset, offset))
    }
    // Where summer lasts all year, its end and next begin are one moment, and no change.
    let moments = changes.map(\.moment)
    changes = changes.filter { change in moments.count { $0 == change.moment } == 1 }
      .sorted { $0.moment < $1.moment }
    guard let next = changes.firstIndex(where: { $0.moment > seconds }), next > 0 else {
      return ZoneRules.Period(start: nil, end: nil, offset: summer.offset, offsetBefore: nil)
    }
    let last = changes[next - 1]
    return ZoneRules.Period(
      start: last.moment, end: changes[next].moment, offset: last.after, offsetBefore: last.before)
  }
}

extension ZoneRule.Change {
  /// The moment in a year, where the clock shows `offset` before it.
  func moment(in year: Int64, offset: Int64) -> Int64 {
    let first = CivilDate(year: year, month: 1, day: 1)
    let date: Int64
    switch day {
    case .julian(let number):
      date = first.daysSince1970 + Int64(number) - (first.isInLeapYear && number >= 60 ? 0 : 1)
    case .ordinal(let number): date = first.daysSince1970 + Int64(number)
    case .month(let month, let week, let weekday):
      let start = CivilDate(year: year, month: month, day: 1)
      let firstDay = start.daysSince1970
      let shift =
        (Int64(weekday) - (firstDay + 4)) - (Int64(weekday) - (firstDay + 4)).floorDivided(by: 7) * 7
      var found = firstDay + shift + Int64(week - 1) * 7
      while found >= start.firstOfNextMonth { found -= 7 }
      date = found
    }
    return date * 86_400 + seconds - offset
  }
}
