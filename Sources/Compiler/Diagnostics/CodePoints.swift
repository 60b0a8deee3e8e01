// UTF-8 as it comes from a user's file: mostly valid, never trusted.

/// Decoding that gives one unit per code point and one per byte that belongs to none.
enum CodePoints {
  /// The code point at `offset` and its length in bytes; nil with length 1 where the bytes are no UTF-8.
  static func decode(_ bytes: [UInt8], at offset: Int, limit: Int) -> (scalar: Unicode.Scalar?, length: Int) {
    let first = bytes[offset]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let length: Int
    var value: UInt32
    switch first {
    case 0xC2...0xDF: (length, value) = (2, UInt32(first & 0x1F))
    case 0xE0...0xEF: (length, value) = (3, UInt32(first & 0x0F))
    case 0xF0...0xF4: (length, value) = (4, UInt32(first & 0x07))
    default: return (nil, 1)
    }
    guard offset + length <= limit else { return (nil, 1) }
    for index in (offset + 1)..<(offset + length) {
      guard bytes[index] & 0xC0 == 0x80 else { return (nil, 1) }
      value = value << 6 | UInt32(bytes[index] & 0x3F)
    }
    let smallest: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000
    // The initialiser refuses surrogates and what lies beyond U+10FFFF.
    guard value >= smallest, let scalar = Unicode.Scalar(value) else { return (nil, 1) }
    return (scalar, length)
  }

  /// How many units `range` of `bytes` holds.
  static func count(_ bytes: [UInt8], in range: Range<Int>) -> Int {
    var offset = range.lowerBound
    var count = 0
    while offset < range.upperBound {
      offset += decode(bytes, at: offset, limit: range.upperBound).length
      count += 1
    }
    return count
  }
}
