// The parser's verdict against the VM's where real files seldom go: labels and scopes, attributes, numerals,
// escapes, the depth bound. Texts are made at random from small grammars; the seed is printed.

import Foundation
import Testing

@testable import SpacerCompiler

/// Makes random texts.
struct LuaGenerator {
  var random: SeededGenerator

  mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
  mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

  /// Statements that declare, jump and nest, mostly valid.
  mutating func block(_ depth: Int) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...4, using: &random) { text += statement(depth) + pick([" ", "\n", "; "]) }
    if chance(8) { text += pick(["return", "return a", "return;", "break", "goto x ;"]) + " " }
    return text
  }

  private mutating func statement(_ depth: Int) -> String {
    let name = pick(["a", "b", "c", "_ENV"])
    let label = pick(["x", "y", "z"])
    switch Int.random(in: 0..<(depth > 0 ? 19 : 10), using: &random) {
    case 0, 1: return "local \(name)" + pick(["", " = 1", " = a", ", b = 1, 2"])
    case 2: return "local \(name) <\(pick(["const", "const", "close", "konst"]))> = nil"
    case 3, 4: return "goto \(label)"
    case 5, 6: return "::\(label)::"
    case 7:
      return pick(["\(name) = 1", "\(name), a = 1", "\(name).a = b", "(\(name)) = 1", "(\(name)).x = 1"])
    case 8: return pick(["break", ";", "\(name)()", "\(name):m 'x'", "\(name) {}", "\(name)[1](...)"])
    case 9:
      return pick(["local a <close>, b <close> = nil", "::\(label):: ; ::y::", "a = function() break end"])
    case 10, 11: return "do \(block(depth - 1)) end"
    case 12: return "while a do \(block(depth - 1)) end"
    case 13: return "repeat \(block(depth - 1)) until \(pick(["a", "b", "true"]))"
    case 14: return "for \(name) = 1, 2 do \(block(depth - 1)) end"
    case 15: return "for \(name), b in a do \(block(depth - 1)) end"
    case 16: return "if a then \(block(depth - 1)) \(chance(2) ? "else \(block(depth - 1))" : "") end"
    case 17: return "local function \(name)(\(pick(["", "...", "a, ...", "a"]))) \(block(depth - 1)) end"
    default: return "function \(pick(["a", "a.b", "a:c", "b"]))(\(pick(["", "..."]))) \(block(depth - 1)) end"
    }
  }

  mutating func numeral() -> String {
    let alphabet = [
      "0", "1", "9", "f", "e", "x", "X", "p", "P", "E", ".", "+", "-", "a", "0x", "..", "_", "g", "5",
    ]
    var text = pick(["0", "1", "0x", "0X", ".", "9", "123456789012345678", "9223372036854775807"])
    for _ in 0..<Int.random(in: 0...6, using: &random) { text += pick(alphabet) }
    return "return \(text)"
  }

  mutating func string() -> String {
    let pieces = [
      "\\n", "\\x4", "1", "\\x41", "\\u{", "}", "\\u{7FFFFFFF}", "\\u{80000000}", "\\u{d800}", "\\0", "\\255",
      "\\256",
      "\\25", "\\z", " ", "\n", "\r\n", "\\\n", "\\\r\n", "\\\n\r", "\\\r\r", "\\'", "\\\"", "\"", "'",
      "\\\\", "\\q", "a",
      "[[", "]]", "[=[", "]=]", "]", "=", "--", "--[[", "--[=[", "\0", "\t", "\u{E9}", "\\u{0}", "\\u{}",
      "\\u0",
    ]
    var text = pick(["\"", "'", "[[", "[=[", "--", "--[[", "--[==[", "[=", "\"\\"])
    for _ in 0..<Int.random(in: 0...7, using: &random) { text += pick(pieces) }
    return "return " + text + pick(["", "\"", "'", "]]", "]=]", "\n'a'", "]==]"])
  }

  /// A text of some nesting near the bound.
  mutating func nesting() -> String {
    let forms: [(String, String, String)] = [
      ("x = " + "", "(", ")"), ("x = ", "{", "}"), ("x = ", "-", ""), ("x = ", "not ", ""),
      ("", "do ", " end "),
      ("x = ", "f(", ")"), ("x = ", "function() return ", " end"), ("", "if x then ", " end "),
      ("x = ", "a .. ", ""),
      ("x = ", "a ^ ", ""), ("x = ", "a + (", ")"), ("", "while x do ", " end "),
      ("", "repeat ", " until x "),
      ("", "for i = 1, 2 do ", " end "), ("", "for i in x do ", " end "), ("x = ", "a[", "]"),
      ("", "a, ", ""),
      ("", "if x then else ", " end "), ("x = ", "{[1] = ", "}"), ("x = ", "{a = ", "}"),
      ("x = ", "1 or ", ""),
      ("x = ", "1 < -", ""), ("", "local function f() ", " end "),
      ("", "if x then elseif (x) then ", " end "),
    ]
    var opening = ""
    var closing = ""
    var inner = ""
    if chance(2) {
      let (before, open, close) = forms.randomElement(using: &random) ?? forms[0]
      let count = Int.random(in: 90...203, using: &random)
      opening = before + String(repeating: open, count: count)
      closing = String(repeating: close, count: count)
      inner = before == "" && open != "a, " ? pick(["", "a = 1", "::x::", "break", "a = b + (c)"]) : "1"
      if open == "a, " { inner = "a = 1" }
    } else {
      var isExpression = false
      for _ in 0..<Int.random(in: 150...203, using: &random) {
        let choices = forms.filter { isExpression ? $0.0 != "" : $0.1 != "a, " }
        guard let form = choices.randomElement(using: &random) else { break }
        opening += (form.0 != "" && !isExpression ? "x = " : "") + form.1
        closing = form.2 + closing
        isExpression = form.0 != ""
        if form.1.hasPrefix("function") { opening += "" }
      }
      inner = isExpression ? "1" : ""
    }
    return opening + inner + closing
  }

  /// Labels one behind the other, which nest in the VM.
  mutating func labels() -> String {
    let count = Int.random(in: 190...205, using: &random)
    let text = (0..<count).map { "::l\($0)::" + (chance(50) ? ";" : "") }.joined()
    return chance(2) ? text : "do " + text + " end"
  }
}

@Suite struct GeneratedVerdictTests {
  @Test func generated() {
    let environment = ProcessInfo.processInfo.environment
    let seconds = (environment["SPACER_FUZZ_SECONDS"].flatMap(Double.init) ?? 2) / 2
    let seed = environment["SPACER_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)
    var generator = LuaGenerator(random: SeededGenerator(seed: seed))
    let oracle = LuaOracle()
    let end = ContinuousClock.now + .seconds(seconds)
    var counts = [0, 0, 0, 0, 0]
    var accepted = [0, 0, 0, 0, 0]
    var failures = 0
    while ContinuousClock.now < end, failures < 10 {
      for form in 0..<5 {
        let text =
          switch form {
          case 0: generator.block(3)
          case 1: generator.numeral()
          case 2: generator.string()
          case 3: generator.nesting()
          default: generator.labels()
          }
        let bytes = Array(text.utf8)
        counts[form] += 1
        if oracle.verdict(bytes) == .accepted { accepted[form] += 1 }
        if let complaint = oracle.disagreement(bytes) {
          failures += 1
          Issue.record("\(complaint)\nseed \(seed): \(text)")
        }
      }
    }
    print("generated verdicts: seed \(seed), \(counts) texts, \(accepted) accepted")
  }

  @Test func locals() {
    let oracle = LuaOracle()
    for count in 195...203 {
      let names = (0..<count).map { "a\($0)" }
      for text in [
        names.map { "local \($0)" }.joined(separator: " "), "local \(names.joined(separator: ","))",
        "local function f(\(names.joined(separator: ","))) end",
        names.map { "local \($0)" }.joined(separator: " ") + " for i = 1, 2 do end",
        names.map { "local \($0)" }.joined(separator: " ") + " for i in x do end",
        "do " + names.map { "local \($0)" }.joined(separator: " ") + " end local b",
        "function t:f(\(names.joined(separator: ","))) end",
      ] {
        let isTooMany = oracle.verdict(Array(text.utf8)) != .accepted
        let found = Parser.parse(Array(text.utf8), path: "v.lua").diagnostics.first
        #expect((found != nil) == isTooMany, "\(count): \(text.prefix(20))")
        if let found { #expect(found.id == .limitExceeded) }
      }
    }
  }
}
