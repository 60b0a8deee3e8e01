// A topic's table and the statements on it. The names are the original's: the table is `topic_` and the topic's
// name in lower case; its offsets are numbered by a sequence of its own.
//
// Every statement gives an event's columns in one order: offset, key, value, time, id, trace.

/// A topic as the driver knows it; its name has been checked.
struct PostgresTopic: Equatable, Sendable {
  static let nameBytesMax = 57

  let name: String
  let partitionCount: Int32
  /// The table's name, a plain identifier; also the channel that appends are notified on.
  let table: String
  /// The number of the table's sequence, which `GapTracker` asks about.
  var sequence: Int64 = 0

  init(_ definition: TopicDefinition) throws(EventLogError) {
    guard let table = Self.table(of: definition.name) else {
      throw EventLogError(
        .unknownTopic,
        "\"\(definition.name)\" cannot be a topic: a letter, then letters, digits and underscores, at most "
          + "\(Self.nameBytesMax) bytes")
    }
    name = definition.name
    partitionCount = max(1, definition.partitionCount)
    self.table = table
  }

  /// Nil for what cannot be a topic's name.
  static func table(of name: String) -> String? {
    guard let first = name.utf8.first, name.utf8.count <= nameBytesMax, isLetter(first),
      name.utf8.allSatisfy({ isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") })
    else { return nil }
    return "topic_" + name.lowercased()
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  // MARK: Appending

  /// Parameters: keys, values, ids, traces, hashes of the keys; ids and traces may be empty.
  var insert: String {
    """
    INSERT INTO "\(table)" (key, value, created_at, id, trace, key_hash) \
    SELECT k, v, statement_timestamp(), i, t, h \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int4[]) AS e(k, v, i, t, h) \
    RETURNING msg_offset
    """
  }

  /// Which of the ids are there. Parameters: ids.
  var existing: String { "SELECT id FROM \"\(table)\" WHERE id = ANY($1::text[])" }

  // MARK: Reading

  /// Where a row of `scan` and `fetch` says that there was no room for more.
  static let isFullColumn = 6

  /// The columns of rows with `bytes` and `bytes_before`, as far as these have room.
  private static func sized(_ rows: String, bytes: String) -> String {
    """
    SELECT msg_offset, key, value, created_at::timestamptz, id, trace, bytes_before + bytes >= \(bytes) \
    FROM (SELECT *, coalesce(sum(bytes) OVER ( \
    ORDER BY msg_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before \
    FROM (\(rows)) AS rows) AS sized WHERE bytes_before < \(bytes) ORDER BY msg_offset
    """
  }

  // An original's table that was made by hand may have a key or a value that is NULL: it is an event all the same.
  private static let wholeColumns = """
    msg_offset, coalesce(key, '') AS key, coalesce(value, 'null') AS value, created_at, id, trace, \
    octet_length(coalesce(key, '')) + octet_length(coalesce(value, 'null')) AS bytes
    """

  /// The events after an offset, up to another one, as far as they have room. Of an event in another partition
  /// only the offset, which tells what is missing: its hash was stored when it was appended, unless the original
  /// appended it. Parameters: after, up to, rows, bytes, number of partitions, partitions.
  var scan: String {
    let range = """
      SELECT msg_offset, key, value, created_at, id, trace, \
      key_hash IS NULL OR key_hash % $5::int4 = ANY($6::int4[]) AS mine FROM "\(table)" \
      WHERE msg_offset > $1::bigint AND msg_offset <= $2::bigint ORDER BY msg_offset LIMIT $3::bigint
      """
    return Self.sized(
      """
      SELECT msg_offset, CASE WHEN mine THEN coalesce(key, '') END AS key, \
      CASE WHEN mine THEN coalesce(value, 'null') END AS value, created_at, CASE WHEN mine THEN id END AS id, \
      CASE WHEN mine THEN trace END AS trace, CASE WHEN mine THEN \
      coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) ELSE 0 END AS bytes FROM (\(range)) AS range
      """, bytes: "$4::bigint")
  }

  /// Events by their offsets, as far as they have room. Parameters: offsets, bytes.
  var fetch: String {
    Self.sized(
      "SELECT \(Self.wholeColumns) FROM \"\(table)\" WHERE msg_offset = ANY($1::bigint[])",
      bytes: "$2::bigint")
  }

  /// What is there of ranges of offsets, the lowest first: offset and the key's hash, or the key where there is
  /// none. Parameters: first offsets, last offsets, rows.
  var present: String {
    """
    SELECT t.msg_offset, t.key_hash, CASE WHEN t.key_hash IS NULL THEN coalesce(t.key, '') END \
    FROM unnest($1::bigint[], $2::bigint[]) AS r(first, last) CROSS JOIN LATERAL ( \
    SELECT msg_offset, key, key_hash FROM "\(table)" WHERE msg_offset BETWEEN r.first AND r.last \
    ORDER BY msg_offset LIMIT $3::bigint) AS t LIMIT $3::bigint
    """
  }

  /// Who may still commit rows with offsets that were taken before. Parameters: the sequence.
  static let holders = """
    SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND granted \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND relation = $1::bigint::oid AND mode NOT IN ('AccessShareLock', 'RowShareLock')
    """

  // MARK: Ends and times

  /// The lowest and the highest offset: two looks at the ends of the index.
  var ends: String {
    """
    SELECT (SELECT msg_offset FROM "\(table)" ORDER BY msg_offset LIMIT 1), \
    (SELECT msg_offset FROM "\(table)" ORDER BY msg_offset DESC LIMIT 1)
    """
  }

  /// The first event at or after an offset, with its time.
  var timeFrom: String {
    """
    SELECT msg_offset, created_at::timestamptz FROM "\(table)" WHERE msg_offset >= $1::bigint \
    ORDER BY msg_offset LIMIT 1
    """
  }

  /// The last event before an offset, with its time.
  var timeBefore: String {
    """
    SELECT msg_offset, created_at::timestamptz FROM "\(table)" WHERE msg_offset < $1::bigint \
    ORDER BY msg_offset DESC LIMIT 1
    """
  }

  /// The first event at or after an offset that is not older than a time, in milliseconds since 1970.
  var firstSince: String {
    """
    SELECT msg_offset FROM "\(table)" WHERE msg_offset >= $1::bigint \
    AND created_at::timestamptz >= to_timestamp($2::bigint / 1000.0) ORDER BY msg_offset LIMIT 1
    """
  }

  /// The server's time, in milliseconds since 1970.
  static let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

  /// Removes events before an offset, at most so many. Parameters: offset, rows.
  var trim: String {
    """
    WITH gone AS (DELETE FROM "\(table)" WHERE msg_offset IN ( \
    SELECT msg_offset FROM "\(table)" WHERE msg_offset < $1::bigint ORDER BY msg_offset LIMIT $2::bigint) \
    RETURNING 1) SELECT count(*) FROM gone
    """
  }

  /// Reads an event's columns.
  func event(_ rows: PostgresRows, _ row: Int) -> EventRecord? {
    guard let offset = rows.number(row, 0), let key = rows.bytes(row, 1), let value = rows.bytes(row, 2)
    else {
      return nil
    }
    return EventRecord(
      topic: name, partition: KeyPartition.of(key, count: partitionCount), offset: offset, key: key,
      value: value, timestampMilliseconds: rows.time(row, 3) ?? 0, givenID: rows.text(row, 4),
      trace: rows.text(row, 5))
  }

  /// Reads the ends: -1 for none.
  static func ends(_ rows: PostgresRows) -> (first: Int64, newest: Int64) {
    (rows.number(0, 0) ?? -1, rows.number(0, 1) ?? -1)
  }
}
