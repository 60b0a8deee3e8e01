// Offsets as Python's zoneinfo gives them, in years of the tables and beyond.

import Testing

@testable import SpacerEventLog

struct ZoneRulesTests {
  private static let known: [(String, [(Int64, Int64)])] = [
    (
      "Europe/Berlin",
      [
        (158644800, 3600), (174513600, 3600), (1301709600, 7200), (1722099600, 7200),
        (1733310000, 3600), (2841699600, 3600), (2857269600, 7200), (13556340000, 7200),
      ]
    ),
    (
      "America/New_York",
      [
        (158936400, -18000), (173602800, -14400), (1301850000, -14400), (1720918800, -14400),
        (1735322400, -18000), (2840425200, -18000), (2857665600, -14400), (13557805200, -14400),
      ]
    ),
    (
      "Australia/Lord_Howe",
      [
        (159386400, 36000), (174445200, 36000), (1302224400, 37800), (1721275200, 37800),
        (1733835600, 39600), (2840547600, 39600), (2856189600, 37800), (13557085200, 37800),
      ]
    ),
    (
      "Asia/Kolkata",
      [
        (160088400, 19800), (173847600, 19800), (1303236000, 19800), (1721541600, 19800),
        (1733972400, 19800), (2841688800, 19800), (2856103200, 19800), (13556401200, 19800),
      ]
    ),
    (
      "Africa/Casablanca",
      [
        (158338800, 0), (175280400, 0), (1302775200, 3600), (1721066400, 3600),
        (1734260400, 3600), (2840943600, 3600), (2858043600, 3600), (13558172400, 3600),
      ]
    ),
    (
      "Europe/Dublin",
      [
        (158004000, 0), (174240000, 3600), (1302948000, 3600), (1721829600, 3600),
        (1733857200, 0), (2840324400, 0), (2857294800, 3600), (13556714400, 3600),
      ]
    ),
    (
      "Pacific/Apia",
      [
        (158166000, -39600), (174531600, -39600), (1303437600, -39600), (1721926800, 46800),
        (1734602400, 46800), (2841084000, 46800), (2856884400, 46800), (13557607200, 46800),
      ]
    ),
    (
      "America/Nuuk",
      [
        (159976800, -10800), (173584800, -10800), (1302361200, -7200), (1721768400, -3600),
        (1733187600, -7200), (2842207200, -7200), (2856715200, -3600), (13557877200, -3600),
      ]
    ),
    (
      "Antarctica/Troll",
      [
        (160063200, 0), (174261600, 0), (1302728400, 7200), (1720742400, 7200),
        (1734260400, 0), (2840641200, 0), (2856178800, 7200), (13556354400, 7200),
      ]
    ),
    (
      "America/Sao_Paulo",
      [
        (159872400, -10800), (173833200, -10800), (1302264000, -10800), (1720882800, -10800),
        (1733202000, -10800), (2841393600, -10800), (2857363200, -10800), (13556638800, -10800),
      ]
    ),
  ]

  @Test func agreesWithKnownOffsets() throws {
    for (name, offsets) in Self.known {
      let zone = try ZoneRules.named(name)
      for (seconds, offset) in offsets {
        let period = zone.period(at: seconds)
        #expect(period.offset == offset, "\(name) at \(seconds)")
        #expect(period.start.map { $0 <= seconds } ?? true)
        #expect(period.end.map { $0 > seconds } ?? true)
      }
    }
  }

  /// Each period begins where the one before it ends, from the table into the rule.
  @Test func periodsJoin() throws {
    for (name, _) in Self.known {
      let zone = try ZoneRules.named(name)
      var period = zone.period(at: -4_000_000_000)
      var count = 0
      while let end = period.end, end < 20_000_000_000 {
        let next = zone.period(at: end)
        #expect(next.start == end, "\(name) at \(end)")
        #expect(next.offsetBefore == period.offset, "\(name) at \(end)")
        period = next
        count += 1
        guard count < 3_000 else { break }
      }
    }
  }

  @Test(arguments: [
    ("CET-1CEST,M3.5.0,M10.5.0/3", true), ("<-03>3", true), ("EST5EDT,J60/2:30,300/-1:15:10", true),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", true), ("XXX-2<+01>-1,0/0,J365/23", true), ("", false),
    ("CET", false),
    ("C-1", false), ("CET-1CEST", false), ("CET-1CEST,M3.5.0", false), ("CET-1CEST,M13.5.0,M10.5.0", false),
    ("CET-1CEST,M3.6.0,M10.5.0", false), ("CET-1CEST,M3.5.7,M10.5.0", false), ("CET-25", false),
    ("<CET-1", false),
    ("CET-1CEST,J0,J3", false), ("CET-1CEST,366,1", false), ("CET-1 ", false), ("CET-1CEST,1/168,2", false),
  ]) func readsRules(text: String, isRule: Bool) {
    #expect((ZoneRule(ArraySlice(text.utf8)) != nil) == isRule)
  }

  @Test func refusesNamesThatLeaveTheDirectory() {
    for name in [
      "", "/etc/passwd", "../../etc/passwd", "Europe/../Paris", "Europe//Paris", "a b", ".", "Europe",
      "No/Where",
    ] {
      #expect(throws: EventLogError.self) { try ZoneRules.named(name) }
    }
    #expect(throws: Never.self) { try ZoneRules.named("UTC", directory: "/nowhere") }
  }

  /// Damaged files are refused or read; nothing traps.
  @Test func fuzzFiles() throws {
    let files = try ["Europe/Berlin", "Pacific/Apia", "Asia/Kolkata"].map { name in
      try #require(readFile("/usr/share/zoneinfo/\(name)"))
    }
    let cron = try CronSchedule("1 2 4294967294 8190 127 0 0")
    TriggerFuzz.run("zone files") { random in
      var bytes = files[Int.random(in: 0..<files.count, using: &random)]
      for _ in 0...Int.random(in: 0...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Int.random(in: 0..<4, using: &random) == 0 {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
      }
      if let zone = try? ZoneRules(tzif: bytes) {
        _ = cron.next(after: Int64.random(in: 0..<8_000_000_000, using: &random), in: zone)
      }
    }
  }
}
