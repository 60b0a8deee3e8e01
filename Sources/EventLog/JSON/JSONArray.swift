/// The elements of a JSON array.
enum JSONArray {
  /// Each element's JSON; nil for what is no array.
  static func elements(_ bytes: [UInt8]) -> [[UInt8]]? {
    var scanner = JSONScanner(bytes)
    var elements: [[UInt8]] = []
    guard scanner.take(UInt8(ascii: "[")) else { return nil }
    if !scanner.take(UInt8(ascii: "]")) {
      repeat {
        guard scanner.peek() != nil else { return nil }
        let start = scanner.place
        guard scanner.skipValue() else { return nil }
        elements.append(Array(bytes[start..<scanner.place]))
      } while scanner.take(UInt8(ascii: ","))
      guard scanner.take(UInt8(ascii: "]")) else { return nil }
    }
    return scanner.isAtEnd() ? elements : nil
  }
}
