// What a statement does, told from its first words: enough to say which ones a comparison shows and which would end
// the transaction that undoes them. A statement is never let through for being harmless: all of them run in it.

/// The kind of a statement.
package enum StatementKind: Equatable, Sendable {
  case reads
  case changes
  /// Begins or ends a transaction.
  case control

  /// - Parameter sql: With or without the NUL behind it.
  package init(_ sql: some Collection<UInt8>) {
    var words = Words(Array(sql))
    guard let first = words.next() else {
      self = .changes
      return
    }
    switch first {
    case "SELECT", "VALUES", "SHOW", "TABLE", "EXPLAIN": self = .reads
    case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE": self = .control
    // PREPARE TRANSACTION keeps the changes beyond the connection; PREPARE alone is of no use here either.
    case "PREPARE": self = .control
    case "WITH":
      self = .reads
      while let word = words.next() {
        if ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"].contains(word) {
          self = .changes
          return
        }
      }
    default: self = .changes
    }
  }

  /// The bare words of a statement in capitals: without comments, strings and quoted names.
  private struct Words {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ offset: Int) -> UInt8 { place + offset < bytes.count ? bytes[place + offset] : 0 }

    mutating func next() -> String? {
      while place < bytes.count {
        let first = byte(0)
        if first == UInt8(ascii: "-"), byte(1) == UInt8(ascii: "-") {
          while place < bytes.count, byte(0) != 0x0A { place += 1 }
        } else if first == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
          place += 2
          while place < bytes.count, byte(0) != UInt8(ascii: "*") || byte(1) != UInt8(ascii: "/") {
            place += 1
          }
          place += 2
        } else if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") {
          place += 1
          while place < bytes.count, byte(0) != first { place += 1 }
          place += 1
        } else if Self.isLetter(first) {
          let start = place
          while Self.isLetter(byte(0)) || byte(0) &- 0x30 < 10 { place += 1 }
          return String(
            decoding: bytes[start..<place].map { $0 &- 0x61 < 26 ? $0 - 0x20 : $0 }, as: UTF8.self)
        } else {
          place += 1
        }
      }
      return nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
      (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") || byte >= 0x80
    }
  }
}
