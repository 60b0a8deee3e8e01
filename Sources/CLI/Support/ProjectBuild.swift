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
    fileprivate var result: BuildResult
    fileprivate var nanoseconds: UInt64

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
    var duration: String {
      let tenths = (nanoseconds + 50_000) / 100_000
      return tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\((tenths + 5) / 10) ms"
    }

    private static func count(_ number: Int, _ noun: String) -> String {
      number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    private static func size(_ bytes: Int) -> String {
      if bytes < 10_000 { return "\(bytes) bytes" }
      let (unit, name) = bytes < 10_000_000 ? (1000, "KB") : (1_000_000, "MB")
      return "\(bytes / unit).\(bytes % unit * 10 / unit) \(name)"
    }
  }

  private let files: DiskFiles
  private let session: BuildSession
  private let format: DiagnosticFormat

  /// - Throws: When there is no project.
  init(
    project: String, options: BuildOptions = BuildOptions(), format: DiagnosticFormat = .text
  ) throws(CommandFailure) {
    try ProjectOptions.requireProject(project)
    files = DiskFiles(root: project)
    session = BuildSession(options: options, cache: DiskCache(project: project))
    self.format = format
  }

  /// Compiles the project as it is on disk now.
  func build() -> Outcome { measured { session.build(files) } }

  /// The same without an artifact.
  func check() -> Outcome { measured { session.check(files) } }

  private func measured(_ work: () -> BuildResult) -> Outcome {
    let start = Clock.nanoseconds
    let result = work()
    return Outcome(result: result, nanoseconds: Clock.nanoseconds - start)
  }

  /// Prints what was found: text on standard error, JSON on standard output.
  func printDiagnostics(_ outcome: Outcome) {
    switch format {
    case .text:
      let console = Console.standardError
      let renderer = DiagnosticRenderer(sources: outcome.result.sources, useColor: console.wantsColor)
      console.write(renderer.text(outcome.result.report))
    case .json:
      Console.standardOutput.write(
        DiagnosticJSON(sources: outcome.result.sources).text(outcome.result.report))
    }
  }

  /// The closing line for people.
  func printSummary(_ text: String) {
    if format == .text { Console.standardError.write(text + "\n") }
  }
}
