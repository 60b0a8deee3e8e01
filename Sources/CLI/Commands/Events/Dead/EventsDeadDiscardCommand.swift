import ArgumentParser

/// `spacer events dead discard`.
struct EventsDeadDiscardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discard", abstract: "Remove dead letters for good.",
    discussion: "The events themselves stay in their topics, as long as these keep them.")

  @OptionGroup var selection: DeadLetterSelection
  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func run() throws {
    let session = try log.open(group: group.group)
    defer { session.close() }
    let letters = DeadLetterStore(session)
    try BulkChange(verb: "discard", past: "discarded", isJSON: log.json).run(selection, letters) {
      try letters.discard($0)
    }
  }
}
