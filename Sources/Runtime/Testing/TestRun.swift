// Runs files of tests, several at a time: each on a worker of its own, which is made for it and goes with it, so that
// no file sees what another did.

import CSystem
import Glibc
import SpacerArtifact
import SpacerEventLog
import SpacerSystem

/// Why tests cannot be run: one sentence for the user.
package struct TestRunError: Error, Equatable {
  package var message: String
}

/// Runs tests of one artifact after the other. Used by one thread.
package final class TestRunner {
  private let options: TestOptions
  private let writer: LogWriter
  private let watchdog: Watchdog
  /// `/dev/null`: what is logged goes with the results.
  private let sink: Int32

  package init(_ options: TestOptions) throws(TestRunError) {
    self.options = options
    sink = Glibc.open("/dev/null", O_WRONLY | O_CLOEXEC)
    guard sink >= 0 else { throw TestRunError(message: "cannot open /dev/null") }
    do throws(SystemCallError) {
      writer = try LogWriter(descriptor: sink)
      watchdog = try Watchdog(cpuMilliseconds: 1_000)
    } catch {
      SystemCalls.close(sink)
      throw TestRunError(message: "no descriptor to be had: \(error)")
    }
    writer.start()
    watchdog.start()
  }

  /// What the files that run have come to.
  private struct State {
    var results: [TestFileResult?]
    /// Workers that have ended, whatever came of them.
    var endedCount = 0
  }

  /// Runs the modules, tests of `artifact`; blocks.
  /// - Parameter report: Called with each result, in the order of the modules.
  package func run(
    _ modules: [Int], of artifact: LoadedArtifact, report: (TestFileResult) -> Void
  ) throws(TestRunError) {
    let setup = try Setup(artifact, options)
    watchdog.setBudget(milliseconds: setup.policy.cpuMilliseconds)
    let state = Monitor(State(results: Array(repeating: nil, count: modules.count)))
    var startedCount = 0
    var reportedCount = 0
    while reportedCount < modules.count {
      let ended = state.withLock { $0.endedCount }
      while startedCount < modules.count, startedCount - ended < options.workerCount {
        try start(startedCount, modules[startedCount], artifact, setup, state)
        startedCount += 1
      }
      let next = reportedCount
      let known = state.wait(milliseconds: nil) { state -> TestFileResult?? in
        if let result = state.results[next] { return .some(result) }
        return state.endedCount > ended ? .some(nil) : nil
      }
      guard case .some(.some(let result)) = known else { continue }
      report(result)
      reportedCount += 1
    }
    let count = modules.count
    state.wait(milliseconds: nil) { $0.endedCount == count ? () : nil }
  }

  /// What of the application's configuration counts in tests.
  private struct Setup {
    var policy: DispatchPolicy
    var http: HTTPOptions
    var kvBytes: Int
    var events: EventConfiguration?

    init(_ artifact: LoadedArtifact, _ options: TestOptions) throws(TestRunError) {
      let settings = Settings(artifact)
      do throws(SettingsError) {
        policy = try ServerConfiguration.policy(
          settings, artifact, environment: options.environment, hasDatabases: false)
        policy.showsErrors = true
        http = try ServerConfiguration.httpOptions(settings)
        kvBytes = try ServerConfiguration.kvBytes(settings)
        events = try EventConfiguration(
          artifact, environment: options.environment, wallMilliseconds: policy.wallMilliseconds,
          storage: .memory)
      } catch {
        throw TestRunError(message: error.message)
      }
    }
  }

  private func start(
    _ index: Int, _ module: Int, _ artifact: LoadedArtifact, _ setup: Setup, _ state: Monitor<State>
  ) throws(TestRunError) {
    var format = LogFormat()
    format.level = .info
    let workerSetup = WorkerSetup(
      artifact: artifact, listeners: [], proxyListeners: [], tls: nil, http: setup.http, policy: setup.policy,
      logFormat: format, logWriter: writer, watchdog: watchdog, store: KVStore(bytesMax: setup.kvBytes),
      events: setup.events.map { EventAccess(store: MemoryStore(), $0, transactionDatabase: nil) },
      drainMilliseconds: UInt64(setup.policy.wallMilliseconds))
    let worker: Worker
    do throws(LoadError) {
      worker = try Worker(workerSetup) {
        state.withLock { $0.endedCount += 1 }
        state.signal()
      }
    } catch {
      throw TestRunError(message: error.message)
    }
    let path = artifact.image.module(module).pathString
    let (options, events) = (options, setup.events)
    worker.start(number: index)
    worker.perform { dispatcher, _ in
      let bench = TestBench(dispatcher, artifact, path: path, events, options)
      dispatcher.testing = bench
      bench.run(module: module) { result in
        state.withLock { $0.results[index] = result }
        state.signal()
        worker.drain()
      }
    }
  }
}
