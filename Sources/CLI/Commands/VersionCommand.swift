import ArgumentParser
import SpacerArtifact

/// `spacer version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the release of Spacer.")

  func run() {
    Console.standardOutput.write("spacer \(SpacerRelease.current)\n")
  }
}
