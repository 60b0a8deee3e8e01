import ArgumentParser
import SpacerEventLog
import SpacerSystem

/// The filter of the commands of `spacer events dead`.
struct DeadLetterOptions: ParsableArguments {
  @Option(help: "Only of this topic.") var topic: String?
  @Option(help: "Only of this function.") var function: String?

  @Option(
    help:
      "Only those given up for this reason: final (the function said so), attempts (used up), age (too old) or unknown (no such trigger any more)."
  )
  var reason: Reason?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only those that failed last then or later: 2026-03-01T12:30:00Z, -1h.", valueName: "time"))
  var since: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only those that failed last before then.", valueName: "time"))
  var until: String?

  @Option(parsing: .unconditional, help: "Only events with this key.") var key: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only those with this text in the payload or the message.", valueName: "text"))
  var contains: String?

  enum Reason: String, CaseIterable, ExpressibleByArgument { case final, attempts, age, unknown }

  func validate() throws { _ = try filter() }

  func filter() throws -> DeadLetterFilter {
    let now = SystemClock.machine.wallMilliseconds()
    return DeadLetterFilter(
      topic: topic, function: function, reason: reason.flatMap { DeadLetter.Reason(rawValue: $0.rawValue) },
      since: try Self.time("--since", since, now), until: try Self.time("--until", until, now),
      key: key.map { Array($0.utf8) }, contains: contains)
  }

  private static func time(_ name: String, _ text: String?, _ now: Int64) throws -> Int64? {
    guard let text else { return nil }
    do throws(EventTime.Problem) {
      return try EventTime.parse(text, now: now)
    } catch {
      throw ValidationError("\(name): \(error.message)")
    }
  }
}

/// Which letters a command changes: ids, or a filter, or all.
struct DeadLetterSelection: ParsableArguments {
  @Argument(help: "Ids as 'dead list' shows them, or of events.") var ids: [String] = []
  @OptionGroup var options: DeadLetterOptions
  @Flag(help: "All of the group's, when there is no filter.") var all = false

  @Option(help: ArgumentHelp("At most so many.", valueName: "count")) var limit: Int?
  @Flag(name: .shortAndLong, help: "Do not ask before more than one is changed.") var yes = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on, not \(limit)") }
    let filter = try options.filter()
    if ids.isEmpty, filter.isEmpty, !all {
      throw ValidationError("name dead letters by their ids, filter them, or say --all")
    }
    if !ids.isEmpty, all || !filter.isEmpty {
      throw ValidationError("name ids, or a filter, not both")
    }
  }

  /// The ids of the letters that are meant now. Letters that come later are not in it, so that one that fails again
  /// while a command runs is not taken a second time.
  func select(_ letters: DeadLetterStore) throws -> [DeadLetterItem.Reference] {
    var found: [DeadLetterItem.Reference] = []
    for id in ids {
      let items = try letters.find(id)
      if items.isEmpty {
        throw CommandFailure(
          status: ExitStatus.usage,
          message: "there is no dead letter '\(id)'; 'spacer events dead list' shows their ids")
      }
      let distinct = Set(items.map(\.id))
      if distinct.count > 1 {
        throw CommandFailure(
          status: ExitStatus.usage,
          message:
            "'\(id)' names \(distinct.count) dead letters: \(distinct.sorted().joined(separator: ", "))")
      }
      found += items.map(\.reference)
    }
    guard ids.isEmpty else { return found }
    let filter = try options.filter()
    var progress = Progress("dead letters read")
    try letters.forEach { item in
      progress.add(1)
      if filter.matches(item.letter) { found.append(item.reference) }
      return found.count < limit ?? .max
    }
    progress.clear()
    return found
  }
}

extension DeadLetterItem {
  /// What of a letter is kept while many are worked through.
  struct Reference: Hashable {
    var id: String
    var isBeingRetried: Bool
    /// A letter that was stored anew since is another one.
    var lastFailureMilliseconds: Int64
  }

  var reference: Reference {
    Reference(
      id: id, isBeingRetried: isBeingRetried, lastFailureMilliseconds: letter.lastFailureMilliseconds)
  }
}
