// Damage done to Lua text the way typing and fuzzing do it, from a seed.

struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    // SplitMix64.
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

struct LuaMutator {
  var random: SeededGenerator

  private static let snippets = [
    "end", "do", "then", "(", ")", "[[", "]]", "]=]", "--", "--[[", "\"", "'", "\\", "goto a", "::a::",
    "break",
    "local a", "local a <const> = 1", "local a <close>", "a = 1", "...", "..", "=", "==", "~=", ",", ";", ":",
    "{", "}", "return", "return 1", "function", "function a()", "if x then", "else", "elseif", "until x",
    "repeat", "while x do", "for i = 1, 2 do", "for k in x do", "0x", "1e", "3x", "0x.p1", "1..2",
    "\\u{7FFFFFFF}",
    "\\x4", "\\z", "\n", "\r\n", "\n\r", "\0", "#", "not", "-", "~", "//", "<<", ">>", "<", ">", "in", "a.b",
    "a:b",
    "a:b()", "local function a() end", "do local a goto c local b ::c:: end", "\u{E9}", "_ENV", "nil",
  ]

  mutating func mutate(_ bytes: [UInt8], others: [LuaCorpus.File]) -> [UInt8] {
    var result = window(bytes)
    for _ in 0..<Int.random(in: 1...3, using: &random) { change(&result, others: others) }
    return result
  }

  /// A long text is cut to some of its lines, so that damage is dense.
  private mutating func window(_ bytes: [UInt8]) -> [UInt8] {
    let max = 4_000
    guard bytes.count > max, Int.random(in: 0..<4, using: &random) != 0 else { return bytes }
    let length = Int.random(in: 200...max, using: &random)
    let start = Int.random(in: 0...(bytes.count - length), using: &random)
    return Array(bytes[start..<(start + length)])
  }

  private mutating func change(_ bytes: inout [UInt8], others: [LuaCorpus.File]) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<9, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2:
      let token = tokenRange(bytes, around: place)
      bytes.removeSubrange(token)
    case 3:
      let token = tokenRange(bytes, around: place)
      bytes.insert(contentsOf: Array(bytes[token]) + [0x20], at: token.lowerBound)
    case 4:
      let token = tokenRange(bytes, around: place)
      bytes.replaceSubrange(token, with: (Self.snippets.randomElement(using: &random) ?? "").utf8)
    case 5:
      let snippet = " " + (Self.snippets.randomElement(using: &random) ?? "") + " "
      bytes.insert(contentsOf: Array(snippet.utf8), at: tokenRange(bytes, around: place).upperBound)
    case 6: swapLines(&bytes)
    case 7: bytes.removeSubrange(place...)
    default:
      guard let other = others.randomElement(using: &random), !other.bytes.isEmpty else { return }
      let start = Int.random(in: 0..<other.bytes.count, using: &random)
      let end = min(other.bytes.count, start + Int.random(in: 1...60, using: &random))
      bytes.insert(contentsOf: other.bytes[start..<end], at: place)
    }
  }

  private func tokenRange(_ bytes: [UInt8], around place: Int) -> Range<Int> {
    func isName(_ byte: UInt8) -> Bool {
      byte == 0x5F || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
        || (0x61...0x7A).contains(byte)
    }
    guard isName(bytes[place]) else { return place..<(place + 1) }
    var start = place
    var end = place + 1
    while start > 0, isName(bytes[start - 1]) { start -= 1 }
    while end < bytes.count, isName(bytes[end]) { end += 1 }
    return start..<end
  }

  private mutating func swapLines(_ bytes: inout [UInt8]) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count > 1 else { return }
    lines.swapAt(
      Int.random(in: 0..<lines.count, using: &random), Int.random(in: 0..<lines.count, using: &random))
    bytes = Array(lines.joined(separator: [0x0A]))
  }
}
