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
      let words = CommandLine.arguments.dropFirst()
      if let text = try HelpTopic.answer(to: words) {
        Console.standardOutput.write(text)
        exit(0)
      }
      try Spacer.requireKnownCommand(words)
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
    discussion: """
      TOPICS, explained by 'spacer help TOPIC':
      \(HelpTopic.list)
      """,
    version: "spacer \(SpacerRelease.current)",
    subcommands: [
      InitCommand.self, BuildCommand.self, CheckCommand.self, RunCommand.self, DevCommand.self,
      TestCommand.self, RoutesCommand.self, InspectCommand.self, DiffCommand.self, KeygenCommand.self,
      EventsCommand.self, ReplayCommand.self, StubsCommand.self, CompletionsCommand.self, VersionCommand.self,
    ])

  /// Fails on a word that stands where a command must and is none, at any level.
  static func requireKnownCommand(_ words: ArraySlice<String>) throws(CommandFailure) {
    let isHelp = words.first == "help"
    var rest = isHelp ? words.dropFirst() : words
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
      var names = subcommands.compactMap { $0.configuration.commandName }
      if path.isEmpty { names += ["help"] + (isHelp ? HelpTopic.names : []) }
      let shown = isHelp ? "help \(path)" : path
      let hint =
        NearestName.find(asked, in: names).map { "did you mean 'spacer \(shown)\($0)'?" }
        ?? "'spacer help\(path.isEmpty ? "" : " " + path.dropLast())' lists the commands\(isHelp ? " and topics" : "")"
      let kinds = isHelp && path.isEmpty ? "command or topic" : "command"
      throw CommandFailure(
        status: ExitStatus.usage, message: "there is no \(kinds) '\(path)\(asked)'; \(hint)")
    }
  }
}
