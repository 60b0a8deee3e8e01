// A server: listeners, workers, the log's thread. Made from a verified artifact and the options; everything
// that can be refused (a port in use, a setting without its environment variable) is refused before the
// first request.

import CSystem
import Glibc
import SpacerArtifact
import SpacerSystem
import Synchronization

/// Why a server does not start: one sentence that says what is missing and the way out.
package struct StartError: Error, Equatable {
  package var message: String
}

/// What of a new artifact takes effect with a restart only; sentences.
package struct SwapNotices: Sendable {
  package var tls: String?
  package var events: String?
}

/// Serves an artifact until it is drained. May be used from any thread.
package final class Server: Sendable {
  /// Where it listens, for people: `http://127.0.0.1:3000`, or `https://…`.
  package let addresses: [String]
  package let port: UInt16
  /// Where the write proxy listens; nil when it does not.
  package let writeProxyAddress: String?
  /// Why there is none although there are topics; nil when nothing is wrong.
  package let writeProxyProblem: String?
  /// Where events are kept, for people; nil without topics and schedules.
  package let eventsPlace: String?
  /// How long a drain may take.
  let drainSeconds: Int
  let workers: [Worker]
  let logWriter: LogWriter
  let watchdog: Watchdog
  let options: ServeOptions
  /// What it began with.
  let configuration: ServerConfiguration
  /// What it listens on.
  let bound: BoundListeners
  /// What `kv` keeps: the server's own, so that it outlives every generation.
  let store: KVStore
  /// Made once, since it may be a random one.
  let internalToken: [UInt8]
  /// What the write proxy asked for when its address was bound, which may be one that others reach.
  private let writeProxyToken: [UInt8]?
  let finished: FinishedCounter
  /// Whether it serves HTTPS.
  let isSecure: Bool
  /// Nil until an artifact with topics or schedules comes, and once a successor has them.
  let events: Mutex<EventService?>
  /// The server that this one replaces, until that one has ended.
  let predecessor: Monitor<Server?>
  /// The successor goes on with the log and the watchdog.
  let isReplaced = Atomic(false)

  /// Binds the listeners and makes the workers; `start` begins to serve.
  /// - Throws: When a setting cannot be used, or the system refuses a port, a descriptor, memory.
  package convenience init(_ artifact: LoadedArtifact, options: ServeOptions) throws(StartError) {
    try self.init(artifact, options: options, replacing: nil)
  }

  /// - Parameter old: Whose addresses, values of `kv`, log and events it goes on with, as far as they are the
  ///   same in its configuration.
  init(_ artifact: LoadedArtifact, options: ServeOptions, replacing old: Server?) throws(StartError) {
    var configuration: ServerConfiguration
    do throws(SettingsError) {
      configuration = try ServerConfiguration(artifact, options: options)
    } catch {
      throw StartError(message: error.message)
    }
    try Self.requireHostFunctions(artifact, options)
    let tls = try configuration.tls.map { files throws(StartError) in try Self.loadTLS(files) }
    if let old { configuration.policy.internalToken = old.internalToken }
    isSecure = tls != nil
    raiseDescriptorLimit()
    bound = try Self.listen(configuration, replacing: old?.bound)
    self.options = options
    self.configuration = configuration
    predecessor = Monitor(old)
    internalToken = configuration.policy.internalToken
    writeProxyToken = configuration.policy.writeProxyToken
    if let old {
      logWriter = old.logWriter
      watchdog = old.watchdog
    } else {
      do throws(SystemCallError) {
        logWriter = try LogWriter(descriptor: options.logDescriptor, isJSON: configuration.logFormat.isJSON)
        watchdog = try Watchdog(cpuMilliseconds: configuration.policy.cpuMilliseconds)
      } catch {
        bound.close()
        throw StartError(message: "no descriptor to be had: \(error)")
      }
    }
    let store =
      old.flatMap { $0.configuration.kvBytes == configuration.kvBytes ? $0.store : nil }
      ?? KVStore(bytesMax: configuration.kvBytes)
    self.store = store
    Self.prepareClients(artifact, configuration, logWriter)
    let events: EventService?
    do throws(StartError) {
      events = try Self.events(configuration, logWriter, replacing: old)
    } catch {
      bound.close()
      throw error
    }
    self.events = Mutex(events)
    let finished = FinishedCounter(expected: configuration.workerCount)
    self.finished = finished
    port = bound.port
    addresses = bound.addresses
    writeProxyAddress = bound.writeProxyAddress
    writeProxyProblem = bound.writeProxyProblem
    eventsPlace = configuration.events?.storage.place
    var workers: [Worker] = []
    do throws(LoadError) {
      for number in 0..<configuration.workerCount {
        let setup = WorkerSetup(
          artifact: artifact, listeners: bound.sockets(of: number),
          proxyListeners: bound.proxySockets(of: number),
          tls: tls, http: configuration.http,
          policy: configuration.policy, logFormat: configuration.logFormat, logWriter: logWriter,
          watchdog: watchdog, store: store, buildNotice: options.buildNotice, events: events?.access,
          drainMilliseconds: UInt64(configuration.policy.wallMilliseconds))
        workers.append(try Worker(setup) { finished.countUp() })
      }
    } catch {
      // The worker that could not be made has closed its own.
      bound.close(fromWorker: workers.count + 1)
      old?.takeBack(events)
      throw StartError(message: error.message)
    }
    self.workers = workers
    drainSeconds = configuration.policy.wallMilliseconds / 1000
    warn(tls?.warning)
  }

  static func loadTLS(_ files: TLSFiles) throws(StartError) -> TLSContext {
    do throws(LoadError) {
      return try TLSContext(files)
    } catch {
      throw StartError(message: error.message)
    }
  }

  /// Fails when the artifact calls functions of the embedding program that it does not have.
  private static func requireHostFunctions(
    _ artifact: LoadedArtifact, _ options: ServeOptions
  ) throws(StartError) {
    if let refusal = options.hostFunctions.refusal { throw StartError(message: refusal) }
    guard !options.toleratesMissingHostFunctions, let text = options.hostFunctions.missing(in: artifact)
    else {
      return
    }
    throw StartError(message: text)
  }

  /// Logs a warning through a worker, which may not have begun yet.
  private func warn(_ text: String?) {
    if let text { workers.first?.warn(text) }
  }

  /// Begins to serve.
  package func start() {
    let old = predecessor.withLock { $0 }
    if old == nil {
      logWriter.start()
      watchdog.start()
    }
    for (number, worker) in workers.enumerated() { worker.start(number: number) }
    let service = events.withLock { $0 }
    if let old, service != nil, service === old.events.withLock({ $0 }) {
      old.handOver(to: self)
    } else {
      service?.start(workers)
    }
  }

  /// Serves another artifact from now on, within its limits and with its variables; requests in flight finish
  /// on the old one. The certificate is read again, for connections that come from now on. Where it listens,
  /// whether with TLS, and the number of workers stay.
  /// - Returns: What of the new artifact needs a restart.
  /// - Throws: When a setting of the new one or the certificate cannot be used; all of the old goes on then.
  @discardableResult
  package func swap(_ artifact: LoadedArtifact) throws(StartError) -> SwapNotices {
    var configuration: ServerConfiguration
    do throws(SettingsError) {
      configuration = try ServerConfiguration(artifact, options: options)
    } catch {
      throw StartError(message: error.message)
    }
    try Self.requireHostFunctions(artifact, options)
    let files = isSecure ? configuration.tls : nil
    let tls = try files.map { files throws(StartError) in try Self.loadTLS(files) }
    configuration.policy.internalToken = internalToken
    // The address stays as it was bound, so without a new token the old one guards it.
    if configuration.policy.writeProxyToken == nil { configuration.policy.writeProxyToken = writeProxyToken }
    var notices = SwapNotices()
    notices.events = try adoptEvents(configuration.events, configuration.logFormat)
    let service = events.withLock { $0 }
    let access = service?.access
    Self.prepareClients(artifact, configuration, logWriter)
    watchdog.setBudget(milliseconds: configuration.policy.cpuMilliseconds)
    for worker in workers {
      worker.swap(
        artifact, tls: tls, http: configuration.http, policy: configuration.policy, events: access,
        keepsUnchanged: options.keepsUnchangedModules)
    }
    // Behind the workers' messages: no run comes to a worker before its artifact.
    service?.resume(workers)
    warn(tls?.warning)
    guard isSecure != (configuration.tls != nil) else { return notices }
    notices.tls =
      isSecure
      ? "'tls' is gone from the configuration: HTTPS goes on with the old certificate until a restart"
      : "'tls' is new in the configuration: HTTPS begins with a restart"
    return notices
  }

  /// Tells clients of another build from now on. For a server that began with one.
  package func show(_ notice: BuildNotice) {
    for worker in workers { worker.show(notice) }
  }

  /// Puts a line, with its end, among those of the log.
  package func writeLog(_ line: String) {
    var line = line
    line.withUTF8 { logWriter.write(UnsafeRawBufferPointer($0)) }
  }

  /// Has the event log go by the new artifact's configuration.
  /// - Returns: What needs a restart; a sentence.
  private func adoptEvents(
    _ configuration: EventConfiguration?, _ format: LogFormat
  ) throws(StartError) -> String? {
    if let service = events.withLock({ $0 }) { return try service.adopt(configuration) }
    guard let configuration else { return nil }
    let service = try EventService(configuration, format: format, writer: logWriter)
    events.withLock { $0 = service }
    return "topics are new in the configuration: the write proxy begins with a restart"
  }

  /// Begins to end: no new connections, requests and runs of triggers in flight are finished.
  package func drain() {
    // First, so that no run is handed to a worker that has ended.
    events.withLock { $0 }?.beginDrain()
    for worker in workers { worker.drain() }
  }

  /// Returns when all workers have drained and the last log line is written.
  package func wait() {
    predecessor.wait(milliseconds: nil) { $0 == nil ? () : nil }
    finished.wait()
    events.withLock { $0 }?.end()
    // The server that has taken its place goes on with these.
    if isReplaced.load(ordering: .acquiring) { return }
    watchdog.end()
    logWriter.close(waitMilliseconds: 2_000)
  }

  /// Opens the client libraries of what the artifact's modules require, so that no call waits for it, and logs
  /// what is missing. That is an error of the calls that need it: the others are served.
  private static func prepareClients(
    _ artifact: LoadedArtifact, _ configuration: ServerConfiguration, _ logWriter: LogWriter
  ) {
    let http = BuiltinModule.http.name
    let isWanted = (0..<artifact.moduleCount).contains { artifact.image.module($0).builtins.contains(http) }
    let log = WorkerLog(format: configuration.logFormat, writer: logWriter)
    let unset = configuration.policy.unsetVariables
    if !unset.isEmpty {
      log.message(.info, "not set: \(unset.joined(separator: ", ")) (envVar in application.yml)", trace: nil)
    }
    if isWanted, let reason = CurlLibrary.open() {
      log.message(.warn, "functions that require 'http' will fail: \(reason)", trace: nil)
    }
    log.flush()
  }
}

/// Uses all descriptors the system allows: each connection takes one.
private func raiseDescriptorLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Counts the workers that have ended.
final class FinishedCounter: Sendable {
  private let count = Monitor(0)
  private let expected: Int

  init(expected: Int) { self.expected = expected }

  func countUp() {
    count.withLock { $0 += 1 }
    count.signal()
  }

  /// Returns when all have; several threads may wait.
  func wait() {
    let expected = expected
    count.wait(milliseconds: nil) { $0 >= expected ? () : nil }
  }
}
