// Text to the terminal, or to whatever stands in its place.

import Glibc

/// One of the two output streams, unbuffered.
struct Console: Sendable {
  let descriptor: Int32

  static let standardOutput = Console(descriptor: STDOUT_FILENO)
  static let standardError = Console(descriptor: STDERR_FILENO)

  /// Whether colours are welcome: a terminal, and no NO_COLOR in the environment (https://no-color.org).
  var wantsColor: Bool {
    guard isatty(descriptor) == 1 else { return false }
    if let refused = getenv("NO_COLOR"), refused.pointee != 0 { return false }
    if let terminal = getenv("TERM"), String(cString: terminal) == "dumb" { return false }
    return true
  }

  /// Writes all of `text`; a reader that has gone is no error.
  func write(_ text: String) {
    _ = Files.writeAll(Array(text.utf8), to: descriptor)
  }
}
