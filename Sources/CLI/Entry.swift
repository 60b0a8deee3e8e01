// Where `spacer` starts and ends: parses the command line, runs one command, turns its outcome into an exit
// code. The codes are a promise: 0 done, 1 the project has errors, 2 usage, 3 a resource is missing.

import ArgumentParser
import Glibc
import SpacerArtifact

@main
enum Entry {
  static func main() {
    do {
      var command = try Spacer.parseAsRoot()
      try command.run()
    } catch let failure as CommandFailure {
      if let message = failure.message { Console.standardError.write("spacer: \(message)\n") }
      exit(failure.status)
    } catch {
      let message = Spacer.fullMessage(for: error)
      if Spacer.exitCode(for: error) == .success {
        Console.standardOutput.write(message + "\n")
        exit(0)
      }
      Console.standardError.write(message + "\n")
      exit(ExitStatus.usage)
    }
  }
}

/// The command `spacer`; all it does is in its subcommands.
struct Spacer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spacer",
    abstract: "Compiles a Spacer application and serves it.",
    version: "spacer \(SpacerRelease.current)",
    subcommands: [
      BuildCommand.self, CheckCommand.self, RunCommand.self, DevCommand.self, RoutesCommand.self,
      InspectCommand.self, VersionCommand.self,
    ])
}
