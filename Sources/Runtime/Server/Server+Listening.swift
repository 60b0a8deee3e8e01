// Where a server listens. One that replaces another takes that one's sockets over, so that no connection is refused
// meanwhile, and may share its ports.

import Glibc

/// What a server listens on.
struct BoundListeners: Sendable {
  /// The sockets of one address, by worker, and the port that it got.
  struct Place: Sendable {
    var place: ListenPlace
    var sockets: [[Int32]]
    var port: UInt16
  }

  var places: [Place] = []
  var writeProxy: Place?
  /// For people: `http://127.0.0.1:3000`.
  var addresses: [String] = []
  var writeProxyAddress: String?
  /// Why there is no write proxy although there are topics.
  var writeProxyProblem: String?

  var port: UInt16 { places.first?.port ?? 0 }

  /// The sockets of a worker.
  func sockets(of worker: Int) -> [Int32] { places.flatMap { $0.sockets[worker] } }
  func proxySockets(of worker: Int) -> [Int32] { writeProxy?.sockets[worker] ?? [] }

  fileprivate var all: [Place] { places + (writeProxy.map { [$0] } ?? []) }

  /// Closes the sockets of the workers from a number on, which have not become theirs.
  func close(fromWorker first: Int = 0) {
    for descriptor in all.flatMap({ $0.sockets.dropFirst(first).flatMap { $0 } }) {
      SystemCalls.close(descriptor)
    }
  }
}

extension Server {
  /// - Parameter old: The sockets of a server that goes on listening until this one has begun.
  static func listen(
    _ configuration: ServerConfiguration, replacing old: BoundListeners?
  ) throws(StartError) -> BoundListeners {
    var bound = BoundListeners()
    let scheme = configuration.tls == nil ? "http" : "https"
    do throws(StartError) {
      for place in configuration.places {
        let opened: BoundListeners.Place
        do throws(ListenerError) {
          opened = try open(place, configuration.workerCount, old?.places, old)
        } catch {
          throw StartError(message: describe(error, place))
        }
        bound.places.append(opened)
        let scope = place.host == nil ? " (all addresses)" : ""
        bound.addresses.append("\(scheme)://\(place.displayHost):\(opened.port)\(scope)")
      }
      guard let place = configuration.writeProxy else { return bound }
      do throws(ListenerError) {
        let opened = try open(place, configuration.workerCount, old?.writeProxy.map { [$0] }, old)
        bound.writeProxy = opened
        bound.writeProxyAddress = "http://\(place.displayHost):\(opened.port)"
      } catch {
        guard configuration.toleratesTakenWriteProxy, error.isTaken else {
          throw StartError(message: describeProxy(error, place))
        }
        bound.writeProxyProblem =
          "no write proxy: its port \(place.port) is in use, and writeProxyListen in config/application.yml names no other"
      }
      return bound
    } catch {
      bound.close()
      throw error
    }
  }

  /// - Parameter known: What the old server listens on for the same purpose.
  private static func open(
    _ place: ListenPlace, _ workerCount: Int, _ known: [BoundListeners.Place]?, _ old: BoundListeners?
  ) throws(ListenerError) -> BoundListeners.Place {
    if let same = known?.first(where: { $0.place == place && $0.sockets.count == workerCount }) {
      return try duplicate(same)
    }
    let sharesPort = old?.all.contains { $0.port == place.port } ?? false
    let opened = try Listener.open(
      host: place.host, port: place.port, workerCount: workerCount, sharesPort: sharesPort)
    return BoundListeners.Place(place: place, sockets: opened.workers, port: opened.port)
  }

  private static func duplicate(_ known: BoundListeners.Place) throws(ListenerError) -> BoundListeners.Place {
    var copy = BoundListeners.Place(place: known.place, sockets: [], port: known.port)
    do throws(SystemCallError) {
      for sockets in known.sockets {
        copy.sockets.append([])
        for socket in sockets {
          copy.sockets[copy.sockets.count - 1].append(try SystemCalls.duplicate(socket))
        }
      }
    } catch {
      for descriptor in copy.sockets.flatMap({ $0 }) { SystemCalls.close(descriptor) }
      throw .system(error)
    }
    return copy
  }

  private static func describeProxy(_ error: ListenerError, _ place: ListenPlace) -> String {
    if error.isTaken {
      return "the write proxy's port \(place.port) is in use: choose another with writeProxyListen in "
        + "config/application.yml, or go without it with --no-write-proxy"
    }
    return "the write proxy: " + describe(error, place)
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

extension ListenerError {
  /// Whether another listens there.
  fileprivate var isTaken: Bool {
    if case .system(let failure) = self { failure.code == EADDRINUSE } else { false }
  }
}
