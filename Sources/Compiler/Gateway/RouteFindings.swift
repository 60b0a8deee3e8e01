// What the analysis of all routes together finds, as diagnostics at the places where the routes are written.

internal import SpacerArtifact

/// Duplicate, conflicting and unreachable routes.
enum RouteFindings {
  static func diagnostics(_ entries: [GatewayEntry]) -> [Diagnostic] {
    let routes = entries.map { RouteAnalysis.Route(methods: $0.methods, pattern: $0.pattern) }
    return RouteAnalysis(routes).findings.map { diagnostic($0, entries) }
  }

  private static func diagnostic(_ finding: RouteAnalysis.Finding, _ entries: [GatewayEntry]) -> Diagnostic {
    let entry = entries[finding.route]
    func name(_ route: Int) -> String { "\(entries[route].methods.text) \(entries[route].pattern)" }
    func request(_ methods: RouteMethods, _ path: String) -> String {
      methods == .any ? path : "\(methods.text) \(path)"
    }
    switch finding {
    case .malformed(_, _, let problem):
      // The entry's reader refuses what cannot be parsed.
      return Diagnostic(.malformedRoute, .error, problem, at: entry.places.path)
    case .duplicate(let route, let first, let methods, let witness):
      return Diagnostic(
        .duplicateRoute, .error, "\(name(route)) is routed twice", at: entry.places.entry,
        notes: [
          .init("the first, to '\(entries[first].function)'", at: entries[first].places.entry),
          .init("both would take \(request(methods, witness))"),
        ], hint: "remove one of the two")
    case .conflict(let route, let other, let methods, let witness):
      return Diagnostic(
        .conflictingRoute, .error, "\(name(route)) takes the same requests as \(name(other))",
        at: entry.places.path,
        notes: [
          .init("the other route, to '\(entries[other].function)'", at: entries[other].places.path),
          .init("both would take \(request(methods, witness))"),
        ], hint: "parameters are told apart by their place, not by their name")
    case .unreachable(let route, let takers, let witness):
      var notes: [Diagnostic.Note] = takers.map {
        .init("\(name($0)) comes first", at: entries[$0].places.path)
      }
      notes.append(.init("for example \(request(entries[route].methods, witness))"))
      return Diagnostic(
        .unreachableRoute, .warning, "no request ever reaches \(name(route))", at: entry.places.path,
        notes: notes, hint: "remove the route, or make its path more specific")
    }
  }
}
