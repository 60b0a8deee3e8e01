// The events of a server: its storage, which outlives every generation, the engine that runs triggers, and the
// thread that removes what is older than its topic's retention.

import SpacerEventLog
import SpacerSystem
import Synchronization

/// Made when an artifact with topics or schedules comes. May be used from any thread.
final class EventService: Sendable {
  private struct State {
    var configuration: EventConfiguration
    var access: EventAccess
    var workers: [Worker] = []
    var engine: TriggerEngine?
    var isEnding = false
  }

  /// Between two looks at what is to be removed.
  private static let trimMilliseconds = 60_000

  let store: any EventStore
  private let state: Monitor<State>
  private let format: LogFormat
  private let writer: LogWriter

  /// Connects to the storage and creates what is missing; blocks.
  init(
    _ configuration: EventConfiguration, format: LogFormat, writer: LogWriter
  ) throws(StartError) {
    let store = configuration.storage.makeStore(appName: configuration.appName)
    do throws(EventLogError) {
      try store.open(configuration.definitions)
    } catch {
      store.close()
      throw StartError(message: "the event log (\(configuration.storage.driver)): \(error.message)")
    }
    self.store = store
    self.format = format
    self.writer = writer
    let database: String?
    do throws(StartError) {
      database = try Self.transactionDatabase(configuration)
    } catch {
      store.close()
      throw error
    }
    state = Monitor(
      State(
        configuration: configuration,
        access: EventAccess(store: store, configuration, transactionDatabase: database)))
  }

  /// What workers append with.
  var access: EventAccess { state.withLock { $0.access } }

  /// Begins to run triggers on `workers`.
  func start(_ workers: [Worker]) {
    let hasRetention = state.withLock { state in
      state.workers = workers
      startEngine(&state)
      return state.configuration.topics.contains { $0.definition.retentionMilliseconds != nil }
    }
    if hasRetention { Threads.start(name: "retention") { self.trim() } }
  }

  private func startEngine(_ state: inout State) {
    guard !state.workers.isEmpty, state.configuration.needsEngine else { return }
    let engine = TriggerEngine(
      state.configuration, store: store, workers: state.workers,
      log: EngineLog(format: format, writer: writer))
    state.engine = engine
    engine.start()
  }

  /// Goes by another configuration from now on; nil when the new artifact has no events.
  /// - Returns: What needs a restart; a sentence.
  /// - Throws: When a new topic cannot be created; all of the old goes on then.
  func adopt(_ configuration: EventConfiguration?) throws(StartError) -> String? {
    let old = state.withLock { $0.configuration }
    guard var configuration, configuration != old else {
      guard configuration == nil else { return nil }
      var empty = old
      empty.topics = []
      empty.triggers = []
      replace(empty, transactionDatabase: nil)
      return nil
    }
    let isMoved = configuration.storage != old.storage
    configuration.storage = old.storage
    do throws(EventLogError) {
      try store.open(configuration.definitions)
    } catch {
      throw StartError(message: "the event log (\(configuration.storage.driver)): \(error.message)")
    }
    replace(configuration, transactionDatabase: try Self.transactionDatabase(configuration))
    return isMoved ? "logStorage has changed: events go to the old storage until a restart" : nil
  }

  /// The name of the database that is the event log's own; nil when no trigger wants to know.
  static func transactionDatabase(
    _ configuration: EventConfiguration
  ) throws(StartError) -> String? {
    guard let trigger = configuration.triggers.first(where: \.isTransactional) else { return nil }
    guard case .postgres(let connString) = configuration.storage else {
      throw StartError(
        message: "'transaction: true' of \(trigger.function) needs the event log on PostgreSQL, and it is on "
          + configuration.storage.driver)
    }
    for (name, location) in configuration.databases.sorted(by: { $0.key < $1.key }) {
      if location == connString { return name }
    }
    throw StartError(
      message:
        "'transaction: true' of \(trigger.function) needs a database under 'databases' that is the event "
        + "log's own: give it the connString of logStorage")
  }

  private func replace(_ configuration: EventConfiguration, transactionDatabase: String?) {
    let old: TriggerEngine? = state.withLock { state in
      state.configuration = configuration
      state.access = EventAccess(store: store, configuration, transactionDatabase: transactionDatabase)
      defer { state.engine = nil }
      return state.engine
    }
    old?.beginDrain()
    // The old one finishes what it runs and gives its partitions back before the new one begins; nobody waits.
    Threads.start(name: "events") {
      old?.waitUntilEnded()
      self.state.withLock { state in
        if state.engine == nil, !state.isEnding { self.startEngine(&state) }
      }
    }
  }

  /// Hands no more runs to workers; those that run go on.
  func beginDrain() {
    let engine = state.withLock { state in
      state.isEnding = true
      return state.engine
    }
    state.signal()
    engine?.beginDrain()
  }

  /// After the workers have ended: commits what was finished and closes the storage. Blocks.
  func end() {
    let engine = state.withLock { $0.engine }
    engine?.workersHaveEnded()
    engine?.waitUntilEnded()
    store.close()
  }

  // MARK: Retention

  private func trim() {
    let log = EngineLog(format: format, writer: writer)
    while state.wait(milliseconds: Self.trimMilliseconds, { $0.isEnding ? () : nil }) == nil {
      for topic in state.withLock({ $0.configuration.topics.map(\.definition) })
      where topic.retentionMilliseconds != nil {
        do throws(EventLogError) {
          let count = try store.trim(topic)
          if count > 0 {
            log.say(.info, "removed \(count) events of '\(topic.name)', older than its retention")
          }
        } catch {
          log.say(.warn, "cannot remove old events of '\(topic.name)': \(error.message)")
        }
      }
    }
  }
}

extension EventConfiguration {
  /// Whether there is anything to run.
  var needsEngine: Bool { !triggers.isEmpty || !schedules.isEmpty }
}
