// A server in the place of another, within the process: for what of a configuration a swap cannot bring. The new one
// takes over the sockets of each address that stays, the values of `kv`, the log and, when they are kept at the same
// place, the events. It begins before the old one drains, so that no request is lost or refused.

import SpacerArtifact
import SpacerSystem
import Synchronization

extension Server {
  /// What of an artifact's configuration takes another server, as keys of application.yml; empty when a swap does.
  /// - Throws: When its settings cannot be used.
  package func restartReasons(_ artifact: LoadedArtifact) throws(StartError) -> [String] {
    let new: ServerConfiguration
    do throws(SettingsError) {
      new = try ServerConfiguration(artifact, options: options)
    } catch {
      throw StartError(message: error.message)
    }
    let old = configuration
    var reasons: [String] = []
    if new.places != old.places {
      reasons.append(artifact.image.settings(prefix: "listen").isEmpty ? "functionInvoker" : "listen")
    }
    if (new.tls == nil) != (old.tls == nil) { reasons.append("tls") }
    if let storage = events.withLock({ $0 })?.storage, let wanted = new.events?.storage, storage != wanted {
      reasons.append("logStorage")
    }
    if new.writeProxy != old.writeProxy {
      let isNewOrGone = new.writeProxy == nil || old.writeProxy == nil
      reasons.append(isNewOrGone ? "topics" : "writeProxyListen")
    }
    if new.kvBytes != old.kvBytes { reasons.append("limits.kvBytes") }
    if new.http.connectionCountMax != old.http.connectionCountMax { reasons.append("limits.connections") }
    if new.policy.callCountMax != old.policy.callCountMax { reasons.append("limits.calls") }
    return reasons
  }

  /// Begins a server with another artifact and its whole configuration; requests in flight finish on this one, which
  /// ends by itself then.
  /// - Returns: The other one, which serves.
  /// - Throws: When it cannot begin; this one goes on then.
  package func replace(by artifact: LoadedArtifact, notice: BuildNotice?) throws(StartError) -> Server {
    var options = options
    options.buildNotice = notice
    let new = try Server(artifact, options: options, replacing: self)
    isReplaced.store(true, ordering: .releasing)
    watchdog.setBudget(milliseconds: new.configuration.policy.cpuMilliseconds)
    new.start()
    drain()
    Threads.start(name: "retirement") {
      self.wait()
      new.predecessor.withLock { $0 = nil }
      new.predecessor.signal()
    }
    return new
  }

  /// The events of a new server: those of the old one where they are kept at the same place.
  static func events(
    _ configuration: ServerConfiguration, _ logWriter: LogWriter, replacing old: Server?
  ) throws(StartError) -> EventService? {
    guard let wanted = configuration.events else { return nil }
    if let service = old?.events.withLock({ $0 }), service.storage == wanted.storage {
      _ = try service.adopt(wanted, isMoving: true)
      return service
    }
    return try EventService(wanted, format: configuration.logFormat, writer: logWriter)
  }

  /// Goes on with events that a server which did not begin had taken.
  func takeBack(_ service: EventService?) {
    if let service, service === events.withLock({ $0 }) { service.resume(workers) }
  }

  /// Gives the events to a server that has begun, whose workers run the triggers once those of this one have ended.
  func handOver(to new: Server) {
    events.withLock { service in
      let finished = finished
      service?.resume(new.workers) { finished.wait() }
      service = nil
    }
  }
}
