// How far a command is, on standard error, for people: nothing before a second has passed, and nothing where no
// terminal is.

import Glibc

/// A counter that shows itself.
struct Progress {
  private static let delayNanoseconds: UInt64 = 1_000_000_000
  private static let intervalNanoseconds: UInt64 = 100_000_000

  private let noun: String
  /// Nil when it is not known how many there will be.
  private let total: Int?
  private let isOnTerminal = isatty(STDERR_FILENO) == 1
  private let start = Clock.nanoseconds
  private var shownAt: UInt64 = 0
  private(set) var count = 0

  /// - Parameter noun: What is counted, in the plural.
  init(_ noun: String, total: Int? = nil) {
    self.noun = noun
    self.total = total
  }

  mutating func add(_ more: Int) {
    count += more
    guard isOnTerminal else { return }
    let now = Clock.nanoseconds
    guard now - start >= Self.delayNanoseconds, now - shownAt >= Self.intervalNanoseconds else { return }
    shownAt = now
    Console.standardError.write("\r\(text)\u{1B}[K")
  }

  /// `1200 of 5000 events (24 %)`.
  private var text: String {
    guard let total, total > 0 else { return "\(count) \(noun)" }
    return "\(count) of \(total) \(noun) (\(min(100, count * 100 / total)) %)"
  }

  /// Takes what was shown off the line; before anything else is written.
  mutating func clear() {
    guard shownAt > 0 else { return }
    shownAt = 0
    Console.standardError.write("\r\u{1B}[K")
  }
}
