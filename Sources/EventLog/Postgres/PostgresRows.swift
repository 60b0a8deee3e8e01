// Rows of a result in binary form. Unsafe: `raw` is libpq's result, owned here and freed with the object; a value
// is read only after its length was checked.

import CPostgres

/// The rows that a statement gave. On the thread of its session.
final class PostgresRows {
  private let raw: OpaquePointer?

  /// - Parameter raw: Owned from here on; nil for no rows.
  init(_ raw: OpaquePointer?) { self.raw = raw }

  deinit { if let raw { spacer_pq_clear(raw) } }

  var count: Int { raw.map { Int(spacer_pq_ntuples($0)) } ?? 0 }

  /// Nil for NULL, and for a place that does not exist.
  private func value(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
    guard let raw, row >= 0, row < count, column >= 0, column < Int(spacer_pq_nfields(raw)),
      spacer_pq_getisnull(raw, Int32(row), Int32(column)) == 0,
      let start = spacer_pq_getvalue(raw, Int32(row), Int32(column))
    else { return nil }
    return UnsafeRawBufferPointer(
      start: start, count: Int(spacer_pq_getlength(raw, Int32(row), Int32(column))))
  }

  /// A number of 2, 4 or 8 bytes.
  func number(_ row: Int, _ column: Int) -> Int64? {
    guard let value = value(row, column) else { return nil }
    switch value.count {
    case 8: return Int64(bigEndian: value.loadUnaligned(as: Int64.self))
    case 4: return Int64(Int32(bigEndian: value.loadUnaligned(as: Int32.self)))
    case 2: return Int64(Int16(bigEndian: value.loadUnaligned(as: Int16.self)))
    default: return nil
    }
  }

  func flag(_ row: Int, _ column: Int) -> Bool { value(row, column)?.first == 1 }
  func bytes(_ row: Int, _ column: Int) -> [UInt8]? { value(row, column).map { Array($0) } }
  func text(_ row: Int, _ column: Int) -> String? {
    value(row, column).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A `timestamptz` in milliseconds since 1970.
  func time(_ row: Int, _ column: Int) -> Int64? {
    guard let microseconds = number(row, column) else { return nil }
    // PostgreSQL counts from 2000; infinity is the end of the range.
    return microseconds / 1_000 &+ 946_684_800_000
  }
}
