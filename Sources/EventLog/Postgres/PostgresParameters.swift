// Parameters of a statement in PostgreSQL's binary form, and rows as they come back. Numbers are big-endian, text
// is its bytes, an array is: dimensions (1), has NULLs (0 or 1), type, count, lower bound (1), then each element
// with its length in front, -1 for NULL.

struct PostgresParameters {
  private enum ElementType: Int32 {
    case text = 25
    case bigint = 20
    case int = 23
  }

  /// Begins with a byte that belongs to no value, so that an empty value has an address.
  private(set) var bytes: [UInt8] = [0]
  /// Where the values lie; nil for NULL.
  private(set) var places: [(offset: Int, count: Int)?] = []

  init() {}

  mutating func add(_ value: Int64) { addValue { $0.append(big: UInt64(bitPattern: value)) } }
  mutating func add(_ value: Int32) { addValue { $0.append(big: UInt32(bitPattern: value)) } }
  mutating func add(_ value: String) { addValue { $0 += value.utf8 } }
  mutating func add(_ value: [UInt8]) { addValue { $0 += value } }
  mutating func addNull() { places.append(nil) }

  mutating func addTexts(_ values: some Collection<String>) {
    array(.text, values.count, hasNulls: false) { bytes in
      for value in values { bytes.appendElement(value.utf8) }
    }
  }

  mutating func addTexts<Bytes: Collection<UInt8>>(_ values: some Collection<Bytes>) {
    array(.text, values.count, hasNulls: false) { bytes in
      for value in values { bytes.appendElement(value) }
    }
  }

  /// An empty array when all are nil: what `unnest` pads with NULL.
  mutating func addOptionalTexts(_ values: some Collection<String?>) {
    guard values.contains(where: { $0 != nil }) else { return array(.text, 0, hasNulls: false) { _ in } }
    array(.text, values.count, hasNulls: true) { bytes in
      for value in values {
        if let value { bytes.appendElement(value.utf8) } else { bytes.append(big: UInt32.max) }
      }
    }
  }

  mutating func addTraces(_ values: some Collection<TraceParent?>) {
    array(.text, values.count, hasNulls: true) { bytes in
      for value in values {
        if let value { value.withBytes { bytes.appendElement($0) } } else { bytes.append(big: UInt32.max) }
      }
    }
  }

  mutating func addNumbers(_ values: some Collection<Int64>) {
    array(.bigint, values.count, hasNulls: false) { bytes in
      for value in values {
        bytes.append(big: UInt32(8))
        bytes.append(big: UInt64(bitPattern: value))
      }
    }
  }

  mutating func addNumbers(_ values: some Collection<Int32>) {
    array(.int, values.count, hasNulls: false) { bytes in
      for value in values {
        bytes.append(big: UInt32(4))
        bytes.append(big: UInt32(bitPattern: value))
      }
    }
  }

  private mutating func addValue(_ write: (inout [UInt8]) -> Void) {
    let offset = bytes.count
    write(&bytes)
    places.append((offset, bytes.count - offset))
  }

  private mutating func array(
    _ type: ElementType, _ count: Int, hasNulls: Bool, _ write: (inout [UInt8]) -> Void
  ) {
    addValue { bytes in
      bytes.append(big: UInt32(count == 0 ? 0 : 1))
      bytes.append(big: UInt32(hasNulls ? 1 : 0))
      bytes.append(big: UInt32(bitPattern: type.rawValue))
      guard count > 0 else { return }
      bytes.append(big: UInt32(truncatingIfNeeded: count))
      bytes.append(big: UInt32(1))
      write(&bytes)
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(big value: UInt32) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  fileprivate mutating func append(big value: UInt64) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  fileprivate mutating func appendElement(_ value: some Collection<UInt8>) {
    append(big: UInt32(truncatingIfNeeded: value.count))
    append(contentsOf: value)
  }
}
