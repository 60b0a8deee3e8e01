import ArgumentParser

/// `spacer check`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Find a project's mistakes without writing an artifact.",
    discussion: """
      Shows everything that is wrong in all files, as `spacer build` does. 'spacer help NAME' explains a finding by \
      the name that it ends with.

        spacer check
        spacer check shop --strict
        spacer check --format json
      """)

  @OptionGroup var target: ProjectOptions
  @OptionGroup var compiling: CompileOptions

  func run() throws {
    let build = try ProjectBuild(project: target.project, compiling)
    let outcome = build.check()
    build.printDiagnostics(outcome)
    if outcome.hasFailed { throw CommandFailure.projectErrors }
    build.printSummary("no errors: \(outcome.summary)")
  }
}
