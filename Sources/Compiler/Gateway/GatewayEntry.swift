// One route of the gateway, checked as far as it can be without the rest of the project.

internal import SpacerArtifact

/// An entry `{METHOD, PATH, FUNCTION}` and where its parts are written.
struct GatewayEntry: Equatable, Sendable {
  var methods: RouteMethods
  /// Without a trailing slash.
  var pattern: String
  /// As written.
  var function: String
  var places: Places

  /// The best place known for the whole entry and each part.
  struct Places: Equatable, Sendable {
    var entry: SourceLocation
    /// Method, path, function.
    var fields: [SourceLocation]
    /// The 1-based line in the gateway; 0 when unknown.
    var gatewayLine: Int

    var method: SourceLocation { fields[0] }
    var path: SourceLocation { fields[1] }
    var function: SourceLocation { fields[2] }
  }
}

/// What evaluating the gateway gave.
struct GatewayEvaluation: Equatable, Sendable {
  var entries: [GatewayEntry] = []
  var diagnostics: [Diagnostic] = []
  /// What `require` was asked for, and the module's path that answered, nil when none did: the evaluation
  /// is the same as long as these answers and the contents of these files are.
  var requires: [Requirement] = []

  struct Requirement: Equatable, Sendable {
    var name: String
    var path: String?
  }
}
