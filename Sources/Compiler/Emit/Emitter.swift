// Writes a plan out: bytecode joins the plan's modules, the artifact's writer does the rest.

internal import SpacerArtifact

/// The last phase.
enum Emitter {
  /// A plan that cannot be written.
  struct Problem: Error {
    var diagnostic: Diagnostic
  }

  /// - Parameter records: the modules by path, all of the plan's among them.
  static func emit(_ plan: BuildPlan, records: [String: ModuleRecord]) -> Result<[UInt8], Problem> {
    var contents = plan.contents
    for index in contents.modules.indices {
      contents.modules[index].bytecode = records[contents.modules[index].path]?.bytecode ?? []
    }
    do {
      return .success(try ArtifactWriter.encode(contents))
    } catch {
      return .failure(
        Problem(
          diagnostic: Diagnostic(
            .limitExceeded, .error, "the artifact cannot be written: \(error)",
            at: SourceLocation(path: ProjectScanner.configPath))))
    }
  }
}
