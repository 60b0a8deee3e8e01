// What the parser says about frequent slips: message, the text it points at, hint, fix and notes.

import Testing

@testable import SpacerCompiler

@Suite struct SyntaxDiagnosticsTests {
  /// `message «text»`, then lines for hint, fix and notes; an empty range shows the line before it.
  static func render(_ text: String) -> String {
    let bytes = Array(text.utf8)
    func piece(_ range: SourceRange?) -> String {
      guard let range else { return "" }
      let found = String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self)
      guard found.isEmpty else { return "«\(found)»" }
      let before = bytes[..<Int(range.start)]
      let line = before.lastIndex(of: 0x0A).map { before[($0 + 1)...] } ?? before
      return "after «\(String(decoding: line, as: UTF8.self))»"
    }
    var lines: [String] = []
    for found in Parser.parse(bytes, path: "app/x.lua").diagnostics {
      lines.append("\(found.message) \(piece(found.location.range))")
      if let hint = found.hint { lines.append("hint: \(hint)") }
      if let fix = found.fix { lines.append("fix: \(piece(fix.range)) to «\(fix.replacement)»") }
      for note in found.notes { lines.append("note: \(note.message) \(piece(note.location?.range))") }
    }
    return lines.joined(separator: "\n")
  }

  @Test(arguments: [
    (
      "if x then\n  y()\n",
      """
      expected 'end' to close 'if' at line 1 after «»
      note: 'if' begins here «if»
      """
    ),
    (
      "function f()\n  if x then\n    y()\nend\n\nfunction g()\n  z()\nend",
      """
      expected 'end' to close 'function' at line 1 after «end»
      note: 'function' begins here «function»
      note: by its indentation, this 'if' lacks its 'end': the one at line 4 is further left «if»
      """
    ),
    (
      "if a then\n  b()\nelse if c then\n  d()\nend",
      """
      expected 'end' to close 'if' at line 1 after «end»
      hint: 'else if' at line 3 opens another 'if' with an 'end' of its own; write 'elseif'
      note: 'if' begins here «if»
      """
    ),
    (
      "f(\n  a,\n  b\ng()",
      """
      expected ')' to close '(' at line 1 after «  b»
      note: '(' is opened here «(»
      """
    ),
    (
      "local y = function()\n  return 2\n  print(y)\nend",
      """
      expected 'end' to close 'function' at line 1 «print»
      hint: 'return' must be the last statement of its block; 'do return … end' leaves the rest in place
      note: 'function' begins here «function»
      """
    ),
    (
      "repeat x()",
      "expected 'until' to close 'repeat' at line 1 after «repeat x()»\nnote: 'repeat' begins here «repeat»"
    ),
    ("x() end", "unexpected 'end' «end»\nhint: no block is open here"),
    (
      "x = {\n  a = 1\n  b = 2\n}",
      "expected ',' or '}' in the table after «  a = 1»\nnote: the table begins here «{»"
    ),
    ("x = { a: 1 }", "expected method name after ':' «1»\nhint: a table's fields are written 'name = value'"),
  ])
  func blocks(_ text: String, _ expected: String) { #expect(Self.render(text) == expected) }

  @Test(arguments: [
    ("x =", "expected expression after '=' after «x =»"),
    ("x =\ny = 1", "expected expression after '=' after «x =»"),
    ("x = a ..", "expected expression after '..' after «x = a ..»"),
    ("f(a,)", "expected expression after ',' «)»"),
    ("f(a b)", "expected ',' or ')' «b»"),
    (
      "x = 'abc\n",
      "unfinished string «'abc»\nhint: close it on the same line, or write a text of several lines as [[ … ]]"
    ),
    ("x = [==[ abc", "unfinished string «[==[»\nhint: close it with ']==]'"),
    ("--[[ abc", "unfinished comment «--[[»\nhint: close it with ']]'"),
    ("x = 3x", "malformed number '3x' «3x»"),
    ("x = 1..2", "malformed number '1..2' «1..2»\nhint: put a space before '..' to concatenate a number"),
    ("x = '\\d'", "invalid escape sequence '\\d' «\\d»\nhint: write '\\\\' for a backslash"),
    ("x = '\\300'", "decimal escape above 255 «\\300»"),
    ("x = naïve", "unexpected 'ï' «ï»\nhint: names are made of ASCII letters, digits and '_'"),
    ("x = “a”", "unexpected '“' «“»\nhint: strings are written with plain quotes, \" or '"),
    ("local end = 1", "expected name after 'local' «end»\nhint: 'end' is a reserved word"),
    (
      "goto done",
      "no visible label 'done' for this 'goto' «goto done»\nhint: a label is visible in its own block and the blocks inside it, in the same function"
    ),
    ("::a:: ::a::", "label 'a' is defined twice «::a::»\nnote: first defined here «::a::»"),
    (
      "local a <const> = 1 a = 2",
      "cannot assign to 'a', which is <const> «a»\nnote: 'a' is declared here «a»"
    ),
    ("break", "'break' outside a loop «break»"),
    (
      "return 1 x = 2",
      "unexpected 'x' after 'return' «x»\nhint: 'return' must be the last statement of its block; 'do return … end' leaves the rest in place"
    ),
  ])
  func expectations(_ text: String, _ expected: String) { #expect(Self.render(text) == expected) }

  @Test(arguments: [
    ("if x != 1 then end", "unexpected '!=' «!=»\nhint: 'not equal' is written '~='\nfix: «!=» to «~=»"),
    ("x += 1", "unexpected '+=' «+=»\nhint: Lua has no '+='; write 'x = x + …'\nfix: «+=» to «= x +»"),
    ("i++", "unexpected '++' «++»\nhint: write 'i = i + 1'"),
    ("i--", "'i' alone is no statement «i»\nhint: '--' begins a comment; to count down write 'i = i - 1'"),
    ("if a && b then end", "unexpected '&&' «&&»\nhint: Lua writes 'and'\nfix: «&&» to «and»"),
    ("if a || b then end", "unexpected '||' «||»\nhint: Lua writes 'or'\nfix: «||» to «or»"),
    ("if !a then end", "unexpected '!' «!»\nhint: negation is written 'not'\nfix: «!» to «not »"),
    (
      "if x = 1 then end",
      "unexpected '=' in the condition «=»\nhint: comparison is written '=='\nfix: «=» to «==»"
    ),
    ("if x\n  y()\nend", "expected 'then' after the condition after «if x»\nfix: after «if x» to « then»"),
    (
      "while x\n  y()\nend",
      "expected 'do' after the condition after «while x»\nfix: after «while x» to « do»"
    ),
    (
      "while x then end",
      "expected 'do' after the condition «then»\nhint: the word here is 'do'\nfix: «then» to «do»"
    ),
    (
      "continue",
      "Lua has no 'continue' «continue»\nhint: write 'goto continue', and '::continue::' before the loop's 'end'"
    ),
    ("elif x then", "unexpected 'elif' «elif»\nhint: Lua writes 'elseif'\nfix: «elif» to «elseif»"),
    ("var x = 1", "unexpected 'var' «var»\nhint: a variable is declared with 'local'\nfix: «var» to «local»"),
    ("local x == 1", "unexpected '==' «==»\nhint: a value is given with '='\nfix: «==» to «=»"),
    ("x == 1", "a comparison is no statement «==»\nhint: assignment is written '='\nfix: «==» to «=»"),
    (
      "x = function foo() end",
      "expected '(' after 'function' «foo»\nhint: a function inside an expression has no name; write 'local function foo'"
    ),
    (
      "local function a.b() end",
      "expected '(' after the function's name «.»\nhint: a field cannot be local; leave 'local' away"
    ),
    ("// x", "unexpected '//' «//»\nhint: comments begin with '--'"),
    ("x = a ? b : c", "unexpected '?' «?»\nhint: 'a ? b : c' is written 'a and b or c'"),
  ])
  func slips(_ text: String, _ expected: String) { #expect(Self.render(text) == expected) }

  @Test func limits() {
    let deep = String(repeating: "do ", count: 200)
    #expect(Self.render(deep).hasPrefix("nested more than 199 levels deep"))
    #expect(Parser.parse(Array(deep.utf8), path: "x").diagnostics.first?.id == .limitExceeded)
  }

  /// Long lists of names, labels or failures: a quadratic step would take minutes here.
  @Test func pathological() {
    let many = 8_000
    for text in [
      String(repeating: "a.", count: many) + "b = 1", "x = 1" + String(repeating: " + 1", count: many),
      "f" + String(repeating: "()", count: many), (0..<many).map { "goto l\($0) " }.joined(),
      (0..<many).map { "do goto l\($0) ::l\($0):: end " }.joined(),
      String(repeating: "--[====\n", count: many),
      String(repeating: "]====", count: many) + "[==[" + String(repeating: "]====", count: many),
      String(repeating: "if x then y() else if z then end end ", count: many) + "if",
      (0..<many).map { "x = a\($0) -- spacer: ignore undefined-global\n" }.joined(),
      String(repeating: "while x do break end ", count: many),
    ] {
      _ = FactsExtractor.extract(path: "x.lua", bytes: Array(text.utf8))
    }
  }
}
