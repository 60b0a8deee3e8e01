// The checks that look across files. They read facts, configuration and gateway entries, never a syntax
// tree, and they are cheap enough to run in full on every build.
//
// Every check runs even when another one found errors: one run reports all it can.

internal import SpacerArtifact

/// All checks over one project.
struct ModuleChecks {
  let scan: ScannedProject
  /// Nil when the configuration cannot be read: then nothing is said that depends on it.
  let config: AppConfig?
  /// By index of `scan.modules`; nil for a module that is no part of the build or cannot be read.
  let facts: [ModuleFacts?]
  let gateway: ModuleFacts?
  let entries: [GatewayEntry]
  /// Every file with facts, the gateway last.
  let files: [(path: String, facts: ModuleFacts)]

  var diagnostics: [Diagnostic] = []

  init(
    scan: ScannedProject, config: AppConfig?, facts: [ModuleFacts?], gateway: ModuleFacts?,
    entries: [GatewayEntry]
  ) {
    self.scan = scan
    self.config = config
    self.facts = facts
    self.gateway = gateway
    self.entries = entries
    var files = zip(scan.modules, facts).compactMap { module, facts in facts.map { (module.path, $0) } }
    if let gateway, let path = scan.gatewayPath { files.append((path, gateway)) }
    self.files = files
  }

  /// What the checks find, in no particular order.
  static func run(
    scan: ScannedProject, config: AppConfig?, facts: [ModuleFacts?], gateway: ModuleFacts?,
    entries: [GatewayEntry]
  ) -> [Diagnostic] {
    var checks = Self(scan: scan, config: config, facts: facts, gateway: gateway, entries: entries)
    checks.checkRequires()
    checks.checkRequireCycles()
    checks.checkTargets()
    checks.checkConfiguredNames()
    checks.checkGlobals()
    checks.checkEventLoops()
    checks.checkDescriptions()
    return checks.diagnostics
  }

  /// An error, or a warning where the code is prepared for the failure.
  static func severity(_ reference: ModuleFacts.Reference) -> Severity {
    reference.isGuarded ? .warning : .error
  }

  /// A literal's replacement.
  static func fix(_ range: SourceRange, _ name: String?) -> Diagnostic.Fix? {
    name.map { Diagnostic.Fix(range: range, replacement: "\"\($0)\"") }
  }

  static func hint(_ name: String?) -> String? { name.map { "did you mean '\($0)'?" } }

  /// A module's name out of a file's path: without `app/` or `lib/` before it and `.lua` behind.
  static func nameWithoutPath(_ path: String) -> String {
    var name = path[...]
    if name.hasPrefix("./") { name = name.dropFirst(2) }
    if name.hasPrefix("/") { name = name.dropFirst() }
    for folder in ["app", "lib"] where name.hasPrefix(folder + "/") || name.hasPrefix(folder + ".") {
      name = name.dropFirst(folder.utf8.count + 1)
      break
    }
    return String(name.hasSuffix(".lua") ? name.dropLast(4) : name)
  }

  /// Names that `flow.call`, triggers and routes can use; routes without the private ones.
  func functionNames(withPrivate: Bool) -> [String] {
    scan.modules.filter { $0.kind == .function || withPrivate && $0.kind == .privateFunction }.map(\.name)
  }
}
