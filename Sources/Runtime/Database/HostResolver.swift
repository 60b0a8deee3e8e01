// Where a connection string leads, with host names resolved off the loop: libpq's own look-up would block it.
// The names stay beside the addresses, since certificates are checked against them.

import CPostgres
import CSystem
import Glibc

/// The places to try, as libpq's lists: one entry a place, separated by commas.
struct ResolvedHosts: Equatable, Sendable {
  var hosts: [String] = []
  var addresses: [String] = []
  var ports: [String] = []
}

/// What of a connection string says where the server is.
struct HostList: Equatable, Sendable {
  var hosts: [String]
  var ports: [String]

  /// Nil when the string has no name to resolve: a socket's folder, numeric addresses, or `hostaddr`.
  init?(hosts: String?, addresses: String?, ports: String?) {
    guard let hosts, !hosts.isEmpty, addresses?.isEmpty ?? true else { return nil }
    self.hosts = Self.split(hosts)
    self.ports = Self.split(ports ?? "")
    guard self.hosts.contains(where: { Self.isName($0) }) else { return nil }
  }

  private static func split(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  /// Whether `host` must be looked up.
  static func isName(_ host: String) -> Bool {
    guard let first = host.first, first != "/", first != "@" else { return false }
    var address = in6_addr()
    return inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1
  }

  /// One place for each address of each host. A host whose look-up fails is left out; nil when none is left.
  func resolved(_ lookUp: (String) -> [String]) -> ResolvedHosts? {
    var result = ResolvedHosts()
    for (index, host) in hosts.enumerated() {
      let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
      // Without an address libpq takes the host as it is.
      let addresses = Self.isName(host) ? lookUp(host) : [""]
      for address in addresses {
        result.hosts.append(host)
        result.addresses.append(address)
        result.ports.append(port)
      }
    }
    return result.hosts.isEmpty ? nil : result
  }

  /// The addresses of a name, in the resolver's order. Blocks.
  static func lookUp(_ host: String) -> [String] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var entry = list
    while let current = entry {
      var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let status = getnameinfo(
        current.pointee.ai_addr, current.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0,
        NI_NUMERICHOST)
      let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if status == 0, !addresses.contains(text) { addresses.append(text) }
      entry = current.pointee.ai_next
    }
    return addresses
  }

  /// What `connString`, which libpq can read, and libpq's environment variables say.
  static func read(_ connString: String) -> HostList? {
    func value(_ keyword: String, _ variable: String) -> String? {
      var malformed: Int32 = 0
      if let text = spacer_pq_conninfo_value(connString, keyword, &malformed) {
        defer { free(text) }
        return String(cString: text)
      }
      return getenv(variable).map { String(cString: $0) }
    }
    return HostList(
      hosts: value("host", "PGHOST"), addresses: value("hostaddr", "PGHOSTADDR"),
      ports: value("port", "PGPORT"))
  }
}
