// Tables of the event log, made and upgraded in place when a store opens. A database that the original wrote is
// taken over as it is: columns are added without rewriting a table, and an index over a big table is built
// without holding up those who write it.
//
// Of several instances that start at once one upgrades: an advisory lock of the session, which the others ask for
// over and over instead of waiting in the server, where they would hold up the building of an index. What is there
// already is not touched, so that a start takes no lock on a table.

import SpacerSystem

struct PostgresSchema {
  /// What this release writes, and the newest it reads.
  static let version: Int64 = 1
  /// "spacer" in ASCII.
  private static let lock: Int64 = 0x7370_6163_6572

  let session: PostgresSession
  let clock: SystemClock

  /// Makes what is missing; gives the topics with what is known of their tables.
  func open(_ topics: [PostgresTopic]) throws(EventLogError) -> [PostgresTopic] {
    do throws(PostgresFailure) {
      try session.connect()
    } catch {
      throw error.error
    }
    let serverVersion = try number("SELECT current_setting('server_version_num')::int") ?? 0
    guard serverVersion >= 120_000 else {
      throw EventLogError(
        .incompatible, "PostgreSQL 12 or later is needed, this is \(serverVersion / 10_000)")
    }
    try takeLock()
    defer { session.post("SELECT pg_advisory_unlock(\(Self.lock))") }
    try checkVersion()
    try makeOwnTables()
    var opened: [PostgresTopic] = []
    for topic in topics { opened.append(try open(topic)) }
    return opened
  }

  private func takeLock() throws(EventLogError) {
    let deadline = clock.monotonicMilliseconds() + Int64(PostgresLimits.upgradeMillisecondsMax)
    while true {
      let rows = try run("SELECT pg_try_advisory_lock(\(Self.lock))")
      if rows.flag(0, 0) { return }
      guard clock.monotonicMilliseconds() < deadline else {
        throw EventLogError(
          .unavailable, "another instance has been upgrading the event log for long: try again")
      }
      try mapped { () throws(PostgresFailure) in
        try session.waitForInput(milliseconds: PostgresLimits.waitSliceMilliseconds, or: -1)
      }
    }
  }

  private func checkVersion() throws(EventLogError) {
    guard try exists("spacer_schema") else { return }
    let version = try number("SELECT max(version) FROM spacer_schema") ?? 0
    guard version <= Self.version else {
      throw EventLogError(
        .incompatible,
        "a newer Spacer wrote this event log (version \(version), this one knows \(Self.version)): update it")
    }
  }

  // MARK: Tables of the driver's own

  private static let ownTables = [
    (
      // The original's.
      "consumer_group_offsets",
      """
      CREATE TABLE consumer_group_offsets (
        group_offset BIGINT NOT NULL, group_id TEXT NOT NULL, topic TEXT NOT NULL);
      CREATE UNIQUE INDEX group_topic_idx ON consumer_group_offsets (group_id, topic)
      """
    ),
    (
      "spacer_groups",
      """
      CREATE TABLE spacer_groups (
        group_id TEXT NOT NULL, topic TEXT NOT NULL, partition_count INT NOT NULL, PRIMARY KEY (group_id, topic))
      """
    ),
    (
      "spacer_members",
      """
      CREATE TABLE spacer_members (
        group_id TEXT NOT NULL, topic TEXT NOT NULL, member_id TEXT NOT NULL, partition_count INT NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (group_id, topic, member_id))
      """
    ),
    (
      "spacer_partitions",
      // Small and written often: room in the pages keeps updates out of the index.
      """
      CREATE TABLE spacer_partitions (
        group_id TEXT NOT NULL, topic TEXT NOT NULL, partition INT NOT NULL, owner TEXT, epoch BIGINT NOT NULL,
        expires_at TIMESTAMPTZ, done BIGINT NOT NULL, PRIMARY KEY (group_id, topic, partition))
      WITH (fillfactor = 30)
      """
    ),
    (
      // What partitions had done when their number changed: a filter until all have passed it.
      "spacer_earlier_partitions",
      """
      CREATE TABLE spacer_earlier_partitions (
        group_id TEXT NOT NULL, topic TEXT NOT NULL, partition_count INT NOT NULL, partition INT NOT NULL,
        done BIGINT NOT NULL, PRIMARY KEY (group_id, topic, partition_count, partition))
      """
    ),
    (
      "spacer_records",
      """
      CREATE TABLE spacer_records (
        kind TEXT NOT NULL, key TEXT COLLATE "C" NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key))
      """
    ),
    ("spacer_consumed_events", PostgresTransactions.createTable),
    ("spacer_schema", "CREATE TABLE spacer_schema (version INT NOT NULL)"),
  ]

  private func makeOwnTables() throws(EventLogError) {
    for (name, sql) in Self.ownTables where try !exists(name) { try script(sql) }
    // An original that was made by hand may lack it; the driver's statements count on it.
    let index = """
      SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) \
      WHERE i.indrelid = 'consumer_group_offsets'::regclass AND i.indisunique AND i.indisvalid \
      AND i.indpred IS NULL GROUP BY i.indexrelid, i.indnatts \
      HAVING i.indnatts = 2 AND array_agg(a.attname::text ORDER BY a.attname) = '{group_id,topic}'
      """
    if try run(index).count == 0 {
      try script("CREATE UNIQUE INDEX group_topic_idx ON consumer_group_offsets (group_id, topic)")
    }
    if try number("SELECT max(version) FROM spacer_schema") != Self.version {
      try script("DELETE FROM spacer_schema; INSERT INTO spacer_schema VALUES (\(Self.version))")
    }
  }

  // MARK: Statements

  func exists(_ table: String) throws(EventLogError) -> Bool {
    var parameters = PostgresParameters()
    parameters.add("\"\(table)\"")
    return try run("SELECT to_regclass($1::text) IS NOT NULL", parameters).flag(0, 0)
  }

  private func number(_ sql: String) throws(EventLogError) -> Int64? { try run(sql).number(0, 0) }

  func run(
    _ sql: String, _ parameters: PostgresParameters = PostgresParameters()
  ) throws(EventLogError) -> PostgresRows {
    try mapped { () throws(PostgresFailure) in try session.run(sql, parameters) }
  }

  func script(_ sql: String) throws(EventLogError) {
    try mapped { () throws(PostgresFailure) in try session.script(sql) }
  }
}

/// Runs statements whose failures are told to the caller as they are.
func mapped<Result>(
  _ body: () throws(PostgresFailure) -> Result
) throws(EventLogError) -> Result {
  do throws(PostgresFailure) { return try body() } catch { throw error.error }
}
