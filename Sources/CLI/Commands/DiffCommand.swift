import ArgumentParser

/// `spacer diff`.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Show what changed between two artifacts, and what of it breaks callers.",
    discussion: """
      Compares routes, functions, topics, triggers, schedules, environment variables, settings, and what each \
      function can reach: servers, topics, databases, other functions. Standalone executables will do as well. The \
      exit code is 1 when something breaks callers.

        spacer diff old.spx new.spx
        spacer diff old.spx new.spx --json
      """)

  @Argument(help: "The artifact in use.") var old: String
  @Argument(help: "The artifact to take its place.") var new: String
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let before = try ArtifactFile.open(old)
    let after = try ArtifactFile.open(new)
    let diff = ArtifactDiff(before, after)
    Console.standardOutput.write(
      json ? diff.json.text : diff.text(useColor: Console.standardOutput.wantsColor))
    if diff.isBreaking { throw CommandFailure.projectErrors }
  }
}
