// Completions: what bash offers when the script is sourced as `make install` puts it, in a project's folder.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct CompletionTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func bash(_ script: String, folder: String) throws -> String {
    var environment = Tool.environment
    environment["PATH"] = Tool.executables + ":" + (environment["PATH"] ?? "")
    let child = try ChildProcess(["/bin/bash", "-c", script], environment: environment, folder: folder)
    defer { child.signal(SIGKILL) }
    let status = try child.waitForExit()
    guard status == 0 else { throw HarnessError("\(status): \(child.standardError)") }
    return child.standardOutput
  }

  @Test func bashOffersWhatFits() throws {
    let project = workspace.path + "/events"
    #expect(try Tool.run(["init", project, "--template", "events"]).status == 0)
    _ = try workspace.build(project, to: "events/app.spx")
    try workspace.write("", to: "events/notes.txt")
    let cases: [(line: [String], offered: [String], not: [String])] = [
      (["in"], ["init", "inspect"], ["build"]),
      (["init", "--template", ""], ["hello", "api", "events"], []),
      (["run", ""], ["app.spx"], ["notes.txt", "README.md"]),
      (["check", ""], ["app", "lib"], ["notes.txt", "app.spx"]),
      (["replay", "--topic", ""], ["orders"], ["totals/record"]),
      (["replay", "--function", "to"], ["totals/record"], ["health"]),
      (["events", "tail", ""], ["orders"], ["notes.txt"]),
      (["events", "p"], ["pause"], ["tail"]),
      (["help", "ga"], ["gateway", "gateway-missing"], ["init"]),
      (["completions", ""], ["bash", "zsh", "fish"], []),
    ]
    var script = """
      source <(spacer completions bash)
      try() {
        COMP_WORDS=(spacer "$@"); COMP_CWORD=$#; COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
        _spacer spacer "${COMP_WORDS[$COMP_CWORD]}" "${COMP_WORDS[$COMP_CWORD-1]}"
        echo "${COMPREPLY[*]}"
      }

      """
    for item in cases { script += "try \(item.line.map { "'\($0)'" }.joined(separator: " "))\n" }
    let answers = try bash(script, folder: project)
      .split(separator: "\n", omittingEmptySubsequences: false).map {
        $0.split(separator: " ").map(String.init)
      }
    for (item, offered) in zip(cases, answers) {
      #expect(Set(item.offered).isSubset(of: offered), "\(item.line): \(offered)")
      #expect(Set(item.not).isDisjoint(with: offered), "\(item.line): \(offered)")
    }
    // Where there is no project, nothing is offered and nothing is said.
    #expect(try bash(script + "try events tail ''\n", folder: workspace.path).hasSuffix("\n\n"))
  }

  @Test func everyShellHasItsScript() throws {
    for (shell, mark) in [("bash", "complete -o"), ("zsh", "#compdef spacer"), ("fish", "complete -c")] {
      let outcome = try Tool.run(["completions", shell])
      #expect(outcome.status == 0 && outcome.output.contains(mark), "\(shell): \(outcome.errors)")
      #expect(outcome.output.contains("exit-codes"), "\(shell) does not know the topics of help")
    }
    #expect(try Tool.run(["completions", "tcsh"]).status == 2)
  }

  @Test func installation() throws {
    let make = try ChildProcess(
      [
        "/usr/bin/env", "make", "--no-print-directory", "-C", Tool.checkout, "install-files",
        "RELEASE=\(Tool.executables)", "PREFIX=/usr", "DESTDIR=\(workspace.path)/staged",
      ], environment: Tool.environment)
    #expect(try make.waitForExit() == 0, "\(make.standardError)")
    let root = workspace.path + "/staged/usr"
    for file in [
      "bin/spacer", "bin/spacer-serve", "share/bash-completion/completions/spacer",
      "share/zsh/site-functions/_spacer", "share/fish/vendor_completions.d/spacer.fish",
    ] {
      let size = try FileManager.default.attributesOfItem(atPath: root + "/" + file)[.size] as? Int
      #expect((size ?? 0) > 1_000, "\(file)")
    }
  }
}
