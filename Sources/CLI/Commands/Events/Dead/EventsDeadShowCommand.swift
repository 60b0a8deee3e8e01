import ArgumentParser

/// `spacer events dead show`.
struct EventsDeadShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all that is known of a dead letter, with its payload.")

  @Argument(help: "Its id as 'dead list' shows it, or the event's.") var id: String
  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func run() throws {
    let session = try log.open(group: group.group)
    defer { session.close() }
    let items = try DeadLetterStore(session).find(id)
    guard !items.isEmpty else {
      throw CommandFailure(
        status: ExitStatus.usage,
        message: "there is no dead letter '\(id)'; 'spacer events dead list' shows their ids")
    }
    for (index, item) in items.enumerated() {
      if log.json {
        Console.standardOutput.writeLine(item.json)
      } else {
        Console.standardOutput.write((index > 0 ? "\n" : "") + item.text)
      }
    }
  }
}
