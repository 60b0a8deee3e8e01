// A build after a save that changed code and nothing else: the common one while someone works, and the one whose
// time is felt. What a file says to the rest of the project is its facts without their places; as long as those are
// the same, so is everything that is found across files, and only the file's code is new in the artifact.
//
// It is taken only where that is certain: the file is a module of the artifact, nothing was or is found in it, and
// the gateway was not evaluated with it. Everything else is a build like any other, whose result is the same.

internal import SpacerArtifact
internal import SpacerLuaVM

/// What the last good build came to, for a quick one to go on from.
struct QuickBuild {
  /// More changed files than these are not looked at one by one.
  static let changedCountMax = 16

  fileprivate var result: BuildResult
  /// Indexes into the plan's modules, by path.
  fileprivate let places: [String: Int]
  /// Files whose findings, or whose part in the gateway, need a whole build.
  fileprivate let excluded: Set<String>

  /// Nil when the build was not good.
  init?(_ result: BuildResult, _ project: ProjectState, gatewayRequires: [String]) {
    guard result.artifact != nil, let plan = result.plan else { return nil }
    self.result = result
    places = Dictionary(plan.contents.modules.enumerated().map { ($1.path, $0) }) { first, _ in first }
    var excluded = Set(gatewayRequires)
    if let path = project.scan.gatewayPath { excluded.insert(path) }
    for diagnostic in project.diagnostics + result.report.diagnostics {
      excluded.insert(diagnostic.location.path)
      for case let location? in diagnostic.notes.map(\.location) { excluded.insert(location.path) }
    }
    for (path, record) in project.records where !record.facts.ignores.isEmpty { excluded.insert(path) }
    self.excluded = excluded
  }
}

extension BuildSession {
  /// Builds by what has changed alone; nil when that needs a whole build.
  func quickBuild(_ files: any ProjectFiles, changed: Set<String>) -> BuildResult? {
    guard !changed.isEmpty else { return nil }
    if let (result, project) = lastGood.take() {
      quick = QuickBuild(result, project, gatewayRequires: gateway.requiredPaths)
    }
    guard var quick, changed.count <= QuickBuild.changedCountMax,
      let artifact = quick.result.artifact, var plan = quick.result.plan
    else { return nil }
    var result = quick.result
    var found: [(path: String, record: ModuleRecord)] = []
    var patches: [ArtifactPatch.Module] = []
    for path in changed.sorted(by: ByteOrder.precedes) {
      guard let place = quick.places[path], !quick.excluded.contains(path), !OriginalRuntime.names(path),
        let known = records[path], let record = quickRecord(files, path, known)
      else { return nil }
      if record.digest == known.digest { continue }
      let validations = record.facts.validations
      plan.contents.modules[place].contentHash = record.digest.shortened
      // None where a module of the project's own has the name `validate`.
      let isListed = !plan.contents.modules[place].validations.isEmpty
      if isListed {
        plan.contents.modules[place].validations = validations.map {
          .init(line: $0.line, description: $0.description)
        }
      }
      found.append((path, record))
      patches.append(
        ArtifactPatch.Module(
          path: path, bytecode: record.bytecode, contentHash: record.digest.shortened,
          validationLines: isListed ? validations.map(\.line) : []))
    }
    if !patches.isEmpty {
      guard let patched = ArtifactPatch.apply(patches, to: artifact) else { return nil }
      result.artifact = patched
    }
    for (path, record) in found {
      records[path] = record
      hasUnstored = true
    }
    let moduleCount = result.statistics.modulesCompiled + result.statistics.modulesCached
    result.statistics.modulesCompiled = found.count
    result.statistics.modulesCached = moduleCount - found.count
    result.statistics.filesRead = changed.count
    result.plan = plan
    quick.result = result
    self.quick = quick
    return result
  }

  /// The file as it is now; nil when it says something else to the project than before.
  private func quickRecord(_ files: any ProjectFiles, _ path: String, _ known: ModuleRecord) -> ModuleRecord?
  {
    let fingerprint = files.fingerprint(path)
    guard let source = try? files.read(path) else { return nil }
    let digest = ContentDigest(path: path, content: source)
    guard digest != known.digest else { return known }
    let (facts, bytecode) = ModuleCompiler.compile(
      path: path, source: source, isRelease: options.isRelease, compiler: BytecodeCompiler())
    guard facts.diagnostics.isEmpty, facts.ignores.isEmpty, known.facts.diagnostics.isEmpty,
      facts.withoutPlaces == known.facts.withoutPlaces
    else { return nil }
    return ModuleRecord(fingerprint: fingerprint, digest: digest, facts: facts, bytecode: bytecode)
  }
}

extension ModuleFacts {
  /// The same with every place at the file's start. Two files whose facts are then equal say the same to the rest of
  /// the project: places only tell where a finding is shown.
  var withoutPlaces: ModuleFacts {
    let nowhere = SourceRange(start: 0, end: 0)
    let moved = { (references: [Reference]) in
      references.map { Reference(name: $0.name, range: nowhere, isGuarded: $0.isGuarded) }
    }
    var facts = self
    facts.requires = requires.map { require in
      var require = require
      require.reference.range = nowhere
      return require
    }
    facts.dynamicRequires = dynamicRequires.map { _ in nowhere }
    facts.appends = moved(appends)
    facts.calls = moved(calls)
    facts.getenvs = moved(getenvs)
    facts.globalReads = moved(globalReads)
    facts.globalWrites = moved(globalWrites)
    facts.unknownTypes = moved(unknownTypes)
    facts.returnRange = nowhere
    facts.unreturnedFunction?.range = nowhere
    facts.validations = validations.map { Validation(line: 0, description: $0.description) }
    return facts
  }
}
