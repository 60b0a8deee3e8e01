// The rules of the watch loop, with the clock in the test's hand.

import SpacerArtifact
import SpacerRuntime
import Testing

@testable import spacer

@Suite struct WatchDebounceTests {
  private let second: UInt64 = 1_000_000_000

  /// `isDue` in a copy.
  private func isDue(_ debounce: WatchDebounce, at now: UInt64 = 0, isLocked: Bool = false) -> Bool {
    var copy = debounce
    return ask(&copy, at: now, isLocked: isLocked)
  }

  /// `isDue` as a plain call, since `#expect` takes no mutating one.
  private func ask(_ debounce: inout WatchDebounce, at now: UInt64, isLocked: Bool) -> Bool {
    debounce.isDue(at: now, isLocked: isLocked)
  }

  @Test func nothingToDoWithoutAChange() {
    let debounce = WatchDebounce()
    #expect(debounce.waitNanoseconds == nil)
    #expect(!isDue(debounce, at: 5 * second))
  }

  @Test func aChangeBuildsAtOnce() {
    var debounce = WatchDebounce()
    for _ in 0..<3 {
      debounce.changed()
      #expect(isDue(debounce))
      #expect(debounce.waitNanoseconds == 0)
      debounce.begin()
      #expect(!isDue(debounce), "one change is one build")
      debounce.built()
      #expect(!isDue(debounce))
      #expect(debounce.waitNanoseconds == nil)
    }
  }

  @Test func changesBeforeABuildAreOneBuild() {
    var debounce = WatchDebounce()
    for _ in 0..<5 { debounce.changed() }
    debounce.begin()
    #expect(!debounce.hasChangedMeanwhile)
    debounce.built()
    #expect(!isDue(debounce))
  }

  @Test func changesDuringABuildAreOneMoreRightAfterIt() {
    var debounce = WatchDebounce()
    debounce.changed()
    debounce.begin()
    for _ in 0..<5 { debounce.changed() }
    #expect(!isDue(debounce), "a build is running")
    #expect(debounce.hasChangedMeanwhile)
    debounce.built()
    #expect(isDue(debounce), "without any quiet time")
    #expect(debounce.waitNanoseconds == 0)
    debounce.begin()
    debounce.built()
    #expect(!isDue(debounce))
  }

  @Test func aHeldLockPutsABuildOff() {
    var debounce = WatchDebounce()
    debounce.changed()
    let answer1 = ask(&debounce, at: second, isLocked: true)
    #expect(!answer1)
    #expect(debounce.waitNanoseconds == WatchDebounce.lockPollNanoseconds)
    debounce.changed()
    #expect(!isDue(debounce, at: second + WatchDebounce.lockWaitMaxNanoseconds - 1, isLocked: true))
    #expect(isDue(debounce, at: second + 1))
  }

  @Test func aLockThatStaysStopsNothing() {
    var debounce = WatchDebounce()
    debounce.changed()
    let answer2 = ask(&debounce, at: second, isLocked: true)
    #expect(!answer2)
    let end = second + WatchDebounce.lockWaitMaxNanoseconds
    let answer3 = ask(&debounce, at: end, isLocked: true)
    #expect(answer3)
    debounce.begin()
    debounce.built()
    debounce.changed()
    let answer4 = ask(&debounce, at: end, isLocked: true)
    #expect(answer4, "waited for once, not for every build")
    debounce.begin()
    debounce.built()
    debounce.changed()
    let answer5 = ask(&debounce, at: end, isLocked: false)
    #expect(answer5)
    let answer6 = ask(&debounce, at: end, isLocked: true)
    #expect(!answer6, "a new lock counts again")
  }
}

@Suite struct StartSettingsTests {
  private func settings(
    _ values: [(String, ArtifactContents.SettingValue)], port: UInt16? = nil, host: String? = nil
  ) -> StartSettings {
    var options = ServeOptions()
    options.port = port
    options.host = host
    return StartSettings(
      values.map { ArtifactContents.Setting(key: $0.0, value: $0.1) }, options: options)
  }

  @Test func onlyWhereItListensCounts() {
    let old = settings([("limits.bodyBytes", .integer(1)), ("functionInvoker", .integer(3000))])
    let new = settings([("limits.bodyBytes", .integer(2)), ("functionInvoker", .integer(3000))])
    #expect(old == new)
    #expect(old.notice(replacedBy: new) == nil)
  }

  @Test func theNewPlaceIsNamed() {
    let old = settings([("functionInvoker", .string("http://localhost:3000"))])
    let moved = settings([("functionInvoker", .string("http://localhost:4000"))])
    #expect(old.notice(replacedBy: moved) == "restart dev to listen on http://localhost:4000")
    let listed = settings([("listen.0", .string(":1")), ("listen.1", .string(":2"))])
    #expect(old.notice(replacedBy: listed) == "restart dev to listen on :1, :2")
    #expect(old.notice(replacedBy: settings([])) == "restart dev to listen on the default port")
    let secured = settings([
      ("functionInvoker", .string("http://localhost:3000")), ("tls.certificate", .string("a")),
    ])
    #expect(old.notice(replacedBy: secured) == "restart dev to listen with the changed tls")
  }

  @Test func theCommandLineWins() {
    let old = settings([("functionInvoker", .integer(3000))], port: 5000, host: "127.0.0.1")
    let new = settings(
      [("functionInvoker", .integer(4000)), ("listen", .string(":1"))], port: 5000, host: "127.0.0.1")
    #expect(old.notice(replacedBy: new) == nil)
  }
}
