import ArgumentParser
import Glibc
import SpacerEventLog
import SpacerRuntime

/// `spacer events append`.
struct EventsAppendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "append", abstract: "Append events to a topic.",
    usage: """
      spacer events append TOPIC KEY [PAYLOAD | -] [--id ID]
      spacer events append TOPIC --file FILE
      """,
    discussion: """
      The payload is JSON, and must fit the topic's schema, if it has one. A file has one event a line: \
      {"key": "c1", "payload": {"total": 5}, "id": "order-7"}, where the id may be missing; other members are \
      ignored, so that what 'tail --json' prints can be appended. A file is appended in order and in parts: at the \
      first line that is wrong the command ends and says how far it came.
      """)

  @Argument(help: "The topic.", completion: ProjectCompletion.topics) var topic: String
  @Argument(help: "The event's key.") var key: String?
  @Argument(help: "The payload, JSON; '-' or nothing reads it from standard input.") var payload: String?

  @Option(
    parsing: .unconditional,
    help:
      "The event's id: on memory, sqlite and postgres an event with this id is appended to the topic once only."
  )
  var id: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Read events from a file; '-' is standard input.", valueName: "file"))
  var file: String?

  @OptionGroup var log: EventLogOptions

  func validate() throws {
    if file == nil, key == nil { throw ValidationError("give a key and a payload, or a file with --file") }
    if file != nil, key != nil || id != nil {
      throw ValidationError("with --file, keys and ids stand in the file")
    }
    // Standard input would be waited for, and there is nothing in it.
    if let key, payload == nil, JSONObject(Array(key.utf8)) != nil {
      throw ValidationError("a key stands before the payload: spacer events append \(topic) KEY PAYLOAD")
    }
  }

  func run() throws {
    let session = try log.open(mayCreate: true)
    defer { session.close() }
    try session.requireTopic(topic)
    var appender = try EventAppender(session, topic: topic)
    if let file {
      try appendFile(file, &appender)
    } else {
      try appendOne(&appender)
    }
    try appender.flush()
    appender.finish()
    report(appender)
  }

  private func appendOne(_ appender: inout EventAppender) throws {
    let bytes: [UInt8]
    if let payload, payload != "-" {
      bytes = Array(payload.utf8)
    } else {
      if payload == nil, isatty(STDIN_FILENO) == 1 {
        throw ValidationError("give the payload, or '-' to type it")
      }
      bytes = try Self.readAll(bytesMax: appender.eventBytesMax)
    }
    try appender.add(
      AppendEntry(key: Array((key ?? "").utf8), value: EventAppender.trimmed(bytes), id: id), place: nil)
  }

  private static func readAll(bytesMax: Int) throws(CommandFailure) -> [UInt8] {
    var input = LineInput(descriptor: STDIN_FILENO, name: "standard input", lineBytesMax: bytesMax + 65_536)
    return try input.rest()
  }

  private func appendFile(_ file: String, _ appender: inout EventAppender) throws {
    let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let failure = SystemFailure("open", file)
      throw CommandFailure.missing("cannot read \(file): \(failure.reason)")
    }
    defer { if file != "-" { close(descriptor) } }
    let name = file == "-" ? "standard input" : file
    var input = LineInput(
      descriptor: descriptor, name: name, lineBytesMax: 2 * appender.eventBytesMax + 65_536)
    var number = 0
    do throws(CommandFailure) {
      while let line = try input.next() {
        number += 1
        guard line.contains(where: { $0 > 32 }) else { continue }
        try appender.add(try EventAppender.entry(line), place: number)
      }
    } catch {
      throw appender.failure(error, line: number, of: name)
    }
  }

  private func report(_ appender: EventAppender) {
    if log.json {
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("topic", topic)
      writer.member("appended", Int64(appender.appendedCount))
      writer.member("duplicates", Int64(appender.duplicateCount))
      if let offset = appender.lastOffset { writer.member("lastOffset", offset) }
      writer.endObject()
      return Console.standardOutput.writeLine(writer.bytes)
    }
    var text =
      "appended \(appender.appendedCount == 1 ? "1 event" : "\(appender.appendedCount) events") to '\(topic)'"
    if let offset = appender.lastOffset {
      text += appender.appendedCount == 1 ? " at offset \(offset)" : ", the last one at offset \(offset)"
    }
    if appender.duplicateCount > 0 { text += "; \(appender.duplicateCount) with ids that were there already" }
    Console.standardOutput.write(text + "\n")
  }
}
