// The signals that `spacer dev` takes: blocked in every thread, and read from a descriptor by its loop alone.

import CSystem
import Glibc

/// Signals as something to wait on. Used from one thread.
struct DevSignals: ~Copyable {
  /// Those that end the program.
  private static let ending = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]
  /// Those that stop it at the terminal, and let it go on.
  private static let pausing = [SIGTSTP, SIGCONT]

  /// What came.
  struct Taken {
    var ends = false
    var stops = false
    var continues = false
  }

  /// Readable when signals wait.
  let descriptor: Int32

  /// Must be made before any thread that would take the signals.
  init() throws(SystemFailure) {
    signal(SIGPIPE, SIG_IGN)
    var wanted = Self.set(Self.ending + Self.pausing)
    pthread_sigmask(SIG_BLOCK, &wanted, nil)
    descriptor = signalfd(-1, &wanted, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
    if descriptor < 0 { throw SystemFailure("signalfd") }
  }

  deinit { close(descriptor) }

  /// The signals that wait now.
  func take() -> Taken {
    var taken = Taken()
    var information = signalfd_siginfo()
    while read(descriptor, &information, MemoryLayout<signalfd_siginfo>.size) > 0 {
      let number = Int32(bitPattern: information.ssi_signo)
      if Self.ending.contains(number) { taken.ends = true }
      if number == SIGTSTP { taken.stops = true }
      if number == SIGCONT { taken.continues = true }
    }
    return taken
  }

  /// Lets the next signal that ends the program end it at once.
  func release() {
    var wanted = Self.set(Self.ending)
    pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
  }

  private static func set(_ numbers: [Int32]) -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in numbers { sigaddset(&signals, number) }
    return signals
  }
}
