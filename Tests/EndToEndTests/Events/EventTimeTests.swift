// Times on the command line, with the clock in the test's hand.

import Testing

@testable import spacer

@Suite struct EventTimeTests {
  /// 2026-03-01T12:00:00Z.
  private let now: Int64 = 1_772_366_400_000

  @Test(arguments: [
    ("1970-01-01", 0), ("2026-03-01", 1_772_323_200_000), ("2024-02-29", 1_709_164_800_000),
    ("2026-03-01T12:00:00Z", 1_772_366_400_000), ("2026-03-01T12:00Z", 1_772_366_400_000),
    ("2026-03-01 12:00:00z", 1_772_366_400_000), ("2026-03-01T12:00:00.25Z", 1_772_366_400_250),
    ("2026-03-01T12:00:00.0019Z", 1_772_366_400_001), ("2026-03-01T14:00:00+02:00", 1_772_366_400_000),
    ("2026-03-01T14:00:00+0200", 1_772_366_400_000), ("2026-03-01T14:00+02", 1_772_366_400_000),
    ("2026-03-01T06:30:00-05:30", 1_772_366_400_000), ("2000-12-31T23:59:59Z", 978_307_199_000),
    ("1969-12-31", -86_400_000), ("1760000000000", 1_760_000_000_000), ("0", 0), ("now", 1_772_366_400_000),
    ("-1h", 1_772_362_800_000), ("-30m", 1_772_364_600_000), ("-90s", 1_772_366_310_000),
    ("-7d", 1_771_761_600_000), ("-2w", 1_771_156_800_000), ("-1h30m", 1_772_361_000_000),
    ("-9999999w", 0),
  ])
  func times(text: String, expected: Int64) throws {
    #expect(try EventTime.parse(text, now: now) == expected)
  }

  @Test(arguments: [
    "", "yesterday", "2026-", "2026-3-1", "2026-13-01", "2026-00-10", "2026-02-29", "2026-04-31",
    "2026-03-01T", "2026-03-01T25:00:00Z", "2026-03-01T12:60Z", "2026-03-01T12:00:60Z",
    "2026-03-01T12:00:00", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00+2", "2026-03-01T12:00:00Zx",
    "2026-03-01T12:00:00+24:00", "-", "-h", "-1", "-1y", "-1h30", "-99999999999999999999h", "+5",
    "99999999999999999999", "１", "2026-03-01T12:00:00+02:99",
  ])
  func whatIsNoTime(text: String) throws {
    let problem = #expect(throws: EventTime.Problem.self) { try EventTime.parse(text, now: now) }
    #expect(problem?.message.contains(text) == true)
  }

  @Test func placesToBeginAt() throws {
    for (text, expected) in [
      ("beginning", EventStart.beginning), ("end", .end), ("0", .offset(0)), ("42", .offset(42)),
      ("offset:1760000000000", .offset(1_760_000_000_000)), ("1760000000000", .time(1_760_000_000_000)),
      ("-1h", .time(1_772_362_800_000)), ("2026-03-01", .time(1_772_323_200_000)),
    ] {
      #expect(try EventTime.parseStart(text, now: now) == expected, "\(text)")
    }
    for text in ["begin", "offset:", "offset:-1", "-5", "42x"] {
      #expect(throws: EventTime.Problem.self) { try EventTime.parseStart(text, now: now) }
    }
  }

  /// Every day of 500 years, and back.
  @Test func writingAndReadingAgree() throws {
    var time: Int64 = 0
    while time < 15_778_800_000_000 {
      let text = EventTime.text(time + 12_345_678)
      #expect(text.hasSuffix("T03:25:45.678Z"))
      #expect(try EventTime.parse(text, now: 0) == time + 12_345_678)
      time += 86_400_000
    }
    #expect(EventTime.text(1_772_366_400_000) == "2026-03-01T12:00:00.000Z")
    #expect(EventTime.text(-1) == "-1")
    #expect(EventTime.text(.max) == "\(Int64.max)")
  }
}
