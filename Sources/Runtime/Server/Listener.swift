// Listening sockets: for each address one per worker, which the kernel spreads connections over
// (SO_REUSEPORT). A socket with that option may share its port with any other that has it, also one of
// another process; so the first one of each address is bound without it, which fails when the port is
// taken, and gets it before the others come.

import CSystem
import Glibc

/// Why there is no listener.
package enum ListenerError: Error, Equatable, CustomStringConvertible {
  /// The host is neither an address nor a name that resolves.
  case unknownHost(String)
  case system(SystemCallError)

  package var description: String {
    switch self {
    case .unknownHost(let host): "there is no host \(host); choose another with --host"
    case .system(let error): error.description
    }
  }
}

/// Opens listening sockets.
package enum Listener {
  private static let backlog: Int32 = 4_096

  /// Opens sockets for a number of workers.
  /// - Parameters:
  ///   - host: An address or name; nil means all addresses, IPv6 and IPv4.
  ///   - port: 0 takes a free one.
  ///   - sharesPort: Sockets of this process may have the port already.
  /// - Returns: The sockets of each worker, and the port.
  package static func open(
    host: String?, port: UInt16, workerCount: Int, sharesPort: Bool = false
  ) throws(ListenerError) -> (workers: [[Int32]], port: UInt16) {
    precondition(workerCount > 0)
    var opened: [Int32] = []
    do {
      var workers = [[Int32]](repeating: [], count: workerCount)
      var port = port
      for address in try addresses(host: host) {
        for worker in workers.indices {
          let descriptor: Int32
          do {
            descriptor = try open(address, port: port, isFirst: worker == 0 && !sharesPort)
          } catch {
            // A machine without IPv6 serves IPv4.
            guard host == nil, address.family == AF_INET6, error.code == EAFNOSUPPORT else { throw error }
            return try open(
              host: "0.0.0.0", port: port, workerCount: workerCount, sharesPort: sharesPort)
          }
          opened.append(descriptor)
          workers[worker].append(descriptor)
          if port == 0 { port = try boundPort(descriptor) }
        }
      }
      return (workers, port)
    } catch {
      for descriptor in opened { SystemCalls.close(descriptor) }
      switch error {
      case let error as ListenerError: throw error
      case let error as SystemCallError: throw .system(error)
      default: preconditionFailure("no other error is thrown")
      }
    }
  }

  private struct Address {
    var family: Int32
    var storage: sockaddr_storage
    var count: socklen_t
  }

  private static func open(
    _ address: Address, port: UInt16, isFirst: Bool
  ) throws(SystemCallError) -> Int32 {
    let descriptor = try SystemCalls.socket(family: address.family)
    do {
      try SystemCalls.setOption(descriptor, level: SOL_SOCKET, name: SO_REUSEADDR, value: 1)
      if address.family == AF_INET6 {
        try SystemCalls.setOption(
          descriptor, level: Int32(IPPROTO_IPV6), name: IPV6_V6ONLY, value: isAny(address) ? 0 : 1)
      }
      // Accepted sockets inherit it, which spares a call for each.
      try SystemCalls.setOption(descriptor, level: Int32(IPPROTO_TCP), name: TCP_NODELAY, value: 1)
      if !isFirst { try setReusePort(descriptor) }
      try bind(descriptor, address, port)
      if isFirst { try setReusePort(descriptor) }
      try SystemCalls.listen(descriptor, backlog: backlog)
      return descriptor
    } catch {
      SystemCalls.close(descriptor)
      throw error
    }
  }

  private static func setReusePort(_ descriptor: Int32) throws(SystemCallError) {
    try SystemCalls.setOption(descriptor, level: SOL_SOCKET, name: SO_REUSEPORT, value: 1)
  }

  private static func bind(
    _ descriptor: Int32, _ address: Address, _ port: UInt16
  ) throws(SystemCallError) {
    var storage = address.storage
    // The port stands at the same place in both families.
    withUnsafeMutableBytes(of: &storage) {
      $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
    }
    do {
      try withUnsafePointer(to: storage) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          try SystemCalls.bind(descriptor, $0, count: address.count)
        }
      }
    } catch let error as SystemCallError {
      throw error
    } catch { preconditionFailure("no other error is thrown") }
  }

  private static func isAny(_ address: Address) -> Bool {
    withUnsafeBytes(of: address.storage) { $0[8..<24].allSatisfy { $0 == 0 } }
  }

  /// The port of a listening socket.
  package static func boundPort(_ descriptor: Int32) throws(SystemCallError) -> UInt16 {
    let storage = try SystemCalls.localAddress(descriptor)
    return withUnsafeBytes(of: storage) {
      UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
  }

  /// The addresses of a host, each once, in the resolver's order.
  private static func addresses(host: String?) throws(ListenerError) -> [Address] {
    guard let host else {
      var storage = sockaddr_storage()
      storage.ss_family = sa_family_t(AF_INET6)
      return [
        Address(
          family: AF_INET6, storage: storage, count: socklen_t(MemoryLayout<sockaddr_in6>.size))
      ]
    }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { throw .unknownHost(host) }
    defer { freeaddrinfo(list) }
    var found: [Address] = []
    var next = list
    while let info = next?.pointee {
      next = info.ai_next
      guard info.ai_family == AF_INET || info.ai_family == AF_INET6, let source = info.ai_addr else {
        continue
      }
      var storage = sockaddr_storage()
      withUnsafeMutableBytes(of: &storage) {
        $0.copyMemory(
          from: UnsafeRawBufferPointer(start: source, count: min($0.count, Int(info.ai_addrlen))))
      }
      let isKnown = found.contains { known in
        withUnsafeBytes(of: known.storage) { left in
          withUnsafeBytes(of: storage) { right in left.elementsEqual(right) }
        }
      }
      if !isKnown {
        found.append(Address(family: info.ai_family, storage: storage, count: info.ai_addrlen))
      }
    }
    guard !found.isEmpty else { throw .unknownHost(host) }
    return found
  }
}
