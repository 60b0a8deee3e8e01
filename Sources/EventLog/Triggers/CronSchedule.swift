/// When a schedule is due.
package enum Schedule: Equatable, Sendable {
  case cron(CronSchedule, ZoneRules)
  /// At the multiples of it since 1970.
  case every(milliseconds: Int64)

  /// The first due time after a moment, both in milliseconds since 1970; nil when there is none within some years.
  package func next(after milliseconds: Int64) -> Int64? { nil }
}

/// The minutes that a cron expression names.
package struct CronSchedule: Equatable, Sendable {
  /// Reads the compiled form: seven decimal numbers.
  /// - Throws: `failed`.
  package init(_ text: String) throws(EventLogError) { throw EventLogError(.failed, "no cron schedule") }
}

/// A time zone's offsets from UTC over time.
package struct ZoneRules: Equatable, Sendable {
  package static let utc = ZoneRules()

  private init() {}

  /// Reads a TZif file (RFC 8536).
  /// - Throws: `failed`.
  package init(tzif bytes: [UInt8]) throws(EventLogError) { throw EventLogError(.failed, "no time zone") }

  /// Reads a zone's file in the system's database; `UTC` needs none. Blocks.
  /// - Parameter name: An IANA name, such as `Europe/Berlin`.
  /// - Throws: `failed`.
  package static func named(
    _ name: String, directory: String = "/usr/share/zoneinfo"
  ) throws(EventLogError) -> ZoneRules { .utc }
}
