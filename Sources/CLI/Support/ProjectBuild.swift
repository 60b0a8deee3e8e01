// The one way in which commands compile a project: from disk, through the cache, with printed findings.

import SpacerCompiler

/// Builds of one project; each run takes what it can from the run before and from the cache on disk.
final class ProjectBuild {
  /// What one run gave.
  struct Outcome {
    /// Nil when the project has errors.
    var artifact: [UInt8]?
    var result: BuildResult
    var nanoseconds: UInt64

    /// `12 ms`.
    var duration: String {
      let microseconds = (nanoseconds + 500) / 1000
      if microseconds < 10_000 { return "\(microseconds / 1000).\(microseconds % 1000 / 100) ms" }
      return "\((microseconds + 500) / 1000) ms"
    }
  }
}
