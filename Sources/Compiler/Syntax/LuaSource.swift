// What surrounds the tokens of a Lua file: the part that no Lua parser sees, and lines.
//
// A line ends with LF, CR, CRLF or LFCR, as the VM counts them.

/// Questions about a Lua file's bytes that need no parser.
package enum LuaSource {
  /// Where the Lua text of a file begins: after a UTF-8 byte order mark, and after a first line that begins
  /// with `#`, whose line end is kept so that line numbers stay right.
  ///
  /// These are the bytes to hand to the VM, which itself knows neither.
  package static func body(of bytes: [UInt8]) -> Int {
    var start = 0
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
    guard start < bytes.count, bytes[start] == UInt8(ascii: "#") else { return start }
    while start < bytes.count, bytes[start] != UInt8(ascii: "\n") { start += 1 }
    return start
  }

  /// The 1-based line of the byte at `offset`; linear in `offset`.
  package static func line(of offset: Int, in bytes: [UInt8]) -> Int {
    1 + lineEnds(from: 0, to: offset, in: bytes)
  }

  /// How many lines end before `end`, counted from `start`, which is not inside a line's end of two bytes.
  static func lineEnds(from start: Int, to end: Int, in bytes: [UInt8]) -> Int {
    var count = 0
    var position = start
    let end = min(end, bytes.count)
    while position < end {
      let byte = bytes[position]
      position += 1
      guard isLineEnd(byte) else { continue }
      if position < bytes.count, bytes[position] != byte, isLineEnd(bytes[position]) { position += 1 }
      if position <= end { count += 1 }
    }
    return count
  }

  /// Whether a line ends between the two offsets.
  static func spansLines(_ start: Int, _ end: Int, in bytes: [UInt8]) -> Bool {
    start < end && bytes[start..<min(end, bytes.count)].contains(where: isLineEnd)
  }

  static func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
