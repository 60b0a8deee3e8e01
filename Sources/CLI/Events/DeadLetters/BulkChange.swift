// Changes many dead letters, in parts, after a question where a person can answer one.

import Glibc
import SpacerEventLog

/// What `retry` and `discard` do alike.
struct BulkChange {
  private static let partCount = 100
  private static let partBytesMax = 512 << 10

  /// `retry`, `discard`.
  let verb: String
  /// `retried`, `discarded`.
  let past: String
  let isJSON: Bool

  /// Changes what is selected.
  func run(
    _ selection: DeadLetterSelection, _ letters: DeadLetterStore, _ change: ([DeadLetterItem]) throws -> Void
  ) throws {
    let references = try selection.select(letters)
    if references.count > 1, !selection.yes, !confirm(references.count) {
      throw CommandFailure(status: ExitStatus.projectErrors, message: "nothing was \(past)")
    }
    var progress = Progress("dead letters \(past)", total: references.count)
    var part: [DeadLetterItem] = []
    var partBytes = 0
    var count = 0
    func flush() throws {
      guard !part.isEmpty else { return }
      try apply(part, change)
      count += part.count
      progress.add(part.count)
      part = []
      partBytes = 0
    }
    do {
      try letters.forEach(references, areFew: !selection.ids.isEmpty) { item in
        let bytes = item.letter.event.value.count + 1_024
        if part.count >= Self.partCount || partBytes + bytes > Self.partBytesMax { try flush() }
        part.append(item)
        partBytes += bytes
      }
      try flush()
    } catch let failure as CommandFailure {
      progress.clear()
      throw CommandFailure(
        status: failure.status, message: "\(failure.message ?? "it failed"); \(count) were \(past)")
    }
    progress.clear()
    report(count)
  }

  /// A part that is refused for the size of one of its letters is done one by one.
  private func apply(_ part: [DeadLetterItem], _ change: ([DeadLetterItem]) throws -> Void) throws {
    do {
      try change(part)
    } catch let failure as CommandFailure where failure.status == ExitStatus.usage && part.count > 1 {
      for item in part { try change([item]) }
    }
  }

  func report(_ count: Int) {
    if isJSON {
      var writer = JSONWriter()
      writer.beginObject()
      writer.member(past, Int64(count))
      writer.endObject()
      Console.standardOutput.writeLine(writer.bytes)
    } else {
      Console.standardOutput.write("\(past) \(count == 1 ? "1 dead letter" : "\(count) dead letters")\n")
    }
  }

  /// Asks the person at the terminal; where there is none, the answer is yes.
  private func confirm(_ count: Int) -> Bool {
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return true }
    Console.standardError.write("\(verb) \(count) dead letters? [y/N] ")
    let answer = readLine(strippingNewline: true)?.lowercased()
    return answer == "y" || answer == "yes"
  }
}
