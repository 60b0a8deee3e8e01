// How commands reach an application's event log: at its storage, or through a running server.

import Glibc
package import SpacerEventLog

/// Why there is no event log to work on: one sentence with the way out.
package struct ConnectionError: Error, Equatable {
  package var message: String
}

/// An open event log of one application.
package struct EventLogConnection: Sendable {
  /// Where the event log is looked for.
  package struct Options: Sendable {
    package var environment: String
    package var group: String?
    /// A running server's; nil: the storage itself, unless that is in a server's memory.
    package var address: RemoteAddress?
    /// For the server; nil: what the configuration says.
    package var token: String?
    /// Whether a storage that is not there yet may be made.
    package var mayCreate = false

    package init(environment: String) { self.environment = environment }
  }

  package let configuration: EventConfiguration
  package let store: any EventStore
  /// For people: `sqlite, .spacer/events.db`, `the server at http://127.0.0.1:9065`.
  package let place: String

  /// Connects; blocks.
  package init(_ artifact: LoadedArtifact, _ options: Options) throws(ConnectionError) {
    let settings = Settings(artifact)
    var address = options.address
    var token = options.token
    do throws(SettingsError) {
      let wall = try settings.integer("limits.wallMilliseconds", default: 30_000, in: 1...86_400_000)
      guard
        let configuration = try EventConfiguration(
          artifact, environment: options.environment, group: options.group, wallMilliseconds: wall)
      else {
        throw SettingsError(
          message: "the application has no events: list topics under 'topics' in config/application.yml")
      }
      self.configuration = configuration
      if address == nil, configuration.storage == .memory { address = try Self.writeProxyAddress(settings) }
      if address != nil, token == nil { token = try settings.text("writeProxyToken") }
    } catch {
      throw ConnectionError(message: error.message)
    }
    if let address {
      store = RemoteStore(address, token: token, appName: configuration.appName)
      place = "the server at \(address)"
    } else {
      if !options.mayCreate { try Self.requireFile(configuration.storage) }
      store = configuration.storage.makeStore(appName: configuration.appName)
      place = Self.name(of: configuration.storage)
    }
    do throws(EventLogError) {
      try store.open(configuration.definitions)
    } catch {
      store.close()
      throw ConnectionError(message: Self.describe(error, configuration, hasURL: options.address != nil))
    }
  }

  private static func describe(
    _ error: EventLogError, _ configuration: EventConfiguration, hasURL: Bool
  ) -> String {
    guard error.code == .unavailable else { return "the event log: \(error.message)" }
    if hasURL { return "\(error.message): start the server, or name its write proxy's address with --url" }
    switch configuration.storage {
    case .memory:
      return
        "\(error.message): the memory driver keeps events in the server's process: start 'spacer dev', or "
        + "name the address of a running server's write proxy with --url"
    case .sqlite(let path, _): return "the event log at \(path): \(error.message)"
    case .postgres, .kafka:
      return
        "the event log (\(configuration.storage.driver)): \(error.message): start the storage, or correct "
        + "logStorage in config/application.yml"
    }
  }

  private static func name(of storage: StorageConfiguration) -> String {
    if case .sqlite(let path, _) = storage { return "sqlite, \(path)" }
    return storage.driver
  }

  /// Opening makes the file, which hides that it was looked for in the wrong folder.
  private static func requireFile(_ storage: StorageConfiguration) throws(ConnectionError) {
    guard case .sqlite(let path, _) = storage, access(path, F_OK) != 0 else { return }
    let base = path.hasPrefix("/") ? "" : ", seen from this folder"
    throw ConnectionError(
      message:
        "there is no event log at \(path)\(base): start the server or append an event first, or run the "
        + "command in the folder that the server was started in")
  }

  /// Where the application's own server takes events on this machine.
  private static func writeProxyAddress(_ settings: Settings) throws(SettingsError) -> RemoteAddress {
    let place = try ServerConfiguration.writeProxyPlace(settings)
    guard place.port > 0 else {
      throw SettingsError(
        message: "writeProxyListen takes any free port: name the one that the running server shows with --url"
      )
    }
    return RemoteAddress(host: place.host ?? "127.0.0.1", port: place.port)
  }
}
