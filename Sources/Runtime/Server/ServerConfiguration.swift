// Everything a server needs to know, from the command line, the environment and the artifact's settings, in
// this order of precedence.

import CSystem
import Glibc
import SpacerArtifact

/// An address to listen on.
struct ListenPlace: Equatable, Sendable {
  /// Nil for all addresses.
  var host: String?
  var port: UInt16

  var displayHost: String {
    guard let host else { return "0.0.0.0" }
    return host.contains(":") ? "[\(host)]" : host
  }
}

/// The resolved configuration of a server.
struct ServerConfiguration: Sendable {
  static let portDefault: UInt16 = 3000

  var environment: String
  var places: [ListenPlace]
  var workerCount: Int
  /// Nil to serve plain HTTP.
  var tls: TLSFiles?
  var http: HTTPOptions
  var policy: DispatchPolicy
  var logFormat: LogFormat
  /// Nil without topics and schedules.
  var events: EventConfiguration?
  /// Where the write proxy listens; nil when it does not.
  var writeProxy: ListenPlace?
  /// Its port may be another's.
  var toleratesTakenWriteProxy = false
  /// What `kv` may hold, in bytes; counts when the server starts.
  var kvBytes: Int

  init(_ artifact: LoadedArtifact, options: ServeOptions) throws(SettingsError) {
    let settings = Settings(artifact)
    environment =
      options.environment ?? ServeOptions.variable("SPACER_ENV") ?? artifact.image.environment ?? "production"
    places = try Self.places(settings, options)
    tls = try Self.tlsFiles(settings)
    workerCount = options.workers ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    http = try Self.httpOptions(settings)
    http.inspectsRequests = options.buildNotice != nil
    policy = try Self.policy(settings, artifact, environment: environment)
    policy.hostFunctions = options.hostFunctions
    events = try EventConfiguration(
      artifact, environment: environment, group: options.group, wallMilliseconds: policy.wallMilliseconds)
    if events != nil, options.hasWriteProxy {
      writeProxy = try Self.writeProxyPlace(settings)
      let isUsualPlace = try settings.text("writeProxyListen") == nil
      toleratesTakenWriteProxy = options.toleratesTakenWriteProxy && isUsualPlace
      policy.writeProxyToken = try settings.text("writeProxyToken").map { Array($0.utf8) }
    }
    kvBytes = try Self.kvBytes(settings)
    var format = LogFormat()
    format.level = .info
    if let level = options.logLevel {
      format.level = level
    } else if let level = try Self.logLevel() {
      format.level = level
    }
    format.isJSON = options.logForm.map { $0 == .json } ?? !Self.isForPeople(environment)
    format.isCompact = options.logForm == .compact
    format.hidesRequests = options.hidesRequests
    format.usesColor = isatty(options.logDescriptor) == 1 && ServeOptions.variable("NO_COLOR") == nil
    logFormat = format
  }

  /// The level that the environment asks for.
  private static func logLevel() throws(SettingsError) -> LogLevel? {
    guard let name = ServeOptions.variable("LOG_LEVEL") else { return nil }
    guard let level = LogLevel(name: name) else {
      throw SettingsError(message: "LOG_LEVEL is '\(name)': it must be debug, info, warn or error")
    }
    return level
  }

  /// Whether answers and logs are for the developer at the keyboard.
  private static func isForPeople(_ environment: String) -> Bool {
    environment == "development" || environment == "test"
  }

  // MARK: Listening

  private static func places(_ settings: Settings, _ options: ServeOptions) throws(SettingsError)
    -> [ListenPlace]
  {
    let configuredPort = try invokerPort(settings)
    let port = options.port ?? configuredPort ?? portDefault
    if let host = options.host { return [ListenPlace(host: isAny(host) ? nil : host, port: port)] }
    let listed = try settings.list("listen")
    if listed.isEmpty { return [ListenPlace(host: options.hostDefault, port: port)] }
    var places: [ListenPlace] = []
    for text in listed {
      guard var place = parse(text, portDefault: port) else {
        throw SettingsError(message: "listen must be 'HOST:PORT', ':PORT' or a host, not '\(text)'")
      }
      if let chosen = options.port { place.port = chosen }
      places.append(place)
    }
    return places
  }

  static let writeProxyPortDefault: UInt16 = 9065

  /// Loopback unless there is a token.
  static func writeProxyPlace(_ settings: Settings) throws(SettingsError) -> ListenPlace {
    let text = try settings.text("writeProxyListen") ?? ":\(writeProxyPortDefault)"
    guard var place = parse(text, portDefault: writeProxyPortDefault) else {
      throw SettingsError(message: "writeProxyListen must be 'HOST:PORT' or ':PORT', not '\(text)'")
    }
    guard try settings.text("writeProxyToken") == nil else { return place }
    guard let host = place.host else {
      place.host = "127.0.0.1"
      return place
    }
    guard host == "localhost" || host == "::1" || host.hasPrefix("127.") else {
      throw SettingsError(
        message: "writeProxyListen names \(host), which others can reach: set writeProxyToken, or listen on "
          + "127.0.0.1")
    }
    return place
  }

  private static func isAny(_ host: String) -> Bool { host.isEmpty || host == "*" || host == "::" }

  /// `HOST:PORT`, `[::1]:PORT`, `:PORT` or `HOST`.
  static func parse(_ text: String, portDefault: UInt16) -> ListenPlace? {
    var host = Substring(text)
    var port = portDefault
    if host.first == "[" {
      guard let end = host.firstIndex(of: "]") else { return nil }
      let rest = host[host.index(after: end)...]
      if !rest.isEmpty {
        guard rest.first == ":", let number = UInt16(rest.dropFirst()) else { return nil }
        port = number
      }
      host = host[host.index(after: host.startIndex)..<end]
    } else if let colon = host.lastIndex(of: ":"), colon == host.firstIndex(of: ":") {
      guard let number = UInt16(host[host.index(after: colon)...]) else { return nil }
      port = number
      host = host[..<colon]
    }
    return ListenPlace(host: isAny(String(host)) ? nil : String(host), port: port)
  }

  /// The port of `functionInvoker`: a URL, or a port by itself.
  private static func invokerPort(_ settings: Settings) throws(SettingsError) -> UInt16? {
    guard let text = try settings.text("functionInvoker") else { return nil }
    if let port = UInt16(text) { return port }
    var rest = Substring(text)
    for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
    rest = rest.prefix { $0 != "/" }
    guard let colon = rest.lastIndex(of: ":") else { return nil }
    guard let port = UInt16(rest[rest.index(after: colon)...]) else {
      throw SettingsError(message: "functionInvoker must be a URL with a port, not '\(text)'")
    }
    return port
  }

  private static func tlsFiles(_ settings: Settings) throws(SettingsError) -> TLSFiles? {
    let certificate = try settings.text("tls.certificate")
    let key = try settings.text("tls.key")
    if certificate == nil, key == nil { return nil }
    guard let certificate else { throw SettingsError(message: "tls.certificate is missing or empty") }
    guard let key else { throw SettingsError(message: "tls.key is missing or empty") }
    return TLSFiles(certificate: certificate, key: key)
  }

  // MARK: Limits

  static func kvBytes(_ settings: Settings) throws(SettingsError) -> Int {
    try settings.integer("limits.kvBytes", default: 64 << 20, in: (1 << 20)...(1 << 40))
  }

  static func httpOptions(_ settings: Settings) throws(SettingsError) -> HTTPOptions {
    var options = HTTPOptions()
    options.bodyBytesMax = try settings.integer(
      "limits.bodyBytes", default: options.bodyBytesMax, in: 0...(1 << 31))
    options.headerBytesMax = try settings.integer(
      "limits.headerBytes", default: options.headerBytesMax, in: 256...(1 << 24))
    options.uriBytesMax = try settings.integer(
      "limits.uriBytes", default: options.uriBytesMax, in: 16...(1 << 24))
    options.connectionCountMax = try settings.integer(
      "limits.connections", default: options.connectionCountMax, in: 1...1_000_000)
    return options
  }

  /// - Parameter hasDatabases: Whether the application's own databases are looked up.
  static func policy(
    _ settings: Settings, _ artifact: LoadedArtifact, environment: String, hasDatabases: Bool = true
  ) throws(SettingsError) -> DispatchPolicy {
    let token = ServeOptions.variable("SPACER_INTERNAL_TOKEN") ?? randomToken()
    var policy = DispatchPolicy(showsErrors: isForPeople(environment), internalToken: Array(token.utf8))
    policy.environmentName = environment
    policy.callCountMax = try settings.integer(
      "limits.calls", default: policy.callCountMax, in: 1...400_000)
    policy.wallMilliseconds = try settings.integer(
      "limits.wallMilliseconds", default: policy.wallMilliseconds, in: 1...86_400_000)
    policy.cpuMilliseconds = try settings.integer(
      "limits.cpuMilliseconds", default: policy.cpuMilliseconds, in: 1...86_400_000)
    policy.callMemoryBytes = try settings.integer(
      "limits.callMemoryBytes", default: policy.callMemoryBytes, in: (64 << 10)...(1 << 40))
    policy.workerMemoryBytes = try settings.integer(
      "limits.workerMemoryBytes", default: policy.workerMemoryBytes, in: (1 << 20)...(1 << 44))
    if let text = try settings.text("limits.outbound") {
      guard let outbound = OutboundPolicy(rawValue: text) else {
        throw SettingsError(message: "limits.outbound must be 'allow' or 'public', not '\(text)'")
      }
      policy.outbound = outbound
    }
    // A run without a wait may not outlast its call.
    policy.cpuMilliseconds = min(policy.cpuMilliseconds, policy.wallMilliseconds)
    if hasDatabases {
      policy.databases = try DatabaseConfiguration.all(artifact, settings, environment: environment)
    }
    for name in artifact.image.environmentVariables {
      if let value = getenv(name) {
        policy.environment[name] = String(cString: value)
      } else if name != "SPACER_ENV" {
        policy.unsetVariables.append(name)
      }
    }
    if artifact.image.environmentVariables.contains("SPACER_ENV") {
      policy.environment["SPACER_ENV"] = environment
    }
    return policy
  }

  private static func randomToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
  }
}
