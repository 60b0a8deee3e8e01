// Tables of topics: made, or completed where the original made them. See PostgresSchema.

import SpacerSystem

extension PostgresSchema {
  func open(_ topic: PostgresTopic) throws(EventLogError) -> PostgresTopic {
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

  /// The types that the driver's statements count on.
  private static let types: [(column: String, types: [String], isNeeded: Bool)] = [
    ("msg_offset", ["bigint"], true), ("key", ["text", "character varying"], true),
    ("value", ["text", "character varying"], true), ("id", ["text", "character varying"], false),
    ("trace", ["text", "character varying"], false), ("key_hash", ["integer"], false),
    ("created_at", ["timestamp without time zone", "timestamp with time zone"], false),
  ]

  /// The columns of a table that was there, with their types.
  private func columns(_ topic: PostgresTopic) throws(EventLogError) -> [String: String] {
    var parameters = PostgresParameters()
    parameters.add("\"\(topic.table)\"")
    let rows = try run(
      """
      SELECT a.attname::text, format_type(CASE WHEN t.typbasetype <> 0 THEN t.typbasetype ELSE t.oid END, NULL), \
      a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' \
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
      WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
      """, parameters)
    var columns: [String: String] = [:]
    for row in 0..<rows.count {
      guard let name = rows.text(row, 0) else { continue }
      columns[name] = rows.text(row, 1) ?? ""
      if rows.flag(row, 2), !Self.types.contains(where: { $0.column == name }) {
        throw EventLogError(
          .incompatible,
          "the table \(topic.table) has a column \(name) that may not be NULL and has no default, so that "
            + "nothing can be appended: give it a default")
      }
    }
    return columns
  }

  private func check(_ columns: [String: String], _ topic: PostgresTopic) throws(EventLogError) {
    for (column, types, isNeeded) in Self.types {
      guard let type = columns[column] else {
        guard isNeeded else { continue }
        throw EventLogError(
          .incompatible, "the table \(topic.table) lacks msg_offset BIGINT, key or value: it is no topic")
      }
      guard types.contains(type) else {
        throw EventLogError(
          .incompatible,
          "the column \(column) of the table \(topic.table) is \(type), and has to be \(types[0]): "
            + "ALTER TABLE \(topic.table) ALTER COLUMN \(column) TYPE \(types[0]), or name the topic otherwise"
        )
      }
    }
  }

  /// Adds what the original's table lacks. None of it has a value in the rows there are, so that PostgreSQL only
  /// notes it.
  private func addColumns(_ topic: PostgresTopic) throws(EventLogError) {
    let types = try columns(topic)
    try check(types, topic)
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
}
