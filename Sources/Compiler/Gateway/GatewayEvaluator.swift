// Runs app/gateway.lua in the sandbox and turns what it returns into entries, or what went wrong into
// diagnostics.

internal import SpacerArtifact
internal import SpacerLuaVM

/// Evaluates the gateway of one project.
struct GatewayEvaluator {
  let scan: ScannedProject
  /// The content of a module's file, nil when it cannot be read.
  let read: (String) -> [UInt8]?
  var bounds = GatewayState.Bounds(
    instructionsMax: CompilerLimits.gatewayInstructionsMax, memoryBytesMax: CompilerLimits.gatewayBytesMax)

  /// Evaluates the gateway at `path`; its text has no syntax error.
  func evaluate(path: String, bytes: [UInt8]) -> GatewayEvaluation {
    let modules = GatewayModules(scan: scan, gateway: (path, bytes), read: read)
    let result = GatewayState.run(bounds: bounds) { modules.find($0) }
    let locator = RouteLocator(modules, gatewayPath: path)
    var evaluation = GatewayEvaluation()
    evaluation.requires = modules.requires
    switch result {
    case .failure(let failure): evaluation.diagnostics = [diagnostic(failure, locator)]
    case .success(let value):
      var reader = GatewayEntryReader(locator: locator)
      reader.read(value)
      evaluation.entries = reader.entries
      evaluation.diagnostics = reader.diagnostics
    }
    return evaluation
  }

  private func diagnostic(_ failure: GatewayState.Failure, _ locator: RouteLocator) -> Diagnostic {
    let message: String
    var hint: String?
    switch failure.kind {
    case .raised:
      message = "the gateway failed: \(failure.message)"
      hint = Self.hint(failure.message)
    case .outOfMemory:
      message = "the gateway needs more than \(bounds.memoryBytesMax >> 20) MiB of memory"
    case .outOfInstructions:
      message = "the gateway runs for more than \(bounds.instructionsMax) instructions"
      hint = "it is evaluated once, at build time: is there a loop without an end?"
    }
    let places = failure.frames.map { locator.line($0.line, of: $0.path) }
    let notes = places.dropFirst().map { Diagnostic.Note("called from here", at: $0) }
    return Diagnostic(
      .gatewayFailed, .error, message, at: places.first ?? locator.gateway, notes: Array(notes), hint: hint)
  }

  /// What a name that is missing in the sandbox means.
  private static func hint(_ message: String) -> String? {
    let missing = [
      "global 'os'", "global 'io'", "global 'debug'", "global 'load'", "global 'loadstring'",
      "global 'dofile'", "global 'loadfile'", "global 'collectgarbage'", "global 'package'", "global 'ngx'",
      "field 'random'", "field 'randomseed'", "field 'dump'",
    ]
    guard missing.contains(where: { message.contains("(\($0))") }) else { return nil }
    return "the gateway is evaluated at build time, in a sandbox without I/O, clock or randomness"
  }
}
