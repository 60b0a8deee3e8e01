import ArgumentParser

/// `spacer events dead`.
struct EventsDeadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead",
    abstract: "Look at events that functions failed on for good, and retry or discard them.",
    subcommands: [
      EventsDeadListCommand.self, EventsDeadShowCommand.self, EventsDeadRetryCommand.self,
      EventsDeadDiscardCommand.self,
    ])
}
