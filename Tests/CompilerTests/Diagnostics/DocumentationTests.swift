// The pages under docs/ hold what the tables in the sources say. With SPACER_RECORD set, the test writes the
// generated parts anew and fails, so that a recording run is never taken for a passing one.

import Foundation
import SpacerArtifact
import Testing

@testable import SpacerCompiler

struct DocumentationTests {
  private static func page(_ name: String) -> URL {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    return folder.appendingPathComponent("docs").appendingPathComponent(name)
  }

  private func check(_ name: String, from start: String, to end: String, holds generated: String) throws {
    let url = Self.page(name)
    let text = try String(contentsOf: url, encoding: .utf8)
    let first = try #require(text.range(of: start))
    let last = try #require(text.range(of: end))
    let region = first.upperBound..<last.lowerBound
    let expected = "\n\n" + generated + "\n"
    if ProcessInfo.processInfo.environment["SPACER_RECORD"] != nil, text[region] != expected {
      try text.replacingCharacters(in: region, with: expected).write(
        to: url, atomically: true, encoding: .utf8)
      Issue.record("recorded \(name)")
      return
    }
    #expect(text[region] == expected, "docs/\(name) is out of step: run this test with SPACER_RECORD=1")
  }

  @Test func referenceOfTheConfiguration() throws {
    try check(
      "application-yml.md",
      from: "<!-- reference: printed from the table in Sources/Compiler/Config/ConfigSchema.swift -->",
      to: "<!-- end of reference -->", holds: ConfigSchema.referenceTable)
  }

  @Test func referenceOfTheGateway() throws {
    try check(
      "gateway.md",
      from: "<!-- reference: printed from the tables in Sources/Compiler/Gateway/GatewaySchema.swift -->",
      to: "<!-- end of reference -->", holds: GatewaySchema.reference)
  }

  /// The examples of the forms are patterns that have that form.
  @Test func formsOfSegments() throws {
    let forms = try GatewaySchema.segments.map { try RoutePattern(parsing: $0.example).segments.last }
    #expect(
      forms == [
        .literal(Array("users".utf8)), .parameter(name: "id", suffix: Array(".json".utf8)),
        .parameter(name: "id", suffix: []), .wildcard(name: "path"),
      ])
  }

  @Test func idsOfTheDiagnostics() throws {
    var text = ""
    for id in DiagnosticID.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
      text += "### \(id.rawValue)\n\n\(id.explanation)\n\n"
    }
    try check(
      "diagnostics.md",
      from: "<!-- ids: printed from Sources/Compiler/Diagnostics/DiagnosticExplanations.swift -->",
      to: "<!-- end of ids -->", holds: String(text.dropLast()))
  }

  @Test(arguments: DiagnosticID.allCases)
  func everyIDIsExplained(_ id: DiagnosticID) {
    #expect(id.explanation.count > 40)
    #expect(id.explanation.hasSuffix("."))
  }
}
