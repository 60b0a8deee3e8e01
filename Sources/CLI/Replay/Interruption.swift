// What Ctrl-C and SIGTERM do to a command that can end cleanly: the first has it finish, the second ends it at once.

import CSystem
import Glibc
import SpacerSystem
import Synchronization

/// The signals that end a command. Made before any other thread starts, so that none of them is hit.
final class Interruption: Sendable {
  private let number = Atomic<Int32>(0)

  /// Blocks the signals; `watch` begins to take them.
  init() {
    signal(SIGPIPE, SIG_IGN)
    var signals = Self.signals
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }

  /// Calls `stop` on a thread of its own when the first signal comes.
  func watch(_ stop: @escaping @Sendable () -> Void) {
    Threads.start(name: "signals") { [self] in
      var signals = Self.signals
      var taken: Int32 = 0
      while sigwait(&signals, &taken) != 0 {}
      number.store(taken, ordering: .relaxed)
      stop()
      while sigwait(&signals, &taken) != 0 {}
      _exit(128 + taken)
    }
  }

  /// 128 and the signal's number, as shells have it; nil when none came. Not 0: what was asked for is not done.
  var exitStatus: Int32? {
    let number = number.load(ordering: .relaxed)
    return number == 0 ? nil : 128 + number
  }
}
