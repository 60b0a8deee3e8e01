/// How many events may be taken per second: what was not taken is kept for a tenth of a second (and two events, so that
/// slow rates lose nothing between two looks), so that the rate holds over short times too. The clock is passed in.
package struct TokenBucket: Equatable, Sendable {
  /// Thousandths of a token, so that slow rates lose nothing to rounding.
  private static let scale = 1_000

  private let rate: Int
  private let capacity: Int
  private var level: Int
  private var last: Int64

  /// - Parameters:
  ///   - rate: Events per second, at least 1.
  ///   - now: On the monotonic clock, in milliseconds.
  package init(rate: Int, now: Int64) {
    self.rate = min(max(1, rate), 1_000_000_000)
    capacity = (self.rate / 10 + 2) * Self.scale
    level = Self.scale
    last = now
  }

  private mutating func fill(_ now: Int64) {
    let elapsed = min(max(0, now - last), 1_000)
    last = max(last, now)
    // A rate of one a second is one thousandth a millisecond.
    level = min(capacity, level + Int(elapsed) * rate)
  }

  /// How many may be taken now.
  package mutating func available(now: Int64) -> Int {
    fill(now)
    return level / Self.scale
  }

  /// Takes some that are available.
  package mutating func take(_ count: Int) { level = max(0, level - count * Self.scale) }

  /// How long until one is available, in milliseconds; 0 when one is.
  package mutating func delay(now: Int64) -> Int64 {
    fill(now)
    guard level < Self.scale else { return 0 }
    return Int64((Self.scale - level + rate - 1) / rate)
  }
}
