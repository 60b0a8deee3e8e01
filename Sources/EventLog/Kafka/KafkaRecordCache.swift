// The records of one table, held in memory: a compacted topic tells the newest value of a key only to who reads it
// all. The first use reads the topic, each later one what has come since.

/// The newest value by key.
struct KafkaRecordCache {
  /// Keys and values, in bytes.
  static let bytesMax = 256 << 20

  private var values: [[UInt8]: [UInt8]] = [:]
  /// In order of bytes; nil when keys have come or gone since.
  private var sorted: [[UInt8]]?
  private(set) var byteCount = 0

  mutating func apply(key: [UInt8], value: [UInt8]?) {
    if let old = values[key] {
      byteCount -= key.count + old.count
      if value == nil { sorted = nil }
    } else if value != nil {
      sorted = nil
    }
    values[key] = value
    if let value { byteCount += key.count + value.count }
  }

  func contains(_ key: String) -> Bool { values[Array(key.utf8)] != nil }

  /// Records whose key begins with `prefix`, after the key `after`, in order.
  mutating func records(prefix: String, after: String?, limit: Int) -> [StoredRecord] {
    let keys = sorted ?? values.keys.sorted { $0.lexicographicallyPrecedes($1) }
    sorted = keys
    let prefix = Array(prefix.utf8)
    var low = 0
    var high = keys.count
    let after = after.map { Array($0.utf8) }
    // The first key that is not before the prefix, and after `after`.
    while low < high {
      let middle = (low + high) / 2
      let isBefore =
        keys[middle].lexicographicallyPrecedes(prefix)
        || after.map { !$0.lexicographicallyPrecedes(keys[middle]) } ?? false
      if isBefore { low = middle + 1 } else { high = middle }
    }
    var found: [StoredRecord] = []
    while low < keys.count, found.count < limit, keys[low].starts(with: prefix) {
      let key = keys[low]
      if let value = values[key] {
        found.append(StoredRecord(key: String(decoding: key, as: UTF8.self), value: value))
      }
      low += 1
    }
    return found
  }
}
