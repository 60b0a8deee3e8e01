// Where `spacer` starts and ends: parses the command line, runs one command, turns its outcome into an exit
// code. The codes are a promise: 0 done, 1 the project has errors, 2 usage, 3 a resource is missing.

import ArgumentParser
import Glibc
import SpacerArtifact
import SpacerCompiler

@main
enum Entry {
  static func main() {
    do {
      try Spacer.requireKnownCommand(CommandLine.arguments.dropFirst())
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
      InitCommand.self, BuildCommand.self, CheckCommand.self, RunCommand.self, DevCommand.self,
      RoutesCommand.self,
      InspectCommand.self, EventsCommand.self, ReplayCommand.self, StubsCommand.self, VersionCommand.self,
    ])

  /// Fails on a word that stands where a command must and is none.
  static func requireKnownCommand(_ words: ArraySlice<String>) throws(CommandFailure) {
    let asked = words.first == "help" ? words.dropFirst().first : words.first
    guard let asked, !asked.hasPrefix("-") else { return }
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !names.contains(asked) else { return }
    let hint =
      NearestName.find(asked, in: names).map { "did you mean 'spacer \($0)'?" }
      ?? "'spacer help' lists the commands"
    throw CommandFailure(status: ExitStatus.usage, message: "there is no command '\(asked)'; \(hint)")
  }
}
