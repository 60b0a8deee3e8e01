// `require` with a constant name: it resolves, and modules do not wait for each other while they load.

internal import SpacerArtifact

extension ModuleChecks {
  mutating func checkRequires() {
    for (path, facts) in files {
      for require in facts.requires {
        let reference = require.reference
        guard scan.resolve(require: reference.name) == nil, !BuiltinModules.names.contains(reference.name)
        else { continue }
        if TestFiles.contains(path), TestFiles.modules.contains(ScannedProject.key(reference.name)) {
          continue
        }
        diagnostics.append(unresolved(reference, path: path))
      }
    }
  }

  private func unresolved(_ reference: ModuleFacts.Reference, path: String) -> Diagnostic {
    let name = reference.name
    let original = "lib/\(ScannedProject.key(name)).lua"
    let message = "no module '\(name)' under app/ or lib/"
    let place = SourceLocation(path: path, range: reference.range)
    if scan.originalRuntime.contains(original) {
      return Diagnostic(
        .unresolvedRequire, Self.severity(reference),
        "the original's module '\(name)' has no built-in counterpart", at: place,
        notes: [
          Diagnostic.Note(
            "this file belongs to the original's runtime and is left out",
            at: SourceLocation(path: original))
        ], hint: Self.list(BuiltinModules.sorted))
    }
    if let equivalent = EngineOnlyNames.equivalent(ofModule: name) {
      return Diagnostic(
        .engineOnly, Self.severity(reference), "the module '\(name)' does not exist here", at: place,
        hint: equivalent)
    }
    let plain = Self.nameWithoutPath(name)
    if plain != name, scan.resolve(require: plain) != nil {
      return Diagnostic(
        .unresolvedRequire, Self.severity(reference), message, at: place, hint: "write '\(plain)'",
        fix: Self.fix(reference.range, plain))
    }
    let builtins = BuiltinModules.sorted + (TestFiles.contains(path) ? ["luaunit", "spacer"] : [])
    let names = scan.modules.map(\.name) + builtins
    var candidates = NearestName.findAll(name, in: names)
    if candidates.isEmpty, Self.jsonNames.contains(name.lowercased()) { candidates = ["cjson"] }
    let others = candidates.dropFirst().map { "'\($0)'" }
    return Diagnostic(
      .unresolvedRequire, Self.severity(reference), message, at: place,
      notes: others.isEmpty ? [] : [Diagnostic.Note("other candidates: \(others.joined(separator: ", "))")],
      hint: Self.hint(candidates.first) ?? Self.list(builtins),
      fix: Self.fix(reference.range, candidates.first))
  }

  /// What the module for JSON is called elsewhere.
  private static let jsonNames: Set<String> = ["dkjson", "json", "lunajson", "rapidjson"]

  private static func list(_ builtins: [String]) -> String {
    "the built-in modules are \(builtins.joined(separator: ", "))"
  }

  // MARK: Cycles

  /// One `require` that runs while its module loads.
  private struct LoadEdge {
    var target: Int
    var reference: ModuleFacts.Reference
  }

  mutating func checkRequireCycles() {
    var edges: [[LoadEdge]] = []
    for facts in facts {
      var own: [LoadEdge] = []
      for require in facts?.requires ?? [] where require.isLoadTime {
        if let target = scan.resolve(require: require.reference.name), self.facts[target] != nil {
          own.append(LoadEdge(target: target, reference: require.reference))
        }
      }
      edges.append(own)
    }
    for group in StronglyConnected.groups(count: edges.count, edges: { edges[$0].map(\.target) }) {
      let members = Set(group)
      // Shortest way from the first module back to itself.
      guard let start = group.min(),
        let steps = ShortestCycle.find(
          from: start,
          edges: { node in
            edges[node].indices.filter { members.contains(edges[node][$0].target) }
              .map { (edges[node][$0].target, $0) }
          })
      else { continue }
      diagnostics.append(cycle(steps.map { ($0.node, edges[$0.node][$0.label]) }))
    }
  }

  private func cycle(_ steps: [(module: Int, edge: LoadEdge)]) -> Diagnostic {
    func place(_ step: (module: Int, edge: LoadEdge)) -> SourceLocation {
      SourceLocation(path: scan.modules[step.module].path, range: step.edge.reference.range)
    }
    let first = steps[0]
    let shown = steps.prefix(CompilerLimits.cycleStepsMax)
    let notes = shown.dropFirst().map { step in
      Diagnostic.Note(
        "'\(scan.modules[step.module].path)' requires '\(scan.modules[step.edge.target].path)'",
        at: place(step))
    }
    let path = scan.modules[first.module].path
    let target = scan.modules[first.edge.target].path
    let message =
      switch steps.count {
      case 1: "'\(path)' requires itself while it loads"
      case 2: "'\(path)' and '\(target)' require each other while they load"
      default: "'\(path)' requires '\(target)', which through others requires it again while they load"
      }
    let isGuarded = steps.contains { $0.edge.reference.isGuarded }
    return Diagnostic(
      .requireCycle, isGuarded ? .warning : .error, message, at: place(first), notes: Array(notes),
      hint: "call require inside the function that needs the module: it then runs after both are loaded")
  }
}
