// Looking at bytes sixteen at a time. A block may reach behind the range that is asked about, as long as
// it lies within the bytes: what it finds there is cut off. The end of the bytes is walked one by one.
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
  typealias Block = SIMD16<UInt8>
  typealias Marks = SIMDMask<SIMD16<Int8>>

  @inline(__always)
  static func block(_ bytes: RawSpan, _ offset: Int) -> Block {
    bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Block.self)
  }

  /// The first marked lane, 16 when there is none.
  @inline(__always)
  static func first(_ marks: Marks) -> Int {
    let halves = unsafeBitCast(marks, to: SIMD2<UInt64>.self)
    if halves[0] != 0 { return halves[0].trailingZeroBitCount / 8 }
    return halves[1] != 0 ? 8 &+ halves[1].trailingZeroBitCount / 8 : 16
  }

  /// The first byte of a range that a test marks; the range's end when there is none. The two forms of
  /// the test must agree.
  @inline(__always)
  private static func first(
    _ bytes: RawSpan, from start: Int, to end: Int, _ marks: (Block) -> Marks, _ isMarked: (UInt8) -> Bool
  ) -> Int {
    var offset = start
    while offset < end, offset &+ 16 <= bytes.byteCount {
      let lane = first(marks(block(bytes, offset)))
      if lane < 16 { return min(offset &+ lane, end) }
      offset &+= 16
    }
    while offset < end, !isMarked(bytes.byte(offset)) { offset &+= 1 }
    return min(offset, end)
  }

  /// The first byte that is below `limit` or DEL.
  @inline(__always)
  static func firstBelow(_ limit: UInt8, _ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    first(bytes, from: start, to: end) {
      ($0 .< Block(repeating: limit)) .| ($0 .== Block(repeating: 0x7F))
    } _: {
      $0 < limit || $0 == 0x7F
    }
  }

  /// The first such byte.
  @inline(__always)
  static func first(_ sought: UInt8, _ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    first(bytes, from: start, to: end) {
      $0 .== Block(repeating: sought)
    } _: {
      $0 == sought
    }
  }

  /// Where the letters, digits and hyphens end, of which names mostly are.
  @inline(__always)
  static func plainEnd(_ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    first(bytes, from: start, to: end) { block in
      let isLetter = ((block | 0x20) &- 0x61) .< Block(repeating: 26)
      let isDigit = (block &- 0x30) .< Block(repeating: 10)
      return .!(isLetter .| isDigit .| (block .== Block(repeating: 0x2D)))
    } _: { byte in
      (byte | 0x20) &- 0x61 >= 26 && byte &- 0x30 >= 10 && byte != 0x2D
    }
  }

  /// Where the letters, digits, hyphens and dots end, of which hosts mostly are.
  @inline(__always)
  static func plainHostEnd(_ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    first(bytes, from: start, to: end) { block in
      let isLetter = ((block | 0x20) &- 0x61) .< Block(repeating: 26)
      let isDigit = (block &- 0x30) .< Block(repeating: 10)
      return .!(isLetter .| isDigit .| ((block &- 0x2D) .< Block(repeating: 2)))
    } _: { byte in
      (byte | 0x20) &- 0x61 >= 26 && byte &- 0x30 >= 10 && byte &- 0x2D >= 2
    }
  }

  /// Where the token ends.
  @inline(__always)
  static func tokenEnd(_ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    var offset = start
    while true {
      offset = plainEnd(bytes, from: offset, to: end)
      guard offset < end, isToken(bytes.byte(offset)) else { return offset }
      offset &+= 1
    }
  }

  /// The first byte of a path that ends it or makes it unusual: `?`, `#`, `%`, or a slash before a slash
  /// or a dot.
  @inline(__always)
  static func firstInPath(_ bytes: RawSpan, from start: Int, to end: Int) -> Int {
    var offset = start
    while offset < end, offset &+ 17 <= bytes.byteCount {
      let here = block(bytes, offset)
      let next = block(bytes, offset &+ 1)
      let isPair =
        (here .== Block(repeating: 0x2F))
        .& ((next .== Block(repeating: 0x2F)) .| (next .== Block(repeating: 0x2E)))
      let isOne =
        (here .== Block(repeating: 0x3F)) .| (here .== Block(repeating: 0x23))
        .| (here .== Block(repeating: 0x25))
      let lane = first(isPair .| isOne)
      if lane < 16 { return min(offset &+ lane, end) }
      offset &+= 16
    }
    while offset < end {
      switch bytes.byte(offset) {
      case 0x3F, 0x23, 0x25: return offset
      case 0x2F
      where offset &+ 1 < end && (bytes.byte(offset &+ 1) == 0x2F || bytes.byte(offset &+ 1) == 0x2E):
        return offset
      default: offset &+= 1
      }
    }
    return end
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
