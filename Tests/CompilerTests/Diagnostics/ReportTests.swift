import Foundation
import Testing

@testable import SpacerCompiler

struct ReportTests {
  private func diagnostic(
    _ id: DiagnosticID, _ severity: Severity, _ path: String, _ start: Int?, _ message: String = "m"
  ) -> Diagnostic {
    let range = start.map { SourceRange(start: $0, end: $0 + 1) }
    return Diagnostic(id, severity, message, at: SourceLocation(path: path, range: range))
  }

  @Test func sortsByPathPlaceSeverityAndID() {
    let sorted = [
      diagnostic(.configMissing, .error, "a.lua", nil),
      diagnostic(.syntaxError, .error, "a.lua", 1),
      diagnostic(.unreachableCode, .warning, "a.lua", 1),
      diagnostic(.unusedLocal, .warning, "a.lua", 1),
      diagnostic(.syntaxError, .error, "a.lua", 7),
      diagnostic(.syntaxError, .error, "a/b.lua", 0),
      diagnostic(.syntaxError, .error, "b.lua", 0, "a"),
      diagnostic(.syntaxError, .error, "b.lua", 0, "b"),
    ]
    var random = SplitMix(seed: 7)
    for _ in 0..<20 {
      let report = DiagnosticReport(sorted.shuffled(using: &random) + sorted, sources: [:])
      #expect(report.diagnostics == sorted)
      #expect(report.errorCount == 6 && report.warningCount == 2)
    }
  }

  @Test func summaryAndStrict() {
    let warning = diagnostic(.unusedLocal, .warning, "a", 0)
    let error = diagnostic(.syntaxError, .error, "a", 0)
    #expect(DiagnosticReport([], sources: [:]).summary == nil)
    #expect(DiagnosticReport([error, warning], sources: [:]).summary == "1 error, 1 warning")
    #expect(
      DiagnosticReport([error, diagnostic(.syntaxError, .error, "b", 0)], sources: [:]).summary == "2 errors")
    #expect(!DiagnosticReport([warning], sources: [:]).failsBuild)
    let strict = DiagnosticReport([warning], sources: [:], isStrict: true)
    #expect(strict.failsBuild)
    #expect(strict.summary == "1 warning (--strict: warnings stop the build)")
    #expect(
      !DiagnosticReport([diagnostic(.originalRuntime, .note, "a", 0)], sources: [:], isStrict: true)
        .failsBuild)
    #expect(DiagnosticReport([error], sources: [:]).failsBuild)
  }

  private func ignore(_ line: Int, _ id: String) -> DiagnosticReport.FileIgnore {
    ("a.lua", ModuleFacts.Ignore(line: line, id: id, range: SourceRange(start: 2, end: 4)))
  }

  private let sources = ["a.lua": Array("one\ntwo\nthree\n".utf8)]

  @Test func ignoresSilenceWarningsOfTheirLine() {
    let found = [
      diagnostic(.unusedLocal, .warning, "a.lua", 0), diagnostic(.unusedLocal, .warning, "a.lua", 5),
      diagnostic(.unreachableCode, .warning, "a.lua", 0), diagnostic(.unusedLocal, .warning, "b.lua", 0),
    ]
    let report = DiagnosticReport(found, sources: sources, ignores: [ignore(1, "unused-local")])
    #expect(report.diagnostics == DiagnosticReport.sorted(Array(found.dropFirst())))
  }

  @Test func ignoreThatSilencesNothingIsReported() {
    let report = DiagnosticReport([], sources: sources, ignores: [ignore(1, "unused-local")])
    #expect(report.diagnostics.map(\.id) == [.unusedIgnore])
    #expect(report.warningCount == 1)
    let unknown = DiagnosticReport([], sources: sources, ignores: [ignore(1, "unused-lokal")])
    #expect(unknown.diagnostics.first?.message == "no diagnostic has the id 'unused-lokal'")
    #expect(unknown.diagnostics.first?.hint == "did you mean 'unused-local'?")
  }

  @Test func errorsCannotBeIgnored() {
    let error = diagnostic(.syntaxError, .error, "a.lua", 0)
    let report = DiagnosticReport([error], sources: sources, ignores: [ignore(1, "syntax-error")])
    #expect(report.errorCount == 1 && report.warningCount == 1)
    #expect(report.diagnostics.last?.hint == "an error cannot be ignored")
  }

  @Test func unusedIgnoreCanBeIgnored() {
    let pair = [ignore(1, "unused-local"), ignore(1, "unused-ignore")]
    #expect(DiagnosticReport([], sources: sources, ignores: pair).diagnostics.isEmpty)
    let alone = DiagnosticReport([], sources: sources, ignores: [ignore(1, "unused-ignore")])
    #expect(alone.warningCount == 1)
  }

  @Test func jsonHasEveryField() throws {
    let text = "a\nbé\"x\n"
    let location = SourceLocation(path: "a.lua", range: SourceRange(start: 2, end: 6))
    let found = Diagnostic(
      .unusedLocal, .warning, "say \"\u{1}é\\\"\n", at: location,
      notes: [.init("n", at: location), .init("alone")], hint: "h",
      fix: .init(range: SourceRange(start: 2, end: 3), replacement: "_b"))
    let plain = Diagnostic(.configMissing, .error, "m", at: SourceLocation(path: "z.yml"))
    let sources = ["a.lua": Array(text.utf8)]
    let report = DiagnosticReport([found, plain], sources: sources)
    let json = DiagnosticJSON(sources: sources).text(report)
    let value = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(value["errors"] as? Int == 1 && value["warnings"] as? Int == 1)
    let items = try #require(value["diagnostics"] as? [[String: Any]])
    #expect(items.count == 2)
    #expect(items[0]["id"] as? String == "unused-local")
    #expect(items[0]["severity"] as? String == "warning")
    #expect(items[0]["message"] as? String == "say \"\u{1}é\\\"\n")
    #expect(items[0]["path"] as? String == "a.lua")
    #expect(items[0]["line"] as? Int == 2 && items[0]["column"] as? Int == 1)
    #expect(items[0]["endLine"] as? Int == 2 && items[0]["endColumn"] as? Int == 4)
    #expect(items[0]["startByte"] as? Int == 2 && items[0]["endByte"] as? Int == 6)
    #expect((items[0]["notes"] as? [[String: Any]])?.map { $0["line"] as? Int } == [2, nil])
    #expect((items[0]["fix"] as? [String: Any])?["replacement"] as? String == "_b")
    #expect((items[0]["fix"] as? [String: Any])?["endByte"] as? Int == 3)
    #expect(items[1]["line"] is NSNull && items[1]["fix"] is NSNull && items[1]["hint"] is NSNull)
  }

  @Test func textClosesWithTheSummary() {
    let report = DiagnosticReport([diagnostic(.syntaxError, .error, "a.lua", 0)], sources: sources)
    #expect(
      DiagnosticRenderer(sources: sources).text(report) == """
        a.lua:1:1: error: m [syntax-error]
          1 | one
            | ^

        1 error

        """)
    #expect(DiagnosticRenderer(sources: [:]).text(DiagnosticReport([], sources: [:])) == "")
  }
}
