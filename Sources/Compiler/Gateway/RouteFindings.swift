// What the analysis of all routes together finds, as diagnostics at the places where the routes are written.

/// Duplicate, conflicting and unreachable routes.
enum RouteFindings {
  static func diagnostics(_ entries: [GatewayEntry]) -> [Diagnostic] { [] }
}
