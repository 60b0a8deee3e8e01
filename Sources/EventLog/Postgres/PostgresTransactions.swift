// Exactly once: statements that the runtime runs on a connection of its own, in the transaction of a handler with
// `transaction: true`. The claim and what the handler does are committed together; when the event comes again
// after a crash the claim is there, and it is done already.
//
// In this order: `claim`; unless it gave a row, roll back and count the event as done; then the handler's own
// statements and `append` for its appends; then COMMIT; then `notify`, outside, since a notification within holds
// up all commits of the database. Claims are removed by the group's members once it has passed them.

import SpacerSystem

/// Statements for a transaction on the store's database. Parameters are PostgreSQL's text or binary form, in the
/// order that each says.
package enum PostgresTransactions {
  static let createTable = """
    CREATE TABLE spacer_consumed_events (
      group_id TEXT NOT NULL, topic TEXT NOT NULL, msg_offset BIGINT NOT NULL, function TEXT NOT NULL,
      claimed_at TIMESTAMPTZ NOT NULL DEFAULT statement_timestamp(),
      PRIMARY KEY (group_id, topic, msg_offset, function))
    """

  /// Claims an event for a function: gives one row when it is this transaction's to handle, none when it was
  /// handled. Waits for another transaction that has claimed it and not ended.
  /// Parameters: group, topic, offset (bigint), function.
  package static let claim = """
    INSERT INTO spacer_consumed_events (group_id, topic, msg_offset, function) \
    VALUES ($1::text, $2::text, $3::bigint, $4::text) ON CONFLICT DO NOTHING RETURNING 1
    """

  /// Appends `count` events, one or more; gives their offsets, without those whose id is there already.
  /// Parameters for each: key, value, id or NULL, trace or NULL, the key's hash (int; `KeyPartition.hash`).
  package static func append(to topic: String, count: Int = 1) throws(EventLogError) -> String {
    let rows = (0..<count).map { row in
      let first = row * 5
      return "($\(first + 1)::text, $\(first + 2)::text, statement_timestamp(), $\(first + 3)::text, "
        + "$\(first + 4)::text, $\(first + 5)::int4)"
    }
    return """
      INSERT INTO "\(try table(topic))" (key, value, created_at, id, trace, key_hash) \
      VALUES \(rows.joined(separator: ", ")) \
      ON CONFLICT (id) WHERE id IS NOT NULL DO NOTHING RETURNING msg_offset
      """
  }

  /// Tells consumers of a topic that there is something. Without parameters.
  package static func notify(_ topic: String) throws(EventLogError) -> String {
    "NOTIFY \"\(try table(topic))\""
  }

  /// Tells one database's event log from all others, as a text in one row, empty where there is none: the server's
  /// identifier, the database's and that of the table of claims, which is another in another schema. Without
  /// parameters.
  private static let identity = """
    SELECT coalesce(system_identifier::text || '/' \
    || (SELECT oid FROM pg_database WHERE datname = current_database()) \
    || '/' || to_regclass('spacer_consumed_events')::oid::text, '') FROM pg_control_system()
    """

  /// Whether two connection strings lead to the tables of one event log, however they are spelled: what the one's
  /// connections do can be in one transaction with the log of the other's store then. Connects to both.
  package static func isSameLog(_ connString: String, _ other: String) throws(EventLogError) -> Bool {
    let own = try identity(connString)
    guard !own.isEmpty else { return false }
    return try own == identity(other)
  }

  private static func identity(_ connString: String) throws(EventLogError) -> String {
    let session = PostgresSession(connString: connString, clock: .machine)
    defer { session.close() }
    return try mapped { () throws(PostgresFailure) in
      try session.connect()
      return try session.run(identity).text(0, 0) ?? ""
    }
  }

  /// Removes claims that the group has passed, a day later: a member that was thought dead may still begin an event
  /// again, and a dead letter that is run again claims its event while the offset of its own stands elsewhere.
  /// Only the lowest ones are looked at, so that a day's claims are not read each time; a late claim of an old event
  /// keeps the ones above it a little longer at worst. Gives how many were looked at, and how many removed.
  /// Parameters: group, topic, offset, rows.
  static let removeClaims = """
    WITH lowest AS MATERIALIZED (SELECT ctid, claimed_at FROM spacer_consumed_events \
    WHERE group_id = $1::text AND topic = $2::text AND msg_offset <= $3::bigint \
    ORDER BY msg_offset LIMIT $4::bigint), \
    gone AS (DELETE FROM spacer_consumed_events WHERE ctid = ANY(ARRAY( \
    SELECT ctid FROM lowest WHERE claimed_at < statement_timestamp() - interval '1 day')) RETURNING 1) \
    SELECT (SELECT count(*) FROM lowest), (SELECT count(*) FROM gone)
    """

  private static func table(_ topic: String) throws(EventLogError) -> String {
    guard let table = PostgresTopic.table(of: topic) else {
      throw EventLogError(.unknownTopic, "\"\(topic)\" cannot be a topic")
    }
    return table
  }
}
