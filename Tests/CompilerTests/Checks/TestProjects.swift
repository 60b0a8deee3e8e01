// Projects for tests: in memory, or the fixtures' folders.

@testable import SpacerCompiler

/// The repository's folder of fixtures.
let fixturesFolder =
  #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
  + "/Fixtures"

/// The smallest project that builds, with `files` added or put in place.
func project(_ files: [String: String] = [:]) -> MemoryFiles {
  var all = [
    "config/application.yml": "spacerVersion: 1\nappName: example\n",
    "app/gateway.lua": "return {{\"GET\", \"/hello\", \"hello\"}}\n",
    "app/hello.lua": "return function (args) return \"hello\" end\n",
  ]
  all.merge(files) { $1 }
  return MemoryFiles(text: all)
}

/// The report of a result as people read it.
func rendered(_ result: BuildResult) -> String {
  DiagnosticRenderer(sources: result.sources).text(result.report)
}

/// `id path message` of each finding.
func findings(_ result: BuildResult) -> [String] {
  result.diagnostics.map { "\($0.severity.name) \($0.id.rawValue) \($0.location.path): \($0.message)" }
}
