// The loop of `spacer dev`: one thread waits for changes, signals and the moment to build, and hands each
// good build to the server, whose workers run on threads of their own. Signals are blocked before those
// threads start, so that only this loop takes them.

import CSystem
import Glibc
import SpacerArtifact
import SpacerRuntime

/// Watches, builds and serves one project until a signal ends it.
struct DevLoop: ~Copyable {
  /// How long a failed build waits for a file that is being written.
  private static let writeWaitMaxNanoseconds: UInt64 = 200_000_000

  private var watcher: ProjectWatcher
  private var debounce = WatchDebounce()
  private let build: ProjectBuild
  private let options: ServeOptions
  private let signals: Int32
  /// Git holds this file while it rewrites the tree.
  private let gitLock: String
  private var server: Server?
  /// What the server has now; a build that gives the same changes nothing.
  private var served: [UInt8]?
  /// What took effect at start, and what the last good build asks for instead.
  private var startSettings: StartSettings?
  private var wantedSettings: StartSettings?

  /// - Throws: When the project cannot be watched.
  init(project: String, build: ProjectBuild, options: ServeOptions) throws(CommandFailure) {
    let signals = try Self.naming(project, Self.takeSignals)
    let watcher = try Self.naming(project) { () throws(SystemFailure) in try ProjectWatcher(root: project) }
    self.signals = signals
    self.watcher = watcher
    self.build = build
    self.options = options
    gitLock = project + "/.git/index.lock"
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

  /// Builds and serves; returns when a signal has ended it and the server has drained.
  mutating func run() throws(CommandFailure) {
    debounce.changed()
    while true {
      if debounce.isDue(at: Clock.nanoseconds, isLocked: debounce.isPending && isGitWorking) {
        debounce.begin()
        try rebuild()
        debounce.built()
      }
      let ready = wait(milliseconds: debounce.waitNanoseconds.map { Int32(clamping: $0 / 1_000_000) } ?? -1)
      if ready.signal { break }
      takeChanges(ready)
    }
    server?.drain()
    server?.wait()
  }

  private mutating func rebuild() throws(CommandFailure) {
    let outcome = build.build()
    if outcome.artifact == nil && isOvertaken() { return }
    build.printDiagnostics(outcome)
    guard let artifact = outcome.artifact else {
      say(
        server == nil
          ? "the build failed; waiting for a change"
          : "the build failed; still serving the last good one (\(outcome.duration))")
      return
    }
    guard artifact != served else { return }
    let loaded: LoadedArtifact
    do throws(LoadError) {
      loaded = try LoadedArtifact(bytes: artifact)
    } catch {
      throw .missing(error.message)
    }
    let settings = StartSettings(loaded.image.settings(prefix: ""), options: options)
    if let server {
      do throws(StartError) {
        // What is said of TLS comes from the start settings below.
        if let notice = try server.swap(loaded).events { say(notice) }
      } catch {
        return say("\(error.message); the last good build goes on")
      }
      say("reloaded in \(outcome.duration) (\(outcome.work))")
      if settings != wantedSettings, let notice = startSettings?.notice(replacedBy: settings) { say(notice) }
    } else {
      say("built in \(outcome.duration) (\(outcome.work)); watching for changes")
      server = try start(loaded)
      startSettings = settings
    }
    wantedSettings = settings
    served = artifact
  }

  private func start(_ artifact: LoadedArtifact) throws(CommandFailure) -> Server {
    do throws(StartError) {
      let server = try Server(artifact, options: options)
      server.start()
      for address in server.addresses { say("listening on \(address)") }
      if let address = server.writeProxyAddress { say("write proxy on \(address)") }
      return server
    } catch {
      throw .missing(error.message)
    }
  }

  private mutating func takeChanges(_ ready: (change: Bool, signal: Bool)) {
    if ready.change && watcher.takeChanges() { debounce.changed() }
  }

  private var isGitWorking: Bool { access(gitLock, F_OK) == 0 }

  /// Whether another save has begun since the build did. Such a build may have read half a file, and what it
  /// finds wrong says nothing about either save. A file that is not closed within the bound is taken as it is.
  private mutating func isOvertaken() -> Bool {
    let limit = Clock.nanoseconds + Self.writeWaitMaxNanoseconds
    takeChanges(wait(milliseconds: 0))
    while watcher.isBeingWritten && !debounce.hasChangedMeanwhile && Clock.nanoseconds < limit {
      let ready = wait(milliseconds: 10)
      takeChanges(ready)
      if ready.signal { break }
    }
    return debounce.hasChangedMeanwhile
  }

  /// Waits for a change or a signal, for ever with -1.
  private func wait(milliseconds: Int32) -> (change: Bool, signal: Bool) {
    var entries = [
      pollfd(fd: watcher.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&entries, 2, milliseconds) > 0 else { return (false, false) }
    return (entries[0].revents != 0, entries[1].revents != 0)
  }

  private func say(_ text: String) { Console.standardError.write("spacer: \(text)\n") }

  /// Blocks the signals that end the program and gives a descriptor that becomes readable when one comes.
  private static func takeSignals() throws(SystemFailure) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&wanted, number) }
    pthread_sigmask(SIG_BLOCK, &wanted, nil)
    let descriptor = signalfd(-1, &wanted, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
    if descriptor < 0 { throw SystemFailure("signalfd") }
    return descriptor
  }
}
