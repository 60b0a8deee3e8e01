import Testing

@testable import SpacerEventLog

struct CronScheduleTests {
  /// The masks of minutes and hours, on all days but where it says so.
  private func cron(
    minutes: [Int], hours: [Int], days: [Int]? = nil, months: [Int]? = nil, weekdays: [Int]? = nil
  ) throws -> CronSchedule {
    func mask(_ bits: [Int]) -> UInt64 { bits.reduce(0) { $0 | 1 << UInt64($1) } }
    let masks = [
      mask(minutes), mask(hours), mask(days ?? Array(1...31)), mask(months ?? Array(1...12)),
      mask(weekdays ?? Array(0...6)), days == nil ? 0 : 1, weekdays == nil ? 0 : 1,
    ]
    return try CronSchedule(masks.map(String.init).joined(separator: " "))
  }

  private func moment(_ year: Int64, _ month: Int, _ day: Int, _ hour: Int64 = 0, _ minute: Int64 = 0)
    -> Int64
  {
    CivilDate(year: year, month: month, day: day).daysSince1970 * 86_400 + hour * 3_600 + minute * 60
  }

  @Test func days() throws {
    let daily = try cron(minutes: [30], hours: [4])
    #expect(daily.next(after: moment(2024, 2, 28, 4, 30), in: .utc) == moment(2024, 2, 29, 4, 30))
    #expect(daily.next(after: moment(2024, 2, 28, 4, 30) - 1, in: .utc) == moment(2024, 2, 28, 4, 30))
    let leap = try cron(minutes: [0], hours: [0], days: [29], months: [2])
    #expect(leap.next(after: moment(2096, 3, 1), in: .utc) == moment(2104, 2, 29))
    let never = try cron(minutes: [0], hours: [0], days: [30], months: [2])
    #expect(never.next(after: moment(2024, 1, 1), in: .utc) == nil)
    // The 13th, or a Friday.
    let either = try cron(minutes: [0], hours: [0], days: [13], weekdays: [5])
    #expect(either.next(after: moment(2024, 6, 7), in: .utc) == moment(2024, 6, 13))
    #expect(either.next(after: moment(2024, 6, 13), in: .utc) == moment(2024, 6, 14))
    let mondays = try cron(minutes: [0], hours: [12], weekdays: [1])
    #expect(mondays.next(after: moment(2024, 6, 13), in: .utc) == moment(2024, 6, 17, 12))
  }

  @Test func clocksPutOn() throws {
    // 2024-03-31 02:00 became 03:00 at 01:00 UTC.
    let berlin = try ZoneRules.named("Europe/Berlin")
    let inGap = try cron(minutes: [15, 45], hours: [2])
    #expect(inGap.next(after: moment(2024, 3, 30, 12), in: berlin) == moment(2024, 3, 31, 1))
    #expect(inGap.next(after: moment(2024, 3, 31, 1), in: berlin) == moment(2024, 4, 1, 0, 15))
    let atEnd = try cron(minutes: [0], hours: [2, 3])
    #expect(atEnd.next(after: moment(2024, 3, 31, 0, 30), in: berlin) == moment(2024, 3, 31, 1))
    #expect(atEnd.next(after: moment(2024, 3, 31, 1), in: berlin) == moment(2024, 4, 1, 0))
  }

  @Test func clocksPutBack() throws {
    // 2024-10-27 03:00 became 02:00 at 01:00 UTC.
    let berlin = try ZoneRules.named("Europe/Berlin")
    let twice = try cron(minutes: [30], hours: [2])
    #expect(twice.next(after: moment(2024, 10, 26, 12), in: berlin) == moment(2024, 10, 27, 0, 30))
    #expect(twice.next(after: moment(2024, 10, 27, 0, 30), in: berlin) == moment(2024, 10, 28, 1, 30))
    let hourly = try cron(minutes: [30], hours: Array(0...23))
    #expect(hourly.next(after: moment(2024, 10, 27, 0, 30), in: berlin) == moment(2024, 10, 27, 1, 30))
  }

  @Test func aDayThatWasSkipped() throws {
    // Samoa had no 30 December 2011: its clocks were put on by a day at 10:00 UTC.
    let apia = try ZoneRules.named("Pacific/Apia")
    let noon = try cron(minutes: [0], hours: [12], days: [30], months: [12])
    #expect(noon.next(after: moment(2011, 12, 1), in: apia) == moment(2011, 12, 30, 10))
  }

  @Test func intervals() {
    let every = Schedule.every(milliseconds: 30_000)
    #expect(every.next(after: 0) == 30_000)
    #expect(every.next(after: 29_999) == 30_000)
    #expect(every.next(after: -1) == 0)
    #expect(every.next(after: .max) == nil)
    #expect(Schedule.every(milliseconds: 0).next(after: 0) == nil)
  }

  @Test(arguments: [
    "", "1 1 2 2 1 0", "1 1 2 2 1 0 0 0", "0 1 2 2 1 0 0", "1 1 1 2 1 0 0", "1 16777216 2 2 1 0 0",
    "1 1 2 2 128 0 0", "1 1 2 2 1 2 0", "1  1 2 2 1 0 0", "-1 1 2 2 1 0 0",
    "99999999999999999999 1 2 2 1 0 0",
  ]) func refusesDamage(text: String) {
    #expect(throws: EventLogError.self) { try CronSchedule(text) }
  }

  /// Against a reference that looks at every minute.
  @Test func fuzzAgainstEveryMinute() throws {
    let zones = try ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "UTC"]
      .map {
        name throws in try ZoneRules.named(name)
      }
    try TriggerFuzz.run("cron") { random in
      let zone = zones[Int.random(in: 0..<zones.count, using: &random)]
      let some = zone.period(at: Int64.random(in: 1_600_000_000..<4_000_000_000, using: &random))
      let start = (some.start ?? 0) + Int64.random(in: -40_000...40_000, using: &random)
      func pick(_ range: ClosedRange<Int>, _ count: Int) -> [Int] {
        (0..<count).map { _ in Int.random(in: range, using: &random) }
      }
      let hours =
        Bool.random(using: &random) ? Array(0...23) : pick(0...5, Int.random(in: 1...3, using: &random))
      let cron = try cron(
        minutes: pick(0...59, 2), hours: hours,
        weekdays: Bool.random(using: &random) ? nil : pick(0...6, 4))
      let end = start + 3 * 86_400
      let expected = Self.reference(cron, start, end, zone)
      let found = cron.next(after: start, in: zone).flatMap { $0 <= end ? $0 : nil }
      #expect(found == expected, "\(cron) after \(start) in \(some)")
    }
  }

  private static func reference(_ cron: CronSchedule, _ start: Int64, _ end: Int64, _ zone: ZoneRules)
    -> Int64?
  {
    // On UTC every wall-clock time is a minute of its own: what a time of the clock names is asked there.
    func names(_ local: Int64) -> Bool { cron.next(after: local - 1, in: .utc) == local }
    var moment = (start.floorDivided(by: 60) + 1) * 60
    while moment <= end {
      let period = zone.period(at: moment)
      let local = moment + period.offset
      let before = zone.period(at: moment - 60).offset
      if before < period.offset {
        var skipped = moment + before
        while skipped < local {
          if names(skipped) { return moment }
          skipped += 60
        }
      }
      var isSecond = false
      if let at = period.start, let old = period.offsetBefore, old > period.offset {
        isSecond = local < at + old
      }
      if names(local), !isSecond || cron.namesEveryHour { return moment }
      moment += 60
    }
    return nil
  }
}
