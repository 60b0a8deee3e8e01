import ArgumentParser
import SpacerEventLog
import SpacerRuntime

/// `spacer events dead retry`.
struct EventsDeadRetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Have dead letters run again by the functions that failed on them.",
    usage: """
      spacer events dead retry ID …
      spacer events dead retry --edit ID
      spacer events dead retry [--topic T] [--function F] [--reason R] [--since TIME] [--until TIME] [--key K] \
      [--contains TEXT] [--all]
      """,
    discussion: """
      A retry runs the one function that failed, with the event as it was and its attempts anew. Other functions of \
      the topic do not see it again. When the command is cut off, an event may run twice, but is never lost: it is \
      then listed as being retried.
      """)

  @Flag(help: "Change the payload of one dead letter in $EDITOR first.") var edit = false
  @OptionGroup var selection: DeadLetterSelection
  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func validate() throws {
    if edit, selection.ids.count != 1 { throw ValidationError("--edit takes the id of one dead letter") }
  }

  func run() throws {
    let session = try log.open(group: group.group)
    defer { session.close() }
    let letters = DeadLetterStore(session)
    let change = BulkChange(verb: "retry", past: "retried", isJSON: log.json)
    guard edit else { return try change.run(selection, letters) { try letters.retry($0) } }
    guard let reference = try selection.select(letters).first,
      let item = try letters.find(reference.id).first
    else { return }
    var edited = item
    guard let payload = try PayloadEditor.edit(item.letter.event.value) else {
      throw CommandFailure(
        status: ExitStatus.projectErrors, message: "the payload is as it was: nothing was retried")
    }
    let bytesMax = session.configuration.eventBytesMax
    guard payload.count <= bytesMax else {
      throw CommandFailure(
        status: ExitStatus.usage,
        message: "the payload is larger than \(bytesMax) bytes (limits.eventBytes): nothing was retried")
    }
    edited.letter.event.value = payload
    try letters.retry([edited])
    change.report(1)
  }
}
