// Where compiled modules are kept between two runs. What a cache holds decides what runs, so an
// implementation gives back only bytes that the same user stored through it.

internal import Synchronization

/// A store of named byte strings. Implementations are safe to use from several threads at once.
package protocol BuildCache: Sendable {
  /// What was stored last under `name`; nil when there is nothing, or nothing to be trusted.
  func load(_ name: String) -> [UInt8]?
  /// Keeps `bytes` under `name`. A failure is silent: the next build does the work again.
  func store(_ name: String, _ bytes: [UInt8])
}

/// A cache that lives as long as the process, for tests.
package final class MemoryCache: BuildCache {
  private let entries = Mutex<[String: [UInt8]]>([:])

  package init() {}

  package func load(_ name: String) -> [UInt8]? { entries.withLock { $0[name] } }

  package func store(_ name: String, _ bytes: [UInt8]) { entries.withLock { $0[name] = bytes } }
}
