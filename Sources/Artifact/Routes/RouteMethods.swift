// Methods as tokens and as the text of an `Allow` header.

extension RouteMethod {
  /// The method of a request line's token, which is case-sensitive; any unknown token is `other`.
  package init(token: Span<UInt8>) {
    self = .other
    for method in RouteMethod.allCases where method != .other && token.count == method.name.utf8.count {
      var index = 0
      for byte in method.name.utf8 {
        if token[index] != byte { break }
        index += 1
      }
      if index == token.count { self = method }
    }
  }

  /// The method of a gateway entry, in any case; nil for an unknown one. `ANY` is not a method.
  package init?(name: String) {
    let upper = name.uppercased()
    guard let method = RouteMethod.allCases.first(where: { $0 != .other && $0.name == upper }) else {
      return nil
    }
    self = method
  }
}

extension RouteMethods {
  /// What `Allow` has to say where these methods are routed: GET brings HEAD, and OPTIONS is always answered.
  package var allowed: RouteMethods {
    var result = self
    if contains(RouteMethods(.get)) { result.insert(RouteMethods(.head)) }
    result.insert(RouteMethods(.options))
    return result
  }

  /// The methods' names for an `Allow` header: `GET, HEAD, OPTIONS`.
  package var allowText: String {
    RouteMethod.allCases.filter { $0 != .other && contains(RouteMethods($0)) }.map(\.name)
      .joined(separator: ", ")
  }

  /// The methods' names as a gateway entry writes them: `ANY`, or `GET|POST`.
  package var text: String {
    self == .any
      ? "ANY"
      : RouteMethod.allCases.filter { $0 != .other && contains(RouteMethods($0)) }.map(\.name)
        .joined(separator: "|")
  }
}
