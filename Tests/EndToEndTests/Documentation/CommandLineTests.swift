// Every command line of README.md and docs/ is run, in order, as a reader would: see MarkdownPage for what is
// read from a page. What cannot be run here is listed below with its reason.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct CommandLineTests {
  /// Commands that no test runs, by their beginning.
  private static let notRun: [(beginning: String, reason: String)] = [
    ("make ", "builds in release, for minutes; `make install-files` and CI's `make test` run its parts"),
    ("swift package ", "PackageTests runs the plugin, with a build of its own"),
    ("sudo ", "needs a machine with systemd; InitTests checks the unit and starts its command"),
    ("docker ", "needs Docker; InitTests starts what the Dockerfile starts"),
  ]

  static let pages: [String] = {
    let docs = (try? FileManager.default.subpathsOfDirectory(atPath: Tool.checkout + "/docs")) ?? []
    return ["README.md", "Fixtures/bookshop/README.md"]
      + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
  }()

  private static func reasonNotToRun(_ command: String) -> String? {
    notRun.first { command.hasPrefix($0.beginning) }?.reason
  }

  @Test(arguments: try CommandLineTests.pages.filter { try !MarkdownPage($0).steps.isEmpty })
  func aPageDoesWhatItSays(page path: String) throws {
    try run(MarkdownPage(path))
  }

  private func run(_ page: MarkdownPage) throws {
    let session = try PageSession(page: page.path)
    for step in page.steps {
      if case .command(let text, _, _) = step.action, Self.reasonNotToRun(text) != nil { continue }
      try session.perform(step)
    }
  }

  /// What a new project's README says works in that project.
  @Test(arguments: ["hello", "api", "events"])
  func theReadmeOfANewProject(template: String) throws {
    let workspace = try Workspace()
    let folder = workspace.path + "/" + template
    #expect(try Tool.run(["init", folder, "--template", template]).status == 0)
    let lines = try String(contentsOfFile: folder + "/README.md", encoding: .utf8).components(
      separatedBy: "\n")
    try run(
      MarkdownPage(
        path: "\(template)/README.md",
        lines: ["<!-- unseen: spacer init \(template) --template \(template) && cd \(template) -->"] + lines))
  }

  @Test func noCommandStandsWhereItIsNotRun() throws {
    #expect(try Self.pages.flatMap { try MarkdownPage($0).unmarked } == [])
  }

  /// A reason that nothing needs any more would hide the next command.
  @Test func everyExceptionIsNeeded() throws {
    let commands = try Self.pages.flatMap { try MarkdownPage($0).steps }.compactMap {
      if case .command(let text, _, _) = $0.action { text } else { nil }
    }
    for (beginning, _) in Self.notRun {
      #expect(commands.contains { $0.hasPrefix(beginning) }, "no page has '\(beginning)…'")
    }
  }

  /// A page that is linked to is there, and so is its section.
  @Test func everyLinkLeadsSomewhere() throws {
    for page in Self.pages + ["ARCHITECTURE.md"] {
      let folder = URL(fileURLWithPath: Tool.checkout + "/" + page).deletingLastPathComponent()
      for match in try Self.text(page).matches(of: /\]\(([^)\s#]*)(?:#([^)\s]*))?\)/)
      where !match.1.contains("://") {
        let target = match.1.isEmpty ? page : folder.appendingPathComponent(String(match.1)).standardized.path
        let path = target.hasPrefix("/") ? target : Tool.checkout + "/" + target
        guard FileManager.default.fileExists(atPath: path) else {
          Issue.record("\(page) links to \(match.1), which is not there")
          continue
        }
        guard let section = match.2 else { continue }
        let sections = try String(contentsOfFile: path, encoding: .utf8).matches(of: /(?m)^#+ (.*)$/).map {
          $0.1.lowercased().filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }
            .replacingOccurrences(of: " ", with: "-")
        }
        #expect(sections.contains(String(section)), "\(page) links to \(match.1)#\(section)")
      }
    }
  }

  private static func text(_ page: String) throws -> String {
    try String(contentsOfFile: Tool.checkout + "/" + page, encoding: .utf8)
  }

  /// What counts as printed: see MarkdownPage.
  @Test(arguments: [
    (["a"], "a\n", true), (["a"], "a\nb\n", false), (["a", "…"], "a\nb\nc\n", true),
    (["a", "…", "c"], "a\nc", true),
    (["a…c"], "abbbc", true), (["a…c"], "ab", false), (["in 4.2 ms"], "in 71 ms", true),
    (["4 routes"], "5 routes", false),
    ([#"{"a":1,"b":2}"#], #"{"b":2,"a":1}"#, true), ([#"{"a":1}"#], #"{"a":2}"#, false),
    ([], "anything", true),
    (["2026-03-01T12:00:00.120Z  x"], "2027-11-24T01:02:03.456Z  x", true), ([""], "", true),
  ])
  func comparison(shown: [String], printed: String, fits: Bool) {
    let complaint = ExpectedOutput(shown).complaint(about: printed, isWhole: true)
    #expect((complaint == nil) == fits, "\(shown) for \(printed): \(complaint ?? "")")
  }
}
