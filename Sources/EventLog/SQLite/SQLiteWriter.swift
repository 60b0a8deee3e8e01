// The one connection of a store that writes. It stands in a monitor: the append queue's thread, the one that keeps
// progress, and callers of `put`, `remove` and `trim` take turns, so that inside a process nobody waits for
// SQLite's own lock.

import CSQLite

/// When an acknowledged append survives what.
package enum SQLiteDurability: String, Sendable {
  /// Each acknowledged append was fsynced: it survives a power failure.
  case full
  /// An acknowledged append survives the end of the process; a crash of the operating system or a power failure
  /// may take the last ones away.
  case relaxed
}

/// Writes to the log's file.
final class SQLiteWriter {
  /// PRAGMA synchronous.
  private enum Sync: Int { case normal = 1, full = 2 }

  let database: SQLiteDatabase
  private let durability: SQLiteDurability
  /// What the connection is set to.
  private var sync: Sync?
  private var inserts: [String: EventInsert] = [:]
  /// What is in the file of each group's progress, where this connection wrote it.
  private var savedProgress: [GroupTopic: PartitionProgress.Stored] = [:]

  /// Pages of the write-ahead log after which they are moved into the database: 16 MiB.
  private static let checkpointPages = 4_096
  private static let writeAheadLogBytesMax = 64 << 20

  /// Opens the file, and makes or upgrades what is missing.
  init(path: String, durability: SQLiteDurability, topics: [TopicDefinition]) throws(EventLogError) {
    self.durability = durability
    database = try SQLiteDatabase(path: path)
    var mode: String?
    try database.run("PRAGMA journal_mode = WAL") { statement in
      mode = statement.string(0)
      return false
    }
    guard mode == "wal" else {
      throw EventLogError(
        .incompatible,
        "the event log's file \(path) cannot have a write-ahead log there: put it on a local disk")
    }
    try database.execute("PRAGMA wal_autocheckpoint = \(Self.checkpointPages)")
    try database.execute("PRAGMA journal_size_limit = \(Self.writeAheadLogBytesMax)")
    try setSync(.full)
    try SQLiteSchema.prepare(database, topics)
    for topic in topics { inserts[topic.name] = try EventInsert(database, topic: topic.name) }
  }

  func knows(topic: String) -> Bool { inserts[topic] != nil }

  private func setSync(_ sync: Sync) throws(EventLogError) {
    guard self.sync != sync else { return }
    try database.execute("PRAGMA synchronous = \(sync.rawValue)")
    self.sync = sync
  }

  // MARK: Appending

  /// Appends many requests in one transaction, with one fsync, and with them what there is of progress to keep.
  func append(
    _ requests: [AppendRequest], now: Int64, progress: [GroupTopic: PartitionProgress.Stored]
  ) throws(EventLogError) -> [AppendOutcome] {
    try setSync(durability == .full ? .full : .normal)
    return try database.transaction { () throws(EventLogError) in
      var outcomes: [AppendOutcome] = []
      outcomes.reserveCapacity(requests.count)
      for request in requests { outcomes.append(try append(request, now)) }
      try write(progress)
      return outcomes
    }
  }

  private func append(_ request: AppendRequest, _ now: Int64) throws(EventLogError) -> AppendOutcome {
    guard let insert = inserts[request.topic] else { throw .unknownTopic(request.topic) }
    var offsets: [Int64] = []
    offsets.reserveCapacity(request.entries.count)
    for entry in request.entries {
      if let offset = try insert.run(entry, trace: request.trace, now: now) { offsets.append(offset) }
    }
    return AppendOutcome(offsets: offsets, isDuplicate: offsets.isEmpty && !request.entries.isEmpty)
  }

  // MARK: Progress

  /// Keeps groups' progress. Without an fsync: what a crash takes away comes again.
  func keep(_ progress: [GroupTopic: PartitionProgress.Stored]) throws(EventLogError) {
    try setSync(.normal)
    try database.transaction { () throws(EventLogError) in try write(progress) }
  }

  private func write(_ progress: [GroupTopic: PartitionProgress.Stored]) throws(EventLogError) {
    for (place, stored) in progress {
      // Noted as known only when the transaction is through: what was rolled back is written whole again.
      let before = savedProgress.removeValue(forKey: place)
      try write(stored, place, before: before)
    }
  }

  /// After a transaction with it was committed.
  func noteKept(_ progress: [GroupTopic: PartitionProgress.Stored]) {
    savedProgress.merge(progress) { $1 }
  }

  private func write(
    _ stored: PartitionProgress.Stored, _ place: GroupTopic, before: PartitionProgress.Stored?
  ) throws(EventLogError) {
    let (group, topic) = (SQLiteValue.text(place.group), SQLiteValue.text(place.topic))
    if before?.minimum != stored.minimum {
      try database.run(
        """
        INSERT INTO consumer_group_offsets(group_offset, group_id, topic) VALUES (?, ?, ?)
          ON CONFLICT (group_id, topic) DO UPDATE SET group_offset = excluded.group_offset
        """, [.integer(stored.minimum), group, topic])
      try database.run(
        "DELETE FROM consumer_group_lanes WHERE group_id = ? AND topic = ? AND done_offset <= ?",
        [group, topic, .integer(stored.minimum)])
    }
    let known = Set(before?.lanes ?? [])
    for lane in stored.lanes where !known.contains(lane) {
      try database.run(
        """
        INSERT INTO consumer_group_lanes(group_id, topic, partition_count, partition, done_offset)
          VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (group_id, topic, partition_count, partition)
          DO UPDATE SET done_offset = excluded.done_offset
        """,
        [
          group, topic, .integer(Int64(lane.partitionCount)), .integer(Int64(lane.partition)),
          .integer(lane.done),
        ])
    }
  }

  // MARK: Records

  func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    try setSync(.full)
    try database.transaction { () throws(EventLogError) in
      for record in records {
        try database.run(
          """
          INSERT INTO stored_records(kind, key, value) VALUES (?, ?, ?)
            ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value
          """, [.text(table.rawValue), .text(record.key), .text(record.value)])
      }
    }
  }

  func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    try setSync(.full)
    try database.transaction { () throws(EventLogError) in
      for key in keys {
        try database.run(
          "DELETE FROM stored_records WHERE kind = ? AND key = ?", [.text(table.rawValue), .text(key)])
      }
    }
  }

  // MARK: Retention

  /// How many events one transaction removes at most: appends wait for so long.
  static let trimRowsMax = 2_000

  /// Removes the oldest events, up to the first that was appended at the time or later, at most `trimRowsMax`.
  /// - Returns: How many.
  func trim(_ topic: String, before timeMilliseconds: Int64) throws(EventLogError) -> Int {
    guard knows(topic: topic) else { throw .unknownTopic(topic) }
    let table = SQLiteSchema.table(topic)
    // What is removed may come back after a crash, and is removed again.
    try setSync(.normal)
    return try database.transaction { () throws(EventLogError) in
      var last: Int64?
      try database.run(
        "SELECT msg_offset, created_at FROM \(table) ORDER BY msg_offset LIMIT ?",
        [.integer(Int64(Self.trimRowsMax))]
      ) { statement in
        guard statement.integer(1) < timeMilliseconds else { return false }
        last = statement.integer(0)
        return true
      }
      guard let last else { return 0 }
      try database.run("DELETE FROM \(table) WHERE msg_offset <= ?", [.integer(last)])
      return Int(database.changeCount)
    }
  }
}

/// A group's progress in a topic, as a key.
struct GroupTopic: Hashable, Sendable {
  var group: String
  var topic: String
}

/// The statement that appends an event to a topic.
private struct EventInsert {
  private let database: SQLiteDatabase
  private let statement: SQLiteStatement

  init(_ database: SQLiteDatabase, topic: String) throws(EventLogError) {
    self.database = database
    statement = try database.statement(
      """
      INSERT INTO \(SQLiteSchema.table(topic))(key, value, created_at, event_id, trace)
        VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING
      """)
  }

  /// The event's offset; nil when its id is there.
  func run(_ entry: AppendEntry, trace: String?, now: Int64) throws(EventLogError) -> Int64? {
    var status: Int32 = SQLITE_OK
    // Borrowed: the bytes stay until the reset below.
    entry.key.withUnsafeBytes { key in
      entry.value.withUnsafeBytes { value in
        let raw = statement.raw
        status = spacer_sqlite_bind_borrowed_text(raw, 1, key.baseAddress, UInt(key.count))
        if status == SQLITE_OK {
          status = spacer_sqlite_bind_borrowed_text(raw, 2, value.baseAddress, UInt(value.count))
        }
        if status == SQLITE_OK { status = spacer_sqlite_bind_int64(raw, 3, now) }
        if status == SQLITE_OK, let id = entry.id, !statement.bind(.text(id), at: 4) { status = SQLITE_NOMEM }
        if status == SQLITE_OK, let trace, !statement.bind(.text(trace), at: 5) { status = SQLITE_NOMEM }
        if status == SQLITE_OK { status = spacer_sqlite_step(raw) }
      }
    }
    defer { statement.reset() }
    guard status == SQLITE_DONE else { throw database.failure("cannot append") }
    return entry.id != nil && database.changeCount == 0 ? nil : database.lastInsertedOffset
  }
}
