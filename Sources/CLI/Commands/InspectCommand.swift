import ArgumentParser

/// `spacer inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show what an artifact holds.")

  @Argument(help: "The artifact.") var artifact: String
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let report = try ArtifactReport(ArtifactFile.open(artifact))
    Console.standardOutput.write(json ? report.json.text : report.text)
  }
}
