// Sorts a project's files into functions, private functions, libraries, gateway and configuration. It reads
// names only, but for the few files whose names are the original's runtime's.

internal import SpacerArtifact

/// The compiler's first phase.
package enum ProjectScanner {
  package static let gatewayPath = "app/gateway.lua"
  package static let configPath = "config/application.yml"

  /// Never throws: a project that is not there gives a diagnostic and no modules. A missing gateway is not
  /// reported here, since whether one is needed depends on the rest.
  package static func scan(_ files: some ProjectFiles) -> ScannedProject {
    let listing: FileListing
    do {
      listing = try files.listing()
    } catch {
      return ScannedProject(modules: [], diagnostics: [unreadable(error)])
    }
    var diagnostics = listing.problems.map { unreadable($0) }
    var modules: [ScannedProject.Module] = []
    var originals: [String] = []
    for file in listing.files where file.path != gatewayPath {
      if OriginalRuntime.names(file.path), let content = try? files.read(file.path),
        OriginalRuntime.contains(file.path, content: content)
      {
        originals.append(file.path)
      } else if let module = module(file.path) {
        modules.append(module)
      }
    }
    let paths = listing.files.map(\.path)
    diagnostics += ambiguities(modules)
    if let note = originalRuntimeNote(originals) { diagnostics.append(note) }
    let hasConfig = paths.contains(configPath)
    if !hasConfig { diagnostics.append(configMissing(paths)) }
    return ScannedProject(
      modules: modules, gatewayPath: paths.contains(gatewayPath) ? gatewayPath : nil,
      configPath: hasConfig ? configPath : nil, originalRuntime: originals,
      diagnostics: DiagnosticReport.sorted(diagnostics))
  }

  /// The diagnostic for a file or folder that cannot be used.
  package static func unreadable(_ error: FileReadError) -> Diagnostic {
    Diagnostic(
      .unreadableFile, .error, "cannot use '\(error.path)': \(error.reason)",
      at: SourceLocation(path: error.path))
  }

  /// The module of a path under app/, lib/ or test/; nil for every other file.
  static func module(_ path: String) -> ScannedProject.Module? {
    guard path.hasSuffix(".lua") else { return nil }
    let stem = path.dropLast(".lua".count)
    let name: Substring
    let kind: ArtifactContents.ModuleKind
    if stem.hasPrefix("app/") {
      name = stem.dropFirst("app/".count)
      kind = name.hasPrefix("private/") ? .privateFunction : .function
    } else if stem.hasPrefix("lib/") {
      name = stem.dropFirst("lib/".count)
      kind = .library
    } else if TestFiles.contains(path) {
      name = stem
      kind = .library
    } else {
      return nil
    }
    guard !name.isEmpty, !name.hasSuffix("/") else { return nil }
    return ScannedProject.Module(name: String(name), path: path, kind: kind)
  }

  /// Files between which `require` could not tell, or of which one hides the other.
  private static func ambiguities(_ modules: [ScannedProject.Module]) -> [Diagnostic] {
    var diagnostics: [Diagnostic] = []
    var functions: [String: ScannedProject.Module] = [:]
    var libraries: [String: ScannedProject.Module] = [:]
    for module in modules {
      let key = ScannedProject.key(module.name)
      let other = module.kind == .library ? libraries[key] : functions[key]
      if let other {
        diagnostics.append(
          Diagnostic(
            .ambiguousModule, .error, "'\(module.path)' and '\(other.path)' are the same module '\(key)'",
            at: SourceLocation(path: module.path),
            notes: [Diagnostic.Note("the other file", at: SourceLocation(path: other.path))],
            hint: "'.' and '/' mean the same in a module's name: rename one of the files"))
      } else if module.kind == .library {
        libraries[key] = module
      } else {
        functions[key] = module
      }
    }
    for module in modules where module.kind == .library {
      guard let hiding = functions[ScannedProject.key(module.name)] else { continue }
      diagnostics.append(hidden(module, by: hiding, why: "app/ is searched before lib/"))
    }
    for module in modules where module.name.hasSuffix("/init") {
      let key = ScannedProject.key(String(module.name.dropLast("/init".count)))
      guard let hiding = module.kind == .library ? libraries[key] : functions[key] else { continue }
      diagnostics.append(hidden(module, by: hiding, why: "a file comes before a folder's init.lua"))
    }
    return diagnostics
  }

  private static func hidden(
    _ module: ScannedProject.Module, by other: ScannedProject.Module, why: String
  ) -> Diagnostic {
    Diagnostic(
      .ambiguousModule, .warning, "require \"\(other.name)\" finds '\(other.path)' and not '\(module.path)'",
      at: SourceLocation(path: module.path),
      notes: [Diagnostic.Note(why, at: SourceLocation(path: other.path))],
      hint: "rename one of the two")
  }

  private static func originalRuntimeNote(_ paths: [String]) -> Diagnostic? {
    guard let first = paths.first else { return nil }
    let subject =
      paths.count == 1
      ? "'\(first)' belongs to the original's runtime and is"
      : "\(paths.count) files belong to the original's runtime and are"
    return Diagnostic(
      .originalRuntime, .note, "\(subject) left out: built-in modules take their place",
      at: SourceLocation(path: first), notes: paths.map { Diagnostic.Note($0) })
  }

  private static func configMissing(_ paths: [String]) -> Diagnostic {
    let others = paths.filter { $0.hasPrefix("config/") && ($0.hasSuffix(".yml") || $0.hasSuffix(".yaml")) }
    let nearest = NearestName.find(configPath, in: others)
    return Diagnostic(
      .configMissing, .error, "the project has no \(configPath)", at: SourceLocation(path: configPath),
      hint: nearest.map { "rename '\($0)' to '\(configPath)'" }
        ?? "the least it holds is 'spacerVersion: 1' and 'appName: NAME', each on a line")
  }
}
