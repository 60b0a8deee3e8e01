// `spacer replay` without --compare: what is shown while it runs, and at its end.

import ArgumentParser
import Glibc
import SpacerEventLog
import SpacerRuntime

struct ReplayRun {
  private let command: ReplayCommand

  init(_ command: ReplayCommand) { self.command = command }

  func run() throws {
    let interruption = Interruption()
    let (artifact, environment) = try command.load()
    var options = ReplayOptions(topic: command.topic)
    if let from = try command.place(command.from, "--from") { options.from = from }
    options.fromText = command.from
    if let to = try command.place(command.to, "--to") { options.to = to }
    options.group = command.group
    options.functions = command.function
    options.rate = command.rate
    options.restarts = command.restart
    options.environment = environment
    options.log = .standardError(command.verbose ? .info : .error)
    options.address = try command.address()
    options.token = command.accessToken
    var display = ReplayDisplay(isVerbose: command.verbose)
    let summary: ReplaySummary
    do throws(ReplayFailure) {
      let replay = try Replay(artifact, options)
      interruption.watch { replay.stop() }
      let functions = replay.functions.joined(separator: ", ")
      summary = try replay.run { status, wasResumed in
        let verb = wasResumed ? "goes on" : "begins"
        Console.standardError.write(
          "spacer: replay '\(replay.group)' \(verb): '\(command.topic)' through \(functions), "
            + "\(status.offsetCount) offsets\(wasResumed ? "; --restart begins anew" : "")\n")
      } report: {
        display.show($0)
      }
    } catch {
      display.clear()
      throw CommandFailure.replay(error)
    }
    display.clear()
    if command.json {
      Console.standardOutput.write(summary.json.text)
    } else {
      Console.standardOutput.write(summary.text)
    }
    if !summary.isComplete, let status = interruption.exitStatus {
      throw CommandFailure(
        status: status, message: "stopped at \(summary.position): the same command goes on there")
    }
    if summary.counts.deadLetters > 0 {
      throw CommandFailure(
        status: ExitStatus.projectErrors,
        message: "\(summary.counts.deadLetters) dead letters: "
          + "'spacer events dead list --group \(summary.group)' shows them")
    }
  }
}

/// The line that tells how far a replay is: rewritten on a terminal, else one every few seconds if asked for.
private struct ReplayDisplay {
  private static let lineNanoseconds: UInt64 = 5_000_000_000

  private let isOnTerminal = isatty(STDERR_FILENO) == 1
  private let isVerbose: Bool
  private var isShown = false
  private var shownAt = Clock.nanoseconds
  private var problem: String?

  init(isVerbose: Bool) { self.isVerbose = isVerbose }

  mutating func show(_ status: ReplayStatus) {
    if status.problem != problem {
      clear()
      problem = status.problem
      if let problem { Console.standardError.write("spacer: \(problem)\n") }
    }
    if isOnTerminal, status.milliseconds >= 1_000 {
      isShown = true
      Console.standardError.write("\r\(status.line)\u{1B}[K")
    } else if !isOnTerminal, isVerbose, Clock.nanoseconds - shownAt >= Self.lineNanoseconds {
      shownAt = Clock.nanoseconds
      Console.standardError.write("spacer: \(status.line)\n")
    }
  }

  /// Takes the line off; before anything else is written.
  mutating func clear() {
    guard isShown else { return }
    isShown = false
    Console.standardError.write("\r\u{1B}[K")
  }
}

extension ReplayStatus {
  /// `42.0 %, 1200 events, 350 events/s, 1 min 20 s left`.
  var line: String {
    var text = "\(Self.tenths(percent)) %, \(counts.read) events, \(Int(eventsPerSecond.rounded())) events/s"
    if counts.deadLetters > 0 { text += ", \(counts.deadLetters) dead letters" }
    if let secondsLeft { text += ", \(Self.duration(secondsLeft)) left" }
    return text
  }

  static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded(.down))
    return "\(tenths / 10).\(tenths % 10)"
  }

  static func duration(_ seconds: Double) -> String {
    guard seconds < 360_000_000 else { return "very long" }
    let whole = Int(seconds.rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
  }
}

extension ReplaySummary {
  var text: String {
    let seconds = ReplayStatus.tenths(Double(milliseconds) / 1_000)
    var lines = """
      \(isComplete ? "done" : "stopped") after \(seconds) s, up to \(position)
      events read    \(counts.read)
      handled        \(counts.handled)
      filtered out   \(counts.filtered)
      dead letters   \(counts.deadLetters)

      """
    if counts.dropped > 0 { lines += "dropped        \(counts.dropped)\n" }
    return lines
  }

  var json: JSONText {
    .object([
      ("group", .string(group)), ("topic", .string(topic)), ("functions", .strings(functions)),
      ("read", .integer(Int(counts.read))), ("handled", .integer(Int(counts.handled))),
      ("filtered", .integer(Int(counts.filtered))), ("deadLetters", .integer(Int(counts.deadLetters))),
      ("dropped", .integer(Int(counts.dropped))), ("milliseconds", .integer(Int(milliseconds))),
      ("position", .string(position)), ("isComplete", .boolean(isComplete)),
      ("wasResumed", .boolean(wasResumed)),
    ])
  }
}
