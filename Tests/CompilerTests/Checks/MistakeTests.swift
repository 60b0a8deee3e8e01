// Every kind of diagnostic has a project in Fixtures/mistakes that shows it, named by the id, perhaps with a
// further word. What `spacer check` prints for it is kept beside it in expected.txt; SPACER_RECORD=1 writes
// these anew and fails the run.

import Foundation
import Testing

@testable import SpacerCompiler

@Suite struct MistakeTests {
  static let folder = fixturesFolder + "/mistakes"

  static var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  static let isRecording = ProcessInfo.processInfo.environment["SPACER_RECORD"] == "1"

  @Test(arguments: names) func reportIsAsExpected(name: String) throws {
    let result = Compiler.check(files: DiskFiles(root: "\(Self.folder)/\(name)"))
    let text = rendered(result)
    let path = "\(Self.folder)/\(name)/expected.txt"
    if Self.isRecording {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      Issue.record("recorded \(name)")
      return
    }
    #expect(try text == String(contentsOfFile: path, encoding: .utf8))
    let isShown = result.diagnostics.contains {
      name == $0.id.rawValue || name.hasPrefix($0.id.rawValue + "-")
    }
    #expect(isShown, "no diagnostic of the kind that the folder is named after")
  }

  @Test(arguments: DiagnosticID.allCases) func hasAFixture(id: DiagnosticID) {
    #expect(Self.names.contains(id.rawValue))
  }
}
