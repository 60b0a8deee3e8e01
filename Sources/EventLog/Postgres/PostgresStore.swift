// The event log in PostgreSQL. A topic is a table, a consumer group's progress is kept by partition, and the
// original's names and offsets go on.
//
// Connections: one for appends, one a consumer, one for everything else, which is used under a lock. Consumers are
// woken by notifications; the store's own reads, which tools make, look again every now and then.
//
// What an order of offsets means here: offsets are numbered when an event is inserted, not when its transaction
// commits. `read` gives them in order and therefore waits for a transaction that has an offset and has not ended.
// A consumer goes on, and what comes late is delivered late; see PostgresConsumer.

package import SpacerSystem

package final class PostgresStore: EventStore, Sendable {
  package let promises = StorePromises(isAtomic: true, dropsDuplicates: true, isDurable: true, isShared: true)

  let connString: String
  let clock: SystemClock
  private let topicsByName = Monitor<[String: PostgresTopic]>([:])
  /// For everything but appends and consumers.
  private let shared: Monitor<Shared>
  private let appender: PostgresAppender

  struct Shared {
    var session: PostgresSession
    /// What `read` knows of missing offsets, by topic.
    var gaps: [String: GapTracker] = [:]
    var isClosed = false
  }

  /// - Parameter connString: libpq's, in either form.
  package init(connString: String, clock: SystemClock = .machine) {
    self.connString = connString
    self.clock = clock
    // Reading and looking at ends goes by the index, whatever the statistics of a new table say.
    shared = Monitor(
      Shared(session: PostgresSession(connString: connString, settings: Self.readSettings, clock: clock)))
    let topicsByName = self.topicsByName
    appender = PostgresAppender(connString: connString, clock: clock) { name in
      topicsByName.withLock { $0[name] }
    }
  }

  static let readSettings = ["SET enable_seqscan = off", "SET enable_bitmapscan = off"]

  package func open(_ topics: [TopicDefinition]) throws(EventLogError) {
    var wanted: [PostgresTopic] = []
    for definition in topics {
      let topic = try PostgresTopic(definition)
      if let other = wanted.first(where: { $0.table == topic.table }) {
        throw EventLogError(
          .unknownTopic, "the topics \(other.name) and \(topic.name) would be one table, \(topic.table)")
      }
      wanted.append(topic)
    }
    let opened = try shared.withLock { (shared) throws(EventLogError) in
      try PostgresSchema(session: shared.session, clock: clock).open(wanted)
    }
    topicsByName.withLock { topics in for topic in opened { topics[topic.name] = topic } }
  }

  package func append(_ append: PendingAppend) {
    appender.append(append)
  }

  package func close() {
    appender.close()
    shared.withLock { shared in
      shared.isClosed = true
      shared.session.close()
    }
  }

  // MARK: What the rest of the driver uses

  var openTopics: [PostgresTopic] {
    topicsByName.withLock { $0.values.sorted { $0.name < $1.name } }
  }

  func topic(_ name: String) throws(EventLogError) -> PostgresTopic {
    guard let topic = topicsByName.withLock({ $0[name] }) else {
      throw .unknownTopic(name)
    }
    return topic
  }

  /// Runs statements that change nothing, or nothing more when they are repeated: on a lost connection once again.
  func run<Result>(
    _ body: (PostgresSession) throws(PostgresFailure) -> Result
  ) throws(EventLogError) -> Result {
    try withShared { (shared) throws(PostgresFailure) in try body(shared.session) }
  }

  func withShared<Result>(
    _ body: (inout Shared) throws(PostgresFailure) -> Result
  ) throws(EventLogError) -> Result {
    try shared.withLock { (shared) throws(EventLogError) in
      guard !shared.isClosed else { throw .closed }
      var attempt = 1
      while true {
        do throws(PostgresFailure) {
          try shared.session.connect()
          return try body(&shared)
        } catch {
          let mayPass = error.kind == .notSent || error.kind == .lost || error.isStalePlan || error.isConflict
          guard mayPass, attempt == 1 else { throw error.error }
          attempt += 1
        }
      }
    }
  }
}
