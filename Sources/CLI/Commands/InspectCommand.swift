import ArgumentParser

/// `spacer inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show what an artifact holds.",
    discussion: """
      Who built it and for which environment, its sections, modules, routes, topics and settings.

        spacer inspect app.spx
        spacer inspect app.spx --json
      """)

  @Argument(help: "The artifact.", completion: .file(extensions: ["spx"])) var artifact: String
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let report = try ArtifactReport(ArtifactFile.open(artifact))
    Console.standardOutput.write(json ? report.json.text : report.text)
  }
}
