// One event on one line: for people, and as JSON for programs.

import Glibc
import SpacerCompiler
import SpacerEventLog

enum EventLine {
  /// Columns of the terminal that standard output is; nil when it is none.
  static var terminalWidth: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Time, partition, offset, key and payload, without a newline at the end.
  /// - Parameter width: Where to cut, in columns; nil does not cut.
  static func text(_ event: EventRecord, width: Int?) -> String {
    let key = event.key.isEmpty ? "-" : shown(event.key)
    let line =
      "\(EventTime.text(event.timestampMilliseconds))  \(event.partition):\(event.offset)  \(key)  "
      + shown(event.value)
    return width.map { cut(line, to: $0) } ?? line
  }

  /// Bytes as text that a terminal does not obey.
  static func shown(_ bytes: [UInt8]) -> String {
    DisplayText.sanitized(String(decoding: oneLine(bytes), as: UTF8.self))
  }

  /// `text` in at most so many columns; what is cut is told by an ellipsis.
  static func cut(_ text: String, to width: Int) -> String {
    var result = String.UnicodeScalarView()
    var used = 0
    var fitting = result
    for scalar in text.unicodeScalars {
      let columns = DisplayText.glyph(scalar).width
      if used + columns > width {
        fitting.append("…")
        return String(fitting)
      }
      used += columns
      result.append(scalar)
      if used < width { fitting = result }
    }
    return String(result)
  }

  /// A JSON text without line ends: they can stand between its tokens only.
  static func oneLine(_ json: [UInt8]) -> [UInt8] {
    json.contains { $0 == 10 || $0 == 13 } ? json.map { $0 == 10 || $0 == 13 ? 32 : $0 } : json
  }

  /// An event as one JSON object, without a newline at the end; the payload is in it as it is.
  static func json(_ event: EventRecord) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("topic", event.topic)
    writer.member("partition", Int64(event.partition))
    writer.member("offset", event.offset)
    writer.member("id", event.id)
    if let key = String(validating: event.key, as: UTF8.self) {
      writer.member("key", key)
    } else {
      writer.member("keyHex", hex(event.key))
    }
    writer.member("timestamp", event.timestampMilliseconds)
    writer.member("time", EventTime.text(event.timestampMilliseconds))
    if let trace = event.trace { writer.member("trace", trace) }
    if JSONScanner.isValid(event.value) {
      writer.key("payload")
      writer.raw(oneLine(event.value))
    } else {
      writer.member("payloadHex", hex(event.value))
    }
    writer.endObject()
    return writer.bytes
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension Console {
  /// Writes bytes and a newline.
  func writeLine(_ bytes: [UInt8]) { _ = Files.writeAll(bytes + [10], to: descriptor) }
}
