// Per-module work over all cores. The order of results never depends on the threads: each result carries its
// index.

internal import Dispatch
internal import Glibc
internal import SpacerLuaVM
internal import Synchronization

/// Work that is the same for many modules.
enum Parallel {
  /// Indexes a worker takes at once: enough that the counter is no bottleneck.
  private static let batch = 8

  /// Processors that are online.
  private static let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// Runs `other` on another thread while `body` runs on this one; returns when both are done.
  static func with<Result, Other: Sendable>(
    _ other: @escaping @Sendable () -> Other, _ body: () -> Result
  ) -> (Result, Other) {
    let outcome = Background<Other>()
    DispatchQueue.global(qos: .userInitiated).async { outcome.finish(other()) }
    let result = body()
    return (result, outcome.wait())
  }

  /// `body` for each index below `count`, on as many threads as there are processors; blocks until all are
  /// done. Each thread has a Lua compiler of its own.
  static func map<Result: Sendable>(
    _ count: Int, _ body: @Sendable (_ index: Int, _ compiler: borrowing BytecodeCompiler) -> Result
  ) -> [Result] {
    let workers = min(processorCount, (count + batch - 1) / batch)
    guard workers > 1 else {
      let compiler = BytecodeCompiler()
      return (0..<count).map { body($0, compiler) }
    }
    let next = Atomic<Int>(0)
    let collected = Mutex<[(index: Int, result: Result)]>([])
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      let compiler = BytecodeCompiler()
      var own: [(index: Int, result: Result)] = []
      while true {
        let start = next.add(batch, ordering: .relaxed).oldValue
        guard start < count else { break }
        for index in start..<min(start + batch, count) { own.append((index, body(index, compiler))) }
      }
      collected.withLock { $0 += own }
    }
    return collected.withLock { $0 }.sorted { $0.index < $1.index }.map(\.result)
  }
}

/// The result of work on another thread.
private final class Background<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  func finish(_ value: Value) {
    self.value.withLock { $0 = value }
    isDone.signal()
  }

  /// Waits for `finish`; to be called once.
  func wait() -> Value {
    while true {
      isDone.wait()
      if let value = value.withLock({ $0 }) { return value }
    }
  }
}
