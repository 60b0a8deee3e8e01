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

  /// Fails on a word that stands where a command must and is none, at any level.
  static func requireKnownCommand(_ words: ArraySlice<String>) throws(CommandFailure) {
    var rest = words.first == "help" ? words.dropFirst() : words
    var command: any ParsableCommand.Type = Spacer.self
    var path = ""
    while let asked = rest.popFirst(), !asked.hasPrefix("-"), !command.configuration.subcommands.isEmpty {
      let subcommands = command.configuration.subcommands
      if let found = subcommands.first(where: { $0.configuration.commandName == asked }) {
        command = found
        path += asked + " "
        continue
      }
      if path.isEmpty, asked == "help" { return }
      let names = subcommands.compactMap { $0.configuration.commandName } + (path.isEmpty ? ["help"] : [])
      let hint =
        NearestName.find(asked, in: names).map { "did you mean 'spacer \(path)\($0)'?" }
        ?? "'spacer help\(path.isEmpty ? "" : " " + path.dropLast())' lists the commands"
      throw CommandFailure(
        status: ExitStatus.usage, message: "there is no command '\(path)\(asked)'; \(hint)")
    }
  }
}
