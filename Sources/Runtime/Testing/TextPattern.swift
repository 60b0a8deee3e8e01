// Texts with `*` for any part: what `--filter` and the stand-ins of tests are found by.

/// A pattern over bytes.
struct TextPattern {
  private let parts: [[UInt8]]

  init(_ text: some Sequence<UInt8>) {
    parts = Array(text).split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
  }

  /// Whether the whole text fits.
  func matches(_ text: [UInt8]) -> Bool {
    guard let first = parts.first, let last = parts.last else { return true }
    guard parts.count > 1 else { return text == first }
    guard text.count >= first.count + last.count, text.starts(with: first) else { return false }
    let end = text.count - last.count
    guard text[end...].elementsEqual(last) else { return false }
    var place = first.count
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      // The first place is as good as any: what follows has most room.
      guard let found = Self.find(part, in: text, from: place, to: end) else { return false }
      place = found + part.count
    }
    return true
  }

  private static func find(_ part: [UInt8], in text: [UInt8], from start: Int, to end: Int) -> Int? {
    var place = start
    while place + part.count <= end {
      if text[place..<(place + part.count)].elementsEqual(part) { return place }
      place += 1
    }
    return nil
  }
}
