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
    let (raw, base) = (statement.raw, place * columnCount)
    return row.append.request.entries[row.entry].withBytes { key, value, id in
      // What is not bound is NULL.
      let isBound =
        bind(raw, base + 1, key) && bind(raw, base + 2, value)
        && spacer_sqlite_bind_int64(raw, base + 3, now) == SQLITE_OK
        && (id.map { bind(raw, base + 4, $0) } ?? true)
      guard isBound else { return SQLITE_NOMEM }
      guard let trace = row.append.request.trace else {
        return lend(rows.dropFirst(), to: statement, place: place + 1, now: now)
      }
      return trace.withBytes { trace in
        guard bind(raw, base + 5, trace) else { return SQLITE_NOMEM }
        return lend(rows.dropFirst(), to: statement, place: place + 1, now: now)
      }
    }
  }

  private static func bind(_ raw: OpaquePointer, _ column: Int32, _ text: UnsafeRawBufferPointer) -> Bool {
    spacer_sqlite_bind_borrowed_text(raw, column, text.baseAddress, UInt(text.count)) == SQLITE_OK
  }
}

/// Events of many appends on their way into the tables, in order.
struct InsertBatch {
  struct Row {
    /// The append's, in the batch.
    var index: Int
    var append: PendingAppend
    /// The entry's index.
    var entry: Int
  }

  /// By append: the offsets of the events that were appended.
  private(set) var offsets: [AppendedOffsets]
  private let now: Int64
  /// Rows without ids for one topic that wait for their statement.
  private var rows: [Row] = []
  private var insert: EventInsert?

  init(appendCount: Int, now: Int64) {
    self.now = now
    offsets = Array(repeating: AppendedOffsets(), count: appendCount)
    rows.reserveCapacity(EventInsert.rowCount)
  }

  /// Where rows go.
  var topic: String? { insert?.topic }

  /// From now on rows go there.
  mutating func turn(to insert: EventInsert) throws(EventLogError) {
    try finish()
    self.insert = insert
  }

  mutating func add(_ row: Row) throws(EventLogError) {
    guard let insert else { return }
    guard row.append.request.entries[row.entry].id == nil else {
      try finish()
      if let offset = try insert.run(row, now: now) { offsets[row.index].append(offset) }
      return
    }
    rows.append(row)
    guard rows.count == EventInsert.rowCount else { return }
    let first = try insert.runMany(rows[...], now: now)
    for (place, row) in rows.enumerated() { offsets[row.index].append(first + Int64(place)) }
    rows.removeAll(keepingCapacity: true)
  }

  /// Appends the rows that wait.
  mutating func finish() throws(EventLogError) {
    guard let insert else { return }
    for row in rows {
      if let offset = try insert.run(row, now: now) { offsets[row.index].append(offset) }
    }
    rows.removeAll(keepingCapacity: true)
  }
}
