// What is wrong with a gateway's routes, beyond single functions: malformed paths, routes that take the same
// requests, and routes that no request reaches. Each finding about reachability comes with a witness, a path
// that proves it.
//
// Reachability is decided, not guessed. A route gets example paths whose parameter values differ from every
// literal text and so fit nothing but parameters and wildcards; what takes such a path therefore takes every
// path of the route with as many segments. A wildcard stands for one segment, two and so on up to one more
// than the deepest pattern has: beyond that only wildcards fit, so nothing changes.

package import SpacerArtifact

/// Checks a list of routes.
package struct RouteAnalysis: Sendable {
  /// One entry of the gateway.
  package struct Route: Equatable, Sendable {
    package var methods: RouteMethods
    /// The path as written.
    package var pattern: String

    package init(methods: RouteMethods, pattern: String) {
      self.methods = methods
      self.pattern = pattern
    }
  }

  /// Something wrong; routes are indexes into the list given.
  package enum Finding: Equatable, Sendable {
    /// The path cannot be parsed: the byte offset in it and a sentence.
    case malformed(route: Int, offset: Int, problem: String)
    /// The same path and a common method as an earlier route.
    case duplicate(route: Int, of: Int, methods: RouteMethods, witness: String)
    /// Another spelling of an earlier route's path that fits exactly the same requests: only the names of
    /// parameters differ. The witness is a path that both would take.
    case conflict(route: Int, with: Int, methods: RouteMethods, witness: String)
    /// Every path of the route is taken by others. The witness is such a path; `by` are the routes that take
    /// paths like it, the witness's first.
    case unreachable(route: Int, by: [Int], witness: String)

    /// The route to point at.
    package var route: Int {
      switch self {
      case .malformed(let route, _, _), .duplicate(let route, _, _, _), .conflict(let route, _, _, _),
        .unreachable(let route, _, _):
        route
      }
    }
  }

  /// In the order of the routes they point at.
  package let findings: [Finding]

  /// Checks routes; the whole list is looked at, whatever is found in it.
  package init(_ routes: [Route]) {
    var findings: [Finding] = []
    let forest = RouteForest(routes) { finding in findings.append(finding) }
    let literals = forest.literals
    let deepest = forest.entries.map(\.pattern.segments.count).max() ?? 0
    for entry in forest.entries {
      if let finding = Self.unreachable(entry, forest, literals, deepest: deepest) {
        findings.append(finding)
      }
    }
    self.findings = findings.enumerated()
      .sorted { ($0.element.route, $0.offset) < ($1.element.route, $1.offset) }.map(\.element)
  }

  private static func unreachable(
    _ entry: RouteForest.Entry, _ forest: RouteForest, _ literals: Set<[UInt8]>, deepest: Int
  ) -> Finding? {
    var takers: [Int] = []
    for method in RouteMethod.allCases where entry.methods.contains(RouteMethods(method)) {
      for rest in 1...(entry.isWildcard ? deepest + 1 : 1) {
        let path = Self.example(entry.pattern, avoiding: literals, rest: rest)
        guard let taker = forest.match(method, path)?.route else { return nil }
        if taker == entry.route { return nil }
        if !takers.contains(taker) { takers.append(taker) }
      }
    }
    let witness = Self.example(entry.pattern, avoiding: literals, rest: 1)
    return .unreachable(route: entry.route, by: takers, witness: String(decoding: witness, as: UTF8.self))
  }

  /// A path of a pattern whose parameter values equal no literal text; a wildcard takes `rest` segments.
  /// Values are made of the bytes of names, so that they end with no suffix but their own.
  static func example(_ pattern: RoutePattern, avoiding literals: Set<[UInt8]>, rest: Int = 1) -> [UInt8] {
    func value(_ name: String, suffix: [UInt8] = []) -> [UInt8] {
      var number = 0
      while true {
        let value = Array((number == 0 ? name : "\(name)\(number)").utf8) + suffix
        if !literals.contains(value) { return value }
        number += 1
      }
    }
    var path: [UInt8] = []
    for segment in pattern.segments {
      path.append(UInt8(ascii: "/"))
      switch segment {
      case .literal(let text): path += text
      case .parameter(let name, let suffix): path += value(name, suffix: suffix)
      case .wildcard(let name):
        path += Array(repeating: value(name), count: rest).joined(separator: [UInt8(ascii: "/")])
      }
    }
    return path.isEmpty ? [UInt8(ascii: "/")] : path
  }
}
