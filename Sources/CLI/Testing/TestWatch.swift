// `spacer test --watch`: runs again what a change concerns. The rules of when are those of `dev`.

import Glibc
import SpacerCompiler

/// Waits for changes of one project and runs its tests, until the process is ended.
struct TestWatch: ~Copyable {
  private var watcher: ProjectWatcher
  private var debounce = WatchDebounce()
  private let session: TestSession
  private let gitLock: String

  /// - Throws: When the project cannot be watched.
  init(_ command: TestCommand) throws(CommandFailure) {
    let project = command.target.project
    let session = try TestSession(command)
    let watcher = try Self.watch(project)
    self.session = session
    self.watcher = watcher
    gitLock = GitLock.path(project: project)
  }

  private static func watch(_ project: String) throws(CommandFailure) -> ProjectWatcher {
    do throws(SystemFailure) {
      return try ProjectWatcher(root: project, folders: ScanLimits.foldersWithTests)
    } catch {
      throw .missing("cannot watch '\(project)': \(error)")
    }
  }

  mutating func run() throws(CommandFailure) {
    var isFirst = true
    debounce.changed()
    while true {
      if debounce.isDue(at: Clock.nanoseconds, isLocked: debounce.isPending && access(gitLock, F_OK) == 0) {
        debounce.begin()
        _ = try session.run(onlyChanged: !isFirst)
        isFirst = false
        debounce.built()
        if !debounce.isPending { Console.standardError.write("spacer: watching for changes\n") }
      }
      var entry = pollfd(fd: watcher.descriptor, events: Int16(POLLIN), revents: 0)
      let idle = watcher.needsComparing ? FileScan.milliseconds : -1
      let wait = debounce.waitNanoseconds.map { Int32(clamping: $0 / 1_000_000) } ?? idle
      let count = poll(&entry, 1, wait)
      if count > 0 && watcher.takeChanges() || count == 0 && watcher.compare() { debounce.changed() }
    }
  }
}
