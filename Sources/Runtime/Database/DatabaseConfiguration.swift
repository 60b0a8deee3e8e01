// The databases of an application, from `databases` in application.yml. A key directly below a database's
// name holds in every environment; one below an environment's name takes its place there.

import SpacerArtifact

/// One database.
package struct DatabaseConfiguration: Equatable, Sendable {
  enum Driver: String, Sendable { case postgres, sqlite }

  /// The location of a database in memory that is its one connection's own. No path of an application's.
  static let ownMemory = ""

  var name: String
  var driver: Driver
  /// The connection string (`postgres`), which may hold a password, or the path (`sqlite`).
  var location: String
  /// Connections of one worker.
  var poolSize = 10
  /// How long a call waits for a free one, and for a new one to be made.
  var waitMilliseconds = 5_000
  /// How long one is kept unused.
  var idleMilliseconds = 60_000
  /// How long a statement may run; 0 for as long as its call.
  var timeoutMilliseconds = 0
  /// How long a statement waits for another's lock (`sqlite`).
  var busyMilliseconds = 5_000
  var resultBytesMax = 64 << 20
  /// Prepared statements a connection keeps.
  var statementCountMax = 100
  /// `numeric` as a number, not a string.
  var readsNumericAsNumber = false

  /// What a statement fails with whose result is over the bound.
  var tooLarge: DatabaseError {
    DatabaseError(
      "the result is larger than \(resultBytesMax) bytes (databases.\(name).resultBytes): "
        + "ask for fewer rows, with LIMIT", sqlstate: DatabaseError.State.resultTooLarge)
  }

  /// The databases that `artifact` configures for `environment`, in byte order of their names.
  static func all(
    _ artifact: LoadedArtifact, _ settings: Settings, environment: String
  ) throws(SettingsError) -> [DatabaseConfiguration] {
    var names: [String] = []
    for setting in artifact.image.settings(prefix: "databases.") {
      let parts = setting.key.split(separator: ".")
      guard parts.count > 2 else { continue }
      let name = String(parts[1])
      if !names.contains(name) { names.append(name) }
    }
    var databases: [DatabaseConfiguration] = []
    for name in names {
      if let database = try read(artifact, settings, name, environment) { databases.append(database) }
    }
    return databases
  }

  /// Nil when the database has nothing for this environment.
  private static func read(
    _ artifact: LoadedArtifact, _ settings: Settings, _ name: String, _ environment: String
  ) throws(SettingsError) -> DatabaseConfiguration? {
    func key(_ key: String) -> String {
      let own = "databases.\(name).\(environment).\(key)"
      return artifact.setting(own) != nil ? own : "databases.\(name).\(key)"
    }
    guard let driverName = try settings.text(key("driver")) else { return nil }
    guard let driver = Driver(rawValue: driverName) else {
      throw SettingsError(message: "\(key("driver")) must be postgres or sqlite, not '\(driverName)'")
    }
    let location: String
    switch driver {
    case .postgres:
      guard let text = try settings.text(key("connString")) else {
        throw SettingsError(message: "\(key("connString")) is missing or empty: the driver postgres needs it")
      }
      location = text
    case .sqlite:
      location = try settings.text(key("path")) ?? ".spacer/\(name).db"
    }
    var database = DatabaseConfiguration(name: name, driver: driver, location: location)
    let day = 86_400_000
    database.poolSize = try settings.integer(key("poolSize"), default: database.poolSize, in: 1...1_000)
    database.waitMilliseconds = try settings.integer(
      key("waitMilliseconds"), default: database.waitMilliseconds, in: 1...day)
    database.idleMilliseconds = try settings.integer(
      key("idleMilliseconds"), default: database.idleMilliseconds, in: 1...day)
    database.timeoutMilliseconds = try settings.integer(
      key("timeoutMilliseconds"), default: database.timeoutMilliseconds, in: 1...day)
    database.busyMilliseconds = try settings.integer(
      key("busyMilliseconds"), default: database.busyMilliseconds, in: 1...day)
    database.resultBytesMax = try settings.integer(
      key("resultBytes"), default: database.resultBytesMax, in: 1_024...(1 << 40))
    database.statementCountMax = try settings.integer(
      key("preparedStatements"), default: database.statementCountMax, in: 0...10_000)
    if let numeric = try settings.text(key("numeric")) {
      guard numeric == "string" || numeric == "number" else {
        throw SettingsError(message: "\(key("numeric")) must be string or number, not '\(numeric)'")
      }
      database.readsNumericAsNumber = numeric == "number"
    }
    return database
  }
}
