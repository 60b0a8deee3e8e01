// Cron expressions and durations: what they compile to, and what is none.

import Testing

@testable import SpacerCompiler

struct CronExpressionTests {
  /// The values whose bits are set.
  private func values(_ bits: UInt64) -> [Int] { (0..<64).filter { bits & 1 << UInt64($0) != 0 } }

  @Test func fields() throws {
    let cron = try CronExpression("5,50-52 */8 1,31 jan-MAR,12 1-5/2")
    #expect(values(cron.minutes) == [5, 50, 51, 52])
    #expect(values(cron.hours) == [0, 8, 16])
    #expect(values(cron.daysOfMonth) == [1, 31])
    #expect(values(cron.months) == [1, 2, 3, 12])
    #expect(values(cron.daysOfWeek) == [1, 3, 5])
    #expect(cron.isDayOfMonthRestricted && cron.isDayOfWeekRestricted)
  }

  @Test func compiledForm() throws {
    #expect(try CronExpression("0 3 * * *").compiled == "1 8 4294967294 8190 127 0 0")
    #expect(
      try CronExpression("  0   0 1 1  *  ").compiled == "1 1 2 2 127 1 0")
    // A step over all is no restriction to Unix's cron.
    #expect(try CronExpression("* * */2 * 1").compiled.hasSuffix(" 2 0 1"))
  }

  @Test(arguments: [
    ("0", [0]), ("7", [0]), ("SUN", [0]), ("sat,sun", [0, 6]), ("5-7", [0, 5, 6]), ("FRI-SUN", [0, 5, 6]),
    ("0-7", [0, 1, 2, 3, 4, 5, 6]), ("*", [0, 1, 2, 3, 4, 5, 6]), ("SUN-TUE", [0, 1, 2]), ("7-7", [0]),
  ])
  func sundays(_ field: String, _ expected: [Int]) throws {
    #expect(values(try CronExpression("0 0 * * \(field)").daysOfWeek) == expected)
  }

  @Test(arguments: [
    ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@Annually", "0 0 1 1 *"),
    ("10/20 * * * *", "10,30,50 * * * *"), ("*/59 * * * *", "0,59 * * * *"),
  ])
  func sameAs(_ text: String, _ fields: String) throws {
    let (first, second) = (try CronExpression(text), try CronExpression(fields))
    #expect(first.compiled == second.compiled)
  }

  @Test(arguments: [
    ("", 0..<1), ("* * * * * *", 0..<11), ("60 * * * *", 0..<2), ("5-70 * * * *", 2..<4),
    ("1,,2 * * * *", 2..<3),
    ("* 5-3 * * *", 2..<5), ("* * 0 * *", 4..<5), ("* * 32 * *", 4..<6), ("* * * 13 *", 6..<8),
    ("* * * JANU *", 6..<10), ("* * * * 8", 8..<9), ("* * * * MON-SUNDAY", 12..<18), ("*/0 * * * *", 2..<3),
    ("*/60 * * * *", 2..<4), ("*/x * * * *", 2..<3), ("1/2/3 * * * *", 0..<5), ("/5 * * * *", 0..<2),
    ("1-2-3 * * * *", 0..<5), ("** * * * *", 0..<2), ("? * * * *", 0..<1), ("* * L * *", 4..<5),
    ("0 0 31 2,4,6,9,11 *", 4..<17), ("0 0 30 2 *", 4..<8), ("+1 * * * *", 0..<2), ("00001 * * * *", 0..<5),
    ("@reboot", 0..<7), ("ü * * * *", 0..<2), ("* * * JÄN *", 6..<10),
  ])
  func places(_ text: String, _ range: Range<Int>) {
    let problem = #expect(throws: CronProblem.self) { try CronExpression(text) }
    #expect(problem?.range == range)
  }

  @Test(arguments: ["0 0 29 2 *", "0 0 30 2 MON", "0 0 31 2-3 *", "0 0 */30 2 *", "0 0 29-31 FEB *"])
  func someYearItComes(_ text: String) throws {
    _ = try CronExpression(text)
  }

  @Test(
    arguments: [
      ("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("12h", 43_200_000), ("30d", 2_592_000_000),
      ("1y", 31_536_000_000), ("0s", 0),
    ] as [(String, Int64)])
  func durations(_ text: String, _ milliseconds: Int64) {
    #expect(Durations.milliseconds(text) == milliseconds)
    if milliseconds > 0 { #expect(Durations.text(milliseconds: milliseconds) == text) }
  }

  @Test(arguments: [
    "", "5", "s", "5S", "-5s", "+5s", "1.5s", "5 s", "5s5", "5min", "9223372036854775807s", "٥s",
    "99999999999999999999ms",
  ])
  func noDurations(_ text: String) { #expect(Durations.milliseconds(text) == nil) }
}
