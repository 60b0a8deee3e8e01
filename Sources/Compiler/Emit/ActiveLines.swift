// The lines of a module that can run, out of its bytecode: those with an instruction. A function's last instruction,
// the return that Lua adds at its `end`, counts for none: one that returned before never comes there.
//
// The layout read here is that of ldump.c in Lua 5.4, as in `BytecodeRewriter`; every length is checked.

/// Finds the lines that a line hook can report.
package struct ActiveLines {
  private struct Malformed: Error {}

  /// `\x1bLua` up to the number that ends the header.
  private static let headerBytes = 31
  private static let depthMax = 220
  /// Stands in the line table where the line itself follows elsewhere (ABSLINEINFO).
  private static let absolute: Int8 = -128

  private let input: [UInt8]
  private var offset = 0
  private var lines: Set<Int> = []

  /// The lines of a chunk, ascending; none of one that cannot be read.
  package static func lines(of chunk: [UInt8]) -> [Int] {
    var reader = ActiveLines(chunk)
    do throws(Malformed) {
      try reader.skip(headerBytes + 1)
      try reader.function(depth: 0)
    } catch {
      return []
    }
    return reader.lines.sorted()
  }

  private init(_ input: [UInt8]) { self.input = input }

  private mutating func function(depth: Int) throws(Malformed) {
    guard depth < Self.depthMax else { throw Malformed() }
    try string()
    let firstLine = try size()
    _ = try size()
    let isVararg = offset + 1 < input.count && input[offset + 1] != 0
    try skip(3)
    try skip(try count(bytesEachMin: 4) * 4)
    for _ in 0..<(try count(bytesEachMin: 1)) { try constant() }
    try skip(try count(bytesEachMin: 3) * 3)
    for _ in 0..<(try count(bytesEachMin: 1)) { try function(depth: depth + 1) }
    let relative = try count(bytesEachMin: 1)
    let start = offset
    try skip(relative)
    var absoluteLines: [Int: Int] = [:]
    for _ in 0..<(try count(bytesEachMin: 2)) {
      let instruction = try size()
      absoluteLines[instruction] = try size()
    }
    var line = firstLine
    for instruction in 0..<relative {
      let step = Int8(bitPattern: input[start + instruction])
      line = step == Self.absolute ? absoluteLines[instruction] ?? line : line + Int(step)
      // The first of a vararg function prepares the arguments, before any line.
      if isVararg && instruction == 0 || instruction == relative - 1 { continue }
      lines.insert(line)
    }
    for _ in 0..<(try count(bytesEachMin: 3)) {
      try string()
      _ = try size()
      _ = try size()
    }
    for _ in 0..<(try count(bytesEachMin: 1)) { try string() }
  }

  private mutating func constant() throws(Malformed) {
    let tag = input.indices.contains(offset) ? input[offset] : 0xFF
    try skip(1)
    switch tag {
    case 0x00, 0x01, 0x11: break
    case 0x03, 0x13: try skip(8)
    case 0x04, 0x14: try string()
    default: throw Malformed()
    }
  }

  private mutating func skip(_ bytes: Int) throws(Malformed) {
    guard bytes >= 0, bytes <= input.count - offset else { throw Malformed() }
    offset += bytes
  }

  private mutating func size() throws(Malformed) -> Int {
    var value = 0
    while offset < input.count {
      let byte = input[offset]
      offset += 1
      guard value < 1 << 48 else { throw Malformed() }
      value = value << 7 | Int(byte & 0x7F)
      if byte & 0x80 != 0 { return value }
    }
    throw Malformed()
  }

  private mutating func count(bytesEachMin: Int) throws(Malformed) -> Int {
    let value = try size()
    guard value <= (input.count - offset) / bytesEachMin else { throw Malformed() }
    return value
  }

  private mutating func string() throws(Malformed) { try skip(max(try size() - 1, 0)) }
}
