// Builds little-endian bytes. Offsets are patched in after what they point to has been placed.

/// A growing array of little-endian values.
struct ByteBuilder {
  private(set) var bytes: [UInt8] = []

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  var count: Int { bytes.count }

  /// Makes room, so that a large content is not moved while it grows.
  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  mutating func append(_ value: some FixedWidthInteger & UnsignedInteger) {
    var rest = value
    for _ in 0..<(value.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest = rest >> 8
    }
  }

  mutating func append(contentsOf other: some Sequence<UInt8>) {
    bytes.append(contentsOf: other)
  }

  mutating func appendZeros(_ count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count))
  }

  /// Pads with zeros to a multiple of `alignment`, a power of two.
  mutating func align(to alignment: Int) {
    appendZeros((alignment - bytes.count % alignment) % alignment)
  }

  /// Overwrites the bytes at `offset`, which must exist already.
  mutating func set(_ value: some FixedWidthInteger & UnsignedInteger, at offset: Int) {
    var rest = value
    for index in 0..<(value.bitWidth / 8) {
      bytes[offset + index] = UInt8(truncatingIfNeeded: rest)
      rest = rest >> 8
    }
  }

  /// Adds to the 32-bit value at `offset`, which must exist already: turns a relative offset into one that
  /// counts from the beginning.
  mutating func add(_ value: UInt32, at offset: Int) {
    let old = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    set(old + value, at: offset)
  }
}

extension Array<UInt8> {
  /// Byte order, the order of every sorted list in the format.
  static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.lexicographicallyPrecedes(b) }
}
