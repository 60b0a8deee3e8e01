// Readers at rest, each with a connection and a place in a topic. A read that goes on where one of them stands
// takes it.

import Synchronization

/// A few readers, kept for the next read. Usable from every thread.
final class KafkaReaders: Sendable {
  private struct State {
    /// The longest unused first.
    var idle: [KafkaReader] = []
    var isClosed = false
  }

  private static let idleMax = 4

  private let state = Mutex(State())
  private let settings: KafkaSettings

  init(_ settings: KafkaSettings) { self.settings = settings }

  /// A reader that stands at `position`.
  func take(
    _ name: String, at position: [Int32: Int64], ends: [Int32: Int64]
  ) throws(EventLogError) -> KafkaReader {
    let idle: KafkaReader? = state.withLock { (state: inout State) -> KafkaReader? in
      guard let index = state.idle.lastIndex(where: { $0.name == name && $0.next == position }) else {
        return nil
      }
      return state.idle.remove(at: index)
    }
    if let idle { return idle }
    return try KafkaReader(settings, name: name, at: position, ends: ends)
  }

  /// Gives a reader back after a read that succeeded.
  func put(_ reader: KafkaReader) {
    // Ending a client blocks: not under the lock.
    let surplus: KafkaReader? = state.withLock { (state: inout State) -> KafkaReader? in
      if state.isClosed { return reader }
      state.idle.append(reader)
      return state.idle.count > Self.idleMax ? state.idle.removeFirst() : nil
    }
    withExtendedLifetime(surplus) {}
  }

  func close() {
    let idle = state.withLock { state in
      state.isClosed = true
      defer { state.idle = [] }
      return state.idle
    }
    withExtendedLifetime(idle) {}
  }
}
