import Testing

@testable import SpacerRuntime

/// The grammar of RFC 8259 written down plainly: whether a text is JSON.
struct ReferenceJSON {
  private let text: [UInt8]
  private var place = 0

  static func accepts(_ text: [UInt8]) -> Bool {
    guard String(validating: text, as: UTF8.self) != nil else { return false }
    var grammar = ReferenceJSON(text: text)
    grammar.space()
    guard grammar.value() else { return false }
    grammar.space()
    return grammar.place == text.count
  }

  private init(text: [UInt8]) { self.text = text }

  private var next: UInt8? { place < text.count ? text[place] : nil }

  private mutating func take(_ character: Character) -> Bool {
    guard let next, let ascii = character.asciiValue, next == ascii else { return false }
    place += 1
    return true
  }

  private mutating func space() { while let next, [0x20, 0x09, 0x0A, 0x0D].contains(next) { place += 1 } }

  private mutating func digits() -> Int {
    let start = place
    while let next, (0x30...0x39).contains(next) { place += 1 }
    return place - start
  }

  private mutating func word(_ word: String) -> Bool { word.allSatisfy { take($0) } }

  private mutating func value() -> Bool {
    switch next.map({ Character(Unicode.Scalar($0)) }) {
    case "{": return members()
    case "[": return elements()
    case "\"": return string()
    case "t": return word("true")
    case "f": return word("false")
    case "n": return word("null")
    default: return number()
    }
  }

  private mutating func members() -> Bool {
    place += 1
    space()
    if take("}") { return true }
    repeat {
      space()
      guard string() else { return false }
      space()
      guard take(":") else { return false }
      space()
      guard value() else { return false }
      space()
    } while take(",")
    return take("}")
  }

  private mutating func elements() -> Bool {
    place += 1
    space()
    if take("]") { return true }
    repeat {
      space()
      guard value() else { return false }
      space()
    } while take(",")
    return take("]")
  }

  private mutating func number() -> Bool {
    let start = place
    _ = take("-")
    if !take("0") { guard digits() > 0 else { return false } }
    if take(".") { guard digits() > 0 else { return false } }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard digits() > 0 else { return false }
    }
    // A number beyond a double's range is refused too.
    return Double(String(decoding: text[start..<place], as: UTF8.self))?.isFinite ?? false
  }

  private mutating func unit() -> UInt32? {
    guard place + 4 <= text.count else { return nil }
    let part = text[place..<place + 4]
    guard part.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }) else { return nil }
    place += 4
    return UInt32(String(decoding: part, as: UTF8.self), radix: 16)
  }

  private mutating func string() -> Bool {
    guard take("\"") else { return false }
    while let next {
      if take("\"") { return true }
      if next < 0x20 { return false }
      place += 1
      guard next == UInt8(ascii: "\\") else { continue }
      guard let escape = self.next else { return false }
      place += 1
      if "\"\\/bfnrt".utf8.contains(escape) { continue }
      guard escape == UInt8(ascii: "u"), let first = unit() else { return false }
      guard (0xD800..<0xE000).contains(first) else { continue }
      guard first < 0xDC00, take("\\"), take("u"), let second = unit(), (0xDC00..<0xE000).contains(second)
      else { return false }
    }
    return false
  }
}

@Suite("JSON fuzzing")
struct JSONFuzzTests {
  private static let samples = [
    #"{"a":[1,2.5,-3e7,null,true,false,"x\u00e9\ud83d\ude00\n"],"b":{"c":{}},"d":[]}"#,
    #"[[[[]]],{"k":"\\\"\/"},0,-0.0,1e-5]"#, #""héllo 🌍 €""#, #"  {"n" : 12345678901234567890 } "#,
  ]

  @Test("the decoder accepts exactly what the grammar does, and what it gives encodes again")
  func agreesWithGrammar() throws {
    let harness = try JSONHarness()
    var generator = SeededGenerator(state: Fuzz.seed("json"))
    let alphabet = Array(#"{}[]",:\/ue0123456789.-+Etfnalsr"#.utf8) + [0, 0x1F, 0x20, 0x80, 0xC3, 0xED, 0xFF]
    try Fuzz.run {
      for _ in 0..<200 {
        var text = Array(Self.samples.randomElement(using: &generator)?.utf8 ?? "".utf8)
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          let place = Int.random(in: 0...text.count, using: &generator)
          let byte = alphabet.randomElement(using: &generator) ?? 0
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: text.insert(byte, at: place)
          case 1 where place < text.count: text.remove(at: place)
          case 2 where place < text.count: text[place] = byte
          default: text = Array(text.prefix(max(place, 1)))
          }
        }
        let result = harness.roundTrip(text)
        let shown = String(decoding: text, as: UTF8.self)
        try #require(result.hasPrefix("error: ") != ReferenceJSON.accepts(text), "\(shown) → \(result)")
        // Members may change places, nothing else may change.
        if !result.hasPrefix("error: ") {
          try #require(harness.roundTrip(result).utf8.sorted() == result.utf8.sorted(), "\(shown)")
        }
      }
    }
  }
}
