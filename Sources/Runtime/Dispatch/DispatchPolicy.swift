// What of the configuration the dispatcher needs, resolved once at start.

/// How a worker treats its calls.
package struct DispatchPolicy: Sendable {
  /// Whether answers and logs may tell what went wrong inside: in development and test.
  package var showsErrors: Bool
  /// `SPACER_ENV`, for messages.
  package var environmentName = ""
  /// Calls in progress at a time on a worker; one more is answered 503.
  package var callCountMax = 10_000
  /// How deep functions may call functions with `flow.call`.
  package var flowDepthMax: Int32 = 32
  /// What one call may take, waits included, in milliseconds.
  package var wallMilliseconds = 30_000
  /// What one run without a wait may take, in milliseconds.
  package var cpuMilliseconds = 1_000
  /// What one call may add to the worker's memory while it runs, in bytes.
  package var callMemoryBytes = 64 << 20
  /// What a worker's Lua state may hold before the call that holds most is ended, in bytes.
  package var workerMemoryBytes = 512 << 20
  /// Where functions may send requests.
  package var outbound = OutboundPolicy.allow
  /// What functions see through `os.getenv`.
  package var environment: [String: String] = [:]
  /// What `require "db"` reaches.
  package var databases: [DatabaseConfiguration] = []
  /// What `require "host"` reaches.
  var hostFunctions = HostRegistry()
  /// What `envVar` lists and the process's environment lacks.
  package var unsetVariables: [String] = []
  /// What the write proxy asks for; nil on loopback.
  package var writeProxyToken: [UInt8]?
  /// Lets a request call a function by its name.
  package var internalToken: [UInt8]

  package init(showsErrors: Bool, internalToken: [UInt8]) {
    self.showsErrors = showsErrors
    self.internalToken = internalToken
  }
}
