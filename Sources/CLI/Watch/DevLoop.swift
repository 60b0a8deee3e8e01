// The loop of `spacer dev`: one thread waits for changes, signals, keys and the moment to build, and hands each
// build to the server, whose workers run on threads of their own.

import Glibc
import SpacerCompiler
import SpacerRuntime
import SpacerSystem

/// Watches, builds and serves one project until a signal or a key ends it.
struct DevLoop: ~Copyable {
  /// How long a failed build waits for a file that is being written.
  private static let writeWaitMaxNanoseconds: UInt64 = 1_000_000_000

  /// How long a failed build waits for the first sign of another save: a file is cut a moment before it is told.
  private static let overtakeMilliseconds: Int32 = 20
  /// How long nothing happens before the cache is written: who saves now may save again at once.
  private static let storeAfterMilliseconds: Int32 = 1_000

  /// What a wait ended with.
  private struct Ready {
    var hasChanges = false
    var hasSignals = false
    var hasKeys = false
    /// The time was over.
    var isIdle: Bool { !hasChanges && !hasSignals && !hasKeys }
  }

  private var watcher: ProjectWatcher
  private var debounce = WatchDebounce()
  private let build: ProjectBuild
  private let signals: DevSignals
  private var keyboard = Keyboard()
  /// Git holds this file while it rewrites the tree.
  private let gitLock: String
  private let output: DevOutput
  private var server: DevServer
  /// What has changed since the last good build; nil when any file may have.
  private var changed: Set<String>?
  private var hasToldOfComparing = false
  /// The next build was asked for by the key.
  private var isAskedFor = false
  /// The findings that were printed last.
  private var shownFindings: String?

  /// - Throws: When the project cannot be watched.
  init(
    project: String, build: ProjectBuild, options: ServeOptions, output: DevOutput
  ) throws(CommandFailure) {
    let signals = try Self.naming(project) { () throws(SystemFailure) in try DevSignals() }
    let watcher = try Self.naming(project) { () throws(SystemFailure) in try ProjectWatcher(root: project) }
    self.signals = signals
    self.watcher = watcher
    self.build = build
    self.output = output
    server = DevServer(options: options, output: output)
    gitLock = GitLock.path(project: project)
  }

  private static func naming<Value: ~Copyable>(
    _ project: String, _ make: () throws(SystemFailure) -> Value
  ) throws(CommandFailure) -> Value {
    do throws(SystemFailure) {
      return try make()
    } catch {
      throw .missing("cannot watch '\(project)': \(error)")
    }
  }

  /// Builds and serves; returns when it was ended and the server has drained.
  mutating func run() throws(CommandFailure) {
    keyboard.begin()
    debounce.changed()
    var isFirst = true
    while true {
      if debounce.isDue(at: Clock.nanoseconds, isLocked: debounce.isPending && isGitWorking) {
        debounce.begin()
        try rebuild()
        debounce.built()
        if isFirst { tellOfKeys() }
        isFirst = false
      }
      tellOfComparing()
      let ready = wait(
        milliseconds: debounce.waitNanoseconds.map { Int32(clamping: $0 / 1_000_000) } ?? idleMilliseconds)
      if ready.hasSignals && takeSignals() || ready.hasKeys && takeKeys() { break }
      takeChanges(ready)
      if !ready.hasChanges && !debounce.isPending && watcher.compare() { debounce.changed() }
      if ready.isIdle && !debounce.isPending, let storing = build.takeStoring() {
        Threads.start(name: "cache") { storing() }
      }
    }
    keyboard.end()
    build.takeStoring()?()
    // Whoever is not willing to wait for the requests in flight asks again.
    signals.release()
    server.end()
  }

  // MARK: Building

  private mutating func rebuild() throws(CommandFailure) {
    let paths = watcher.takeChangedPaths()
    changed = isAskedFor ? nil : changed.flatMap { old in paths.map { old.union($0) } }
    let outcome = build.build(changed: changed)
    if outcome.artifact != nil { changed = [] }
    if outcome.artifact == nil && isOvertaken() { return }
    showFindings(outcome)
    let wasAskedFor = isAskedFor
    isAskedFor = false
    try server.take(outcome, isAskedFor: wasAskedFor) { build.contentsWithoutFunctions }
  }

  /// Shows what was found, once as long as it stays the same.
  private mutating func showFindings(_ outcome: ProjectBuild.Outcome) {
    let text = build.diagnosticText(outcome)
    guard text != shownFindings else { return }
    shownFindings = text
    if !text.isEmpty { output.show(outcome.result.report, sources: outcome.result.sources, text: text) }
  }

  private var isGitWorking: Bool { access(gitLock, F_OK) == 0 }

  /// Whether another save has begun since the build did. Such a build may have read half a file, and what it
  /// finds wrong says nothing about either save. A file that is not closed within the bound is taken as it is.
  private mutating func isOvertaken() -> Bool {
    let limit = Clock.nanoseconds + Self.writeWaitMaxNanoseconds
    takeChanges(wait(milliseconds: Self.overtakeMilliseconds))
    while watcher.isBeingWritten && !debounce.hasChangedMeanwhile && Clock.nanoseconds < limit {
      let ready = wait(milliseconds: 10)
      takeChanges(ready)
      // Both are taken when this build is done.
      if ready.hasSignals || ready.hasKeys { break }
    }
    return debounce.hasChangedMeanwhile
  }

  private mutating func takeChanges(_ ready: Ready) {
    if ready.hasChanges && watcher.takeChanges() { debounce.changed() }
  }

  private mutating func tellOfComparing() {
    guard watcher.needsComparing, !hasToldOfComparing else { return }
    hasToldOfComparing = true
    output.say(
      .notice,
      "the system has no inotify watches to spare: files are compared every \(FileScan.milliseconds) ms instead; "
        + "'sysctl fs.inotify.max_user_watches=524288' gives more")
  }

  // MARK: The developer

  /// Takes the signals that wait; true when one of them ends the program.
  private mutating func takeSignals() -> Bool {
    let taken = signals.take()
    if taken.ends { return true }
    if taken.stops {
      keyboard.end()
      // By the process itself: the signal that asked for it is blocked.
      raise(SIGSTOP)
    }
    if taken.stops || taken.continues { keyboard.begin() }
    return false
  }

  /// Does what the keys ask for; true when one of them ends the program.
  private mutating func takeKeys() -> Bool {
    for key in keyboard.read() {
      switch key {
      case UInt8(ascii: "q"): return true
      case UInt8(ascii: "c"): output.clear()
      case UInt8(ascii: "r"):
        isAskedFor = true
        debounce.changed()
      default: break
      }
    }
    return false
  }

  /// How long to wait with nothing to build; -1 for ever.
  private var idleMilliseconds: Int32 {
    if watcher.needsComparing { return FileScan.milliseconds }
    return build.hasUnstored ? Self.storeAfterMilliseconds : -1
  }

  private func tellOfKeys() {
    if keyboard.waited >= 0, !output.isJSON {
      output.say(.notice, "keys: r builds all anew, c clears the screen, q ends")
    }
  }

  /// Waits for something to happen, for ever with -1.
  private func wait(milliseconds: Int32) -> Ready {
    var entries = [watcher.descriptor, signals.descriptor, keyboard.waited].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return Ready() }
    return Ready(
      hasChanges: entries[0].revents != 0, hasSignals: entries[1].revents != 0,
      hasKeys: entries[2].revents != 0)
  }
}
