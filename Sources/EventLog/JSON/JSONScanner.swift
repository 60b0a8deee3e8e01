// A strict reader of JSON (RFC 8259) over bytes: it checks and finds, and makes no values but those asked for. For
// what the event log itself must know of payloads and of its own records; what functions see is read by the runtime.
// Nothing recurses: nesting is a stack of bits.

/// Walks over one JSON text. A method that answers nil or false has met what is no JSON; the scanner is of no use
/// after that.
package struct JSONScanner {
  /// Levels. The runtime writes at most 1,000; its records put some more around a payload.
  package static let depthMax = 1_024

  let bytes: [UInt8]
  private(set) var place: Int
  private let end: Int
  private let depthMax: Int

  init(_ bytes: [UInt8], from place: Int = 0, depthMax: Int = JSONScanner.depthMax) {
    self.bytes = bytes
    self.place = place
    self.end = bytes.count
    self.depthMax = depthMax
  }

  /// Whether the bytes are one JSON text.
  package static func isValid(_ bytes: [UInt8], depthMax: Int = JSONScanner.depthMax) -> Bool {
    var scanner = JSONScanner(bytes, depthMax: depthMax)
    return scanner.skipValue() && scanner.isAtEnd()
  }

  /// Nothing but space is left.
  mutating func isAtEnd() -> Bool {
    skipSpace()
    return place == end
  }

  /// The next byte that is no space.
  mutating func peek() -> UInt8? {
    skipSpace()
    return place < end ? bytes[place] : nil
  }

  /// Takes the byte, if it is the next one that is no space.
  mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    place += 1
    return true
  }

  /// Skips one value.
  mutating func skipValue() -> Bool {
    var kinds = BitStack()
    while true {
      guard let byte = peek() else { return false }
      if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        let isObject = byte == UInt8(ascii: "{")
        place += 1
        if !take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
          guard kinds.count < depthMax else { return false }
          kinds.push(isObject)
          if isObject, !skipKey() { return false }
          continue
        }
        guard kinds.count < depthMax else { return false }
      } else if !skipScalar(byte) {
        return false
      }
      // After a value: on with its container, or out of it.
      while true {
        guard let isObject = kinds.top else { return true }
        if take(UInt8(ascii: ",")) {
          if isObject, !skipKey() { return false }
          break
        }
        guard take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
        kinds.pop()
      }
    }
  }

  /// Skips a key with its colon.
  private mutating func skipKey() -> Bool {
    guard peek() == UInt8(ascii: "\""), skipString() != nil else { return false }
    return take(UInt8(ascii: ":"))
  }

  private mutating func skipScalar(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""): skipString() != nil
    case UInt8(ascii: "t"): skipWord("true")
    case UInt8(ascii: "f"): skipWord("false")
    case UInt8(ascii: "n"): skipWord("null")
    default: skipNumber() != nil
    }
  }

  private mutating func skipWord(_ word: StaticString) -> Bool {
    guard end - place >= word.utf8CodeUnitCount else { return false }
    let matches = word.withUTF8Buffer { word in
      for offset in 0..<word.count where bytes[place + offset] != word[offset] { return false }
      return true
    }
    if matches { place += word.utf8CodeUnitCount }
    return matches
  }

  /// Skips a number; its place.
  mutating func skipNumber() -> Range<Int>? {
    let start = place
    if place < end, bytes[place] == UInt8(ascii: "-") { place += 1 }
    guard place < end else { return nil }
    if bytes[place] == UInt8(ascii: "0") {
      place += 1
    } else if !skipDigits() {
      return nil
    }
    if place < end, bytes[place] == UInt8(ascii: ".") {
      place += 1
      guard skipDigits() else { return nil }
    }
    if place < end, bytes[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      if place < end, bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-") { place += 1 }
      guard skipDigits() else { return nil }
    }
    return start..<place
  }

  private mutating func skipDigits() -> Bool {
    let start = place
    while place < end, bytes[place] &- UInt8(ascii: "0") < 10 { place += 1 }
    return place > start
  }

  @inline(__always)
  private mutating func skipSpace() {
    while place < end {
      switch bytes[place] {
      case 0x20, 0x09, 0x0A, 0x0D: place += 1
      default: return
      }
    }
  }
}

// MARK: Strings

extension JSONScanner {
  /// A string's place, without its quotes.
  struct StringPlace: Equatable {
    var range: Range<Int>
    var hasEscapes: Bool
  }

  /// Skips the string that begins at the place.
  mutating func skipString() -> StringPlace? {
    guard place < end, bytes[place] == UInt8(ascii: "\"") else { return nil }
    place += 1
    let start = place
    var hasEscapes = false
    while place < end {
      let byte = bytes[place]
      switch byte {
      case UInt8(ascii: "\""):
        defer { place += 1 }
        return StringPlace(range: start..<place, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        guard takeEscape() != nil else { return nil }
      case 0..<0x20: return nil
      case 0x20..<0x80: place += 1
      default: guard skipSequence(byte) else { return nil }
      }
    }
    return nil
  }

  /// The string's bytes, without escapes.
  func text(_ string: StringPlace) -> [UInt8] {
    guard string.hasEscapes else { return Array(bytes[string.range]) }
    var text: [UInt8] = []
    text.reserveCapacity(string.range.count)
    var scanner = JSONScanner(bytes, from: string.range.lowerBound)
    while scanner.place < string.range.upperBound {
      let byte = bytes[scanner.place]
      if byte == UInt8(ascii: "\\"), let scalar = scanner.takeEscape() {
        text.append(contentsOf: Array(Character(scalar).utf8))
      } else {
        text.append(byte)
        scanner.place += 1
      }
    }
    return text
  }

  /// Takes an escape, a pair of surrogates included.
  private mutating func takeEscape() -> Unicode.Scalar? {
    guard end - place >= 2 else { return nil }
    let letter = bytes[place + 1]
    place += 2
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: return nil
    }
    guard let first = takeHex() else { return nil }
    guard first & 0xFC00 == 0xD800 else { return Unicode.Scalar(first) }
    guard end - place >= 2, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") else {
      return nil
    }
    place += 2
    guard let second = takeHex(), second & 0xFC00 == 0xDC00 else { return nil }
    return Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
  }

  private mutating func takeHex() -> UInt32? {
    guard end - place >= 4 else { return nil }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch bytes[place] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[place] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[place] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[place] - UInt8(ascii: "A") + 10
      default: return nil
      }
      value = value << 4 | UInt32(digit)
      place += 1
    }
    return value
  }

  /// Skips a UTF-8 sequence of two to four bytes (RFC 3629).
  private mutating func skipSequence(_ lead: UInt8) -> Bool {
    let count: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: count = 2
    case 0xE0...0xEF:
      count = 3
      if lead == 0xE0 { second = 0xA0...0xBF }
      if lead == 0xED { second = 0x80...0x9F }
    case 0xF0...0xF4:
      count = 4
      if lead == 0xF0 { second = 0x90...0xBF }
      if lead == 0xF4 { second = 0x80...0x8F }
    default: return false
    }
    guard end - place >= count, second.contains(bytes[place + 1]) else { return false }
    for offset in 2..<count where bytes[place + offset] & 0xC0 != 0x80 { return false }
    place += count
    return true
  }
}

/// Kinds of open containers: 64 of them stand in one word.
private struct BitStack {
  private var word: UInt64 = 0
  private var words: [UInt64] = []
  private(set) var count = 0

  var top: Bool? { count == 0 ? nil : word & 1 == 1 }

  mutating func push(_ bit: Bool) {
    if count > 0, count % 64 == 0 {
      words.append(word)
      word = 0
    }
    word = word << 1 | (bit ? 1 : 0)
    count += 1
  }

  mutating func pop() {
    word >>= 1
    count -= 1
    if count > 0, count % 64 == 0 { word = words.popLast() ?? 0 }
  }
}
