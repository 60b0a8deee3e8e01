import ArgumentParser

/// `spacer events`.
struct EventsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "Read, append and operate an application's events.",
    discussion: """
      The commands work on the event log that logStorage in config/application.yml names for the environment, also \
      while servers use it. With the memory driver the events are in the server's process: the commands then go \
      through the write proxy of the running server, and so they do anywhere with --url.
      """,
    subcommands: [
      EventsTailCommand.self, EventsAppendCommand.self, EventsCountCommand.self, EventsLagCommand.self,
      EventsGroupsCommand.self, EventsPauseCommand.self, EventsResumeCommand.self, EventsDeadCommand.self,
    ])
}
