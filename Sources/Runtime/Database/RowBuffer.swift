// The rows of one result, packed into one run of bytes until the loop makes Lua tables of them: filled by
// libpq's callbacks row by row or on SQLite's threads, where no Lua state may be touched.
//
// Format: a byte that says the kind; then 8 bytes of an integer or a float, or 4 bytes of length and the
// bytes themselves, in this machine's byte order.

/// Rows of values.
struct RowBuffer: Sendable {
  enum Value {
    case null
    case integer(Int64)
    case float(Double)
    case bytes(UnsafeRawBufferPointer)
  }

  private enum Kind { static let null: UInt8 = 0, integer: UInt8 = 1, float: UInt8 = 2, bytes: UInt8 = 3 }

  var columns: [String] = []
  /// The PostgreSQL type of each column; empty for SQLite.
  var types: [UInt32] = []
  private(set) var rowCount = 0
  private var storage: [UInt8] = []

  /// What the rows take: a row costs something even when it holds nothing.
  var byteCount: Int { storage.count + rowCount * Self.rowBytes }

  private static let rowBytes = 16

  mutating func endRow() { rowCount += 1 }

  mutating func appendNull() { storage.append(Kind.null) }

  mutating func append(_ value: Int64) {
    storage.append(Kind.integer)
    withUnsafeBytes(of: value) { storage.append(contentsOf: $0) }
  }

  mutating func append(_ value: Double) {
    storage.append(Kind.float)
    withUnsafeBytes(of: value) { storage.append(contentsOf: $0) }
  }

  /// At most 2 GiB: what either library gives.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    storage.append(Kind.bytes)
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: bytes.count)) { storage.append(contentsOf: $0) }
    storage.append(contentsOf: bytes)
  }

  /// Gives each value in order to `body` with its column, until that returns false.
  func forEach(_ body: (_ column: Int, Value) -> Bool) {
    storage.withUnsafeBytes { bytes in
      var offset = 0
      for _ in 0..<rowCount {
        for column in columns.indices {
          guard let value = Self.value(in: bytes, at: &offset), body(column, value) else { return }
        }
      }
    }
  }

  private static func value(in bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Value? {
    guard offset < bytes.count else { return nil }
    let kind = bytes[offset]
    offset += 1
    switch kind {
    case Kind.integer, Kind.float:
      guard bytes.count - offset >= 8 else { return nil }
      let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      offset += 8
      return kind == Kind.integer ? .integer(Int64(bitPattern: bits)) : .float(Double(bitPattern: bits))
    case Kind.bytes:
      guard bytes.count - offset >= 4 else { return nil }
      let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      offset += 4
      guard bytes.count - offset >= length else { return nil }
      defer { offset += length }
      return .bytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)]))
    default: return .null
    }
  }
}
