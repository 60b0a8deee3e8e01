import ArgumentParser

/// `spacer events dead list`.
struct EventsDeadListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List dead letters, by topic, function and event.",
    discussion: "With --json, each line is an object with the whole dead letter, payload included.")

  static let limitDefault = 100

  @OptionGroup var options: DeadLetterOptions

  @Option(
    help: ArgumentHelp(
      "At most so many (default: \(limitDefault); with --json all).", valueName: "count"))
  var limit: Int?

  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on, not \(limit)") }
  }

  func run() throws {
    let session = try log.open(group: group.group)
    defer { session.close() }
    let filter = try options.filter()
    let countMax = limit ?? (log.json ? .max : Self.limitDefault)
    var table = Table(header: DeadLetterItem.header)
    var count = 0
    var hasMore = false
    var progress = Progress("dead letters read")
    try DeadLetterStore(session).forEach { item in
      progress.add(1)
      guard filter.matches(item.letter) else { return true }
      guard count < countMax else {
        hasMore = true
        return false
      }
      count += 1
      if log.json {
        progress.clear()
        Console.standardOutput.writeLine(item.json)
      } else {
        table.add(item.cells)
      }
      return true
    }
    progress.clear()
    guard !log.json else { return }
    guard count > 0 else { return Console.standardOutput.write("no dead letters\n") }
    let width = EventLine.terminalWidth
    for line in table.text.split(separator: "\n") {
      Console.standardOutput.write((width.map { EventLine.cut(String(line), to: $0) } ?? String(line)) + "\n")
    }
    if hasMore { Console.standardError.write("there are more: name a higher --limit, or a filter\n") }
  }
}
