import ArgumentParser
import SpacerEventLog

/// `spacer events groups`.
struct EventsGroupsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "groups", abstract: "List the consumer groups, and how far each is behind.",
    discussion: "Listed are the groups that have finished events of the application's topics, and its own.")

  @OptionGroup var log: EventLogOptions

  func run() throws {
    let session = try log.open()
    defer { session.close() }
    var names = try session.perform { () throws(EventLogError) in try session.store.groups() }
    if !names.contains(session.group) { names = (names + [session.group]).sorted() }
    var reports: [GroupReport] = []
    for name in names {
      reports.append(try GroupReport(session, group: name, isOwn: name == session.group))
    }
    if log.json {
      return Console.standardOutput.write(JSONText.array(reports.map(\.json)).text)
    }
    var table = Table(header: ["GROUP", "LAG", "MEMBERS", "PAUSED"])
    for report in reports {
      let paused = report.pausedTriggers.map { "\($0.function) (\($0.topic))" }
      table.add([
        report.group, report.lag == 0 ? "0" : "at most \(report.lag)", String(report.owners.count),
        paused.isEmpty ? "-" : paused.joined(separator: ", "),
      ])
    }
    Console.standardOutput.write(table.text)
  }
}
