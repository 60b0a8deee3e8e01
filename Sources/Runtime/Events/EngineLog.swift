// The log of a thread that serves events; each line goes out at once, since there are few.

/// Messages of one thread.
final class EngineLog: @unchecked Sendable {
  // Thread rule: `say` is called on the one thread that the log was given to.
  private let log: WorkerLog

  init(format: LogFormat, writer: LogWriter) { log = WorkerLog(format: format, writer: writer) }

  func say(_ level: LogLevel, _ text: String) {
    log.message(level, text, trace: nil)
    log.flush()
  }
}
