// Hummingbird's router: its trie finds the path's endpoint, a dictionary in it the method's handler, as its
// RouterResponder does. Both are reached through the interface that Hummingbird's own benchmarks use.

import HTTPTypes
@_spi(Internal) import Hummingbird
import SpacerArtifact

final class HummingbirdSubject {
  private typealias Methods = [HTTPRequest.Method: Int]
  private let trie: RouterTrie<[HTTPRequest.Method: Int]>

  init(_ routes: [Lookup]) {
    var methods: [String: Methods] = [:]
    for (index, route) in routes.enumerated() {
      methods[route.pattern, default: [:]][Self.method(route.method)] = index
    }
    let builder = RouterPathTrieBuilder<Methods>()
    for (pattern, value) in methods { builder.addEntry(RouterPath(pattern), value: value) }
    trie = builder.build()
  }

  /// Requests as Hummingbird sees them: a parsed method and the path as a string.
  struct Requests {
    var items: [(method: HTTPRequest.Method, path: String)]

    init(_ lookups: [Lookup]) {
      items = lookups.map { (HummingbirdSubject.method($0.method), $0.path) }
    }
  }

  func match(_ requests: Requests) -> Int {
    var sum = 0
    for item in requests.items {
      if let (value, parameters) = trie.resolve(item.path), let route = value[item.method] {
        sum &+= route &+ parameters.count
      } else {
        sum &+= 7
      }
    }
    return sum
  }

  fileprivate static func method(_ method: RouteMethod) -> HTTPRequest.Method {
    HTTPRequest.Method(method.name) ?? .get
  }
}
