// Looking at bytes eight at a time. The marks that `below` and `equal` make are exact up to and including
// the lowest one (a borrow only runs upwards), and only the lowest is used.
// Loads go through RawSpan, which checks bounds.

extension RawSpan {
  /// The byte at an offset.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 { unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

  /// Eight bytes from an offset, the first one lowest.
  @inline(__always)
  func word(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Four bytes from an offset, the first one lowest.
  @inline(__always)
  func halfWord(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// Two bytes from an offset, the first one lowest.
  @inline(__always)
  func pair(_ offset: Int) -> UInt16 {
    UInt16(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }
}

/// Scans for the bytes that end something in a request's head.
enum ByteScan {
  @inline(__always)
  static func below(_ word: UInt64, _ limit: UInt8) -> UInt64 {
    (word &- 0x0101_0101_0101_0101 &* UInt64(limit)) & ~word & 0x8080_8080_8080_8080
  }

  @inline(__always)
  static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
    below(word ^ (0x0101_0101_0101_0101 &* UInt64(byte)), 1)
  }

  /// The first byte of a range that is below `limit` or DEL; the range's end when there is none.
  @inline(__always)
  static func firstBelow(_ limit: UInt8, _ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    var offset = start
    while offset &+ 8 <= end {
      let word = bytes.word(offset)
      let marks = below(word, limit) | equal(word, 0x7F)
      if marks != 0 { return offset &+ marks.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < end {
      let byte = bytes.byte(offset)
      if byte < limit || byte == 0x7F { return offset }
      offset &+= 1
    }
    return end
  }

  /// The first such byte of a range, or the range's end.
  static func first(_ sought: UInt8, _ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    var offset = start
    while offset &+ 8 <= end {
      let marks = equal(bytes.word(offset), sought)
      if marks != 0 { return offset &+ marks.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < end, bytes.byte(offset) != sought { offset &+= 1 }
    return offset
  }

  /// Whether a byte may stand in a token (a method, a header's name).
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    isMember(byte, 0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)
  }

  /// Whether a byte may stand in an authority without user information: a name, an address in brackets,
  /// a port. The comma is left out: it would read as two hosts.
  @inline(__always)
  static func isAuthority(_ byte: UInt8) -> Bool {
    isMember(byte, 0x2FFF_6FF2_0000_0000, 0x47FF_FFFE_AFFF_FFFE)
  }

  /// Membership in a set of ASCII bytes, given as its lower and upper 64 bits.
  @inline(__always)
  private static func isMember(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
    let bits = byte & 0x40 == 0 ? low : high
    return byte < 0x80 && (bits >> UInt64(byte & 63)) & 1 != 0
  }
}
