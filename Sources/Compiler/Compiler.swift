// The compiler's front door: a project's files in, an artifact and diagnostics out.

/// Choices of one build.
package struct BuildOptions: Equatable, Sendable {
  /// The environment that the artifact is for; nil leaves the choice to the runtime.
  package var environment: String?
  /// Drops the records of local variables.
  package var isRelease: Bool
  /// Warnings stop the build.
  package var isStrict: Bool
  /// The tests under test/ are part of it; such an artifact is for running them.
  package var includesTests = false

  package init(environment: String? = nil, isRelease: Bool = false, isStrict: Bool = false) {
    self.environment = environment
    self.isRelease = isRelease
    self.isStrict = isStrict
  }
}

/// How much work a build was.
package struct BuildStatistics: Equatable, Sendable {
  /// Lua files that were parsed and compiled.
  package var modulesCompiled = 0
  /// Lua files whose facts and bytecode were known.
  package var modulesCached = 0
  /// Files of any kind that were read.
  package var filesRead = 0

  package init() {}
}

/// What a build gave.
package struct BuildResult: Sendable {
  /// Nil when the build failed, or was a check only.
  package var artifact: [UInt8]?
  /// Nil when there are errors.
  package var plan: BuildPlan?
  /// Sorted findings with their counts; `failsBuild` decides about the exit code.
  package var report: DiagnosticReport
  /// The bytes of the files that the diagnostics name, for rendering.
  package var sources: [String: [UInt8]]
  package var statistics: BuildStatistics

  package var diagnostics: [Diagnostic] { report.diagnostics }
}

/// Compiles projects.
package enum Compiler {
  /// Builds once. Blocks, and uses all cores meanwhile.
  package static func build(
    files: any ProjectFiles, options: BuildOptions = BuildOptions(), cache: (any BuildCache)? = nil
  ) -> BuildResult {
    BuildSession(options: options, cache: cache).build(files)
  }

  /// Everything but the artifact.
  package static func check(
    files: any ProjectFiles, options: BuildOptions = BuildOptions(), cache: (any BuildCache)? = nil
  ) -> BuildResult {
    BuildSession(options: options, cache: cache).check(files)
  }
}
