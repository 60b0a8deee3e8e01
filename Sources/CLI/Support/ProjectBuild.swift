// The one way in which commands compile a project: from disk, through the cache, with printed findings.

import SpacerArtifact
import SpacerCompiler

/// Builds of one project; each run takes what it can from the run before and from the cache on disk.
final class ProjectBuild {
  /// What one run gave.
  struct Outcome {
    /// Nil when the project has errors, or after a check.
    var artifact: [UInt8]? { result.artifact }
    /// Whether errors, or warnings with `--strict`, were found.
    var hasFailed: Bool { result.report.failsBuild }
    /// What the artifact holds, or would; nil when the project has errors.
    var contents: ArtifactContents? { result.plan?.contents }
    let result: BuildResult
    let nanoseconds: UInt64

    /// `34 modules, 12 routes, 56.7 KB in 12 ms (33 cached)`.
    var summary: String {
      var parts: [String] = []
      if let contents = result.plan?.contents {
        parts = [Self.count(contents.modules.count, "module"), Self.count(contents.routes.count, "route")]
      }
      if let artifact { parts.append(Self.size(artifact.count)) }
      let cached = result.statistics.modulesCached
      return parts.joined(separator: ", ") + " in \(duration)" + (cached > 0 ? " (\(cached) cached)" : "")
    }

    /// `1 of 34 files compiled`.
    var work: String {
      let compiled = result.statistics.modulesCompiled
      return "\(compiled) of \(Self.count(compiled + result.statistics.modulesCached, "file")) compiled"
    }

    /// `12 ms`.
    var duration: String { ProjectBuild.duration(nanoseconds) }

    private static func count(_ number: Int, _ noun: String) -> String {
      number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    private static func size(_ bytes: Int) -> String {
      if bytes < 10_000 { return "\(bytes) bytes" }
      let (unit, name) = bytes < 10_000_000 ? (1000, "KB") : (1_000_000, "MB")
      return "\(bytes / unit).\(bytes % unit * 10 / unit) \(name)"
    }
  }

  /// `12 ms`.
  static func duration(_ nanoseconds: UInt64) -> String {
    let tenths = (nanoseconds + 50_000) / 100_000
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\((tenths + 5) / 10) ms"
  }

  private let files: DiskFiles
  private let session: BuildSession
  private let format: DiagnosticFormat
  /// What stands before a file's path in diagnostics: nothing, or the project's folder.
  private let pathPrefix: String

  /// As the options of a command say.
  /// - Throws: When there is no project.
  convenience init(project: String, _ options: CompileOptions) throws(CommandFailure) {
    try self.init(
      project: project, options: options.options, format: options.format, cache: options.cache,
      hasAbsolutePaths: options.absolutePaths)
  }

  /// - Parameters:
  ///   - cache: The folder of the build cache; nil for the one in the project.
  ///   - hasAbsolutePaths: Whether diagnostics name files by absolute paths; else by those in the project.
  ///   - storesLater: The cache is written by what `takeStoring` gives alone.
  /// - Throws: When there is no project.
  init(
    project: String, options: BuildOptions = BuildOptions(), format: DiagnosticFormat = .text,
    cache: String? = nil, hasAbsolutePaths: Bool = false, storesLater: Bool = false
  ) throws(CommandFailure) {
    try ProjectOptions.requireProject(project)
    files = DiskFiles(
      root: project, folders: options.includesTests ? ScanLimits.foldersWithTests : ScanLimits.folders)
    session = BuildSession(
      options: options, cache: cache.map { DiskCache(folder: $0) } ?? DiskCache(project: project),
      storesLater: storesLater)
    self.format = format
    pathPrefix = hasAbsolutePaths ? Files.absolute(project) + "/" : ""
  }

  /// Compiles the project as it is on disk now.
  /// - Parameter changed: The only paths that may differ from the run before; nil when any may.
  func build(changed: Set<String>? = nil) -> Outcome { measured { session.build(files, changed: changed) } }

  /// The same without an artifact.
  func check() -> Outcome { measured { session.check(files) } }

  /// Whether the cache on disk lacks something.
  var hasUnstored: Bool { session.hasUnstored }

  /// Takes the writing of the cache on disk, if there is news; for any thread.
  func takeStoring() -> (@Sendable () -> Void)? { session.takeStoring() }

  /// What application.yml alone makes, for when the last build failed.
  var contentsWithoutFunctions: ArtifactContents { session.contentsWithoutFunctions }

  private func measured(_ work: () -> BuildResult) -> Outcome {
    let start = Clock.nanoseconds
    let result = work()
    return Outcome(result: result, nanoseconds: Clock.nanoseconds - start)
  }

  /// What was found, as text for standard error.
  func diagnosticText(_ outcome: Outcome) -> String {
    DiagnosticRenderer(
      sources: outcome.result.sources, useColor: Console.standardError.wantsColor, pathPrefix: pathPrefix
    ).text(outcome.result.report)
  }

  /// Prints what was found: text on standard error, JSON on standard output.
  func printDiagnostics(_ outcome: Outcome) {
    switch format {
    case .text: Console.standardError.write(diagnosticText(outcome))
    case .json:
      Console.standardOutput.write(
        DiagnosticJSON(sources: outcome.result.sources, pathPrefix: pathPrefix).text(outcome.result.report))
    }
  }

  /// Prints warnings about the tests themselves, which no other command sees.
  func printTestWarnings(_ outcome: Outcome) {
    guard format == .text else { return }
    let found = outcome.result.diagnostics.filter {
      $0.severity == .warning && TestFiles.contains($0.location.path)
    }
    let console = Console.standardError
    let renderer = DiagnosticRenderer(sources: outcome.result.sources, useColor: console.wantsColor)
    console.write(found.map { renderer.text($0) + "\n" }.joined())
  }

  /// The closing line for people.
  func printSummary(_ text: String) {
    if format == .text { Console.standardError.write(text + "\n") }
  }
}
