// Workers without listeners: they run handlers for a command, with the limits, databases and variables that a server
// of the same artifact would give them.

import CSystem
import Glibc
import SpacerSystem

/// Where the log lines of functions go.
package enum HandlerLog: Sendable {
  case none
  /// Lines of this level and above to standard error.
  case standardError(LogLevel)
}

/// Workers of one artifact. Made and ended by one thread.
final class HeadlessWorkers {
  let workers: [Worker]
  private let watchdog: Watchdog
  private let writer: LogWriter
  private let finished: Monitor<Int>
  /// `/dev/null`, or -1.
  private let sink: Int32

  /// - Throws: A sentence for the user when the system refuses.
  init(
    _ artifact: LoadedArtifact, _ configuration: ServerConfiguration, events: EventAccess?, count: Int = 1,
    log: HandlerLog
  ) throws(StartError) {
    var format = LogFormat()
    var descriptor = STDERR_FILENO
    switch log {
    case .none:
      format.level = .error
      sink = Glibc.open("/dev/null", O_WRONLY | O_CLOEXEC)
      guard sink >= 0 else { throw StartError(message: "cannot open /dev/null") }
      descriptor = sink
    case .standardError(let level):
      format.level = level
      sink = -1
    }
    let finished = Monitor(0)
    self.finished = finished
    do throws(SystemCallError) {
      writer = try LogWriter(descriptor: descriptor)
      watchdog = try Watchdog(cpuMilliseconds: configuration.policy.cpuMilliseconds)
    } catch {
      throw StartError(message: "no descriptor to be had: \(error)")
    }
    let store = KVStore(bytesMax: configuration.kvBytes)
    var workers: [Worker] = []
    do throws(LoadError) {
      for _ in 0..<count {
        let setup = WorkerSetup(
          artifact: artifact, listeners: [], proxyListeners: [], tls: nil, http: configuration.http,
          policy: configuration.policy, logFormat: format, logWriter: writer, watchdog: watchdog,
          store: store,
          events: events, drainMilliseconds: UInt64(configuration.policy.wallMilliseconds))
        workers.append(
          try Worker(setup) {
            finished.withLock { $0 += 1 }
            finished.signal()
          })
      }
    } catch {
      throw StartError(message: error.message)
    }
    self.workers = workers
  }

  deinit { if sink >= 0 { SystemCalls.close(sink) } }

  func start() {
    writer.start()
    watchdog.start()
    for (number, worker) in workers.enumerated() { worker.start(number: number) }
  }

  /// Lets what runs come to its end, and returns when the last log line is written.
  func end() {
    for worker in workers { worker.drain() }
    finished.wait(milliseconds: nil) { $0 == workers.count ? () : nil }
    writer.close(waitMilliseconds: 2_000)
  }
}
