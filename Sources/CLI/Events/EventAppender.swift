// Appends many events in parts of a bounded size, in order, each part after the one before it was confirmed.

import SpacerEventLog
import SpacerRuntime

/// Appends to one topic.
struct EventAppender {
  private static let partCountMax = 500
  private static let partBytesMax = 1 << 20
  private static let idBytesMax = 255

  let eventBytesMax: Int
  private(set) var appendedCount = 0
  private(set) var duplicateCount = 0
  /// Of the newest event; nil when none was appended.
  private(set) var lastOffset: Int64?

  private let session: EventSession
  private let topic: String
  private let requiresKey: Bool
  private let check: PayloadCheck?
  private var part: [AppendEntry] = []
  private var partBytes = 0
  private var progress = Progress("events appended")
  /// The last line whose event is known to be appended.
  private var doneLine = 0
  private var lastLine = 0

  init(_ session: EventSession, topic: String) throws(CommandFailure) {
    self.session = session
    self.topic = topic
    let configuration = session.configuration
    eventBytesMax = configuration.eventBytesMax
    requiresKey = configuration.topic(named: topic)?.requiresKey ?? false
    guard let schema = configuration.topic(named: topic)?.schema else {
      check = nil
      return
    }
    do throws(LoadError) {
      check = try PayloadCheck(session.artifact, schema: schema)
    } catch {
      throw .missing(error.message)
    }
  }

  /// Reads a line of a file.
  static func entry(_ line: [UInt8]) throws(CommandFailure) -> AppendEntry {
    guard let object = JSONObject(line) else {
      throw refusal("it is no JSON object; a line looks like {\"key\": \"c1\", \"payload\": {\"total\": 5}}")
    }
    guard let payload = object.raw("payload") else { throw refusal("its object has no payload") }
    let key: String
    if let text = object.string("key") {
      key = text
    } else if let number = object.integer("key") {
      key = String(number)
    } else if object.raw("key") == nil {
      throw refusal("its object has no key")
    } else {
      throw refusal("its key is neither a string nor an integer")
    }
    let id = object.string("id")
    if id == nil, let raw = object.raw("id"), raw != Array("null".utf8) {
      throw refusal("its id is no string")
    }
    return AppendEntry(key: Array(key.utf8), value: payload, id: id)
  }

  /// Without the white space around it, which is not kept.
  static func trimmed(_ json: [UInt8]) -> [UInt8] {
    let isSpace = { (byte: UInt8) in byte == 32 || byte == 9 || byte == 10 || byte == 13 }
    let head = json.drop(while: isSpace)
    return Array(head.prefix(head.count - head.reversed().prefix(while: isSpace).count))
  }

  private static func refusal(_ message: String) -> CommandFailure {
    CommandFailure(status: ExitStatus.usage, message: message)
  }

  /// Takes an event, and appends a part when it is full.
  /// - Parameter place: Its line, from 1 on.
  mutating func add(_ entry: AppendEntry, place: Int?) throws(CommandFailure) {
    try validate(entry)
    let bytes = entry.byteCount
    if !part.isEmpty, part.count >= Self.partCountMax || partBytes + bytes > Self.partBytesMax { try flush() }
    part.append(entry)
    partBytes += bytes
    if let place { lastLine = place }
  }

  private func validate(_ entry: AppendEntry) throws(CommandFailure) {
    guard JSONScanner.isValid(Array(entry.value)) else {
      throw Self.refusal("the payload is no JSON; a text needs its quotes, as in '\"text\"'")
    }
    guard entry.value.count <= eventBytesMax else {
      throw Self.refusal("the payload is larger than \(eventBytesMax) bytes (limits.eventBytes)")
    }
    if entry.key.contains(0) { throw Self.refusal("the key holds NUL") }
    if requiresKey, entry.key.isEmpty {
      throw Self.refusal("the topic '\(topic)' requires a key, and this one is empty")
    }
    if let id = entry.id {
      guard (1...Self.idBytesMax).contains(id.utf8.count), !id.utf8.contains(0) else {
        throw Self.refusal("the id must have 1 to \(Self.idBytesMax) bytes, without NUL")
      }
    }
    if let problem = check?.problem(of: Array(entry.value)) {
      throw Self.refusal("the payload does not fit the schema of '\(topic)': \(problem)")
    }
  }

  /// Appends what is held back.
  mutating func flush() throws(CommandFailure) {
    guard !part.isEmpty else { return }
    let request = AppendRequest(topic: topic, entries: part)
    let outcome = try session.perform { () throws(EventLogError) in try session.append(request) }
    appendedCount += outcome.offsets.count
    duplicateCount += part.count - outcome.offsets.count
    if let offset = outcome.offsets.last { lastOffset = offset }
    doneLine = lastLine
    progress.add(part.count)
    part.removeAll(keepingCapacity: true)
    partBytes = 0
  }

  /// Takes the progress off the terminal.
  mutating func finish() { progress.clear() }

  /// What ends the reading of a file: with the line, and with how far it came.
  mutating func failure(_ failure: CommandFailure, line: Int, of name: String) -> CommandFailure {
    progress.clear()
    let isRefusal = failure.status == ExitStatus.usage
    let place = isRefusal ? "\(name), line \(line): " : ""
    let done =
      doneLine == 0
      ? "nothing was appended" : "the events of lines 1 to \(doneLine) were appended, none after them"
    return CommandFailure(status: failure.status, message: "\(place)\(failure.message ?? ""); \(done)")
  }
}
