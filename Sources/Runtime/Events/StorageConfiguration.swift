// Where events are kept: `logStorage.ENVIRONMENT` of application.yml.

import Glibc
import SpacerArtifact
package import SpacerEventLog

/// The storage of one environment.
package enum StorageConfiguration: Equatable, Sendable {
  case memory
  /// `path` is relative to the working folder.
  case sqlite(path: String, isRelaxed: Bool)
  /// The connection string may hold a password.
  case postgres(connString: String)
  /// Values of properties may be secrets.
  case kafka(brokers: [String], properties: [String: String])

  /// Where events go when nothing is said.
  static let pathDefault = ".spacer/events.db"

  /// What `artifact` says for `environment`; SQLite when it says nothing at all.
  static func read(
    _ artifact: LoadedArtifact, _ settings: Settings, environment: String
  ) throws(SettingsError) -> StorageConfiguration {
    let prefix = "logStorage.\(environment)."
    guard let driver = try settings.text(prefix + "driver") else {
      var others: [String] = []
      for setting in artifact.image.settings(prefix: "logStorage.") where setting.key.hasSuffix(".driver") {
        others.append(String(setting.key.dropFirst("logStorage.".count).dropLast(".driver".count)))
      }
      guard others.isEmpty else {
        throw SettingsError(
          message: "logStorage has no storage for the environment '\(environment)', only for "
            + "\(others.joined(separator: ", ")): add one to config/application.yml, or choose another with --env"
        )
      }
      return .sqlite(path: pathDefault, isRelaxed: false)
    }
    switch driver {
    case "memory": return .memory
    case "sqlite":
      return .sqlite(
        path: try settings.text(prefix + "path") ?? pathDefault,
        isRelaxed: try settings.text(prefix + "durability") == "relaxed")
    case "postgres":
      guard let connString = try settings.text(prefix + "connString") else {
        throw SettingsError(message: "\(prefix)connString is missing or empty: the driver postgres needs it")
      }
      return .postgres(connString: connString)
    case "kafka":
      let brokers = try settings.list(prefix + "brokers")
      guard !brokers.isEmpty else {
        throw SettingsError(message: "\(prefix)brokers is missing or empty: the driver kafka needs it")
      }
      var properties: [String: String] = [:]
      for setting in artifact.image.settings(prefix: prefix + "properties.") {
        let name = String(setting.key.dropFirst(prefix.count + "properties.".count))
        properties[name] = try settings.text(setting.key) ?? ""
      }
      return .kafka(brokers: brokers, properties: properties)
    default:
      throw SettingsError(
        message: "\(prefix)driver must be memory, sqlite, postgres or kafka, not '\(driver)'")
    }
  }

  /// The driver's name.
  package var driver: String {
    switch self {
    case .memory: "memory"
    case .sqlite: "sqlite"
    case .postgres: "postgres"
    case .kafka: "kafka"
    }
  }

  /// Where events are, for people: goes on after "events are kept in".
  package var place: String {
    switch self {
    case .memory: return "memory, and end with the process"
    case .sqlite(let path, _):
      guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
      defer { free(folder) }
      return String(cString: folder) + "/" + path
    case .postgres: return "PostgreSQL"
    case .kafka(let brokers, _): return "Kafka at \(brokers.joined(separator: ", "))"
    }
  }

  /// A store of this kind, not yet open.
  package func makeStore(appName: String) -> any EventStore {
    switch self {
    case .memory: MemoryStore()
    case .sqlite(let path, let isRelaxed): SQLiteStore(path: path, durability: isRelaxed ? .relaxed : .full)
    case .kafka(let brokers, let properties):
      KafkaStore(
        KafkaSettings(appName: appName, brokers: brokers.joined(separator: ","), properties: properties))
    case .postgres(let connString): PostgresStore(connString: connString)
    }
  }
}
