// When a change on disk becomes a build: a value, so that its rules are tested without a disk or a clock.
//
// A change builds at once, since one save is the common case and any waiting would be felt. What comes while a
// build runs is one more build right after it: the build itself is what gathers a burst. Only while git
// rewrites the tree (it holds `.git/index.lock` meanwhile) is a build put off, as half a checkout is no
// project; a lock that a crashed git left behind must not stop builds, so the wait is bounded and a lock that
// outlived the bound counts no more.

/// Decides when to build. Times are nanoseconds of any monotonic clock.
struct WatchDebounce {
  /// How long a held lock puts off a build.
  static let lockWaitMaxNanoseconds: UInt64 = 2_000_000_000
  /// How often to look whether the lock is still there.
  static let lockPollNanoseconds: UInt64 = 10_000_000

  private enum State {
    case idle
    case due
    case building(hasChanged: Bool)
  }

  private enum Lock {
    case free
    /// It is waited for since this time.
    case held(since: UInt64)
    /// It was waited for long enough.
    case stale
  }

  private var state = State.idle
  private var lock = Lock.free

  /// Something changed.
  mutating func changed() {
    switch state {
    case .idle, .due: state = .due
    case .building: state = .building(hasChanged: true)
    }
  }

  /// Whether a build is to come.
  var isPending: Bool {
    if case .due = state { true } else { false }
  }

  /// Whether something has changed since the running build began.
  var hasChangedMeanwhile: Bool {
    if case .building(let hasChanged) = state { hasChanged } else { false }
  }

  /// Whether to build now, given whether git holds its lock.
  mutating func isDue(at now: UInt64, isLocked: Bool) -> Bool {
    guard isPending else { return false }
    guard isLocked else {
      lock = .free
      return true
    }
    switch lock {
    case .free: lock = .held(since: now)
    case .held(let since):
      if now &- since >= Self.lockWaitMaxNanoseconds { lock = .stale }
    case .stale: break
    }
    if case .stale = lock { return true }
    return false
  }

  /// How long to wait for a change before asking `isDue` again; nil for as long as it takes. A pending build
  /// that no lock holds back is not waited for at all.
  var waitNanoseconds: UInt64? {
    guard isPending else { return nil }
    if case .held = lock { return Self.lockPollNanoseconds }
    return 0
  }

  /// A build begins; what has changed so far is in it.
  mutating func begin() { state = .building(hasChanged: false) }

  /// The build ended; changes that came meanwhile are due at once.
  mutating func built() {
    guard case .building(let hasChanged) = state else { return }
    state = hasChanged ? .due : .idle
  }
}
