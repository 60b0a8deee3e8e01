// Names and decoded strings by number: an open hash table over bytes, so that the parser compares and
// indexes integers and makes no String.
//
// Invariants: `slots` has a power of two entries, is never more than half full, and holds index + 1, 0 for
// free; the keywords, `_ENV`, `self`, then the well-known names are entered first, in this order.

/// Byte strings by number, one behind the other in one array.
package struct StringTable: Sendable {
  private var content: [UInt8] = []
  private var ends: [UInt32] = []

  package init() {}

  package var count: Int { ends.count }

  package subscript(index: Int) -> ArraySlice<UInt8> { content[start(of: index)..<Int(ends[index])] }

  @inline(__always)
  private func start(of index: Int) -> Int { index == 0 ? 0 : Int(ends[index - 1]) }

  mutating func append(_ bytes: ArraySlice<UInt8>) {
    content.append(contentsOf: bytes)
    ends.append(UInt32(truncatingIfNeeded: content.count))
  }

  /// Whether the string at `index` is `bytes[start..<end]`.
  @inline(__always)
  func matches(_ index: Int, _ bytes: [UInt8], _ start: Int, _ end: Int) -> Bool {
    let first = self.start(of: index)
    let count = end - start
    guard Int(ends[index]) - first == count else { return false }
    var offset = 0
    while offset < count {
      if content[first + offset] != bytes[start + offset] { return false }
      offset += 1
    }
    return true
  }
}

struct Interner: Sendable {
  private(set) var strings = StringTable()
  private var hashes: [UInt32] = []
  private var slots = [UInt32](repeating: 0, count: 512)

  static let environmentName = UInt32(TokenKind.keywordCount)
  static let selfName = UInt32(TokenKind.keywordCount + 1)

  /// A table that knows the fixed names; a copy of it starts each file.
  static let initial: Interner = {
    var interner = Interner()
    for keyword in TokenKind.keywords { _ = interner.intern(Array(keyword.utf8)) }
    _ = interner.intern(Array("_ENV".utf8))
    _ = interner.intern(Array("self".utf8))
    for name in WellKnownNames.all { _ = interner.intern(Array(name.utf8)) }
    return interner
  }()

  static let hashStart: UInt32 = 2_166_136_261

  @inline(__always)
  static func hash(_ hash: UInt32, adding byte: UInt8) -> UInt32 { (hash ^ UInt32(byte)) &* 16_777_619 }

  mutating func intern(_ content: [UInt8]) -> UInt32 {
    var hash = Self.hashStart
    for byte in content { hash = Self.hash(hash, adding: byte) }
    return intern(content, 0, content.count, hash: hash)
  }

  /// Interns `bytes[start..<end]`, whose hash is `hash`.
  @inline(__always)
  mutating func intern(_ bytes: [UInt8], _ start: Int, _ end: Int, hash: UInt32) -> UInt32 {
    let mask = slots.count - 1
    var slot = Int(hash ^ (hash >> 15)) & mask
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if hashes[index] == hash, strings.matches(index, bytes, start, end) { return UInt32(index) }
      slot = (slot + 1) & mask
    }
    return enter(bytes[start..<end], hash: hash, slot: slot)
  }

  private mutating func enter(_ bytes: ArraySlice<UInt8>, hash: UInt32, slot: Int) -> UInt32 {
    let index = UInt32(strings.count)
    strings.append(bytes)
    hashes.append(hash)
    slots[slot] = index + 1
    if strings.count * 2 > slots.count { grow() }
    return index
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    let mask = slots.count - 1
    for (index, hash) in hashes.enumerated() {
      var slot = Int(hash ^ (hash >> 15)) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = UInt32(index) + 1
    }
  }
}
