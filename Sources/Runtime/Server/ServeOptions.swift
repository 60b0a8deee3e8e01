// The command line of `spacer-serve`, parsed by hand: the executable that serves carries no parser library.

import Glibc

/// How much is logged.
package enum LogLevel: Int, Comparable, Sendable, CaseIterable {
  case debug = 0
  case info, warn, error

  package init?(name: String) {
    switch name.lowercased() {
    case "debug": self = .debug
    case "info", "notice": self = .info
    case "warn", "warning": self = .warn
    case "error", "crit", "alert", "emerg": self = .error
    default: return nil
    }
  }

  var name: StaticString {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warn: "warn"
    case .error: "error"
    }
  }

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// How lines of the log look.
package enum LogForm: Sendable {
  /// An object a line.
  case json
  /// Short lines for someone who watches them.
  case compact
}

/// What the command line and the environment say about serving; nil where they say nothing.
package struct ServeOptions: Sendable {
  /// The artifact's file; or the standalone executable that this program is.
  package var artifactPath = ""
  package var isStandalone = false
  /// Files of the public keys one of which must have signed the artifact; empty when none has to.
  package var requiredKeyPaths: [String] = []
  package var environment: String?
  package var port: UInt16?
  package var host: String?
  /// Where to listen when neither `host` nor the artifact says; nil for all addresses.
  package var hostDefault: String?
  package var workers: Int?
  package var logLevel: LogLevel?
  /// The consumer group in place of the artifact's.
  package var group: String?
  /// Whether the write proxy listens, for an application with topics.
  package var hasWriteProxy = true
  /// Whether the server goes without its write proxy when the usual port is in use, as another project's.
  package var toleratesTakenWriteProxy = false
  /// The form of the log; nil leaves it to the environment.
  package var logForm: LogForm?
  /// Log no requests and no runs of triggers.
  package var hidesRequests = false
  /// What is told of the project's build at first; nil outside `spacer dev`.
  package var buildNotice: BuildNotice?
  /// What an embedding program gives its Lua code.
  package var hostFunctions = HostRegistry()
  /// Whether an artifact that calls others than these is served, for the sake of its other functions.
  package var toleratesMissingHostFunctions = false
  /// Where log lines go.
  package var logDescriptor = STDOUT_FILENO
  /// Keep the state of modules that did not change when a new generation comes (`spacer dev`).
  package var keepsUnchangedModules = false

  package init() {}

  /// - Parameter program: The name of a standalone executable; nil for `spacer-serve`, which takes an artifact.
  package static func usage(program: String? = nil) -> String {
    let start = "usage: " + (program ?? "spacer-serve ARTIFACT")
    let indent = String(repeating: " ", count: min(start.utf8.count, 40))
    return """
      \(start) [--env NAME] [--port N] [--host ADDRESS] [--workers N] [--log-level LEVEL]
      \(indent) [--group NAME] [--no-write-proxy] [--require-key PUB]

        --env NAME         the environment; default: SPACER_ENV, then what the artifact was built for,
                           then production
        --port N           0 takes a free port; default: functionInvoker's in application.yml, then 3000
        --host ADDRESS     default: listen in application.yml, then all addresses
        --workers N        event loops, each on a thread; default: one a core
        --log-level LEVEL  debug, info, warn or error; default: LOG_LEVEL, then info
        --group NAME       the consumer group of the triggers; default: consumerGroup in application.yml, then
                           spacer-APPNAME
        --no-write-proxy   no address takes events from other programs
        --require-key PUB  serve only what the private key of this public one has signed; can be given several
                           times, for a choice of keys
        --version, --help

      \(program == nil ? "SIGHUP reads the artifact" : "SIGHUP reads the application in this file") and the \
      certificate again, SIGTERM and SIGINT finish the requests in flight and exit.
      """
  }

  /// The command line was wrong; the sentence says how.
  package struct UsageError: Error { package var message: String }

  /// Parses the arguments behind the program's name.
  /// - Parameter standalone: The file that carries its application, in place of an artifact to be named.
  package static func parse(
    _ arguments: [String], standalone: String? = nil
  ) throws(UsageError) -> ServeOptions {
    var options = ServeOptions()
    if let standalone {
      options.artifactPath = standalone
      options.isStandalone = true
    }
    var rest = ArraySlice(arguments)
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-"), argument != "-" else {
        if options.isStandalone {
          throw UsageError(
            message:
              "this executable serves the application within it, and no artifact: '\(argument)' is one "
              + "word too many")
        }
        guard options.artifactPath.isEmpty else {
          throw UsageError(message: "one artifact only, not also '\(argument)'")
        }
        options.artifactPath = argument
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if argument == "--no-write-proxy" || argument == "-w" {
        options.hasWriteProxy = false
        continue
      }
      guard Self.valued.contains(name) else {
        throw UsageError(message: "unknown option '\(name)'")
      }
      guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
        throw UsageError(message: "'\(name)' needs a value")
      }
      try options.set(name, value)
    }
    if options.artifactPath.isEmpty { throw UsageError(message: "which artifact?") }
    return options
  }

  private static let valued: Set<String> = [
    "--env", "--port", "--host", "--workers", "--log-level", "--group", "-g", "--require-key",
  ]

  private mutating func set(_ name: String, _ value: String) throws(UsageError) {
    switch name {
    case "--env": environment = value
    case "--host": host = value
    case "--require-key":
      guard !value.isEmpty else { throw UsageError(message: "'\(name)' needs a public key's file") }
      requiredKeyPaths.append(value)
    case "--group", "-g":
      guard !value.isEmpty else { throw UsageError(message: "'\(name)' needs a group's name") }
      group = value
    case "--port":
      guard let number = UInt16(value) else {
        throw UsageError(message: "'\(value)' is no port (0 to 65535)")
      }
      port = number
    case "--workers":
      guard let number = Int(value), (1...1024).contains(number) else {
        throw UsageError(message: "'\(value)' is no number of workers (1 to 1024)")
      }
      workers = number
    default:
      guard let level = LogLevel(name: value) else {
        throw UsageError(message: "'\(value)' is no log level (debug, info, warn, error)")
      }
      logLevel = level
    }
  }

  /// A variable of the process's environment; nil when unset or empty.
  package static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}
