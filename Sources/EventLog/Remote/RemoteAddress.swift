/// Where a server's control API is: `http://HOST:PORT`.
package struct RemoteAddress: Equatable, Sendable, CustomStringConvertible {
  /// A name, or an address without brackets.
  package var host: String
  package var port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads a URL, whose path may be `/` only.
  /// - Throws: `failed`, with a sentence that says what is expected.
  package init(url: String) throws(EventLogError) {
    let scheme = "http://"
    guard url.hasPrefix(scheme) else {
      let hint =
        url.hasPrefix("https://")
        ? "; the write proxy's address speaks plain HTTP: reach it on its own machine or through a tunnel"
        : ""
      throw EventLogError(.failed, "the server's address must be http://HOST:PORT, not '\(url)'\(hint)")
    }
    var rest = url.dropFirst(scheme.count)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    let host: Substring
    if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
      host = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
    } else {
      host = rest.prefix { $0 != ":" }
      rest = rest.dropFirst(host.count)
    }
    let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@[]\\".utf8.contains($0) }
    guard !host.isEmpty, isName, rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else {
      throw EventLogError(.failed, "the server's address must be http://HOST:PORT, not '\(url)'")
    }
    self.init(host: String(host), port: port)
  }

  /// For a `Host` header.
  var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  package var description: String { "http://\(authority)" }
}
