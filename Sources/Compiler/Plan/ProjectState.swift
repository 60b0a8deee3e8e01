// One build under way: what each phase found, handed to the next.

internal import SpacerArtifact

/// The state of one build.
struct ProjectState {
  let scan: ScannedProject
  var config: AppConfig?
  /// Modules of this build by path.
  private(set) var records: [String: ModuleRecord] = [:]
  /// Libraries that nothing requires, by path: only whether they are Lua at all is said of them.
  private var unused: [String: ModuleRecord] = [:]
  /// By index of `scan.modules`: goes into the artifact.
  private(set) var isIncluded: [Bool]
  private(set) var entries: [GatewayEntry] = []
  var diagnostics: [Diagnostic] = []
  var sources: [String: [UInt8]] = [:]

  init(scan: ScannedProject) {
    self.scan = scan
    isIncluded = Array(repeating: false, count: scan.modules.count)
  }

  /// By index of `scan.modules`, for the planner.
  var artifactRecords: [ModuleRecord?] {
    scan.modules.indices.map { isIncluded[$0] ? records[scan.modules[$0].path] : nil }
  }

  // MARK: Modules

  /// Loads what the build consists of: all of app/, since any function can be called by a computed name, what
  /// `include` names, the tests, where there are any, and of lib/ what these require.
  mutating func loadModules(_ loader: inout ModuleLoader) {
    let included = includedLibraries()
    let roots = scan.modules.indices.filter {
      scan.modules[$0].kind != .library || included.contains($0) || TestFiles.isTest(scan.modules[$0].path)
    }
    loader.load((scan.gatewayPath.map { [$0] } ?? []) + roots.map { scan.modules[$0].path })
    let ofGateway = scan.gatewayPath.map { requiredModules(by: $0, loader) } ?? []
    // What only the gateway requires is checked, and stays out of the artifact.
    follow(roots + ofGateway, &loader)
    let used = loader.loaded
    // A library that nothing requires stays out, but a file that cannot be read as Lua is a mistake anyway.
    loader.load(scan.modules.map(\.path).filter { !used.contains($0) })
    loader.forgetOthers()
    for (path, record) in loader.records {
      if used.contains(path) { records[path] = record } else { unused[path] = record }
    }
    for index in reachable(from: roots, loader) where records[scan.modules[index].path] != nil {
      isIncluded[index] = true
    }
  }

  private func requiredModules(by path: String, _ loader: ModuleLoader) -> [Int] {
    (loader.records[path]?.facts.requires ?? []).compactMap { scan.resolve(require: $0.reference.name) }
  }

  /// Loads everything that the modules require, level by level, each level in parallel.
  private func follow(_ start: [Int], _ loader: inout ModuleLoader) {
    var seen: Set<Int> = Set(start)
    var level = start
    while !level.isEmpty {
      loader.load(level.map { scan.modules[$0].path })
      level = level.flatMap { requiredModules(by: scan.modules[$0].path, loader) }
        .filter { seen.insert($0).inserted }
    }
  }

  private func reachable(from start: [Int], _ loader: ModuleLoader) -> Set<Int> {
    var seen: Set<Int> = Set(start)
    var queue = start
    while let index = queue.popLast() {
      for target in requiredModules(by: scan.modules[index].path, loader) where seen.insert(target).inserted {
        queue.append(target)
      }
    }
    return seen
  }

  private mutating func includedLibraries() -> Set<Int> {
    guard let config, let path = scan.configPath else { return [] }
    var found: Set<Int> = []
    for pattern in config.include {
      let glob = NamePattern(ScannedProject.key(pattern.value))
      let matches = scan.modules.indices.filter { glob.matches(ScannedProject.key(scan.modules[$0].name)) }
      if matches.isEmpty {
        diagnostics.append(
          Diagnostic(
            .configValue, .warning, "'\(pattern.value)' includes no module",
            at: SourceLocation(path: path, range: pattern.range),
            hint: NearestName.hint(pattern.value, in: scan.modules.map(\.name))
              ?? "write names as require does, without app/ or lib/; '*' stands for one part, '**' for any"))
      }
      found.formUnion(matches)
    }
    return found
  }

  // MARK: Gateway

  private static let routesHint = "it lists the routes: `return { {\"GET\", \"/hello\", \"hello\"} }`"

  /// Whether functions can be reached without a route.
  private var hasOtherWays: Bool {
    !(config?.triggers.isEmpty ?? true) || !(config?.schedules.isEmpty ?? true)
      || scan.modules.contains { $0.kind == .privateFunction }
  }

  mutating func reportMissingGateway() {
    // Of a project that cannot be read at all, that is enough to say.
    let isUnreadable = scan.diagnostics.contains { $0.id == .unreadableFile }
    if isUnreadable, scan.modules.isEmpty, scan.configPath == nil { return }
    let path = ProjectScanner.gatewayPath
    diagnostics.append(
      Diagnostic(
        .gatewayMissing, hasOtherWays ? .warning : .error, "the project has no \(path)",
        at: SourceLocation(path: path),
        hint: Self.routesHint))
  }

  mutating func take(_ evaluation: GatewayEvaluation) {
    entries = evaluation.entries
    diagnostics += evaluation.diagnostics.filter { !($0.id == .gatewayFailed && isExplained($0)) }
    diagnostics += RouteFindings.diagnostics(entries)
    if entries.isEmpty, evaluation.diagnostics.isEmpty, !hasOtherWays, let path = scan.gatewayPath {
      diagnostics.append(
        Diagnostic(
          .malformedRoute, .warning, "the gateway lists no routes", at: SourceLocation(path: path),
          hint: Self.routesHint))
    }
  }

  /// Whether the file where evaluation failed has an error of its own that tells why.
  private func isExplained(_ failure: Diagnostic) -> Bool {
    let places = [failure.location] + failure.notes.compactMap(\.location)
    return places.contains { place in
      guard let record = records[place.path] else { return false }
      if record.hasErrors { return true }
      return record.facts.requires.contains { require in
        let range = require.reference.range
        guard let line = place.range, range.start >= line.start, range.end <= line.end else { return false }
        return scan.resolve(require: require.reference.name) == nil
          && !BuiltinModules.names.contains(require.reference.name)
      }
    }
  }

  // MARK: Checks and report

  mutating func check() {
    for record in unused.values {
      diagnostics += record.facts.diagnostics.filter { $0.id == .syntaxError }
    }
    let found = ModuleChecks.run(
      scan: scan, config: config, facts: scan.modules.map { records[$0.path]?.facts },
      gateway: scan.gatewayPath.flatMap { records[$0]?.facts }, entries: entries)
    diagnostics += found
    let notFunctions = Set(found.filter { $0.id == .notAFunction }.map(\.location.path))
    for (path, record) in records {
      // The function that was to be returned is unused for that reason alone.
      let explained = notFunctions.contains(path) ? record.facts.unreturnedFunction?.range : nil
      diagnostics += record.facts.diagnostics.filter { diagnostic in
        diagnostic.id != .unusedLocal || explained == nil || diagnostic.location.range != explained
      }
    }
  }

  /// Reads the files that the diagnostics name and that this build had no need to read.
  mutating func readSources(_ files: any ProjectFiles) {
    var paths: Set<String> = []
    for diagnostic in diagnostics {
      paths.insert(diagnostic.location.path)
      for case let location? in diagnostic.notes.map(\.location) { paths.insert(location.path) }
    }
    for (path, record) in records where !record.facts.ignores.isEmpty { paths.insert(path) }
    for path in paths where sources[path] == nil {
      if let bytes = try? files.read(path) { sources[path] = bytes }
    }
    sources = sources.filter { paths.contains($0.key) }
  }

  func report(isStrict: Bool) -> DiagnosticReport {
    let ignores = records.flatMap { path, record in record.facts.ignores.map { (path: path, ignore: $0) } }
      .sorted { ($0.path, $0.ignore.range.start) < ($1.path, $1.ignore.range.start) }
    return DiagnosticReport(diagnostics, sources: sources, ignores: ignores, isStrict: isStrict)
  }
}

extension ModuleRecord {
  /// Whether the module by itself has an error.
  var hasErrors: Bool { facts.diagnostics.contains { $0.severity == .error } }
}
