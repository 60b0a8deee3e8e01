// A connection that reads. Each statement sees one moment of the file and ends before it is left, so that the
// write-ahead log can be moved into the database.

/// Reads the log's file; used by one thread at a time.
final class SQLiteReader {
  /// Rows that one scan looks at, and bytes that one page may hold.
  private static let rowsMax = 8_192
  private static let pageBytesMax = 16 << 20

  private let database: SQLiteDatabase

  init(path: String) throws(EventLogError) { database = try SQLiteDatabase(path: path) }

  func dataVersion() throws(EventLogError) -> Int64 { try database.dataVersion() }

  /// Events of a topic from one offset through another, where `partition` names one.
  func scan(
    _ topic: String, from: Int64, through: Int64, limit: Int,
    partition: (_ key: [UInt8], _ offset: Int64) -> Int32?
  ) throws(EventLogError) -> ScannedPage {
    var page = ScannedPage()
    var rowCount = 0
    var byteCount = 0
    guard limit > 0 else { return page }
    try database.run(
      """
      SELECT msg_offset, key, value, created_at, event_id, trace FROM \(SQLiteSchema.table(topic))
        WHERE msg_offset BETWEEN ? AND ? ORDER BY msg_offset
      """, [.integer(from), .integer(through)]
    ) { row in
      let offset = row.integer(0)
      let key = row.bytes(1)
      rowCount += 1
      page.through = offset
      if let partition = partition(key, offset) {
        let value = row.bytes(2)
        byteCount += key.count + value.count
        page.records.append(
          EventRecord(
            topic: topic, partition: partition, offset: offset, key: key, value: value,
            timestampMilliseconds: row.integer(3), givenID: row.string(4), trace: row.string(5)))
      }
      page.hasMore =
        page.records.count >= limit || rowCount >= Self.rowsMax || byteCount >= Self.pageBytesMax
      return !page.hasMore
    }
    return page
  }

  /// The oldest event's offset; nil when there is none.
  func first(_ topic: String) throws(EventLogError) -> Int64? {
    try database.number("SELECT min(msg_offset) FROM \(SQLiteSchema.table(topic))")
  }

  /// One after the newest event's offset, also when that event is gone.
  func end(_ topic: String) throws(EventLogError) -> Int64 {
    let used = try database.number(
      "SELECT seq FROM sqlite_sequence WHERE name = ?", [.text("topic_\(topic)")])
    let last = try database.number("SELECT max(msg_offset) FROM \(SQLiteSchema.table(topic))")
    return max(used ?? 0, last ?? 0).nextOffset
  }

  /// Where reading begins.
  func offset(_ topic: String, of start: ReadStart) throws(EventLogError) -> Int64 {
    switch start {
    case .beginning:
      // In this order: what is appended between the two is not passed over.
      let end = try end(topic)
      return try first(topic) ?? end
    case .end: return try end(topic)
    case .offset(let offset): return max(0, offset)
    case .time(let time): return try offset(topic, at: time)
    }
  }

  /// The first event appended at a time or later. Where the clock was set back, one of the events around that
  /// moment.
  private func offset(_ topic: String, at timeMilliseconds: Int64) throws(EventLogError) -> Int64 {
    var high = try end(topic)
    var low = try first(topic) ?? high
    while low < high {
      let middle = low + (high - low) / 2
      // Offsets have gaps: the next event there is.
      var next: (offset: Int64, time: Int64)?
      try database.run(
        """
        SELECT msg_offset, created_at FROM \(SQLiteSchema.table(topic))
          WHERE msg_offset >= ? ORDER BY msg_offset LIMIT 1
        """, [.integer(middle)]
      ) { row in
        next = (row.integer(0), row.integer(1))
        return false
      }
      if let next, next.time < timeMilliseconds { low = next.offset.nextOffset } else { high = middle }
    }
    return low
  }

  // MARK: Groups

  func groups() throws(EventLogError) -> [String] {
    var groups: [String] = []
    try database.run("SELECT DISTINCT group_id FROM consumer_group_offsets ORDER BY group_id") { row in
      if let group = row.string(0) { groups.append(group) }
      return true
    }
    return groups
  }

  /// Nil when the group never committed in the topic.
  func progress(_ place: GroupTopic) throws(EventLogError) -> PartitionProgress.Stored? {
    let parameters = [SQLiteValue.text(place.group), .text(place.topic)]
    var stored: PartitionProgress.Stored?
    // One statement: minimum and lanes are of one moment.
    try database.run(
      """
      SELECT group_offset, partition_count, partition, done_offset FROM consumer_group_offsets
        LEFT JOIN consumer_group_lanes USING (group_id, topic)
        WHERE group_id = ? AND topic = ? ORDER BY partition_count, partition
      """, parameters
    ) { row in
      if stored == nil { stored = PartitionProgress.Stored(minimum: row.integer(0)) }
      if !row.isNull(1), row.integer(3) > row.integer(0) {
        stored?.lanes.append(
          PartitionProgress.StoredLane(
            partitionCount: Int32(clamping: row.integer(1)), partition: Int32(clamping: row.integer(2)),
            done: row.integer(3)))
      }
      return true
    }
    return stored
  }

  // MARK: Records

  func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    var records: [StoredRecord] = []
    guard limit > 0 else { return records }
    // Bytes order the keys, so that those with the prefix stand together.
    let prefixBytes = Array(prefix.utf8)
    try database.run(
      """
      SELECT key, value FROM stored_records
        WHERE kind = ? AND key >= ? AND (? = 0 OR key > ?) ORDER BY key
      """,
      [.text(table.rawValue), .text(prefix), .integer(after == nil ? 0 : 1), .text(after ?? "")]
    ) { row in
      guard let key = row.string(0), key.utf8.starts(with: prefixBytes) else { return false }
      records.append(StoredRecord(key: key, value: row.bytes(1)))
      return records.count < limit
    }
    return records
  }
}
