// The state of one file's run: the calls that are tests, and the stand-ins for time, chance and environment. What
// stands in for `http` and `db` is Lua (Prelude/), since a test's own functions are called there.
//
// Each test, and the file itself, is a call of its own that answers nobody: its own coroutine, its own bounds, the
// file's globals. A call that runs a test is parked until it ends; so no run is nested in another.
//
// Invariant: `calls` holds the calls of this kind that have not ended; a call that is given up has left it.

import CLua
import SpacerEventLog

/// Belongs to its worker's thread.
final class TestBench {
  /// A call of ours: what its end is told to, and how long it may take.
  struct OwnCall {
    var wallMilliseconds: Int
    /// Called when the slot is free again, never for a call that was given up.
    var whenEnded: (TestCallEnd) -> Void
  }

  /// What a test may set, besides what the Lua part keeps.
  struct Settings {
    /// Nil for the real time.
    var frozenMilliseconds: Int64?
    var seed: Int64?
    /// In place of the process's variables; a nil value is none.
    var environment: [String: String?] = [:]
  }

  /// The longest time of a call that others bound.
  static let wallMillisecondsMax = 86_400_000

  unowned(unsafe) let dispatcher: Dispatcher
  let options: TestOptions
  let artifact: LoadedArtifact
  let events: EventConfiguration?
  var calls: [Int32: OwnCall] = [:]
  var settings = Settings()
  private var keptSettings = Settings()
  private var random: SplitMix?
  /// By how much a test has put the clock of `kv` forward, in nanoseconds, and where it stands still.
  private var advanced: UInt64 = 0
  private var frozenClock: UInt64?
  /// The environment's own variables.
  private let environment: [String: String]
  /// The table that the Lua parts share; a registry reference.
  var shared: Int32 = 0
  /// The results of the trigger's handler that ran last, as JSON.
  var returned: [UInt8]?
  /// Events that triggers were run for.
  var eventCount: Int64 = 0
  private var whenQuiet: [() -> Void] = []

  // The file's run.
  var result: TestFileResult
  var output: [String] = []
  var testStart: UInt64 = 0
  var fileSlot: Int32 = -1
  let timers = TestTimers()
  var fileTimerSource = SourceID.primary
  var fileTimer = TimerID.none
  var coverage = LineCounts()

  init(
    _ dispatcher: Dispatcher, _ artifact: LoadedArtifact, path: String, _ events: EventConfiguration?,
    _ options: TestOptions
  ) {
    self.dispatcher = dispatcher
    self.artifact = artifact
    self.events = events
    self.options = options
    result = TestFileResult(path: path)
    environment = dispatcher.policy.environment
  }

  // MARK: Time

  var frozenMilliseconds: Int64? { settings.frozenMilliseconds }

  func freeze(at milliseconds: Int64?) {
    settings.frozenMilliseconds = milliseconds
    frozenClock = milliseconds == nil ? nil : frozenClock ?? dispatcher.clock()
  }

  /// Puts the time forward; frozen time only.
  func advance(milliseconds: Int64) {
    settings.frozenMilliseconds = settings.frozenMilliseconds.map { $0 + milliseconds }
    advanced &+= UInt64(clamping: milliseconds) &* 1_000_000
  }

  /// A function sleeps: frozen time is over at once.
  func passes(seconds: Double) -> Bool {
    guard settings.frozenMilliseconds != nil else { return false }
    advance(milliseconds: Int64(seconds * 1_000))
    return true
  }

  func storeNanoseconds(_ now: UInt64) -> UInt64 { (frozenClock ?? now) &+ advanced }

  // MARK: Chance

  func seed(_ seed: Int64?) {
    settings.seed = seed
    guard let seed else {
      random = nil
      dispatcher.ids = IDGenerator()
      spacer_free_seed(dispatcher.record)
      return
    }
    random = SplitMix(seed: UInt64(bitPattern: seed))
    dispatcher.ids = IDGenerator(seed: UInt64(bitPattern: seed))
    dispatcher.crypto.sequence = UUIDSequence()
    spacer_fix_seed(dispatcher.record, seed)
  }

  func randomWords() -> (UInt64, UInt64)? {
    guard var random else { return nil }
    defer { self.random = random }
    return (random.next(), random.next())
  }

  // MARK: Environment

  func set(_ name: String, _ value: String?) {
    settings.environment[name] = .some(value)
    applyEnvironment()
  }

  private func applyEnvironment() {
    dispatcher.policy.environment = environment
    for (name, value) in settings.environment { dispatcher.policy.environment[name] = value }
  }

  // MARK: Between tests

  /// What is set now is what each following test begins with.
  func keepSettings() { keptSettings = settings }

  func restoreSettings() {
    let hadSeed = settings.seed != nil
    settings = keptSettings
    frozenClock = nil
    advanced = 0
    freeze(at: settings.frozenMilliseconds)
    if hadSeed || settings.seed != nil { seed(settings.seed) }
    applyEnvironment()
  }

  // MARK: What else runs

  /// Calls `body` when no deferred function and no trigger runs besides the tests' own calls.
  func afterDeferred(_ body: @escaping () -> Void) {
    if dispatcher.waiting.detachedCount <= calls.count { body() } else { whenQuiet.append(body) }
  }

  /// A call that answers nobody has ended, one of ours or not.
  func detachedCallEnded() {
    guard !whenQuiet.isEmpty, dispatcher.waiting.detachedCount <= calls.count else { return }
    for body in whenQuiet { later(body) }
    whenQuiet = []
  }

  /// Has `body` run in the loop's next turn, with no Lua code on the stack.
  func later(_ body: @escaping () -> Void) {
    let carried = Carried(body: body)
    dispatcher.loop?.mailbox.post(.work { carried.body() })
  }

  private struct Carried: @unchecked Sendable {
    // Thread rule: made and called on the worker's thread.
    let body: () -> Void
  }
}
