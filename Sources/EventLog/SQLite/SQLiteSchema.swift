// The tables of an event log in a SQLite file, version 1. `PRAGMA user_version` holds the version.
//
//   topic_NAME             one event a row, in the order of appending
//     msg_offset  INTEGER PRIMARY KEY AUTOINCREMENT    grows, is never used again
//     key         TEXT NOT NULL
//     value       TEXT NOT NULL                        the payload, JSON
//     created_at  INTEGER NOT NULL                     milliseconds since 1970
//     event_id    TEXT                                 the id that the append gave; unique in the topic
//     trace       TEXT                                 a W3C traceparent
//   consumer_group_offsets how far a group has come in a topic
//     group_offset INTEGER NOT NULL                    all events up to and including it are done
//     group_id    TEXT, topic TEXT                     PRIMARY KEY (group_id, topic)
//   consumer_group_lanes   partitions that are further than their group's `group_offset`
//     group_id    TEXT, topic TEXT
//     partition_count INTEGER, partition INTEGER       how keys were spread; PRIMARY KEY (all four)
//     done_offset INTEGER NOT NULL                     all events of the partition up to and including it are done
//                                                    who sets `group_offset` back by hand removes the group's lanes
//   stored_records         dead letters and controls
//     kind TEXT, key TEXT, value TEXT NOT NULL         PRIMARY KEY (kind, key)

enum SQLiteSchema {
  static let version: Int64 = 1

  private static let tables = [
    """
    CREATE TABLE IF NOT EXISTS consumer_group_offsets(
      group_offset INTEGER NOT NULL, group_id TEXT NOT NULL, topic TEXT NOT NULL,
      PRIMARY KEY (group_id, topic)) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS consumer_group_lanes(
      group_id TEXT NOT NULL, topic TEXT NOT NULL, partition_count INTEGER NOT NULL,
      partition INTEGER NOT NULL, done_offset INTEGER NOT NULL,
      PRIMARY KEY (group_id, topic, partition_count, partition)) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS stored_records(
      kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID
    """,
  ]

  /// Whether a topic's name can be a part of a table's name.
  static func isName(_ topic: String) -> Bool {
    let bytes = topic.utf8
    guard let first = bytes.first, bytes.count <= 57, isLetter(first) || first == UInt8(ascii: "_") else {
      return false
    }
    return bytes.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  static func table(_ topic: String) -> String { "\"topic_\(topic)\"" }

  /// Makes what is missing.
  /// - Throws: `incompatible` when a newer Spacer wrote the file.
  static func prepare(_ database: SQLiteDatabase, _ topics: [TopicDefinition]) throws(EventLogError) {
    for topic in topics where !isName(topic.name) {
      throw EventLogError(.unknownTopic, "'\(topic.name)' cannot be a topic's name")
    }
    // Looked at before anything is written.
    try check(database)
    try database.transaction { () throws(EventLogError) in
      try check(database)
      for table in tables { try database.execute(table) }
      for topic in topics {
        try database.execute(
          """
          CREATE TABLE IF NOT EXISTS \(table(topic.name))(
            msg_offset INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, value TEXT NOT NULL,
            created_at INTEGER NOT NULL, event_id TEXT, trace TEXT)
          """)
        try database.execute(
          """
          CREATE UNIQUE INDEX IF NOT EXISTS "topic_\(topic.name)_event_id"
            ON \(table(topic.name))(event_id) WHERE event_id IS NOT NULL
          """)
      }
      if try database.number("PRAGMA user_version") != version {
        try database.execute("PRAGMA user_version = \(version)")
      }
    }
  }

  private static func check(_ database: SQLiteDatabase) throws(EventLogError) {
    let found = try database.number("PRAGMA user_version") ?? 0
    guard found <= version else {
      throw EventLogError(
        .incompatible,
        "a newer Spacer wrote the event log's file (version \(found), and this one knows \(version)): use that one, or another path"
      )
    }
  }
}
