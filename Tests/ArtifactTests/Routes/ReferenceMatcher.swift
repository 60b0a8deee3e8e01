// The matcher as the contract says it, without a tree: of all routes that take the method and match the path,
// the one whose segments rank first, compared from the left. Slow and obvious on purpose; it shares only the
// parsed pattern with the real one.

@testable import SpacerArtifact

struct ReferenceMatcher {
  struct Route {
    var index: Int
    var methods: RouteMethods
    var pattern: RoutePattern
  }

  struct Match: Equatable {
    var route: Int
    var parameters: [Range<Int>]
  }

  var routes: [Route]

  func match(_ method: RouteMethod, _ path: [UInt8]) -> Match? {
    if method == .head {
      if let match = best(RouteMethods(.head), path),
        routes.contains(where: { $0.index == match.route && $0.methods != .any })
      {
        return match
      }
      return best(RouteMethods(.get), path)
    }
    return best(RouteMethods(method), path)
  }

  func allowed(_ path: [UInt8]) -> RouteMethods {
    let methods = routes.filter { parameters(of: $0.pattern, path) != nil }
      .reduce(RouteMethods()) { $0.union($1.methods) }
    return methods.isEmpty ? [] : methods.allowed
  }

  private func best(_ method: RouteMethods, _ path: [UInt8]) -> Match? {
    var best: (route: Route, parameters: [Range<Int>])?
    for route in routes where route.methods.isSuperset(of: method) {
      guard let parameters = parameters(of: route.pattern, path) else { continue }
      if let current = best, !precedes(route, current.route) { continue }
      best = (route, parameters)
    }
    return best.map { Match(route: $0.route.index, parameters: $0.parameters) }
  }

  /// Whether `a` is tried before `b`, given that both match.
  private func precedes(_ a: Route, _ b: Route) -> Bool {
    let ranks = (a.pattern.segments.map(rank), b.pattern.segments.map(rank))
    if ranks.0 != ranks.1 { return ranks.0.lexicographicallyPrecedes(ranks.1, by: <) }
    return a.methods != .any && b.methods == .any
  }

  private func rank(_ segment: RoutePattern.Segment) -> Int {
    switch segment {
    case .literal: 0
    case .parameter(_, let suffix) where !suffix.isEmpty: 1_000_000 - suffix.count
    case .parameter: 1_000_000
    case .wildcard: 2_000_000
    }
  }

  private func parameters(of pattern: RoutePattern, _ path: [UInt8]) -> [Range<Int>]? {
    guard path.first == UInt8(ascii: "/") else { return nil }
    var end = path.count
    if end > 1, path[end - 1] == UInt8(ascii: "/") { end -= 1 }
    var position = 1
    var result: [Range<Int>] = []
    for segment in pattern.segments {
      guard position < end else { return nil }
      var next = position
      while next < end, path[next] != UInt8(ascii: "/") { next += 1 }
      switch segment {
      case .literal(let text):
        guard Array(path[position..<next]) == text else { return nil }
      case .parameter(_, let suffix):
        let valueEnd = next - suffix.count
        guard valueEnd > position, Array(path[valueEnd..<next]) == suffix else { return nil }
        result.append(position..<valueEnd)
      case .wildcard:
        result.append(position..<end)
        return result
      }
      position = next + 1
    }
    return position >= end ? result : nil
  }
}
