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
      throw error.state == "LIBPQ"
        ? EventLogError(.incompatible, error.message) : PostgresFailure(.notSent, error.message).error
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

  // MARK: Topics

  private func open(_ topic: PostgresTopic) throws(EventLogError) -> PostgresTopic {
    if try !exists(topic.table) { try create(topic) }
    try addColumns(topic)
    try addIndex(topic)
    var opened = topic
    var parameters = PostgresParameters()
    parameters.add("\"\(topic.table)\"")
    let sql = """
      SELECT s.seqrelid::bigint, s.seqcache, s.seqincrement, s.seqcycle FROM pg_sequence s \
      WHERE s.seqrelid = pg_get_serial_sequence($1::text, 'msg_offset')::regclass
      """
    let rows = try run(sql, parameters)
    guard let sequence = rows.number(0, 0), rows.number(0, 2) == 1, !rows.flag(0, 3) else {
      throw EventLogError(
        .incompatible, "the column msg_offset of the table \(topic.table) has no sequence of its own")
    }
    if rows.number(0, 1) != 1 {
      // A session that keeps values for later transactions holds no lock for them: see GapTracker.
      try script("ALTER SEQUENCE \(try sequenceName(topic)) CACHE 1")
    }
    opened.sequence = sequence
    return opened
  }

  private func sequenceName(_ topic: PostgresTopic) throws(EventLogError) -> String {
    var parameters = PostgresParameters()
    parameters.add("\"\(topic.table)\"")
    return try run("SELECT pg_get_serial_sequence($1::text, 'msg_offset')", parameters).text(0, 0) ?? ""
  }

  private func create(_ topic: PostgresTopic) throws(EventLogError) {
    let sql = """
      CREATE TABLE "\(topic.table)" (
        msg_offset BIGSERIAL PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL,
        created_at TIMESTAMPTZ DEFAULT now(), id TEXT, trace TEXT, key_hash INT);
      CREATE UNIQUE INDEX ON "\(topic.table)" (id) WHERE id IS NOT NULL
      """
    do throws(PostgresFailure) {
      try session.script(sql)
    } catch {
      if error.state == "42501" || error.state == "25006" {
        throw EventLogError(
          .unknownTopic,
          "the table \(topic.table) of the topic \(topic.name) is missing and cannot be created: \(error.message)"
        )
      }
      throw error.error
    }
  }

  /// Adds what the original's table lacks. None of it has a value in the rows there are, so that PostgreSQL only
  /// notes it.
  private func addColumns(_ topic: PostgresTopic) throws(EventLogError) {
    var parameters = PostgresParameters()
    parameters.add("\"\(topic.table)\"")
    let rows = try run(
      """
      SELECT attname::text, atttypid::regtype::text FROM pg_attribute \
      WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
      """, parameters)
    var types: [String: String] = [:]
    for row in 0..<rows.count { types[rows.text(row, 0) ?? ""] = rows.text(row, 1) ?? "" }
    guard types["msg_offset"] == "bigint", types["key"] != nil, types["value"] != nil else {
      throw EventLogError(
        .incompatible, "the table \(topic.table) lacks msg_offset BIGINT, key or value: it is no topic")
    }
    if let type = types["created_at"], !type.hasPrefix("timestamp") {
      throw EventLogError(.incompatible, "created_at of the table \(topic.table) is \(type), not a timestamp")
    }
    var changes: [String] = []
    // The default is of another statement: of one with the column it would be given to the old rows too.
    if types["created_at"] == nil {
      changes.append("ADD COLUMN created_at TIMESTAMPTZ, ALTER COLUMN created_at SET DEFAULT now()")
    }
    if types["id"] == nil { changes.append("ADD COLUMN id TEXT") }
    if types["trace"] == nil { changes.append("ADD COLUMN trace TEXT") }
    if types["key_hash"] == nil { changes.append("ADD COLUMN key_hash INT") }
    guard !changes.isEmpty else { return }
    try alter("ALTER TABLE \"\(topic.table)\" \(changes.joined(separator: ", "))")
  }

  /// Makes an id unique. A valid index is what counts: an interrupted concurrent build leaves an invalid one.
  private func addIndex(_ topic: PostgresTopic) throws(EventLogError) {
    var parameters = PostgresParameters()
    parameters.add("\"\(topic.table)\"")
    let found = try run(
      """
      SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i JOIN pg_attribute a \
      ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = $1::text::regclass \
      AND i.indisunique AND i.indnatts = 1 AND a.attname = 'id'
      """, parameters)
    for row in 0..<found.count {
      if found.flag(row, 1) { return }
      try script("DROP INDEX \(found.text(row, 0) ?? "")")
    }
    let size = try run("SELECT pg_relation_size($1::text::regclass)", parameters).number(0, 0) ?? 0
    if size <= PostgresLimits.indexInPlaceBytesMax {
      return try alter("CREATE UNIQUE INDEX ON \"\(topic.table)\" (id) WHERE id IS NOT NULL")
    }
    try script("SET statement_timeout = \(PostgresLimits.indexMillisecondsMax)")
    try mapped { () throws(PostgresFailure) in
      try session.script(
        "CREATE UNIQUE INDEX CONCURRENTLY ON \"\(topic.table)\" (id) WHERE id IS NOT NULL",
        milliseconds: PostgresLimits.indexMillisecondsMax)
    }
    try script("SET statement_timeout = \(PostgresLimits.statementMillisecondsMax)")
  }

  /// A change that needs a table for itself for a moment. It gives up soon: whoever comes after it waits with it.
  private func alter(_ sql: String) throws(EventLogError) {
    var attempts = 1
    while true {
      do throws(PostgresFailure) {
        return try session.script(
          "SET LOCAL lock_timeout = \(PostgresLimits.upgradeLockMillisecondsMax); \(sql)")
      } catch {
        guard error.state == "55P03", attempts < PostgresLimits.upgradeLockAttemptsMax else {
          throw error.error
        }
        attempts += 1
      }
    }
  }

  // MARK: Statements

  private func exists(_ table: String) throws(EventLogError) -> Bool {
    var parameters = PostgresParameters()
    parameters.add("\"\(table)\"")
    return try run("SELECT to_regclass($1::text) IS NOT NULL", parameters).flag(0, 0)
  }

  private func number(_ sql: String) throws(EventLogError) -> Int64? { try run(sql).number(0, 0) }

  private func run(
    _ sql: String, _ parameters: PostgresParameters = PostgresParameters()
  ) throws(EventLogError) -> PostgresRows {
    try mapped { () throws(PostgresFailure) in try session.run(sql, parameters) }
  }

  private func script(_ sql: String) throws(EventLogError) {
    try mapped { () throws(PostgresFailure) in try session.script(sql) }
  }
}

/// Runs statements whose failures are told to the caller as they are.
func mapped<Result>(
  _ body: () throws(PostgresFailure) -> Result
) throws(EventLogError) -> Result {
  do throws(PostgresFailure) { return try body() } catch { throw error.error }
}
