import ArgumentParser
import SpacerEventLog

/// `spacer events count`.
struct EventsCountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count", abstract: "Count the events of a topic, or of all.",
    discussion: """
      Without --exact nothing is read: the number is the distance between the oldest and the newest offset, and \
      since offsets can have gaps there may be fewer events.
      """)

  @Argument(help: "The topic (default: all).", completion: ProjectCompletion.topics) var topic: String?
  @Flag(help: "Read the events and count them.") var exact = false
  @OptionGroup var log: EventLogOptions

  func run() throws {
    let session = try log.open()
    defer { session.close() }
    if let topic { try session.requireTopic(topic, allowsInternal: true) }
    var progress = Progress("events read")
    var table = Table(header: ["TOPIC", "EVENTS"])
    var list: [JSONText] = []
    for name in topic.map({ [$0] }) ?? session.topicNames {
      let status = try session.perform { () throws(EventLogError) in
        try session.store.status(ofTopic: name)
      }
      let bound = Self.bound(status)
      let count = exact ? try read(session, status, &progress) : bound
      let isExact = exact || bound == 0
      table.add([name, isExact ? "\(count)" : "at most \(count)"])
      list.append(
        .object([
          ("topic", .string(name)), ("count", .integer(Int(clamping: count))), ("isExact", .boolean(isExact)),
        ]))
    }
    progress.clear()
    if log.json {
      Console.standardOutput.write((topic == nil ? JSONText.array(list) : list.first ?? .null).text)
    } else if topic != nil, let row = table.lastCell {
      Console.standardOutput.write(row + "\n")
    } else {
      Console.standardOutput.write(table.text)
    }
  }

  /// The offsets from the oldest event to the newest.
  static func bound(_ status: TopicStatus) -> Int64 {
    status.first.reduce(0) { $0 + max(0, (status.end[$1.key] ?? 0) - $1.value) }
  }

  private func read(
    _ session: EventSession, _ status: TopicStatus, _ progress: inout Progress
  ) throws -> Int64 {
    let start = try session.perform { () throws(EventLogError) in
      try session.store.position(status.topic, .beginning)
    }
    var reader = EventReader(session.store, status, from: start)
    var count: Int64 = 0
    while true {
      let page = try session.perform { () throws(EventLogError) in try reader.next() }
      if page.isEmpty { return count }
      count += Int64(page.count)
      progress.add(page.count)
    }
  }
}
