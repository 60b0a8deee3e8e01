// The worker of a comparison. It serves two generations at a time, each with the policy, the topics and the `kv` of
// its own artifact; before a run the worker turns to the one that the run is for.

import SpacerEventLog
import SpacerSystem

/// Runs handlers of two artifacts and captures what they do. Used by one thread.
final class ComparisonWorker {
  /// One of the two artifacts as the worker's thread needs it.
  private struct Half: Sendable {
    var policy: DispatchPolicy
    var events: EventAccess
    var store: KVStore
  }

  private let workers: HeadlessWorkers
  private let worker: Worker
  private let halves: (old: Half, new: Half)
  private let result = Monitor<CapturedRun?>(nil)

  init(
    old: ReplayTarget, new: ReplayTarget, store: any EventStore, responses: CannedResponses
  ) throws(ReplayFailure) {
    func half(_ target: ReplayTarget) -> Half {
      var policy = target.configuration.policy
      // One budget for both: the watchdog has one.
      policy.cpuMilliseconds = max(
        old.configuration.policy.cpuMilliseconds, new.configuration.policy.cpuMilliseconds)
      return Half(
        policy: policy, events: EventAccess(store: store, target.events, transactionDatabase: nil),
        store: KVStore(bytesMax: target.configuration.kvBytes))
    }
    halves = (half(old), half(new))
    var configuration = old.configuration
    configuration.policy = halves.old.policy
    do throws(StartError) {
      workers = try HeadlessWorkers(old.artifact, configuration, events: halves.old.events, log: .none)
    } catch {
      throw ReplayFailure(.missing, error.message)
    }
    worker = workers.workers[0]
    workers.start()
    let isReady = Monitor<Bool?>(nil)
    let artifact = new.artifact
    worker.perform { dispatcher, mailbox in
      let capture = Capture(dispatcher, mailbox: mailbox, responses: responses)
      let isPrepared = dispatcher.beginCapture(capture) && dispatcher.installBeside(artifact)
      isReady.withLock { $0 = isPrepared }
      isReady.signal()
    }
    guard isReady.wait(milliseconds: nil, { $0 }) == true else {
      workers.end()
      throw ReplayFailure(.missing, "no memory for a Lua state")
    }
  }

  /// Runs one handler to its end; blocks.
  func run(_ run: HandlerRun, _ side: Comparison.Side) -> CapturedRun {
    let half = side == .old ? halves.old : halves.new
    let result = result
    result.withLock { $0 = nil }
    worker.perform { dispatcher, _ in
      dispatcher.turn(toGeneration: side == .old ? 0 : 1)
      dispatcher.adopt(half.policy)
      dispatcher.events = half.events
      dispatcher.store = half.store
      dispatcher.capture?.start(run) { captured in
        result.withLock { $0 = captured }
        result.signal()
      }
    }
    return result.wait(milliseconds: nil) { $0 } ?? CapturedRun(outcome: .timedOut)
  }

  func end() { workers.end() }
}

extension Dispatcher {
  /// Installs a second artifact, generation 1, and keeps the first, generation 0, although no call runs there.
  fileprivate func installBeside(_ artifact: LoadedArtifact) -> Bool {
    generations[currentGeneration]?.callsInFlight += 1
    guard install(artifact, keepsUnchanged: false) else { return false }
    generations[currentGeneration]?.callsInFlight += 1
    return currentGeneration == 1
  }

  /// Makes one of the two the one that calls begin in. No call runs.
  fileprivate func turn(toGeneration generation: Int32) {
    currentGeneration = generation
    loadingGeneration = generation
    restoreGeneration()
  }
}
