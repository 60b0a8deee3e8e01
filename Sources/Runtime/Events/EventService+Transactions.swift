// Which of an application's databases is the event log's own: what `transaction: true` needs.

import SpacerEventLog

extension EventService {
  /// The name of the database that is the event log's own; nil when no trigger wants to know. One with the event
  /// log's connection string is; others are asked, since one database has many spellings. Blocks.
  static func transactionDatabase(
    _ configuration: EventConfiguration
  ) throws(StartError) -> String? {
    guard let trigger = configuration.triggers.first(where: \.isTransactional) else { return nil }
    guard case .postgres(let connString) = configuration.storage else {
      throw StartError(
        message: "'transaction: true' of \(trigger.function) needs the event log on PostgreSQL, and it is on "
          + configuration.storage.driver)
    }
    let databases = configuration.databases.sorted { $0.key < $1.key }
    if let same = databases.first(where: { $0.value == connString }) { return same.key }
    var problems = ""
    for (name, location) in databases {
      do throws(EventLogError) {
        if try PostgresTransactions.isSameLog(connString, location) { return name }
      } catch {
        problems += "; '\(name)' cannot be asked: \(error.message)"
      }
    }
    throw StartError(
      message:
        "'transaction: true' of \(trigger.function) needs a database under 'databases' that is the event "
        + "log's own, in the same schema: give one the connString of logStorage\(problems)")
  }
}
