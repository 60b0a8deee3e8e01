// How an embedding program serves an application; what `spacer run` has as options of the command line.

import Glibc

/// Where and how an application is served. What is nil comes from the application's configuration.
public struct SpacerOptions: Sendable {
  /// How much is logged.
  public enum LogLevel: String, Sendable, CaseIterable { case debug, info, warn, error }

  /// Where log lines go; they are JSON unless the environment is development or test.
  public enum LogDestination: Sendable { case standardOutput, standardError, nowhere }

  /// The address to listen on; nil for `listen` in application.yml, else all addresses.
  public var host: String?
  /// The port; 0 takes a free one. Nil for that of `functionInvoker` in application.yml, else 3000.
  public var port: UInt16?
  /// The environment; nil for SPACER_ENV, else the artifact's, else production.
  public var environment: String?
  /// Event loops, each on a thread of its own; nil for one a core. From 1 to 1024.
  public var workers: Int?
  /// Lines of this level and above are logged; nil for LOG_LEVEL, else info.
  public var logLevel: LogLevel?
  /// Where log lines go; standard output unless set.
  public var log = LogDestination.standardOutput
  /// The consumer group of the triggers; nil for that of the configuration.
  public var consumerGroup: String?
  /// Whether other programs may append events on `writeProxyListen`, for an application with topics.
  public var hasWriteProxy = true

  /// What the application itself says.
  public init() {}

  func serveOptions() throws(SpacerError) -> ServeOptions {
    if let workers, !(1...1024).contains(workers) {
      throw SpacerError("the number of workers is \(workers): it must be from 1 to 1024")
    }
    var result = ServeOptions()
    result.host = host
    result.port = port
    result.environment = environment
    result.workers = workers
    result.logLevel = logLevel.flatMap { SpacerRuntime.LogLevel(name: $0.rawValue) }
    result.group = consumerGroup
    result.hasWriteProxy = hasWriteProxy
    switch log {
    case .standardOutput: result.logDescriptor = STDOUT_FILENO
    case .standardError: result.logDescriptor = STDERR_FILENO
    case .nowhere: result.logDescriptor = -1
    }
    return result
  }
}
