// What the PostgreSQL driver may take: of time, of rows, of memory.

enum PostgresLimits {
  static let connectMillisecondsMax = 5_000
  /// Of a statement, on both sides: the server ends it, and a server that does not answer is given up.
  static let statementMillisecondsMax = 10_000
  /// What this side waits longer than the server, so that the server's error comes first.
  static let statementGraceMilliseconds = 2_000
  /// How long instances that start at once wait for the one that upgrades.
  static let upgradeMillisecondsMax = 120_000
  /// Of a step of the upgrade that waits for others who use a table: whoever comes after it waits with it.
  static let upgradeLockMillisecondsMax = 3_000
  static let upgradeLockAttemptsMax = 5
  /// Of the index over a big table, which holds up nobody.
  static let indexMillisecondsMax = 6 * 3_600_000
  /// Tables up to this size are indexed in place, which keeps appends waiting for a moment.
  static let indexInPlaceBytesMax: Int64 = 64 << 20

  static let reconnectMillisecondsMin = 50
  static let reconnectMillisecondsMax = 1_000
  /// How long appends wait for a server that is away before they are told, within their own time-outs.
  static let appendReconnectMillisecondsMax = 3_000
  /// How often a wait looks at deadlines.
  static let waitSliceMilliseconds = 50

  /// How often a consumer looks without having been notified.
  static let pollMilliseconds = 1_000
  /// How often a waiting `read` looks.
  static let readPollMilliseconds = 100
  static let gapPollMillisecondsMin = 5
  static let gapPollMillisecondsMax = 250

  /// Of one scan.
  static let scanRowsMax = 2_000
  static let scanBytesMax: Int64 = 8 << 20
  /// Ranges of missing offsets that may be open at a time; with more, reading waits.
  static let gapCountMax = 4_096
  /// Offsets of events that came late and are not delivered; with more, reading waits.
  static let lateCountMax = 1_000_000
  static let trimRowsMax = 5_000
  /// Of claims that are removed with one statement.
  static let claimRowsMax = 5_000
  /// What an index entry of PostgreSQL's surely holds.
  static let idBytesMax = 1_024
  /// A field of PostgreSQL's holds 1 GB, its escapes and copies included.
  static let requestBytesMax = 256 << 20
  static let statementCountMax = 500
}
