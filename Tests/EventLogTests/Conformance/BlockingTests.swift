import SpacerSystem
import Testing

/// Runs the tests of a suite on threads that may block. On those of Swift's own, as many as the machine has cores,
/// tests that wait for a cluster would keep all others waiting too.
struct BlockingTests: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(BlockingThreads.shared) { try await function() }
  }
}

extension Trait where Self == BlockingTests {
  static var blocking: BlockingTests { BlockingTests() }
}

/// A few threads for jobs that block.
private final class BlockingThreads: TaskExecutor {
  static let shared = BlockingThreads(count: 4)

  private let jobs = Monitor<[UnownedJob]>([])

  init(count: Int) {
    for _ in 0..<count {
      Threads.start(name: "test") {
        while let job = self.jobs.wait(milliseconds: nil, { $0.isEmpty ? nil : $0.removeFirst() }) {
          job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
      }
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    jobs.signal()
  }
}
