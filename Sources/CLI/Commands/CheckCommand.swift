import ArgumentParser
import SpacerCompiler

/// `spacer check`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Find a project's mistakes without writing an artifact.")

  @OptionGroup var target: ProjectOptions
  @OptionGroup var compiling: CompileOptions

  func run() throws {
    let build = try ProjectBuild(project: target.project, options: compiling)
    let outcome = build.run()
    build.printDiagnostics(outcome)
    if outcome.artifact == nil { throw CommandFailure.projectErrors }
    build.printSummary("no errors: \(outcome.summary)")
  }
}
