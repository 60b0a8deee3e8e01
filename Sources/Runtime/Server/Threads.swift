// Threads by pthread: the runtime carries no dispatch or concurrency library. Unsafe: a closure's box is
// retained over to the new thread, which releases it.

import CSystem
import Glibc

enum Threads {
  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Starts a detached thread. A refusal of the system's ends the process: it happens at start only.
  static func start(name: String, _ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Lua recurses in C up to 200 levels, the JSON codec in Swift up to 1,000.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let status = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(status == 0, "no thread to be had: \(String(cString: strerror(status)))")
    spacer_name_thread(thread, "spacer-\(name)")
  }
}
