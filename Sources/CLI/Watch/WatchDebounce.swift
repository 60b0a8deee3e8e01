// When a change on disk becomes a build: a value, so that its rules are tested without a disk or a clock.
//
// The first change after a quiet time builds at once, since one save is the common case and waiting would
// be felt. What follows on its heels (an editor's second write, a checkout's next file) is gathered until
// nothing has come for a moment, but never longer than a bound.

/// Decides when to build. Times are nanoseconds of any monotonic clock.
struct WatchDebounce {
  /// After a build's end, changes within this time count as part of the same burst.
  static let burstNanoseconds: UInt64 = 100_000_000
  /// A burst is over once nothing has changed for this long.
  static let quietNanoseconds: UInt64 = 25_000_000
  /// A burst is built at the latest this long after its first change.
  static let waitMaxNanoseconds: UInt64 = 250_000_000

  private enum State {
    case idle(lastBuildEnd: UInt64?)
    case gathering(first: UInt64, last: UInt64)
    case building(hasChanged: Bool)
  }

  private var state = State.idle(lastBuildEnd: nil)

  /// Something changed.
  mutating func changed(at now: UInt64) {
    switch state {
    case .idle(let lastBuildEnd):
      if let lastBuildEnd, now < lastBuildEnd &+ Self.burstNanoseconds {
        state = .gathering(first: now, last: now)
      } else {
        // A first change long past is due at once.
        state = .gathering(first: 0, last: 0)
      }
    case .gathering(let first, _): state = .gathering(first: first, last: first == 0 ? 0 : now)
    case .building: state = .building(hasChanged: true)
    }
  }

  /// When `isDue` becomes true, or nil while there is nothing to build.
  var deadline: UInt64? {
    guard case .gathering(let first, let last) = state else { return nil }
    if first == 0 { return 0 }
    return min(first &+ Self.waitMaxNanoseconds, last &+ Self.quietNanoseconds)
  }

  /// Whether to build now.
  func isDue(at now: UInt64) -> Bool { deadline.map { $0 <= now } ?? false }

  /// A build begins; what has changed so far is in it.
  mutating func begin() { state = .building(hasChanged: false) }

  /// The build ended; changes that came meanwhile start a burst.
  mutating func built(at now: UInt64) {
    guard case .building(let hasChanged) = state else { return }
    state = hasChanged ? .gathering(first: now, last: now) : .idle(lastBuildEnd: now)
  }
}
