// Bytes for values and back. Reading checks every length before it is used, so that even a file whose
// signature holds can at worst be refused.

/// Appends values to a buffer.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// Seven bits a byte, the lowest first; small numbers take one.
  mutating func number(_ value: Int) {
    var rest = UInt64(bitPattern: Int64(value))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

  mutating func data(_ value: [UInt8]) {
    number(value.count)
    bytes.append(contentsOf: value)
  }

  mutating func text(_ value: String) {
    number(value.utf8.count)
    bytes.append(contentsOf: value.utf8)
  }

  mutating func list<Element>(_ values: [Element], _ write: (inout Self, Element) -> Void) {
    number(values.count)
    for value in values { write(&self, value) }
  }

  mutating func optional<Value>(_ value: Value?, _ write: (inout Self, Value) -> Void) {
    flag(value != nil)
    if let value { write(&self, value) }
  }
}

/// Takes values from a buffer.
struct ByteReader {
  /// The bytes are not what was written.
  struct Malformed: Error {}

  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func number() throws(Malformed) -> Int {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < bytes.count, shift < 64 {
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int(truncatingIfNeeded: value) }
      shift += 7
    }
    throw Malformed()
  }

  mutating func flag() throws(Malformed) -> Bool {
    guard offset < bytes.count, bytes[offset] < 2 else { throw Malformed() }
    offset += 1
    return bytes[offset - 1] == 1
  }

  private mutating func run() throws(Malformed) -> Range<Int> {
    let count = try number()
    guard count >= 0, count <= bytes.count - offset else { throw Malformed() }
    offset += count
    return (offset - count)..<offset
  }

  mutating func data() throws(Malformed) -> [UInt8] { Array(bytes[try run()]) }

  mutating func text() throws(Malformed) -> String { String(decoding: bytes[try run()], as: UTF8.self) }

  mutating func list<Element>(
    _ read: (inout Self) throws(Malformed) -> Element
  ) throws(Malformed) -> [Element] {
    let count = try number()
    // Every element takes at least a byte.
    guard count >= 0, count <= min(bytes.count - offset, CompilerLimits.cacheListMax) else {
      throw Malformed()
    }
    var values: [Element] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try read(&self)) }
    return values
  }

  mutating func optional<Value>(
    _ read: (inout Self) throws(Malformed) -> Value
  ) throws(Malformed) -> Value? {
    try flag() ? try read(&self) : nil
  }
}
