// Lets a person change a payload in their editor: $VISUAL, $EDITOR, else vi. The text stands in a file that only they
// can read.

import Glibc
import SpacerEventLog

enum PayloadEditor {
  /// The changed payload; nil when it is as it was.
  /// - Throws: When the editor fails, or what it left is no JSON; the text is then kept, and the message says where.
  static func edit(_ payload: [UInt8]) throws(CommandFailure) -> [UInt8]? {
    let path = try write(payload)
    let status = run(path)
    guard status == 0 else {
      unlink(path)
      throw .missing(
        "the editor '\(command)' ended with \(status): nothing was retried; choose another with EDITOR")
    }
    let text: [UInt8]
    do throws(SystemFailure) {
      text = EventAppender.trimmed(try Files.read(path))
    } catch {
      throw .missing("cannot read what the editor wrote: \(error); nothing was retried")
    }
    guard JSONScanner.isValid(text) else {
      throw CommandFailure(
        status: ExitStatus.usage,
        message: "the payload is no JSON any more: nothing was retried; your text is in \(path)")
    }
    unlink(path)
    return text == EventAppender.trimmed(payload) ? nil : text
  }

  private static var command: String {
    for name in ["VISUAL", "EDITOR"] {
      if let value = getenv(name), value.pointee != 0 { return String(cString: value) }
    }
    return "vi"
  }

  private static func write(_ payload: [UInt8]) throws(CommandFailure) -> String {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(folder)/spacer-payload-XXXXXX.json".utf8CString)
    let descriptor = mkstemps(&template, Int32(".json".utf8.count))
    guard descriptor >= 0 else {
      let failure = SystemFailure("mkostemps", folder)
      throw .missing("cannot make a file to edit: \(failure)")
    }
    defer { close(descriptor) }
    let path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard Files.writeAll(payload + [10], to: descriptor) else {
      let failure = SystemFailure("write", path)
      unlink(path)
      throw .missing("cannot make a file to edit: \(failure)")
    }
    return path
  }

  /// The exit status of the editor, through a shell, since the variable may hold options.
  private static func run(_ path: String) -> Int32 {
    let texts = ["sh", "-c", "\(command) \"$1\"", "sh", path]
    let words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    guard posix_spawn(&child, "/bin/sh", nil, nil, words, environ) == 0 else { return 127 }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return 127 }
    }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }
}
