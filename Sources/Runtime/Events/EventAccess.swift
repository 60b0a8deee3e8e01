// What workers append through.

import SpacerEventLog

/// What a worker needs to append: the storage, and what the artifact in service says about topics.
final class EventAccess: Sendable {
  let store: any EventStore
  let appName: String
  let group: String
  let eventBytesMax: Int
  /// The database of `databases` that is the event log's own, for triggers with `transaction: true`.
  let transactionDatabase: String?
  private let topics: [String: TopicConfiguration]

  init(store: any EventStore, _ configuration: EventConfiguration, transactionDatabase: String?) {
    self.transactionDatabase = transactionDatabase
    self.store = store
    appName = configuration.appName
    group = configuration.group
    eventBytesMax = configuration.eventBytesMax
    topics = Dictionary(configuration.topics.map { ($0.definition.name, $0) }) { first, _ in first }
  }

  func topic(named name: String) -> TopicConfiguration? { topics[name] }
}
