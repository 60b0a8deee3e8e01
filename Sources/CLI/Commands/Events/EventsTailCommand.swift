import ArgumentParser
import SpacerEventLog
import SpacerSystem

/// `spacer events tail`.
struct EventsTailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail", abstract: "Show events of a topic: the last 10, or those from a place on.",
    discussion: """
      Each line has the time of the append, partition:offset, the key and the payload; on a terminal it is cut at \
      the terminal's width. With --json each line is an object with the whole payload.
      """)

  static let limitDefault = 10

  @Argument(help: "The topic.", completion: ProjectCompletion.topics) var topic: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Begin at 'beginning', 'end', an offset (a number, or offset:N), or a time: 2026-03-01, 2026-03-01T12:30:00Z, -1h (before now), or milliseconds since 1970.",
      valueName: "place"))
  var from: String?

  @Flag(name: .shortAndLong, help: "Wait for further events and show them, until interrupted.")
  var follow = false

  @Option(
    help: ArgumentHelp(
      "Show at most so many events (default: all with --from, else the last \(limitDefault)).",
      valueName: "count"))
  var limit: Int?

  @Option(parsing: .unconditional, help: "Show only events with this key.") var key: String?

  @OptionGroup var log: EventLogOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on, not \(limit)") }
    _ = try start()
  }

  func run() throws {
    let session = try log.open()
    defer { session.close() }
    try session.requireTopic(topic, allowsInternal: true)
    var printer = EventPrinter(isJSON: log.json, limit: from == nil && follow ? nil : limit)
    var position: ReadPosition
    let wanted = key.map { Array($0.utf8) }
    var progress = Progress("events read")
    if let start = try start() {
      position = try session.perform { () throws(EventLogError) in
        try session.store.position(topic, start)
      }
      position = try read(session, from: position, key: wanted, &printer, &progress)
    } else {
      let last = try session.perform { () throws(EventLogError) in
        try EventReader.last(
          limit ?? Self.limitDefault, of: topic, session.store, progress: &progress
        ) { wanted == nil || $0.key == wanted }
      }
      progress.clear()
      printer.print(last.events)
      position = last.position
    }
    progress.clear()
    guard follow else { return }
    while !printer.isFull {
      let events = try session.perform { () throws(EventLogError) in
        try session.store.read(topic, &position, limit: 500, waitMilliseconds: 1_000)
      }
      printer.print(events.filter { wanted == nil || $0.key == wanted })
    }
  }

  /// Prints what is there; returns the position behind it.
  private func read(
    _ session: EventSession, from position: ReadPosition, key: [UInt8]?, _ printer: inout EventPrinter,
    _ progress: inout Progress
  ) throws -> ReadPosition {
    let status = try session.perform { () throws(EventLogError) in
      try session.store.status(ofTopic: topic)
    }
    var reader = EventReader(session.store, status, from: position)
    while !printer.isFull {
      let page = try session.perform { () throws(EventLogError) in try reader.next() }
      if page.isEmpty { break }
      progress.add(page.count)
      let events = page.filter { key == nil || $0.key == key }
      if !events.isEmpty { progress.clear() }
      printer.print(events)
    }
    return reader.position
  }

  private func start() throws -> ReadStart? {
    guard let from else { return nil }
    do throws(EventTime.Problem) {
      switch try EventTime.parseStart(from, now: SystemClock.machine.wallMilliseconds()) {
      case .beginning: return .beginning
      case .end: return .end
      case .offset(let offset): return .offset(offset)
      case .time(let time): return .time(time)
      }
    } catch {
      throw ValidationError("--from: \(error.message)")
    }
  }
}

/// Prints events up to a number of them.
private struct EventPrinter {
  private let isJSON: Bool
  /// How many more; nil for all.
  private var left: Int?
  private let width = EventLine.terminalWidth

  init(isJSON: Bool, limit: Int?) {
    self.isJSON = isJSON
    left = limit
  }

  var isFull: Bool { left == 0 }

  mutating func print(_ events: [EventRecord]) {
    let shown = events.prefix(left ?? events.count)
    guard !shown.isEmpty else { return }
    if let left { self.left = left - shown.count }
    var bytes: [UInt8] = []
    for event in shown {
      bytes += isJSON ? EventLine.json(event) : Array(EventLine.text(event, width: width).utf8)
      bytes.append(10)
    }
    _ = Files.writeAll(bytes, to: Console.standardOutput.descriptor)
  }
}
