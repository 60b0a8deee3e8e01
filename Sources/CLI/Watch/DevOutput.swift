// What `spacer dev` itself says: for people a line on standard error, coloured on a terminal; for programs an object
// a line on standard output, where the log is then too.

import Glibc
import SpacerCompiler
import SpacerRuntime

/// Says what happens. Used from one thread.
final class DevOutput {
  /// What a line is about; the name is the `event` of the JSON form.
  enum Event: String {
    case built, reloaded, restarted, mended, failed, diagnostics, listening, notice
  }

  let isJSON: Bool
  /// Takes lines as soon as there is one, so that they stand in order with those of the log.
  var server: Server?
  private let usesColor = Console.standardError.wantsColor

  init(isJSON: Bool) { self.isJSON = isJSON }

  /// - Parameter nanoseconds: How long it took; nil for what took no time.
  func say(_ event: Event, _ text: String, nanoseconds: UInt64? = nil) {
    guard isJSON else {
      return Console.standardError.write("\(styled("spacer:", event)) \(text)\n")
    }
    var fields: [(String, JSONText)] = [("message", .string(text))]
    if let nanoseconds { fields.append(("milliseconds", .float(Double(nanoseconds / 1_000) / 1_000))) }
    write(event, fields)
  }

  /// Shows what a build found: `text`, or the same as `check --format json` prints it.
  func show(_ report: DiagnosticReport, sources: [String: [UInt8]], text: String) {
    guard isJSON else { return Console.standardError.write(text) }
    let json = DiagnosticJSON(sources: sources).text(report).filter { $0 != "\n" }
    write(.diagnostics, [], rest: "," + json.dropFirst())
  }

  /// Empties the screen of a terminal.
  func clear() {
    guard !isJSON, isatty(STDOUT_FILENO) == 1 else { return }
    Console.standardOutput.write("\u{1B}[H\u{1B}[2J\u{1B}[3J")
  }

  private func write(_ event: Event, _ fields: [(String, JSONText)], rest: String = "}") {
    let level = event == .failed ? "error" : "info"
    let start: [(String, JSONText)] = [
      ("time", .string(EventTime.text(Self.milliseconds))), ("level", .string(level)),
      ("event", .string(event.rawValue)),
    ]
    let line = JSONText.object(start + fields).line.dropLast() + rest + "\n"
    if let server { server.writeLog(String(line)) } else { Console.standardOutput.write(String(line)) }
  }

  private static var milliseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec / 1_000_000)
  }

  private func styled(_ text: String, _ event: Event) -> String {
    guard usesColor else { return text }
    let color =
      switch event {
      case .built, .reloaded, .mended: "32"
      case .restarted: "36"
      case .failed: "31"
      case .diagnostics, .listening, .notice: "2"
      }
    return "\u{1B}[\(color)m\(text)\u{1B}[0m"
  }
}
