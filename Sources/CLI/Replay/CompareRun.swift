// `spacer replay --compare`: shows in what two artifacts differ.

import ArgumentParser
import Glibc
import SpacerEventLog
import SpacerRuntime

struct CompareRun {
  private let command: ReplayCommand
  private let newPath: String

  init(_ command: ReplayCommand, new: String) {
    self.command = command
    newPath = new
  }

  func run() throws {
    let interruption = Interruption()
    let (old, environment) = try command.load()
    let new = try ReplayCommand.load(newPath)
    var options = ComparisonOptions(topic: command.topic)
    if let from = try command.place(command.from, "--from") { options.from = from }
    if let to = try command.place(command.to, "--to") { options.to = to }
    options.functions = command.function
    options.limit = command.limit
    options.environment = environment
    options.responses = try responses()
    options.address = try command.address()
    options.token = command.accessToken
    let summary: ComparisonSummary
    let isJSON = command.json
    let isVerbose = command.verbose
    let colors = Console.standardOutput.wantsColor
    var progress = CompareProgress()
    do throws(ReplayFailure) {
      let comparison = try Comparison(old: old, new: new, options)
      interruption.watch { comparison.stop() }
      summary = try comparison.run { pair in
        let differences = pair.differences
        guard isVerbose || !differences.isEmpty else { return }
        progress.clear()
        if isJSON {
          if !differences.isEmpty { Console.standardOutput.write(pair.json + "\n") }
        } else {
          Console.standardOutput.write(pair.text(differences, colors: colors))
        }
      } progress: {
        progress.show($0, $1)
      }
    } catch {
      progress.clear()
      throw CommandFailure.replay(error)
    }
    progress.clear()
    Console.standardOutput.write(isJSON ? summary.json + "\n" : summary.text)
    if !summary.isComplete, let status = interruption.exitStatus {
      throw CommandFailure(status: status, message: "stopped: the rest was not compared")
    }
    if !summary.isSame { throw CommandFailure(status: ExitStatus.projectErrors, message: nil) }
  }

  private func responses() throws -> CannedResponses {
    guard let path = command.responses else { return CannedResponses() }
    let bytes: [UInt8]
    do throws(SystemFailure) {
      bytes = try Files.read(path)
    } catch {
      throw CommandFailure.missing("cannot read \(path): \(error.reason)")
    }
    do throws(EventLogError) {
      return try CannedResponses(lines: bytes)
    } catch {
      throw CommandFailure(status: ExitStatus.usage, message: "\(path): \(error.message)")
    }
  }
}

/// How far it is, on a terminal only.
private struct CompareProgress {
  private let isOnTerminal = isatty(STDERR_FILENO) == 1
  private let start = Clock.nanoseconds
  private var shownAt: UInt64 = 0

  mutating func show(_ events: Int, _ part: Double) {
    guard isOnTerminal else { return }
    let now = Clock.nanoseconds
    guard now - start >= 1_000_000_000, now - shownAt >= 100_000_000 else { return }
    shownAt = now
    Console.standardError.write("\r\(ReplayStatus.tenths(part * 100)) %, \(events) events\u{1B}[K")
  }

  mutating func clear() {
    guard shownAt > 0 else { return }
    shownAt = 0
    Console.standardError.write("\r\u{1B}[K")
  }
}

extension RunPair {
  /// The difference as text.
  func text(_ differences: [DifferenceKind], colors: Bool) -> String {
    let key = Printable.text(String(decoding: event.key, as: UTF8.self))
    let place = "\(event.topic) \(event.partition):\(event.offset) key '\(key)' \(function)"
    guard !differences.isEmpty else { return "\(place): same (\(old.outcome.word))\n" }
    var text = "\(place): \(differences.map(\.rawValue).joined(separator: ", "))\n"
    text += Self.painted("--- old", "31", colors) + Self.painted("+++ new", "32", colors)
    for line in lines {
      switch line {
      case .same(let line): text += "  \(Printable.text(line))\n"
      case .old(let line): text += Self.painted("- \(Printable.text(line))", "31", colors)
      case .new(let line): text += Self.painted("+ \(Printable.text(line))", "32", colors)
      case .gap: text += "  …\n"
      }
    }
    return text + "\n"
  }

  private static func painted(_ line: String, _ color: String, _ colors: Bool) -> String {
    colors ? "\u{1B}[\(color)m\(line)\u{1B}[0m\n" : line + "\n"
  }
}

extension ComparisonSummary {
  var text: String {
    var text = ""
    for function in onlyOld { text += "\(function): only in the old artifact, not compared\n" }
    for function in onlyNew { text += "\(function): only in the new artifact, not compared\n" }
    let events = Self.count(eventCount, "event") + ", " + Self.count(runCount, "run")
    guard differenceCount > 0 else { return text + "\(events): no difference\n" }
    let kinds = DifferenceKind.allCases.compactMap { kind in counts[kind].map { "\(kind.rawValue) \($0)" } }
    text += "\(events): \(differenceCount) differ (\(kinds.joined(separator: ", ")))"
    if let firstOffset { text += ", the first at offset \(firstOffset)" }
    return text + "\n"
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
  }
}
