// A path read in words. Memory is safe because every word lies within the path: one that would go past its
// end is read further ahead and shifted, and a path shorter than a word is copied into one first.

import CXXHash

/// The bytes of a path that begins with a slash.
struct PathWords {
  private let base: UnsafeRawPointer
  /// The path's length in bytes.
  let count: Int
  /// Where the last whole word begins; 0 for a path that was copied.
  private let lastWord: Int

  private static let slash = UInt8(ascii: "/")

  /// Calls `body` with a path, or returns nil when it does not begin with a slash.
  @inline(__always)
  static func with<Result>(
    _ path: UnsafeRawBufferPointer, _ body: (PathWords) -> Result
  ) -> Result? {
    guard let base = path.baseAddress, path.count > 0, path.count <= Int(Int32.max),
      base.load(as: UInt8.self) == slash
    else { return nil }
    if path.count >= 8 {
      return body(PathWords(base: base, count: path.count, lastWord: path.count &- 8))
    }
    let word = shortWord(base, path.count)
    return withUnsafeBytes(of: word) { copy in
      copy.baseAddress.map { body(PathWords(base: $0, count: path.count, lastWord: 0)) }
    }
  }

  /// The bytes of a path of 1 to 7 bytes; the parts overlap.
  @inline(__always)
  private static func shortWord(_ base: UnsafeRawPointer, _ count: Int) -> UInt64 {
    if count >= 4 {
      let last = UInt64(base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      let first = UInt64(base.loadUnaligned(as: UInt32.self))
      return first | last &<< UInt64(truncatingIfNeeded: (count &- 4) &* 8)
    }
    let at = { (offset: Int) in
      UInt64(base.load(fromByteOffset: offset, as: UInt8.self)) &<< UInt64(truncatingIfNeeded: offset &* 8)
    }
    return at(0) | at(count / 2) | at(count &- 1)
  }

  /// The path's end without a trailing slash, which never matters.
  var endWithoutSlash: Int {
    base.load(fromByteOffset: count - 1, as: UInt8.self) == Self.slash ? count - 1 : count
  }

  // MARK: Slashes

  /// A bit for each slash of a path of at most 64 bytes, and one for its end if that is below 64.
  @inline(__always)
  func slashes64() -> UInt64 {
    let end: UInt64 = count < 64 ? 1 &<< UInt64(truncatingIfNeeded: count) : 0
    if count > 16 {
      // Blocks may overlap: a slash found twice sets the same bit.
      var result = block(0) | block(count &- 16) | end
      if count > 32 { result |= block(16) | block(min(32, count &- 16)) }
      return result
    }
    return wordSlashes(0) | wordSlashes(lastWord) | end
  }

  @inline(__always)
  private func block(_ offset: Int) -> UInt64 {
    spacer_byte_mask(base + offset, Self.slash) &<< UInt64(truncatingIfNeeded: offset)
  }

  @inline(__always)
  private func wordSlashes(_ offset: Int) -> UInt64 {
    let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    let equal = Self.equal(word, Self.slash)
    // The bits gathered in the highest byte.
    return (((equal &>> 7) &* 0x0102_0408_1020_4080) &>> 56) &<< UInt64(truncatingIfNeeded: offset)
  }

  /// The first slash at or after `start`, or the path's end.
  func slash(from start: Int) -> Int {
    var offset = start
    while offset + 16 <= count {
      let mask = spacer_byte_mask(base + offset, Self.slash)
      if mask != 0 { return offset + mask.trailingZeroBitCount }
      offset += 16
    }
    while offset < count, base.load(fromByteOffset: offset, as: UInt8.self) != Self.slash { offset += 1 }
    return offset
  }

  // MARK: Normal form

  /// Whether the path holds a percent sign, a NUL, or a slash before a slash or a dot.
  @inline(__always)
  var hasSpecial: Bool {
    guard count >= 16 else {
      // A path below 8 bytes was copied, and the bytes after it are zero.
      return hasSpecial(inWord: 0, bytes: min(count, 8))
        || (count > 8 && hasSpecial(inWord: lastWord, bytes: 8))
    }
    // Neighbouring blocks share a byte, so that each pair of bytes lies in one of them.
    var offset = 0
    while offset &+ 16 < count {
      if hasSpecial(inBlock: offset) { return true }
      offset &+= 15
    }
    return hasSpecial(inBlock: count &- 16)
  }

  @inline(__always)
  private func hasSpecial(inBlock offset: Int) -> Bool {
    let block = base + offset
    let slashes = spacer_byte_mask(block, Self.slash)
    let follows = slashes | spacer_byte_mask(block, UInt8(ascii: "."))
    let others = spacer_byte_mask(block, UInt8(ascii: "%")) | spacer_byte_mask(block, 0)
    return others | (slashes &<< 1 & follows) != 0
  }

  @inline(__always)
  private func hasSpecial(inWord offset: Int, bytes: Int) -> Bool {
    let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    let inside = ~0 &>> UInt64(truncatingIfNeeded: (8 &- bytes) &* 8)
    let slashes = Self.equal(word, Self.slash)
    let follows = slashes | Self.equal(word, UInt8(ascii: "."))
    let others = (Self.equal(word, UInt8(ascii: "%")) | Self.equal(word, 0)) & inside
    return others | (slashes &<< 8 & follows) != 0
  }

  /// 0x80 in each byte of a word that equals `byte`, exactly.
  @inline(__always)
  private static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
    return ~(((difference & low) &+ low) | difference | low)
  }

  // MARK: Segments

  /// The key of the bytes `start..<end`, of which there is at least one.
  @inline(__always)
  func key(_ start: Int, _ end: Int) -> SegmentKey {
    let length = end &- start
    let missing = UInt64(truncatingIfNeeded: max(8 &- length, 0) &* 8)
    let first = min(start, lastWord)
    let word = base.loadUnaligned(fromByteOffset: first, as: UInt64.self)
    let low = (word &>> UInt64(truncatingIfNeeded: (start &- first) &* 8)) & (~0 &>> missing)
    // The first word again when there is no second.
    let isLong = length > 8
    let last = base.loadUnaligned(fromByteOffset: isLong ? end &- 8 : 0, as: UInt64.self)
    return SegmentKey(low: low, high: isLong ? last : 0)
  }

  /// Whether a text longer than 16 bytes equals the path's bytes at `start` between its first and last eight.
  @inline(never)
  func hasMiddle(_ text: UnsafeRawPointer, _ start: Int, _ length: Int) -> Bool {
    for index in 8..<(length - 8)
    where text.load(fromByteOffset: index, as: UInt8.self)
      != base.load(fromByteOffset: start + index, as: UInt8.self)
    {
      return false
    }
    return true
  }
}
