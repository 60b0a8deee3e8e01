// How events get into a topic's table: one a statement where they have ids, else many a statement, since each
// statement reads and writes the table's last offset. Unsafe: keys and values are borrowed by SQLite from the
// binding to the statement's reset, and the frames that lend them stand for so long.

import CSQLite

/// The statements that append to one topic.
struct EventInsert {
  /// Rows of the statement that takes many; a recursion is as deep.
  static let rowCount = 16
  private static let columnCount: Int32 = 5

  let topic: String
  private let database: SQLiteDatabase
  private let single: SQLiteStatement
  private let many: SQLiteStatement

  init(_ database: SQLiteDatabase, topic: String) throws(EventLogError) {
    self.topic = topic
    self.database = database
    let insert = "INSERT INTO \(SQLiteSchema.table(topic))(key, value, created_at, event_id, trace) VALUES "
    let row = "(?, ?, ?, ?, ?)"
    single = try database.statement(
      insert + row + " ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING")
    many = try database.statement(
      insert + Array(repeating: row, count: Self.rowCount).joined(separator: ", "))
  }

  /// Appends one event; nil when its id is there.
  func run(_ row: InsertBatch.Row, now: Int64) throws(EventLogError) -> Int64? {
    defer { single.reset() }
    guard Self.lend([row][...], to: single, place: 0, now: now) == SQLITE_DONE else {
      throw database.failure("cannot append")
    }
    return database.changeCount == 0 ? nil : database.lastInsertedOffset
  }

  /// Appends `rowCount` events without ids; returns the first one's offset, which the others' follow.
  func runMany(_ rows: ArraySlice<InsertBatch.Row>, now: Int64) throws(EventLogError) -> Int64 {
    defer { many.reset() }
    guard Self.lend(rows, to: many, place: 0, now: now) == SQLITE_DONE else {
      throw database.failure("cannot append")
    }
    guard database.changeCount == Int64(Self.rowCount) else {
      throw EventLogError(.failed, "cannot append: a trigger of the table's leaves events out")
    }
    return database.lastInsertedOffset - Int64(Self.rowCount) + 1
  }

  /// Binds the first of the rows, then the others, and takes the statement's step while all are lent.
  private static func lend(
    _ rows: ArraySlice<InsertBatch.Row>, to statement: SQLiteStatement, place: Int32, now: Int64
  ) -> Int32 {
    guard let row = rows.first else { return spacer_sqlite_step(statement.raw) }
    return row.entry.key.withUnsafeBytes { key in
      row.entry.value.withUnsafeBytes { value in
        let (raw, base) = (statement.raw, place * columnCount)
        var status = spacer_sqlite_bind_borrowed_text(raw, base + 1, key.baseAddress, UInt(key.count))
        guard status == SQLITE_OK else { return status }
        status = spacer_sqlite_bind_borrowed_text(raw, base + 2, value.baseAddress, UInt(value.count))
        guard status == SQLITE_OK else { return status }
        status = spacer_sqlite_bind_int64(raw, base + 3, now)
        guard status == SQLITE_OK else { return status }
        // What is not bound is NULL.
        if let id = row.entry.id, !statement.bind(.text(id), at: base + 4) { return SQLITE_NOMEM }
        if let trace = row.trace, !statement.bind(.text(trace), at: base + 5) { return SQLITE_NOMEM }
        return lend(rows.dropFirst(), to: statement, place: place + 1, now: now)
      }
    }
  }
}

/// Events of many requests on their way into the tables, in order.
struct InsertBatch {
  struct Row {
    /// The request's index.
    var request: Int
    var entry: AppendEntry
    var trace: String?
  }

  /// By request: the offsets of the events that were appended.
  private(set) var offsets: [[Int64]]
  private let now: Int64
  /// Rows without ids for one topic that wait for their statement.
  private var rows: [Row] = []
  private var insert: EventInsert?

  init(requestCount: Int, now: Int64) {
    self.now = now
    offsets = Array(repeating: [], count: requestCount)
    rows.reserveCapacity(EventInsert.rowCount)
  }

  mutating func add(_ row: Row, to insert: EventInsert) throws(EventLogError) {
    if self.insert?.topic != insert.topic {
      try finish()
      self.insert = insert
    }
    guard row.entry.id == nil else {
      try finish()
      if let offset = try insert.run(row, now: now) { offsets[row.request].append(offset) }
      return
    }
    rows.append(row)
    guard rows.count == EventInsert.rowCount else { return }
    let first = try insert.runMany(rows[...], now: now)
    for (place, row) in rows.enumerated() { offsets[row.request].append(first + Int64(place)) }
    rows.removeAll(keepingCapacity: true)
  }

  /// Appends the rows that wait.
  mutating func finish() throws(EventLogError) {
    guard let insert else { return }
    for row in rows {
      if let offset = try insert.run(row, now: now) { offsets[row.request].append(offset) }
    }
    rows.removeAll(keepingCapacity: true)
  }
}
