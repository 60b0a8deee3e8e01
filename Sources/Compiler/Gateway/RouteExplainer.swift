// Tells in words how a request finds its route: `spacer routes --match GET /users/7`.

package import SpacerArtifact

/// How one request is matched.
package struct RouteExplanation: Equatable, Sendable {
  /// The steps, one a line, indented by depth, and the outcome last.
  package let lines: [String]
  /// Index of the route that takes the request, into the list given.
  package let route: Int?
  /// What a 405 answer's `Allow` would say; empty when a route is found or no pattern fits.
  package let allowed: RouteMethods

  /// Explains a request. Malformed and repeated routes are left out, as no artifact holds them. `path` is as
  /// in a request line; a query is cut off.
  package init(_ routes: [RouteAnalysis.Route], method: RouteMethod, path: String) {
    let text = String(path.prefix { $0 != "?" && $0 != "#" })
    var bytes = Array(text.utf8)
    var lines = ["\(method == .other ? "(another method)" : method.name) \(text)"]
    if PathNormalizer.needsNormalization(bytes.span) {
      var span = bytes.mutableSpan
      guard let length = PathNormalizer.normalize(&span) else {
        lines.append("400: the path does not begin with '/', or holds an invalid escape or a NUL")
        self.lines = lines
        route = nil
        allowed = []
        return
      }
      bytes.removeLast(bytes.count - length)
      lines.append("normal form: \(Self.show(bytes))")
    }
    let forest = RouteForest(routes)
    let match = forest.match(method, bytes) { depth, step in
      lines.append(String(repeating: "  ", count: depth + 1) + Self.describe(step, routes))
    }
    route = match?.route
    allowed = match == nil ? forest.allowedMethods(bytes) : []
    lines += Self.outcome(match, method, routes, forest, allowed)
    self.lines = lines
  }

  private static func outcome(
    _ match: RouteForest.Match?, _ method: RouteMethod, _ routes: [RouteAnalysis.Route],
    _ forest: RouteForest,
    _ allowed: RouteMethods
  ) -> [String] {
    guard let match else {
      if allowed.isEmpty { return ["404: no route's path fits"] }
      return method == .options
        ? ["204: Allow: \(allowed.allowText)"] : ["405: Allow: \(allowed.allowText)"]
    }
    let route = routes[match.route]
    let names = forest.entries.first { $0.route == match.route }?.pattern.parameterNames ?? []
    let isFallback = method == .head && !route.methods.contains(RouteMethods(.head))
    return [
      "matched: \(route.methods.text) \(route.pattern)\(isFallback ? ", as HEAD falls back to GET" : "")"
    ]
      + zip(names, match.values).map { "  \($0) = \(show($1))" }
  }

  private static func describe(_ step: RouteForest.Step, _ routes: [RouteAnalysis.Route]) -> String {
    switch step {
    case .literal(let text): "'\(show(text))': literal text fits"
    case .noLiteral(let text): "'\(show(text))': no such literal text here"
    case .literalOfOtherMethods(let text, let methods):
      "'\(show(text))': literal text fits, but only \(methods.text) is routed there"
    case .suffix(let suffix, let value):
      "'\(show(value + suffix))': ends with '\(show(suffix))', a parameter takes '\(show(value))'"
    case .parameter(let value): "'\(show(value))': a parameter takes it"
    case .parameterOfOtherMethods(let methods):
      "a parameter would take it, but only \(methods.text) is routed there"
    case .wildcard(let value): "'\(show(value))': a '*' parameter takes the rest"
    case .found(let route):
      "the path ends, and \(routes[route].methods.text) \(routes[route].pattern) is routed here"
    case .otherMethods(let methods): "the path ends, but only \(methods.text) is routed here"
    case .endsTooEarly: "the path ends, but no route does"
    case .deadEnd(let segment): "'\(show(segment))': nothing else fits, going back"
    }
  }

  /// Bytes of a normalised path as text, with the decoded slash as its escape.
  private static func show(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).split(separator: "\u{0}", omittingEmptySubsequences: false)
      .joined(separator: "%2F")
  }
}
