// Diagnostics as a page for a browser.

import Foundation
import Testing

@testable import SpacerCompiler

struct PageTests {
  private static let frame = DiagnosticPage.Frame(title: "The build failed", subtitle: "Mend it.")

  private func page(
    _ source: String, _ diagnostic: Diagnostic, frame: DiagnosticPage.Frame = Self.frame
  ) -> String {
    let sources = ["app/a.lua": Array(source.utf8)]
    return DiagnosticPage(sources: sources).html(DiagnosticReport([diagnostic], sources: sources), frame)
  }

  private func finding(
    _ start: Int, _ end: Int, message: String = "wrong", notes: [Diagnostic.Note] = [], hint: String? = nil
  ) -> Diagnostic {
    Diagnostic(
      .syntaxError, .error, message,
      at: SourceLocation(path: "app/a.lua", range: SourceRange(start: start, end: end)), notes: notes,
      hint: hint)
  }

  @Test func placeExcerptCaretNotesAndHelp() {
    let note = Diagnostic.Note(
      "it began here", at: SourceLocation(path: "app/a.lua", range: SourceRange(start: 0, end: 5)))
    let html = page(
      "local a\nlocal b = = 1\n", finding(18, 19, notes: [note], hint: "remove one '='"))
    #expect(html.contains("<p class=\"place\">app/a.lua:2:11</p>"))
    #expect(html.contains("<span class=\"severity\">error</span> wrong <code>syntax-error</code>"))
    #expect(
      html.contains(
        """
        <pre><span class="gutter">2 |</span> local b = = 1
        <span class="gutter">  |</span> <span class="marker">          ^</span></pre>
        """))
    #expect(html.contains("<p class=\"note\"><span class=\"place\">app/a.lua:1:1</span> it began here</p>"))
    #expect(html.contains("<p class=\"hint\">remove one &#39;=&#39;</p>"))
    #expect(html.contains("<summary>What this means</summary><p>The file is not valid Lua 5.4"))
    #expect(html.contains("<p class=\"summary\">1 error</p>"))
    #expect(html.contains("<h1>The build failed</h1>\n<p>Mend it.</p>"))
  }

  @Test func nothingOfAProjectIsMarkup() {
    let evil = "<script>alert('1')</script>&\u{202E}"
    var frame = Self.frame
    frame.title = evil
    frame.subtitle = evil
    frame.message = evil
    let note = Diagnostic.Note(
      evil, at: SourceLocation(path: evil, range: SourceRange(start: 0, end: 1)))
    var diagnostic = finding(0, 8, message: evil, notes: [note], hint: evil)
    diagnostic.location.path = evil
    let html = DiagnosticPage(sources: [evil: Array(evil.utf8)]).html(
      DiagnosticReport([diagnostic], sources: [evil: Array(evil.utf8)]), frame)
    #expect(!html.contains("<script"))
    #expect(!html.contains("\u{202E}"))
    #expect(
      html.components(count: "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;") == 11,
      "title, heading, subtitle, message, two places, finding, two excerpts, note, hint")
  }

  @Test func itLoadsNothingAndIsLightOrDark() {
    let html = page("x", finding(0, 1))
    for word in ["http:", "https:", "//", "src=", "href=", "url(", "@import"] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(html.contains("prefers-color-scheme: dark"))
    #expect(html.hasPrefix("<!doctype html>\n<html lang=\"en\">"))
  }

  @Test func aFindingWithoutAPlaceInAFile() {
    let html = page("x", Diagnostic(.gatewayMissing, .error, "none", at: SourceLocation(path: "app/b.lua")))
    #expect(html.contains("<p class=\"place\">app/b.lua</p>"))
    #expect(!html.contains("<pre>"))
  }

  @Test func wordsOfCodeAreMarked() {
    #expect(DiagnosticPage.marked("`a<b` is c") == "<code>a&lt;b</code> is c")
    #expect(DiagnosticPage.marked("one ` alone") == "one ` alone")
  }
}

extension String {
  fileprivate func components(count text: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.range(of: text) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
