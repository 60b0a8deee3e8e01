// Threads by pthread: the runtime carries no dispatch or concurrency library. Unsafe: a closure's box is
// retained over to the new thread, which releases it.

import CSystem
import Glibc

package enum Threads {
  private final class Box {
    let name: String
    let body: () -> Void
    init(name: String, _ body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a detached thread. A refusal of the system's ends the process: it happens at start only.
  package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
    precondition(startIfPossible(name: name, body), "no thread to be had")
  }

  /// Starts a detached thread. False when the system refuses; `body` is then released uncalled.
  package static func startIfPossible(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    let context = Unmanaged.passRetained(Box(name: name, body)).toOpaque()
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Lua recurses in C up to 200 levels, the JSON codec in Swift up to 1,000.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    // The program's signals are for threads of its own: in the middle of our code no handler runs, and writing to
    // a pipe that nobody reads is an error rather than the end.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    let status = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        let box = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
        // By itself: a detached thread may have ended before another could name it.
        spacer_name_thread(pthread_self(), "spacer-\(box.name)")
        box.body()
        return nil
      }, context)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    pthread_attr_destroy(&attributes)
    guard status == 0 else {
      Unmanaged<Box>.fromOpaque(context).release()
      return false
    }
    return true
  }
}
