// Small keyed records, in one table.

extension PostgresStore {
  package func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    guard limit > 0 else { return [] }
    var parameters = PostgresParameters()
    parameters.add(table.rawValue)
    parameters.add(prefix)
    parameters.add(after ?? "")
    parameters.add(Int64(limit))
    // Two comparisons find the place in the index, whatever the planner thinks of the third.
    let sql = """
      SELECT key, value FROM spacer_records WHERE kind = $1::text AND key >= $2::text COLLATE "C" \
      AND key > $3::text COLLATE "C" AND starts_with(key, $2::text) ORDER BY key LIMIT $4::bigint
      """
    return try run { [parameters] (session) throws(PostgresFailure) in
      let rows = try session.run(sql, parameters)
      return (0..<rows.count).compactMap { row in
        guard let key = rows.text(row, 0), let value = rows.bytes(row, 1) else { return nil }
        return StoredRecord(key: key, value: value)
      }
    }
  }

  package func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    // Of equal keys the last one counts; one statement may not write a row twice. By their bytes: texts that are
    // equal in Unicode's sense may be two keys.
    var latest: [[UInt8]: [UInt8]] = [:]
    for record in records { latest[Array(record.key.utf8)] = record.value }
    guard !latest.isEmpty else { return }
    // In one order, so that writers of the same keys do not wait for each other in a circle.
    let ordered = latest.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var parameters = PostgresParameters()
    parameters.add(table.rawValue)
    parameters.addTexts(ordered.map(\.key))
    parameters.addTexts(ordered.map(\.value))
    let sql = """
      INSERT INTO spacer_records (kind, key, value) \
      SELECT $1::text, k, v FROM unnest($2::text[], $3::text[]) AS r(k, v) \
      ON CONFLICT (kind, key) DO UPDATE SET value = EXCLUDED.value
      """
    try run { [parameters] (session) throws(PostgresFailure) in _ = try session.run(sql, parameters) }
  }

  package func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    guard !keys.isEmpty else { return }
    var parameters = PostgresParameters()
    parameters.add(table.rawValue)
    parameters.addTexts(keys)
    let sql = "DELETE FROM spacer_records WHERE kind = $1::text AND key = ANY($2::text[])"
    try run { [parameters] (session) throws(PostgresFailure) in _ = try session.run(sql, parameters) }
  }
}
