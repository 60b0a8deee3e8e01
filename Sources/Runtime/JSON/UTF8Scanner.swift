// UTF-8 validity (RFC 3629) over raw bytes, eight at a time while they are ASCII.
// Unsafe loads stay within the buffer's bounds, which every loop checks.

/// Scans for bytes that are no UTF-8.
package enum UTF8Scanner {
  /// The offset of the first byte of an invalid sequence, or nil when all of `bytes` is UTF-8.
  package static func firstInvalid(in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
    var offset = start
    let count = bytes.count
    while offset < count {
      while offset &+ 8 <= count {
        let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        if word & 0x8080_8080_8080_8080 != 0 { break }
        offset &+= 8
      }
      if offset >= count { return nil }
      if bytes[offset] < 0x80 {
        offset &+= 1
        continue
      }
      let length = sequenceLength(bytes, offset)
      if length == 0 { return offset }
      offset &+= length
    }
    return nil
  }

  /// The length of the sequence of two to four bytes that begins at `offset`, 0 when it is invalid.
  @inline(__always)
  static func sequenceLength(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
    let lead = bytes[offset]
    let left = bytes.count - offset
    func continues(_ distance: Int) -> Bool { bytes[offset + distance] & 0xC0 == 0x80 }
    switch lead {
    case 0xC2...0xDF:
      return left >= 2 && continues(1) ? 2 : 0
    case 0xE0...0xEF:
      guard left >= 3, continues(1), continues(2) else { return 0 }
      let second = bytes[offset + 1]
      if lead == 0xE0 && second < 0xA0 { return 0 }
      if lead == 0xED && second > 0x9F { return 0 }
      return 3
    case 0xF0...0xF4:
      guard left >= 4, continues(1), continues(2), continues(3) else { return 0 }
      let second = bytes[offset + 1]
      if lead == 0xF0 && second < 0x90 { return 0 }
      if lead == 0xF4 && second > 0x8F { return 0 }
      return 4
    default:
      return 0
    }
  }
}
