import ArgumentParser

/// `spacer events lag`.
struct EventsLagCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lag", abstract: "Show how far a consumer group is behind, and which triggers are paused.",
    discussion: """
      The lag of a topic is the distance of offsets from what is done to the newest event. Offsets can have gaps, so \
      there may be fewer events. A member is a running server that has partitions.
      """)

  @Flag(help: "Show each partition.") var partitions = false
  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func run() throws {
    let session = try log.open(group: group.group)
    defer { session.close() }
    let report = try GroupReport(session, group: session.group, isOwn: true)
    Console.standardOutput.write(log.json ? report.json.text : report.text(showsPartitions: partitions))
  }
}
