// A server in an embedding program.

import SpacerSystem

/// A server that runs by threads of its own until it is stopped, also when nobody holds this value.
///
/// Copies mean the same server. Usable from any thread.
public struct SpacerServer: Sendable {
  private let server: Server
  private let phase: Monitor<Phase>

  private enum Phase { case serving, stopping, stopped }

  /// Starts it.
  init(_ server: Server) {
    self.server = server
    let phase = Monitor(Phase.serving)
    self.phase = phase
    server.start()
    Threads.start(name: "server") {
      server.wait()
      phase.withLock { $0 = .stopped }
      phase.signal()
    }
  }

  /// The port of the first address that it listens on.
  public var port: UInt16 { server.port }

  /// Where it listens, for people: `http://127.0.0.1:3000`.
  public var addresses: [String] { server.addresses }

  /// Where other programs append events; nil when they cannot.
  public var writeProxyAddress: String? { server.writeProxyAddress }

  /// Takes no more connections, lets the requests and triggers in flight finish, and returns when all is done and the
  /// log is written. What takes longer than `limits.wallMilliseconds` is cut off. May be called more than once; not by
  /// a host function, which would wait for itself.
  public func stop() {
    let begins = phase.withLock { phase in
      guard phase == .serving else { return false }
      phase = .stopping
      return true
    }
    if begins { server.drain() }
    wait()
  }

  /// Returns when the server has been stopped.
  public func wait() {
    _ = phase.wait(milliseconds: nil) { $0 == .stopped ? true : nil }
  }

  /// Serves another build of the application from now on; requests in flight finish on the old one. Addresses, the
  /// number of workers and the host functions stay.
  /// - Parameter artifact: The file of the new artifact, or of the same one, overwritten.
  /// - Returns: What of the new configuration takes effect with a restart only; sentences.
  /// - Throws: When the artifact or its configuration cannot be used; the old one goes on.
  @discardableResult
  public func reload(artifact path: String) throws(SpacerError) -> [String] {
    let artifact: LoadedArtifact
    do throws(LoadError) {
      artifact = try LoadedArtifact(path: path)
    } catch {
      throw SpacerError(error.message)
    }
    do throws(StartError) {
      let notices = try server.swap(artifact)
      return [notices.tls, notices.events].compactMap { $0 }
    } catch {
      throw SpacerError(error.message)
    }
  }
}
