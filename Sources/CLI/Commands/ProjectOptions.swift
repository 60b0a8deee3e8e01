import ArgumentParser
import SpacerCompiler

/// Which project to compile, and how: what `build`, `check`, `routes` and `dev` share.
struct ProjectOptions: ParsableArguments {
  @Argument(help: "The project's folder.") var project = "."

  /// Fails unless the folder looks like a project at all.
  static func requireProject(_ path: String) throws(CommandFailure) {
    switch Files.kind(path) {
    case .nothing: throw .missing("there is no folder '\(path)'; name the project's folder")
    case .file: throw .missing("'\(path)' is a file; name the project's folder")
    case .folder: break
    }
    if Files.kind(path + "/app") != .folder && Files.kind(path + "/config") != .folder {
      let shown = path == "." ? "this folder" : "'\(path)'"
      throw .missing(
        "\(shown) is no Spacer project: it has neither app/ nor config/; name the project's folder")
    }
  }
}

/// How to compile it.
struct CompileOptions: ParsableArguments {
  @Option(help: "Fix the environment (SPACER_ENV) that the artifact runs in.") var env: String?

  @Flag(help: "Leave out the records of local variables; errors still name file, line and global.")
  var release = false

  @Flag(help: "Let warnings stop the build.") var strict = false

  @Option(help: "How to print diagnostics: text on standard error, or json on standard output.")
  var format = DiagnosticFormat.text

  /// The same for the compiler.
  var options: BuildOptions { BuildOptions(environment: env, isRelease: release, isStrict: strict) }

  func validate() throws {
    if let env, env.isEmpty { throw ValidationError("--env takes a name") }
  }
}

/// The form of diagnostics.
enum DiagnosticFormat: String, CaseIterable, ExpressibleByArgument { case text, json }
