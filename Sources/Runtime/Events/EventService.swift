// The events of a server: its storage, which outlives every generation, the engine that runs triggers, and the
// thread that removes what is older than its topic's retention.
//
// A reload has two halves: `adopt` prepares what the new artifact needs and can refuse it; `resume`, when the workers
// have been told of the new artifact, lets the old engine finish and begins the new one.

import SpacerEventLog
import SpacerSystem

/// Made when an artifact with topics or schedules comes. May be used from any thread.
final class EventService: Sendable {
  private struct State {
    var configuration: EventConfiguration
    var access: EventAccess
    var workers: [Worker] = []
    var engine: TriggerEngine?
    /// Engines of earlier configurations that finish what they run.
    var draining: [TriggerEngine] = []
    /// Stores of earlier configurations that workers may still append to.
    var oldStores: [any EventStore] = []
    /// `adopt` was called, and `resume` was not.
    var isChanging = false
    var isEnding = false
    var isTrimming = false
  }

  /// Between two looks at what is to be removed.
  private static let trimMilliseconds = 60_000

  private let state: Monitor<State>
  private let format: LogFormat
  private let writer: LogWriter

  /// Connects to the storage and creates what is missing; blocks.
  init(
    _ configuration: EventConfiguration, format: LogFormat, writer: LogWriter
  ) throws(StartError) {
    let store = try Self.open(configuration)
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

  private static func open(_ configuration: EventConfiguration) throws(StartError) -> any EventStore {
    let store = configuration.storage.makeStore(appName: configuration.appName)
    do throws(EventLogError) {
      try store.open(configuration.definitions)
    } catch {
      store.close()
      throw failure(configuration, error)
    }
    return store
  }

  private static func failure(_ configuration: EventConfiguration, _ error: EventLogError) -> StartError {
    StartError(message: "the event log (\(configuration.storage.driver)): \(error.message)")
  }

  /// Where the events are kept.
  var storage: StorageConfiguration { state.withLock { $0.configuration.storage } }

  /// What workers append with.
  var access: EventAccess { state.withLock { $0.access } }

  /// Begins to run triggers on `workers`.
  func start(_ workers: [Worker]) {
    state.withLock { state in
      state.workers = workers
      startEngine(&state)
    }
  }

  private func startEngine(_ state: inout State) {
    guard !state.isEnding else { return }
    if !state.isTrimming,
      state.configuration.topics.contains(where: { $0.definition.retentionMilliseconds != nil })
    {
      state.isTrimming = true
      Threads.start(name: "retention") { self.trim() }
    }
    guard state.engine == nil, !state.workers.isEmpty, state.configuration.needsEngine else { return }
    let engine = TriggerEngine(
      state.configuration, store: state.access.store, workers: state.workers,
      log: EngineLog(format: format, writer: writer))
    state.engine = engine
    engine.start()
  }

  // MARK: Reloading

  /// Prepares another configuration; nil when the new artifact has no events.
  /// - Parameter isMoving: Other workers will run the triggers, so that the engine changes in any case.
  /// - Returns: What needs a restart; a sentence.
  /// - Throws: When a new topic cannot be created; all of the old goes on then.
  func adopt(_ configuration: EventConfiguration?, isMoving: Bool = false) throws(StartError) -> String? {
    let (old, oldStore) = state.withLock { ($0.configuration, $0.access.store) }
    var new = configuration ?? old.withoutEvents
    let isMoved = new.storage != old.storage
    new.storage = old.storage
    guard new != old || isMoving else { return isMoved ? Self.movedNotice : nil }
    let database = try Self.transactionDatabase(new)
    var store = oldStore
    if new.definitions != old.definitions {
      if new.storage.opensAgain {
        do throws(EventLogError) {
          try store.open(new.definitions)
        } catch {
          throw Self.failure(new, error)
        }
      } else {
        store = try Self.open(new)
      }
    }
    let engine = state.withLock { state in
      if store !== oldStore { state.oldStores.append(oldStore) }
      state.configuration = new
      state.access = EventAccess(store: store, new, transactionDatabase: database)
      state.isChanging = true
      defer { state.engine = nil }
      if let engine = state.engine { state.draining.append(engine) }
      return state.engine
    }
    engine?.beginDrain()
    return isMoved ? Self.movedNotice : nil
  }

  private static let movedNotice = "logStorage has changed: events go to the old storage until a restart"

  /// Goes on by the configuration that was adopted last. The workers were told of their artifact before.
  /// - Parameter oldWorkersEnd: Returns when the workers that had the triggers so far have ended; nil when they are
  ///   the same.
  func resume(_ workers: [Worker], oldWorkersEnd: (@Sendable () -> Void)? = nil) {
    let (isChanging, draining, oldStores) = state.withLock { state in
      defer {
        state.isChanging = false
        state.oldStores = []
      }
      let isFirst = state.workers.isEmpty
      state.workers = workers
      return (state.isChanging || isFirst, state.draining, state.oldStores)
    }
    guard isChanging else { return }
    Threads.start(name: "events") {
      if let oldWorkersEnd {
        oldWorkersEnd()
        for engine in draining { engine.workersHaveEnded() }
      }
      // The old engine finishes what it runs and gives its partitions back before the new one begins.
      for engine in draining { engine.waitUntilEnded() }
      self.waitForWorkers(workers)
      for store in oldStores { store.close() }
      self.state.withLock { state in
        state.draining.removeAll { engine in draining.contains { $0 === engine } }
        self.startEngine(&state)
      }
    }
  }

  /// Returns when all workers have done what they were told before, or the service ends.
  private func waitForWorkers(_ workers: [Worker]) {
    let reached = Monitor(0)
    for worker in workers {
      worker.whenReached {
        reached.withLock { $0 += 1 }
        reached.signal()
      }
    }
    // A worker that has ended does not answer.
    while reached.wait(milliseconds: 100, { $0 == workers.count ? () : nil }) == nil {
      if state.withLock({ $0.isEnding }) { return }
    }
  }

  // MARK: Ending

  /// Hands no more runs to workers; those that run go on.
  func beginDrain() {
    let engines = state.withLock { state in
      state.isEnding = true
      return state.draining + (state.engine.map { [$0] } ?? [])
    }
    state.signal()
    for engine in engines { engine.beginDrain() }
  }

  /// After the workers have ended: commits what was finished and closes the storage. Blocks.
  func end() {
    let (engines, stores) = state.withLock { state in
      (state.draining + (state.engine.map { [$0] } ?? []), state.oldStores + [state.access.store])
    }
    for engine in engines { engine.workersHaveEnded() }
    for engine in engines { engine.waitUntilEnded() }
    for store in stores { store.close() }
  }

  // MARK: Retention

  private func trim() {
    let log = EngineLog(format: format, writer: writer)
    while state.wait(milliseconds: Self.trimMilliseconds, { $0.isEnding ? () : nil }) == nil {
      let (store, topics) = state.withLock { ($0.access.store, $0.configuration.topics.map(\.definition)) }
      for topic in topics where topic.retentionMilliseconds != nil {
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

  /// The same with nothing to append to and nothing to run.
  var withoutEvents: EventConfiguration {
    var empty = self
    empty.topics = []
    empty.triggers = []
    empty.schedules = []
    return empty
  }
}

extension StorageConfiguration {
  /// Whether an open store takes more topics; else another one is opened beside it.
  fileprivate var opensAgain: Bool {
    switch self {
    case .memory, .postgres: true
    case .sqlite, .kafka: false
    }
  }
}
