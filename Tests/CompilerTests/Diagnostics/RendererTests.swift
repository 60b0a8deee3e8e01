import Testing

@testable import SpacerCompiler

struct RendererTests {
  private func render(
    _ source: String, _ start: Int, _ end: Int, message: String = "wrong", useColor: Bool = false
  ) -> String {
    let location = SourceLocation(path: "app/a.lua", range: SourceRange(start: start, end: end))
    let renderer = DiagnosticRenderer(sources: ["app/a.lua": Array(source.utf8)], useColor: useColor)
    return renderer.text(Diagnostic(.syntaxError, .error, message, at: location))
  }

  @Test func frameWithHintAndNote() {
    let gateway = "return {\n  {\"GET\", \"/hello\", \"helo\"},\n}\n"
    let other = "return 1\n"
    let renderer = DiagnosticRenderer(
      sources: ["app/gateway.lua": Array(gateway.utf8), "app/x.lua": Array(other.utf8)])
    let diagnostic = Diagnostic(
      .unknownFunction, .error, "no function named 'helo'",
      at: SourceLocation(path: "app/gateway.lua", range: SourceRange(start: 29, end: 35)),
      notes: [
        .init("nearest", at: SourceLocation(path: "app/x.lua", range: SourceRange(start: 7, end: 8))),
        .init("without a place"),
      ], hint: "did you mean 'hello'?")
    #expect(
      renderer.text(diagnostic) == """
        app/gateway.lua:2:21: error: no function named 'helo' [unknown-function]
          2 |   {"GET", "/hello", "helo"},
            |                     ^~~~~~
          app/x.lua:1:8: note: nearest
          1 | return 1
            |        ^
          note: without a place
          hint: did you mean 'hello'?

        """)
  }

  @Test func tabsAndWideCharactersKeepTheCaretInPlace() {
    #expect(
      render("\tx\t= 日本 ?", 12, 13) == """
        app/a.lua:1:9: error: wrong [syntax-error]
          1 |     x   = 日本 ?
            |                ^

        """)
    // A combining mark takes no column of its own.
    #expect(render("e\u{301} ?", 4, 5).hasSuffix("  1 | e\u{301} ?\n    |   ^\n"))
  }

  @Test func rangeOverSeveralLinesIsCut() {
    #expect(
      render("local f = function()\n  a()\n  b()\n  c()\nend\n", 10, 43) == """
        app/a.lua:1:11: error: wrong [syntax-error]
          1 | local f = function()
            |           ^~~~~~~~~~
          ...
          5 | end
            | ~~~

        """)
    #expect(
      render("f(\n  )\n", 1, 6) == """
        app/a.lua:1:2: error: wrong [syntax-error]
          1 | f(
            |  ^
          2 |   )
            |   ~

        """)
    // One that ends with the line's end stays on its line.
    #expect(render("abc\ndef\n", 0, 4).hasSuffix("  1 | abc\n    | ^~~\n"))
  }

  @Test func longLineShowsAWindow() throws {
    let source = String(repeating: "a", count: 300) + "HERE" + String(repeating: "b", count: 300)
    let lines = render(source, 300, 304).split(separator: "\n").map(String.init)
    #expect(lines[0].contains("app/a.lua:1:301"))
    #expect(lines[1].hasPrefix("  1 | …a") && lines[1].hasSuffix("b…"))
    #expect(lines[1].count <= 110)
    let here = try #require(lines[1].firstRange(of: "HERE"))
    let caret = try #require(lines[2].firstIndex(of: "^"))
    #expect(
      lines[1].distance(from: lines[1].startIndex, to: here.lowerBound)
        == lines[2].distance(from: lines[2].startIndex, to: caret))
    #expect(lines[2].hasSuffix("^~~~"))
    // The whole line is the range: the underline is cut with it.
    #expect(render(source, 0, 604).split(separator: "\n").allSatisfy { $0.count <= 110 })
  }

  @Test func endOfFileAndBeyond() {
    #expect(render("abc", 3, 3).hasSuffix("  1 | abc\n    |    ^\n"))
    #expect(render("abc\n", 90, 99).hasSuffix("app/a.lua:2:1: error: wrong [syntax-error]\n  2 |\n    | ^\n"))
    #expect(render("", 0, 0).hasSuffix("  1 |\n    | ^\n"))
  }

  @Test func gutterFitsTheWidestNumber() {
    let source = String(repeating: "\n", count: 98) + "a\nb"
    #expect(
      render(source, 98, 101).hasSuffix("  99 | a\n     | ^\n  100 | b\n      | ~\n") == false)
    #expect(render(source, 98, 101).contains("   99 | a\n      | ^\n  100 | b\n      | ~\n"))
  }

  @Test func nothingReachesTheTerminalThatItWouldObey() {
    let text = render("x = '\u{1B}[31m\u{202E}\u{7}'", 0, 1, message: "bad '\u{1B}]0;x\u{7}'\nline")
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    #expect(!text.contains("\u{202E}"))
    #expect(text.split(separator: "\n").count == 3)
  }

  @Test func unknownSourceAndWholeFile() {
    let renderer = DiagnosticRenderer(sources: ["a": [0x61]])
    let range = SourceRange(start: 0, end: 1)
    #expect(
      renderer.text(Diagnostic(.syntaxError, .error, "m", at: .init(path: "b", range: range)))
        == "b: error: m [syntax-error]\n")
    #expect(
      renderer.text(Diagnostic(.configMissing, .warning, "m", at: .init(path: "a")))
        == "a: warning: m [config-missing]\n")
  }

  @Test func coloursOnlyWhenAsked() {
    #expect(!render("x", 0, 1).contains("\u{1B}"))
    #expect(render("x", 0, 1, useColor: true).contains("\u{1B}[1;31merror:\u{1B}[0m"))
  }

  @Test func anyRangeOfAnyBytesRenders() {
    fuzz("renderer") { random in
      let bytes = (0..<Int(random.next() % 200)).map { _ in
        random.next() % 4 == 0
          ? UInt8(truncatingIfNeeded: random.next()) : Array("a\t\n\r é".utf8)[Int(random.next() % 7)]
      }
      let range = SourceRange(start: Int(random.next() % 220), end: Int(random.next() % 220))
      let location = SourceLocation(path: "p", range: range)
      let report = DiagnosticReport(
        [Diagnostic(.syntaxError, .error, "m", at: location)], sources: ["p": bytes])
      #expect(!DiagnosticRenderer(sources: ["p": bytes]).text(report).isEmpty)
      #expect(!DiagnosticJSON(sources: ["p": bytes]).text(report).isEmpty)
    }
  }
}
