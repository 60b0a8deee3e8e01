// Rewrites a Lua 5.4 binary chunk for `--release`: the records of local variables go, everything that error
// messages use of the rest stays (source name, line tables, upvalue names). Lua's own stripping would drop
// all of it.
//
// The layout read here is that of ldump.c in Lua 5.4: a header, then functions nested by their position.
// The input is the compiler's own output, still every length is checked before it is used.

/// Walks a binary chunk and copies it, without the records of locals where asked.
struct BytecodeRewriter {
  /// The chunk is not one of this Lua release, or damaged, at a byte offset.
  struct Malformed: Error, Equatable {
    var offset: Int
  }

  /// What to leave out.
  enum Mode {
    /// Copies everything: for tests, that reading and writing agree.
    case identity
    case withoutLocals
  }

  /// `\x1bLua`, version 5.4, format 0, the text-mode check, sizes of an instruction, integer and number,
  /// then the integer 0x5678 and the number 370.5 as they lie in memory.
  private static let header: [UInt8] =
    [
      0x1B, 0x4C, 0x75, 0x61, 0x54, 0x00, 0x19, 0x93, 0x0D, 0x0A, 0x1A, 0x0A, 4, 8, 8,
      0x78, 0x56, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0x28, 0x77, 0x40,
    ]
  /// Functions nest at most as deep as the compiler's limit on C calls.
  private static let depthMax = 220

  private let input: [UInt8]
  private var offset = 0
  private var output: [UInt8] = []
  /// Where the bytes not yet copied to `output` begin.
  private var pending = 0
  private let mode: Mode

  private init(_ input: [UInt8], mode: Mode) {
    self.input = input
    self.mode = mode
  }

  /// The rewritten chunk.
  static func rewrite(_ chunk: [UInt8], mode: Mode = .withoutLocals) throws(Malformed) -> [UInt8] {
    var rewriter = BytecodeRewriter(chunk, mode: mode)
    rewriter.output.reserveCapacity(chunk.count)
    guard chunk.starts(with: header) else { throw Malformed(offset: 0) }
    rewriter.offset = header.count
    try rewriter.skip(1)  // number of the main function's upvalues
    try rewriter.function(depth: 0)
    guard rewriter.offset == chunk.count else { throw Malformed(offset: rewriter.offset) }
    rewriter.flush()
    return rewriter.output
  }

  private mutating func function(depth: Int) throws(Malformed) {
    guard depth < Self.depthMax else { throw Malformed(offset: offset) }
    try string()  // source
    _ = try size()  // first line
    _ = try size()  // last line
    try skip(3)  // parameters, vararg, stack size
    try records(bytesEach: 4)  // instructions
    for _ in 0..<(try count(bytesEachMin: 1)) { try constant() }
    try records(bytesEach: 3)  // upvalues
    for _ in 0..<(try count(bytesEachMin: 1)) { try function(depth: depth + 1) }
    try records(bytesEach: 1)  // line of each instruction, relative
    for _ in 0..<(try count(bytesEachMin: 2)) {
      _ = try size()
      _ = try size()
    }
    try locals()
    for _ in 0..<(try count(bytesEachMin: 1)) { try string() }  // upvalue names
  }

  private mutating func locals() throws(Malformed) {
    if mode == .withoutLocals { flush() }
    for _ in 0..<(try count(bytesEachMin: 3)) {
      try string()
      _ = try size()
      _ = try size()
    }
    if mode == .withoutLocals {
      pending = offset
      output.append(0x80)  // the count 0
    }
  }

  private mutating func constant() throws(Malformed) {
    let tag = input.indices.contains(offset) ? input[offset] : 0xFF
    try skip(1)
    switch tag {
    case 0x00, 0x01, 0x11: break  // nil, false, true
    case 0x03, 0x13: try skip(8)  // integer, float
    case 0x04, 0x14: try string()  // short and long string
    default: throw Malformed(offset: offset - 1)
    }
  }

  private mutating func flush() {
    output.append(contentsOf: input[pending..<offset])
    pending = offset
  }

  private mutating func skip(_ bytes: Int) throws(Malformed) {
    guard bytes <= input.count - offset else { throw Malformed(offset: offset) }
    offset += bytes
  }

  /// A number: seven bits a byte, the highest first, the last byte marked by its top bit.
  private mutating func size() throws(Malformed) -> Int {
    let start = offset
    var value = 0
    while offset < input.count {
      let byte = input[offset]
      offset += 1
      guard value < 1 << 48 else { throw Malformed(offset: start) }
      value = value << 7 | Int(byte & 0x7F)
      if byte & 0x80 != 0 { return value }
    }
    throw Malformed(offset: start)
  }

  /// A number of records that each take at least some bytes, so that a wrong one is found at once.
  private mutating func count(bytesEachMin: Int) throws(Malformed) -> Int {
    let start = offset
    let value = try size()
    guard value <= (input.count - offset) / bytesEachMin else { throw Malformed(offset: start) }
    return value
  }

  private mutating func records(bytesEach: Int) throws(Malformed) {
    try skip(try count(bytesEachMin: bytesEach) * bytesEach)
  }

  /// A string: its length plus one, then its bytes; 0 is no string.
  private mutating func string() throws(Malformed) {
    let length = try size()
    try skip(max(length - 1, 0))
  }
}
