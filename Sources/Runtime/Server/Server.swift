// A server: listeners, workers, the log's thread. Made from a verified artifact and the options; everything
// that can be refused (a port in use, a setting without its environment variable) is refused before the
// first request.

import CSystem
import Glibc
import SpacerArtifact
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
  /// How long a drain may take.
  let drainSeconds: Int
  private let workers: [Worker]
  private let logWriter: LogWriter
  private let watchdog: Watchdog
  private let options: ServeOptions
  /// Made once, since it may be a random one.
  private let internalToken: [UInt8]
  /// What the write proxy asked for when its address was bound, which may be one that others reach.
  private let writeProxyToken: [UInt8]?
  private let finished: FinishedCounter
  /// Whether it serves HTTPS.
  let isSecure: Bool
  /// Nil until an artifact with topics or schedules comes.
  private let events: Mutex<EventService?>

  /// Binds the listeners and makes the workers; `start` begins to serve.
  /// - Throws: When a setting cannot be used, or the system refuses a port, a descriptor, memory.
  package init(_ artifact: LoadedArtifact, options: ServeOptions) throws(StartError) {
    let configuration: ServerConfiguration
    do throws(SettingsError) {
      configuration = try ServerConfiguration(artifact, options: options)
    } catch {
      throw StartError(message: error.message)
    }
    let tls = try configuration.tls.map { files throws(StartError) in try Self.loadTLS(files) }
    isSecure = tls != nil
    raiseDescriptorLimit()
    let bound = try Self.listen(configuration)
    self.options = options
    internalToken = configuration.policy.internalToken
    writeProxyToken = configuration.policy.writeProxyToken
    do throws(SystemCallError) {
      logWriter = try LogWriter(descriptor: STDOUT_FILENO)
      watchdog = try Watchdog(cpuMilliseconds: configuration.policy.cpuMilliseconds)
    } catch {
      throw StartError(message: "no descriptor to be had: \(error)")
    }
    Self.prepareClients(artifact, configuration, logWriter)
    var events: EventService?
    if let wanted = configuration.events {
      events = try EventService(wanted, format: configuration.logFormat, writer: logWriter)
    }
    self.events = Mutex(events)
    let finished = FinishedCounter(expected: configuration.workerCount)
    self.finished = finished
    port = bound.port
    addresses = bound.addresses
    writeProxyAddress = bound.writeProxyAddress
    // The server's own, so that it outlives every generation.
    let store = KVStore(bytesMax: configuration.kvBytes)
    var workers: [Worker] = []
    do throws(LoadError) {
      for number in 0..<configuration.workerCount {
        let setup = WorkerSetup(
          artifact: artifact, listeners: bound.sockets[number], proxyListeners: bound.proxySockets[number],
          tls: tls, http: configuration.http,
          policy: configuration.policy, logFormat: configuration.logFormat, logWriter: logWriter,
          watchdog: watchdog, store: store, events: events?.access,
          drainMilliseconds: UInt64(configuration.policy.wallMilliseconds))
        workers.append(try Worker(setup) { finished.countUp() })
      }
    } catch {
      throw StartError(message: error.message)
    }
    self.workers = workers
    drainSeconds = configuration.policy.wallMilliseconds / 1000
    warn(tls?.warning)
  }

  private static func loadTLS(_ files: TLSFiles) throws(StartError) -> TLSContext {
    do throws(LoadError) {
      return try TLSContext(files)
    } catch {
      throw StartError(message: error.message)
    }
  }

  /// Logs a warning through a worker, which may not have begun yet.
  private func warn(_ text: String?) {
    if let text { workers.first?.warn(text) }
  }

  /// Begins to serve.
  package func start() {
    logWriter.start()
    watchdog.start()
    for (number, worker) in workers.enumerated() { worker.start(number: number) }
    events.withLock { $0 }?.start(workers)
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
    finished.wait()
    events.withLock { $0 }?.end()
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

  private static func listen(
    _ configuration: ServerConfiguration
  ) throws(StartError) -> BoundListeners {
    var sockets = [[Int32]](repeating: [], count: configuration.workerCount)
    var addresses: [String] = []
    var firstPort: UInt16 = 0
    let scheme = configuration.tls == nil ? "http" : "https"
    for place in configuration.places {
      do throws(ListenerError) {
        let opened = try Listener.open(
          host: place.host, port: place.port, workerCount: configuration.workerCount)
        for (worker, descriptors) in opened.workers.enumerated() { sockets[worker] += descriptors }
        if firstPort == 0 { firstPort = opened.port }
        let scope = place.host == nil ? " (all addresses)" : ""
        addresses.append("\(scheme)://\(place.displayHost):\(opened.port)\(scope)")
      } catch {
        throw StartError(message: describe(error, place))
      }
    }
    var bound = BoundListeners(sockets: sockets, port: firstPort, addresses: addresses)
    bound.proxySockets = [[Int32]](repeating: [], count: configuration.workerCount)
    guard let place = configuration.writeProxy else { return bound }
    do throws(ListenerError) {
      let opened = try Listener.open(
        host: place.host, port: place.port, workerCount: configuration.workerCount)
      bound.proxySockets = opened.workers
      bound.writeProxyAddress = "http://\(place.displayHost):\(opened.port)"
    } catch {
      var message = "the write proxy: " + describe(error, place)
      if case .system(let failure) = error, failure.code == EADDRINUSE {
        message =
          "the write proxy's port \(place.port) is in use: choose another with writeProxyListen in "
          + "config/application.yml, or go without it with --no-write-proxy"
      }
      throw StartError(message: message)
    }
    return bound
  }

  private static func describe(_ error: ListenerError, _ place: ListenPlace) -> String {
    guard case .system(let failure) = error else {
      return "cannot listen on \(place.displayHost): \(error)"
    }
    switch failure.code {
    case EADDRINUSE:
      return "port \(place.port) is in use: stop what listens there, or choose another with --port"
    case EACCES:
      return "port \(place.port) needs privileges: choose one from 1024 on with --port"
    case EADDRNOTAVAIL:
      return "\(place.displayHost) is no address of this machine: choose another with --host"
    default:
      return "cannot listen on \(place.displayHost), port \(place.port): \(failure)"
    }
  }
}

/// What a server listens on.
private struct BoundListeners {
  /// By worker.
  var sockets: [[Int32]]
  var port: UInt16
  var addresses: [String]
  /// By worker.
  var proxySockets: [[Int32]] = []
  var writeProxyAddress: String?
}

/// Uses all descriptors the system allows: each connection takes one.
private func raiseDescriptorLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Counts the workers that have ended. Unsafe: a POSIX semaphore at a fixed address, posted by each.
private final class FinishedCounter: @unchecked Sendable {
  // Thread rule: semaphores are made for use from several threads.
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private let expected: Int

  init(expected: Int) {
    self.expected = expected
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func countUp() { sem_post(semaphore) }

  func wait() {
    for _ in 0..<expected {
      while sem_wait(semaphore) != 0 {}
    }
  }
}
