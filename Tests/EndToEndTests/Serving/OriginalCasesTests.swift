// The original's recorded answers, over the built executables.

import Foundation
import Testing

@Suite struct OriginalCasesTests {
  private struct Case: Decodable {
    var method: String
    var path: String
    var body: String?
    var headers: [String: String]
    var status: Int
    var json: JSONValue?
    var has: String?
  }

  @Test func everyRecordedAnswer() throws {
    let workspace = try Workspace()
    let server = try RunningServer.serving(
      Tool.fixture("original"), in: workspace,
      environment: ["SPACER_ENV": "development", "SPACER_INTERNAL_TOKEN": "tok-123"])
    let lines = try String(contentsOfFile: Tool.fixture("original/cases.jsonl"), encoding: .utf8)
      .split(separator: "\n")
    #expect(lines.count == 329)
    for line in lines {
      let recorded = try JSONDecoder().decode(Case.self, from: Data(line.utf8))
      let name = "\(recorded.method) \(recorded.path) \(recorded.body?.prefix(80) ?? "")"
      let answer = try server.request(
        recorded.method, recorded.path, headers: recorded.headers.map { ($0.key, $0.value) },
        body: recorded.body)
      #expect(answer.status == recorded.status, "\(name): \(answer.text)")
      let json = try #require(answer.json, "\(name): \(answer.text)")
      if let field = recorded.has { #expect(json[field] != nil, "\(name): \(answer.text)") }
      // A recorded `"json": null` never occurs, so nil means that the value was not recorded.
      if let expected = recorded.json {
        #expect(json.withoutEmptyArrays == expected.withoutEmptyArrays, "\(name)")
      }
    }
    #expect(try server.stop() == 0)
  }
}
