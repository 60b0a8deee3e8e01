// The dead letters of a group, and what can be done with them.
//
// Invariants: a letter is in `deadLetters`, or a retry of it is durable in the internal topic, or a copy of it is in
// `controls` under `retry/`. A retry goes by that copy because the retried event may fail for good, and be stored
// again under the same key, before the command comes to remove the old record: it must not remove the new one. So: copy,
// remove, append, remove the copy. A command that is cut off leaves the copy, which is listed and can be retried or
// discarded; its event may then run twice, but is never lost.

import SpacerEventLog

/// One record of a dead letter.
struct DeadLetterItem {
  /// `TOPIC/FUNCTION/EVENTID`: what people name it by.
  var id: String
  var letter: DeadLetter
  /// It is the copy of a retry that is on its way, or was cut off.
  var isBeingRetried: Bool

  /// In `deadLetters`.
  var recordKey: String { letter.recordKey }
}

/// The dead letters of the session's group.
struct DeadLetterStore {
  private static let pageCount = 200

  private let session: EventSession
  private let prefix: String
  private let retryPrefix: String

  init(_ session: EventSession) {
    self.session = session
    prefix = "\(session.group)/"
    retryPrefix = "retry/\(session.group)/"
  }

  // MARK: Reading

  /// Calls `body` with each letter in the order of ids, retries that were cut off last, until it returns false.
  func forEach(_ body: (DeadLetterItem) throws -> Bool) throws {
    guard try forEach(.deadLetters, prefix, isBeingRetried: false, body) else { return }
    _ = try forEach(.controls, retryPrefix, isBeingRetried: true, body)
  }

  /// Calls `body` with the letters of `references` that are still there as they were. One that was stored anew since
  /// is another one, and left alone.
  /// - Parameter areFew: They are looked up one by one, instead of among all.
  func forEach(
    _ references: [DeadLetterItem.Reference], areFew: Bool, _ body: (DeadLetterItem) throws -> Void
  ) throws {
    if areFew {
      for reference in references {
        if let item = try find(reference.id).first(where: { $0.reference == reference }) { try body(item) }
      }
      return
    }
    var left = Set(references)
    guard !left.isEmpty else { return }
    try forEach { item in
      if left.remove(item.reference) != nil { try body(item) }
      return !left.isEmpty
    }
  }

  private func forEach(
    _ table: RecordTable, _ prefix: String, isBeingRetried: Bool, _ body: (DeadLetterItem) throws -> Bool
  ) throws -> Bool {
    var last: String?
    while true {
      let after = last
      let page = try session.perform { () throws(EventLogError) in
        try session.store.records(table, prefix: prefix, after: after, limit: Self.pageCount)
      }
      guard let newest = page.last else { return true }
      last = newest.key
      for record in page {
        guard let letter = read(record), letter.group == session.group else { continue }
        let item = DeadLetterItem(
          id: String(letter.recordKey.dropFirst(self.prefix.count)), letter: letter,
          isBeingRetried: isBeingRetried)
        guard try body(item) else { return false }
      }
    }
  }

  private func read(_ record: StoredRecord) -> DeadLetter? {
    do throws(EventLogError) {
      return try DeadLetter(json: record.value)
    } catch {
      let key = EventLine.shown(Array(record.key.utf8))
      Console.standardError.write("spacer: the dead letter '\(key)' cannot be read: it is left out\n")
      return nil
    }
  }

  /// The letters of one id, `TOPIC/FUNCTION/EVENTID` or the event's alone.
  func find(_ id: String) throws -> [DeadLetterItem] {
    var found: [DeadLetterItem] = []
    for (table, prefix) in [(RecordTable.deadLetters, prefix), (.controls, retryPrefix)] {
      let key = prefix + id
      let page = try session.perform { () throws(EventLogError) in
        try session.store.records(table, prefix: key, after: nil, limit: 1)
      }
      if let record = page.first, record.key == key, let letter = read(record) {
        found.append(
          DeadLetterItem(id: id, letter: letter, isBeingRetried: table == .controls))
      }
    }
    if !found.isEmpty { return found }
    try forEach { item in
      if item.letter.event.id == id { found.append(item) }
      return true
    }
    return found
  }

  // MARK: Changing

  /// Has the letters' functions run again; all or, when an error is thrown, those before it.
  func retry(_ items: [DeadLetterItem]) throws {
    var copies: [StoredRecord] = []
    for item in items where !item.isBeingRetried {
      copies.append(StoredRecord(key: copyKey(item), value: item.letter.json))
    }
    let copyKeys = items.map { copyKey($0) }
    try session.perform { () throws(EventLogError) in
      if !copies.isEmpty {
        try session.store.put(.controls, copies)
        try session.store.remove(
          .deadLetters, keys: items.filter { !$0.isBeingRetried }.map(\.recordKey))
      }
      do throws(EventLogError) {
        _ = try session.append(
          AppendRequest(
            topic: InternalEvent.topic, entries: items.map { InternalEvent.retry($0.letter).entry }))
      } catch {
        // Back to where they were; where that fails too, the copies stay and are listed.
        try session.store.put(.deadLetters, items.map(\.letter.storedRecord))
        try session.store.remove(.controls, keys: copyKeys)
        throw error
      }
      try session.store.remove(.controls, keys: copyKeys)
    }
  }

  func discard(_ items: [DeadLetterItem]) throws {
    try session.perform { () throws(EventLogError) in
      try session.store.remove(
        .deadLetters, keys: items.filter { !$0.isBeingRetried }.map(\.recordKey))
      try session.store.remove(.controls, keys: items.filter(\.isBeingRetried).map { copyKey($0) })
    }
  }

  private func copyKey(_ item: DeadLetterItem) -> String { "retry/\(item.recordKey)" }
}
