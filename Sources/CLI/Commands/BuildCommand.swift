import ArgumentParser

/// `spacer build`.
struct BuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Compile a project into one artifact.",
    discussion: """
      A failed build leaves the artifact of an earlier one as it was. What has not changed since the last \
      build comes from the cache in the project's .spacer folder.
      """)

  @OptionGroup var target: ProjectOptions
  @OptionGroup var compiling: CompileOptions

  @Option(name: [.short, .long], help: "Where to write the artifact.") var output = "app.spx"

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output takes a path") }
  }

  func run() throws {
    let build = try ProjectBuild(
      project: target.project, options: compiling.options, format: compiling.format)
    let outcome = build.build()
    build.printDiagnostics(outcome)
    guard let artifact = outcome.artifact else { throw CommandFailure.projectErrors }
    do throws(SystemFailure) {
      try Files.replace(output, with: artifact)
    } catch {
      throw CommandFailure.missing(
        "cannot write '\(output)': \(error.reason); name another place with --output")
    }
    build.printSummary("built \(output): \(outcome.summary)")
  }
}
