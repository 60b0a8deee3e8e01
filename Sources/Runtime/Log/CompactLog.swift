// The log of `spacer dev`, for someone who watches it: a line holds what matters at the keyboard, and what functions
// print stands beside the requests that they answer.
//
//   21:40:07   | hello: n is 4
//   21:40:07 200 GET /hello hello 0.84 ms

import Glibc

extension WorkerLog {
  /// Begins a further line of a message, below its first one.
  static let continuation: StaticString = "\n           | "

  /// The time that something took, and the line's end.
  func appendDuration(_ nanoseconds: UInt64) {
    appendMilliseconds(nanoseconds)
    lines.append(" ms\n")
  }

  /// Whose message it is and how grave, in the place of a request's status.
  func appendOrigin(_ level: LogLevel, _ function: UnsafeRawBufferPointer) {
    lines.append("  | ")
    if !function.isEmpty {
      lines.append(function)
      lines.append(": ")
    }
    guard level != .info else { return }
    if format.usesColor {
      switch level {
      case .error: lines.append("\u{1B}[31m")
      case .warn: lines.append("\u{1B}[33m")
      case .debug, .info: lines.append("\u{1B}[2m")
      }
    }
    lines.append(level.name)
    lines.append(": ")
    if format.usesColor { lines.append("\u{1B}[0m") }
  }

  /// `07:05:09`.
  static func writeLocalTime(_ time: time_t, to text: inout OutputBuffer) {
    var parts = tm()
    var seconds = time
    localtime_r(&seconds, &parts)
    text.reset()
    for (index, value) in [parts.tm_hour, parts.tm_min, parts.tm_sec].enumerated() {
      if index > 0 { text.append(":") }
      text.append(UInt8(truncatingIfNeeded: value / 10) &+ 0x30)
      text.append(UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
    }
  }
}
