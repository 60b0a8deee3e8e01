// The environment variables that name proxies, with the meaning they have for curl. They are read here and
// not by libcurl, since who judges a connection's address must know whether it is the proxy's.

/// The proxies of the process.
package struct ProxyVariables: Sendable {
  private var httpProxy: String?
  private var httpsProxy: String?
  private var exceptions: [String]

  /// - Parameter variable: The value of an environment variable; nil when it is unset or empty.
  package init(_ variable: (String) -> String?) {
    let all = variable("all_proxy") ?? variable("ALL_PROXY")
    // In capitals this one could be a request's header under CGI.
    httpProxy = variable("http_proxy") ?? all
    httpsProxy = variable("https_proxy") ?? variable("HTTPS_PROXY") ?? all
    let list = variable("no_proxy") ?? variable("NO_PROXY") ?? ""
    exceptions = list.split { $0 == "," || $0 == " " || $0 == "\t" }.map { $0.lowercased() }
  }

  /// The proxy for a URL's scheme and host (an IPv6 address in brackets); nil when there is none.
  package func proxy(scheme: String, host: String) -> String? {
    guard let proxy = scheme == "https" ? httpsProxy : httpProxy, !isException(host.lowercased()) else {
      return nil
    }
    return proxy
  }

  private func isException(_ host: String) -> Bool {
    if exceptions == ["*"] { return true }
    if let address = OutboundAddress(host) { return exceptions.contains { Self.holds($0, address) } }
    let name = Self.trimmed(host)
    return exceptions.contains { entry in
      let domain = Self.trimmed(entry)
      return !domain.isEmpty && (name == domain || name.hasSuffix(".\(domain)"))
    }
  }

  /// Without the dots around a domain's name.
  private static func trimmed(_ name: String) -> Substring {
    var name = Substring(name)
    if name.first == "." { name = name.dropFirst() }
    if name.last == "." { name = name.dropLast() }
    return name
  }

  /// Whether an entry, an address or a block `10.0.0.0/8`, holds an address.
  private static func holds(_ entry: String, _ address: OutboundAddress) -> Bool {
    let parts = entry.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let text = parts.first, let block = OutboundAddress(String(text)) else { return false }
    guard parts.count > 1 else { return block == address }
    guard let bits = Int(parts[1]) else { return false }
    return address.isIn(block, bits: bits)
  }
}
