// The way into a loop from other threads: messages under a lock, and an eventfd that wakes the loop.
// Rare by design: nothing on a request's way uses it. One wake-up serves all messages that are there.

import Synchronization

/// Leaves messages for a loop; usable from every thread, and after the loop is gone (then unheard).
package final class LoopMailbox: Sendable {
  package enum Message: Sendable {
    /// For `EventSource.posted` of a registered source.
    case token(source: SourceID, UInt64)
    /// To be run on the loop's thread.
    case work(@Sendable () -> Void)
    /// Ends `run`.
    case stop
  }

  private struct State {
    var messages: [Message] = []
    var isSignalled = false
  }

  private let state = Mutex(State())
  let descriptor: Int32

  init() throws(SystemCallError) { descriptor = try SystemCalls.eventDescriptor() }

  deinit { SystemCalls.close(descriptor) }

  /// Leaves a message and wakes the loop.
  package func post(_ message: Message) {
    let wakes = state.withLock { state in
      state.messages.append(message)
      defer { state.isSignalled = true }
      return !state.isSignalled
    }
    guard wakes else { return }
    var one: UInt64 = 1
    // The counter cannot overflow: at most one signal is outstanding.
    withUnsafeBytes(of: &one) { _ = SystemCalls.write(descriptor, $0) }
  }

  /// Takes all messages; on the loop's thread, after the descriptor was readable.
  func takeAll() -> [Message] {
    var counter: UInt64 = 0
    withUnsafeMutableBytes(of: &counter) { _ = SystemCalls.read(descriptor, $0) }
    return state.withLock { state in
      defer { state = State() }
      return state.messages
    }
  }
}
