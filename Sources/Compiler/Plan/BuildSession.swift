// Builds of one project, one after the other. What one build learns of a module, of the configuration and of
// the gateway serves the next as long as the bytes it came from are the same; everything across files is
// found afresh each time.

package import SpacerArtifact
internal import SpacerLuaVM

/// Keeps between builds what is expensive to find. For one thread at a time.
package final class BuildSession {
  let options: BuildOptions
  private let cache: (any BuildCache)?
  var records: [String: ModuleRecord] = [:]
  private var isCacheRead = false
  private(set) var gateway = GatewayMemo()
  private var config: (bytes: [UInt8], result: (config: AppConfig?, diagnostics: [Diagnostic]))?
  private var scan: ScannedProject?
  /// The last whole build, when it was good and no quick one has gone on from it.
  var lastGood: (result: BuildResult, project: ProjectState)?
  /// The last build, once a quick one goes on from it.
  var quick: QuickBuild?
  /// Writing the cache waits for `takeStoring`.
  private let storesLater: Bool
  /// There is something to write.
  package var hasUnstored = false

  /// - Parameter storesLater: The cache is written by what `takeStoring` gives alone: its work is as long as a small build.
  package init(
    options: BuildOptions = BuildOptions(), cache: (any BuildCache)? = nil, storesLater: Bool = false
  ) {
    self.options = options
    self.cache = cache
    self.storesLater = storesLater
  }

  /// Builds the project.
  /// - Parameter changed: the only paths that may differ from the last build of this session, including those
  ///   that came or went; nil when any may.
  package func build(_ files: any ProjectFiles, changed: Set<String>? = nil) -> BuildResult {
    if let changed, let result = quickBuild(files, changed: changed) { return result }
    return run(files, changed: changed, emits: true)
  }

  /// Takes the writing of the cache, when there is news: some milliseconds of work, for any thread.
  package func takeStoring() -> (@Sendable () -> Void)? {
    guard hasUnstored else { return nil }
    hasUnstored = false
    return storing(hasChanges: true)
  }

  /// The same without an artifact.
  package func check(_ files: any ProjectFiles, changed: Set<String>? = nil) -> BuildResult {
    run(files, changed: changed, emits: false)
  }

  /// What application.yml alone makes, as the last build found it: an artifact without functions, for a server that
  /// begins before there is a good build. Only what decides where and how it listens is in it.
  package var contentsWithoutFunctions: ArtifactContents {
    let config = config?.result.config
    let kept = ["listen", "functionInvoker", "tls", "limits"]
    return ArtifactContents(
      appName: config?.appName.value ?? "unbuilt", spacerRelease: SpacerRelease.current,
      luaRelease: LuaHostState.luaRelease, architecture: ReaderIdentity.compiledArchitecture,
      settings: (config?.settings ?? []).filter { setting in
        kept.contains { setting.key == $0 || setting.key.hasPrefix($0 + ".") }
      })
  }

  private func run(_ files: any ProjectFiles, changed: Set<String>?, emits: Bool) -> BuildResult {
    let (scan, known) = scannedAndKnown(files, changed: changed)
    var project = ProjectState(scan: scan)
    project.diagnostics = scan.diagnostics

    readConfig(files, &project)
    var loader = ModuleLoader(
      files: files, isRelease: options.isRelease, changed: self.scan == nil ? nil : changed, records: known)
    self.scan = scan
    project.loadModules(&loader)
    if project.sources.isEmpty {
      project.sources = loader.sources
    } else {
      project.sources.merge(loader.sources) { $1 }
    }
    project.diagnostics += loader.problems
    records = loader.records

    var statistics = BuildStatistics()
    statistics.modulesCompiled = loader.compiledCount
    statistics.modulesCached = loader.loaded.count - loader.compiledCount - loader.problems.count
    statistics.filesRead = project.sources.count
    if storesLater, loader.hasChanges { hasUnstored = true }
    // The cache is written while the rest of the build goes on.
    return Parallel.with(storing(hasChanges: loader.hasChanges && !storesLater)) {
      evaluateGateway(files, &project)
      project.check()
      return finish(files, project, statistics, emits: emits)
    }.0
  }

  // MARK: Phases

  /// The project's files, and the modules that are known already. The first time the cache is read while the
  /// files are listed.
  private func scannedAndKnown(
    _ files: any ProjectFiles, changed: Set<String>?
  ) -> (scan: ScannedProject, known: [String: ModuleRecord]) {
    guard !isCacheRead, let cache else { return (scanned(files, changed: changed), records) }
    isCacheRead = true
    let (name, origin) = (cacheName, origin)
    return Parallel.with(
      { cache.load(name).flatMap { CachePack($0, origin: origin) }?.records ?? [:] },
      { scanned(files, changed: changed) })
  }

  private func scanned(_ files: any ProjectFiles, changed: Set<String>?) -> ScannedProject {
    // Without a file that came, went or may belong to the original's runtime, the last scan holds.
    if let scan, let changed,
      changed.allSatisfy({ path in
        (records[path] != nil || path == scan.configPath) && !OriginalRuntime.names(path)
          && (try? files.read(path)) != nil
      })
    {
      return scan
    }
    return ProjectScanner.scan(files)
  }

  private func readConfig(_ files: any ProjectFiles, _ project: inout ProjectState) {
    guard let path = project.scan.configPath else { return }
    let bytes: [UInt8]
    do {
      bytes = try files.read(path)
    } catch {
      project.diagnostics.append(ProjectScanner.unreadable(error))
      return
    }
    project.sources[path] = bytes
    if config?.bytes != bytes { config = (bytes, ConfigReader.read(path: path, bytes: bytes)) }
    project.config = config?.result.config
    project.diagnostics += config?.result.diagnostics ?? []
  }

  private func evaluateGateway(_ files: any ProjectFiles, _ project: inout ProjectState) {
    guard let path = project.scan.gatewayPath else {
      project.reportMissingGateway()
      return
    }
    guard let record = project.records[path], !record.hasErrors else { return }
    // Sources that came from the cache are read when they are asked for.
    let sources = project.sources
    let read = { (path: String) in sources[path] ?? (try? files.read(path)) }
    let evaluation = gateway.evaluation(path: path, scan: project.scan, records: project.records, read: read)
    project.take(evaluation)
  }

  private func finish(
    _ files: any ProjectFiles, _ project: ProjectState, _ statistics: BuildStatistics, emits: Bool
  ) -> BuildResult {
    var project = project
    project.readSources(files)
    var report = project.report(isStrict: options.isStrict)
    var plan: BuildPlan?
    var artifact: [UInt8]?
    if report.errorCount == 0, let config = project.config {
      let made = Planner(
        scan: project.scan, config: config, records: project.artifactRecords, entries: project.entries,
        options: options
      ).plan()
      plan = made
      if emits, !report.failsBuild {
        switch Emitter.emit(made, records: project.records) {
        case .success(let bytes): artifact = bytes
        case .failure(let problem):
          project.diagnostics.append(problem.diagnostic)
          report = project.report(isStrict: options.isStrict)
          plan = nil
        }
      }
    }
    let result = BuildResult(
      artifact: artifact, plan: plan, report: report, sources: project.sources, statistics: statistics)
    quick = nil
    lastGood = emits && artifact != nil ? (result, project) : nil
    return result
  }

  // MARK: The cache

  private var origin: CachePack.Origin {
    CachePack.Origin(
      spacerRelease: SpacerRelease.current, luaRelease: LuaHostState.luaRelease,
      architecture: ReaderIdentity.compiledArchitecture, isRelease: options.isRelease)
  }

  private var cacheName: String {
    // One of its own: a build without tests would forget them.
    options.includesTests ? "modules-test" : options.isRelease ? "modules-release" : "modules"
  }

  /// Writes the known modules to the cache, if there is news.
  private func storing(hasChanges: Bool) -> @Sendable () -> Void {
    guard let cache, hasChanges else { return {} }
    let (name, origin, records) = (cacheName, origin, records)
    return {
      var pack = CachePack()
      pack.records = records
      cache.store(name, pack.encoded(origin))
    }
  }
}
