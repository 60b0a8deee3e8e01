// A worker's log: lines are put together in a buffer of the worker's own and handed to the writer's thread
// at the end of a turn, at most every few milliseconds. Text for people in development, JSON for machines in
// production. Lines hold no payloads and no tokens.

import CSystem
import Glibc
import SpacerEventLog

/// How lines look and which are written.
package struct LogFormat: Sendable {
  package var level = LogLevel.info
  package var isJSON = false
  /// Text of `spacer dev`: short lines, in the time of the developer's clock.
  package var isCompact = false
  /// Leave out the lines of requests and of triggers' runs.
  package var hidesRequests = false
  /// Colour the status, for a terminal.
  package var usesColor = false

  package init() {}
}

/// The log of one worker; belongs to its thread.
final class WorkerLog {
  /// How long a line may wait in the buffer.
  static let delayMilliseconds: UInt64 = 10
  private static let chunkBytes = 32 << 10
  /// What of one message is written.
  private static let messageBytesMax = 16 << 10

  let format: LogFormat
  /// Takes messages in place of the log; nil in serving.
  var take: ((LogLevel, String) -> Void)?
  private let writer: LogWriter

  /// Behind a pointer for the reason that `DispatchState` gives.
  private struct State: ~Copyable {
    var lines = OutputBuffer(capacity: 1 << 16)
    /// The time as text, made anew when the second changes.
    var clockText = OutputBuffer(capacity: 64)
    var clockSecond = 0
  }

  private let state: UnsafeMutablePointer<State>

  var lines: OutputBuffer {
    @inline(__always) _read { yield state.pointee.lines }
    @inline(__always) _modify { yield &state.pointee.lines }
  }

  init(format: LogFormat, writer: LogWriter) {
    self.format = format
    self.writer = writer
    state = .allocate(capacity: 1)
    state.initialize(to: State())
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  @inline(__always)
  func isEnabled(_ level: LogLevel) -> Bool { level >= format.level }

  /// Hands the lines over. `force` also when they are few.
  func flush() {
    guard lines.count > 0 else { return }
    writer.write(lines.bytes)
    lines.reset()
  }

  /// Whether so much is buffered that it should not wait.
  var isFull: Bool { lines.count >= Self.chunkBytes }
  var isEmpty: Bool { lines.count == 0 }

  // MARK: Access lines

  /// One answered request.
  /// - Parameter remark: What someone who watches is told besides.
  func access(
    _ request: borrowing RequestView, status: Int, function: UnsafeRawBufferPointer, bytes: Int,
    nanoseconds: UInt64, trace: TraceContext, remark: AccessRemark = AccessRemark()
  ) {
    if format.hidesRequests { return }
    if format.isJSON {
      accessJSON(request, status, function, bytes, nanoseconds, trace)
      return
    }
    appendClock()
    lines.append(" ")
    appendStatus(status)
    lines.append(" ")
    lines.append(request.methodName)
    lines.append(" ")
    appendPath(request.path)
    lines.append(" ")
    if function.isEmpty { lines.append("-") } else { lines.append(function) }
    lines.append(" ")
    if format.isCompact {
      appendMilliseconds(nanoseconds)
      lines.append(" ms")
      append(remark)
      return lines.append("\n")
    }
    lines.append(decimal: Int64(bytes))
    lines.append("B ")
    appendMilliseconds(nanoseconds)
    lines.append("ms trace=")
    trace.appendTrace(to: &lines)
    lines.append(" span=")
    lines.append(hexadecimal: trace.span)
    if trace.parent != 0 {
      lines.append(" parent=")
      lines.append(hexadecimal: trace.parent)
    }
    lines.append("\n")
  }

  private func accessJSON(
    _ request: borrowing RequestView, _ status: Int, _ function: UnsafeRawBufferPointer, _ bytes: Int,
    _ nanoseconds: UInt64, _ trace: TraceContext
  ) {
    lines.append("{\"time\":\"")
    appendClock()
    lines.append("\",\"level\":\"info\",\"event\":\"request\",\"status\":")
    lines.append(decimal: Int64(status))
    lines.append(",\"method\":\"")
    lines.append(request.methodName)
    lines.append("\",\"path\":\"")
    appendPath(request.path)
    lines.append("\",\"function\":\"")
    lines.append(function)
    lines.append("\",\"bytes\":")
    lines.append(decimal: Int64(bytes))
    lines.append(",\"milliseconds\":")
    appendMilliseconds(nanoseconds)
    appendTraceJSON(trace)
    lines.append("}\n")
  }

  /// One request that the server turned down before any function saw it; `body` is the JSON of its answer.
  func refused(
    status: Int, body: StaticString, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
    peer: PeerAddress
  ) {
    guard isEnabled(.info), !format.hidesRequests else { return }
    let reason = UnsafeRawBufferPointer(start: body.utf8Start, count: max(body.utf8CodeUnitCount - 1, 0))
    if format.isJSON {
      lines.append("{\"time\":\"")
      appendClock()
      lines.append("\",\"level\":\"info\",\"event\":\"refused\",\"status\":")
      lines.append(decimal: Int64(status))
      lines.append(",\"method\":\"")
      appendPath(method)
      lines.append("\",\"path\":\"")
      appendPath(path)
      lines.append("\",\"answer\":")
      lines.append(reason)
      lines.append(",\"peer\":\"")
      lines.append(peer.text)
      lines.append("\"}\n")
      return
    }
    appendClock()
    lines.append(" ")
    appendStatus(status)
    lines.append(" ")
    if method.isEmpty { lines.append("-") } else { appendPath(method) }
    lines.append(" ")
    if path.isEmpty { lines.append("-") } else { appendPath(path) }
    lines.append(" refused: ")
    lines.append(reason)
    lines.append(" from ")
    lines.append(peer.text)
    lines.append("\n")
  }

  /// One run of a trigger's handler.
  func trigger(_ active: ActiveRun, nanoseconds: UInt64, trace: TraceContext) {
    if format.hidesRequests { return }
    let run = active.run
    let attempt = run.events.map(\.attempt).max() ?? 1
    if format.isJSON {
      lines.append("{\"time\":\"")
      appendClock()
      lines.append("\",\"level\":\"info\",\"event\":\"trigger\",\"topic\":\"")
      lines.append(run.topic)
      lines.append("\",\"function\":\"")
      lines.append(run.function)
      lines.append("\",\"outcome\":\"")
      lines.append(active.outcome.word)
      lines.append("\",\"events\":")
      lines.append(decimal: Int64(run.events.count))
      lines.append(",\"attempt\":")
      lines.append(decimal: Int64(attempt))
      lines.append(",\"milliseconds\":")
      appendMilliseconds(nanoseconds)
      appendTraceJSON(trace)
      lines.append("}\n")
      return
    }
    appendClock()
    lines.append(" trigger ")
    lines.append(run.topic)
    lines.append(" ")
    lines.append(run.function)
    lines.append(" ")
    lines.append(active.outcome.word)
    if run.isBatch {
      lines.append(" events=")
      lines.append(decimal: Int64(run.events.count))
    }
    if attempt > 1 {
      lines.append(" attempt=")
      lines.append(decimal: Int64(attempt))
    }
    lines.append(" ")
    if format.isCompact { return appendDuration(nanoseconds) }
    appendMilliseconds(nanoseconds)
    lines.append("ms trace=")
    trace.appendTrace(to: &lines)
    lines.append(" span=")
    lines.append(hexadecimal: trace.span)
    if trace.parent != 0 {
      lines.append(" parent=")
      lines.append(hexadecimal: trace.parent)
    }
    lines.append("\n")
  }

  // MARK: Messages

  /// A line of `print` or `log`, or a message of the platform's.
  /// - Parameters:
  ///   - fields: What `LogFields` wrote in this log's form.
  ///   - function: Whose line it is, for people beside whom it is printed; empty for the platform's.
  func message(
    _ level: LogLevel, _ text: String, fields: UnsafeRawBufferPointer = .init(start: nil, count: 0),
    trace: TraceContext?, function: UnsafeRawBufferPointer = .init(start: nil, count: 0)
  ) {
    if let take { return take(level, text + String(decoding: fields, as: UTF8.self)) }
    guard isEnabled(level) else { return }
    if isFull { flush() }
    var text =
      text.utf8.count <= Self.messageBytesMax
      ? text
      : String(decoding: text.utf8.prefix(Self.messageBytesMax), as: UTF8.self)
        + "… (\(text.utf8.count) bytes)"
    if format.isJSON {
      lines.append("{\"time\":\"")
      appendClock()
      lines.append("\",\"level\":\"")
      lines.append(level.name)
      lines.append("\",\"message\":")
      text.withUTF8 { LogFields.appendQuoted(UnsafeRawBufferPointer($0), to: &lines) }
      if let trace { appendTraceJSON(trace) }
      lines.append(fields)
      lines.append("}\n")
      return
    }
    appendClock()
    lines.append(" ")
    if format.isCompact {
      appendOrigin(level, function)
    } else if level != .info {
      lines.append(level.name)
      lines.append(": ")
    }
    text.withUTF8 { bytes in
      for (offset, byte) in bytes.enumerated() {
        // A line of the log is a line: what a function prints cannot forge another or steer a terminal.
        switch byte {
        case 0x0A: lines.append(format.isCompact ? Self.continuation : "\n    ")
        case 0x09: lines.append(byte)
        case 0..<0x20, 0x7F: lines.append("?")
        // U+0080 to U+009F are control characters too: U+009B begins an escape sequence.
        case 0x80..<0xA0 where offset > 0 && bytes[offset - 1] == 0xC2: lines.append(UInt8(0xBF))
        default: lines.append(byte)
        }
      }
    }
    lines.append(fields)
    lines.append("\n")
  }

  // MARK: Parts

  private func appendTraceJSON(_ trace: TraceContext) {
    lines.append(",\"trace\":\"")
    trace.appendTrace(to: &lines)
    lines.append("\",\"span\":\"")
    lines.append(hexadecimal: trace.span)
    lines.append("\"")
    if trace.parent != 0 {
      lines.append(",\"parent\":\"")
      lines.append(hexadecimal: trace.parent)
      lines.append("\"")
    }
  }

  func appendStatus(_ status: Int) {
    if format.usesColor {
      switch status {
      case ..<300: lines.append("\u{1B}[32m")
      case ..<400: lines.append("\u{1B}[36m")
      case ..<500: lines.append("\u{1B}[33m")
      default: lines.append("\u{1B}[31m")
      }
    }
    lines.append(decimal: Int64(status))
    if format.usesColor { lines.append("\u{1B}[0m") }
  }

  /// The path with everything that is not plainly visible, or would end a JSON string, percent-encoded.
  func appendPath(_ path: UnsafeRawBufferPointer) {
    var plain = 0
    for offset in 0..<path.count {
      let byte = path[offset]
      guard byte <= 0x20 || byte >= 0x7F || byte == 0x22 || byte == 0x5C else { continue }
      lines.append(UnsafeRawBufferPointer(rebasing: path[plain..<offset]))
      lines.append("%")
      lines.append(hexadecimalByte: byte)
      plain = offset + 1
    }
    lines.append(UnsafeRawBufferPointer(rebasing: path[plain...]))
  }

  func appendMilliseconds(_ nanoseconds: UInt64) {
    let microseconds = nanoseconds / 1000
    lines.append(decimal: Int64(clamping: microseconds / 1000))
    let rest = UInt8(truncatingIfNeeded: microseconds % 1000 / 10)
    lines.append(".")
    lines.append(rest / 10 &+ 0x30)
    lines.append(rest % 10 &+ 0x30)
  }

  /// `2026-11-24T07:05:09Z`; `07:05:09` of the local time in the compact form.
  func appendClock() {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    if now.tv_sec != state.pointee.clockSecond || state.pointee.clockText.count == 0 {
      state.pointee.clockSecond = now.tv_sec
      if format.isCompact {
        Self.writeLocalTime(now.tv_sec, to: &state.pointee.clockText)
      } else {
        Self.write(now.tv_sec, to: &state.pointee.clockText)
      }
    }
    let isDim = format.isCompact && format.usesColor
    if isDim { lines.append("\u{1B}[2m") }
    state.pointee.lines.append(state.pointee.clockText.bytes)
    if isDim { lines.append("\u{1B}[0m") }
  }

  private static func write(_ time: time_t, to text: inout OutputBuffer) {
    var parts = tm()
    var seconds = time
    gmtime_r(&seconds, &parts)
    text.reset()
    text.append(decimal: Int64(parts.tm_year) + 1900)
    for (separator, value) in [
      ("-" as StaticString, parts.tm_mon + 1), ("-", parts.tm_mday), ("T", parts.tm_hour),
      (":", parts.tm_min),
      (":", parts.tm_sec),
    ] {
      text.append(separator)
      text.append(UInt8(truncatingIfNeeded: value / 10) &+ 0x30)
      text.append(UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
    }
    text.append("Z")
  }
}
