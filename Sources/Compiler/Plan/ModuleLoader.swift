// Reads, checks and compiles modules: only those whose content is not known already, over all cores.

internal import SpacerLuaVM

/// Brings records of modules up to date.
struct ModuleLoader {
  let files: any ProjectFiles
  let isRelease: Bool
  /// The only paths whose content may differ from the records'; nil when any may.
  let changed: Set<String>?
  /// Known modules by path.
  private(set) var records: [String: ModuleRecord]
  /// Contents read in this run, by path.
  private(set) var sources: [String: [UInt8]] = [:]
  /// Files that cannot be read.
  private(set) var problems: [Diagnostic] = []
  private(set) var compiledCount = 0
  /// Whether a record is new or different.
  private(set) var hasChanges = false
  /// Paths that this run brought up to date.
  private(set) var loaded: Set<String> = []

  init(
    files: any ProjectFiles, isRelease: Bool, changed: Set<String>?, records: [String: ModuleRecord]
  ) {
    self.files = files
    self.isRelease = isRelease
    self.changed = changed
    self.records = records
  }

  private enum Outcome: Sendable {
    case unchanged
    /// Read, and the content is the known one; the fingerprint may be news.
    case same(FileFingerprint?, source: [UInt8])
    case compiled(ModuleRecord, source: [UInt8])
    case unreadable(FileReadError)
  }

  /// Brings `paths` up to date; each is looked at once a run.
  mutating func load(_ paths: [String]) {
    let paths = paths.filter { loaded.insert($0).inserted }
    let (files, isRelease, changed, records) = (files, isRelease, changed, records)
    let outcomes = Parallel.map(paths.count) { index, compiler in
      let path = paths[index]
      let known = records[path]
      if known != nil, let changed, !changed.contains(path) { return Outcome.unchanged }
      return Self.load(path, known: known, files: files, isRelease: isRelease, compiler: compiler)
    }
    for (path, outcome) in zip(paths, outcomes) { take(outcome, path: path) }
  }

  /// Drops the records of modules that this run did not come to.
  mutating func forgetOthers() {
    let wanted = loaded
    guard !records.keys.allSatisfy({ wanted.contains($0) }) else { return }
    records = records.filter { wanted.contains($0.key) }
    hasChanges = true
  }

  private mutating func take(_ outcome: Outcome, path: String) {
    switch outcome {
    case .unchanged: break
    case .same(let fingerprint, let source):
      sources[path] = source
      if records[path]?.fingerprint != fingerprint {
        records[path]?.fingerprint = fingerprint
        hasChanges = true
      }
    case .compiled(let record, let source):
      sources[path] = source
      records[path] = record
      compiledCount += 1
      hasChanges = true
    case .unreadable(let error):
      records[path] = nil
      problems.append(ProjectScanner.unreadable(error))
    }
  }

  private static func load(
    _ path: String, known: ModuleRecord?, files: any ProjectFiles, isRelease: Bool,
    compiler: borrowing BytecodeCompiler
  ) -> Outcome {
    // Before reading: a change in between then shows as another fingerprint next time.
    let fingerprint = files.fingerprint(path)
    if let known, let fingerprint, known.fingerprint == fingerprint { return .unchanged }
    let source: [UInt8]
    do {
      source = try files.read(path)
    } catch {
      return .unreadable(error)
    }
    let digest = ContentDigest(path: path, content: source)
    if let known, known.digest == digest { return .same(fingerprint, source: source) }
    let (facts, bytecode) = ModuleCompiler.compile(
      path: path, source: source, isRelease: isRelease, compiler: compiler)
    return .compiled(
      ModuleRecord(fingerprint: fingerprint, digest: digest, facts: facts, bytecode: bytecode),
      source: source)
  }
}

/// One module by itself: facts and bytecode.
enum ModuleCompiler {
  /// The bytecode is empty when the facts hold an error.
  static func compile(
    path: String, source: [UInt8], isRelease: Bool, compiler: borrowing BytecodeCompiler
  ) -> (facts: ModuleFacts, bytecode: [UInt8]) {
    var facts = FactsExtractor.extract(path: path, bytes: source)
    guard !facts.diagnostics.contains(where: { $0.id == .syntaxError || $0.id == .limitExceeded }) else {
      return (facts, [])
    }
    do {
      let chunk = try compiler.compile(source, from: LuaSource.body(of: source), path: path)
      let bytecode = isRelease ? try BytecodeRewriter.rewrite(chunk) : chunk
      return (facts, bytecode)
    } catch let failure as BytecodeCompiler.Failure {
      facts.diagnostics.append(diagnostic(failure, path: path, source: source))
    } catch {
      facts.diagnostics.append(
        Diagnostic(
          .limitExceeded, .error, "the compiled module has a form that --release cannot rewrite",
          at: SourceLocation(path: path)))
    }
    return (facts, [])
  }

  private static func diagnostic(
    _ failure: BytecodeCompiler.Failure, path: String, source: [UInt8]
  ) -> Diagnostic {
    let whole = SourceLocation(path: path)
    switch failure {
    case .rejected(let message, let line):
      let range = line > 0 ? LineMap(source).trimmedRange(ofLine: line) : nil
      return Diagnostic(
        .limitExceeded, .error, message, at: SourceLocation(path: path, range: range),
        hint: "Lua's compiler has fixed limits: split the function, or keep values in a table")
    case .outOfMemory: return Diagnostic(.limitExceeded, .error, "too large to compile", at: whole)
    case .foreignUpvalues:
      return Diagnostic(.limitExceeded, .error, "not a chunk that can be a module", at: whole)
    case .invalidName: return Diagnostic(.unreadableFile, .error, "its path holds a NUL byte", at: whole)
    }
  }
}
