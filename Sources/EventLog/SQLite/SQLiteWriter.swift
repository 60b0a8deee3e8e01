// The one connection of a store that writes. It stands in a monitor: the append queue's thread, the one that keeps
// progress, and callers of `put`, `remove` and `trim` take turns, so that inside a process nobody waits for
// SQLite's own lock.

import Glibc
import SpacerSystem

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
  /// A commit failed in the middle. The system may count pages as written that it has dropped, so that nothing behind
  /// them in the write-ahead log is safe: before anything else is written there, it is emptied.
  var isDoubtful = false
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
    let mode = try Self.setWriteAheadLog(database)
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

  /// Returns the mode that came of it.
  private static func setWriteAheadLog(_ database: SQLiteDatabase) throws(EventLogError) -> String? {
    let end = SystemClock.machine.monotonicMilliseconds() + Int64(SQLiteDatabase.busyMilliseconds)
    while true {
      do throws(EventLogError) {
        var mode: String?
        try database.run("PRAGMA journal_mode = WAL") { statement in
          mode = statement.string(0)
          return false
        }
        return mode
      } catch {
        // Of two processes that make the file at once, SQLite refuses one without waiting.
        guard error.code == .unavailable, SystemClock.machine.monotonicMilliseconds() < end else {
          throw error
        }
        usleep(20_000)
      }
    }
  }

  /// Moves all of the write-ahead log into the database.
  /// - Throws: `unavailable` while others read from it.
  func emptyWriteAheadLog() throws(EventLogError) {
    var busy: String?
    try database.run("PRAGMA wal_checkpoint(TRUNCATE)") { statement in
      busy = statement.string(0)
      return false
    }
    guard busy == "0" else {
      throw EventLogError(.unavailable, "the event log's file is being looked at after a failed write")
    }
  }

  func knows(topic: String) -> Bool { inserts[topic] != nil }

  private func setSync(_ sync: Sync) throws(EventLogError) {
    guard self.sync != sync else { return }
    try database.execute("PRAGMA synchronous = \(sync.rawValue)")
    self.sync = sync
  }

  // MARK: Appending

  /// Makes many appends in one transaction, with one fsync, and with them what there is of progress to keep.
  func append(
    _ appends: [PendingAppend], now: Int64, progress: [GroupTopic: PartitionProgress.Stored]
  ) throws(EventLogError) -> [AppendOutcome] {
    try setSync(durability == .full ? .full : .normal)
    return try database.transaction { () throws(EventLogError) in
      var batch = InsertBatch(appendCount: appends.count, now: now)
      for (index, append) in appends.enumerated() {
        let topic = append.request.topic
        if batch.topic != topic {
          guard let insert = inserts[topic] else { throw .unknownTopic(topic) }
          try batch.turn(to: insert)
        }
        for entry in append.request.entries.indices {
          try batch.add(InsertBatch.Row(index: index, append: append, entry: entry))
        }
      }
      try batch.finish()
      try write(progress)
      return zip(appends, batch.offsets).map { append, offsets in
        AppendOutcome(offsets: offsets, isDuplicate: offsets.isEmpty && !append.request.entries.isEmpty)
      }
    }
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
          ON CONFLICT (group_id, topic) DO UPDATE SET group_offset = max(group_offset, excluded.group_offset)
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
          DO UPDATE SET done_offset = max(done_offset, excluded.done_offset)
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
