// The log of `spacer dev`, for someone who watches it: a line holds what matters at the keyboard, and what functions
// print stands beside the requests that they answer.
//
//   21:40:07   | hello: n is 4
//   21:40:07 200 GET /hello hello 0.84 ms

import Glibc

/// What stands behind a request in the log of `spacer dev`.
struct AccessRemark {
  /// The JSON of an answer that may turn the request down: its error is shown. Empty for any other.
  var refusal = UnsafeRawBufferPointer(start: nil, count: 0)
  /// The answer came from the build before the last one, which failed.
  var isOfOldBuild = false
}

extension WorkerLog {
  private static let refusalBytesMax = 300

  func append(_ remark: AccessRemark) {
    if var text = Self.error(in: remark.refusal) {
      lines.append(" ")
      let isLong = text.count > Self.refusalBytesMax
      if isLong {
        text = text.prefix(Self.refusalBytesMax)
        // No part of a character.
        while let last = text.last, last & 0xC0 == 0x80 { text.removeLast() }
        if let last = text.last, last >= 0xC0 { text.removeLast() }
      }
      lines.append(UnsafeRawBufferPointer(rebasing: text))
      if isLong { lines.append("…") }
    }
    if remark.isOfOldBuild { lines.append(" (the last good build)") }
  }

  /// What stands in `{"error":…}` and a line's end.
  private static func error(in body: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    let start: StaticString = "{\"error\":"
    let end: StaticString = "}\n"
    let (first, last) = (start.utf8CodeUnitCount, end.utf8CodeUnitCount)
    guard body.count > first + last,
      body.starts(with: UnsafeRawBufferPointer(start: start.utf8Start, count: first)),
      body.suffix(last).elementsEqual(UnsafeRawBufferPointer(start: end.utf8Start, count: last))
    else { return nil }
    return body.dropFirst(first).dropLast(last)
  }

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
