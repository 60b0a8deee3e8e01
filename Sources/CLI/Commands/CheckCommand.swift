import ArgumentParser

/// `spacer check`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Find a project's mistakes without writing an artifact.")

  @OptionGroup var target: ProjectOptions
  @OptionGroup var compiling: CompileOptions

  func run() throws {
    let build = try ProjectBuild(
      project: target.project, options: compiling.options, format: compiling.format)
    let outcome = build.check()
    build.printDiagnostics(outcome)
    if outcome.hasFailed { throw CommandFailure.projectErrors }
    build.printSummary("no errors: \(outcome.summary)")
  }
}
