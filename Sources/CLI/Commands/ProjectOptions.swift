import ArgumentParser
import SpacerCompiler

/// Which project to compile, and how: what `build`, `check`, `routes` and `dev` share.
struct ProjectOptions: ParsableArguments {
  @Argument(help: "The project's folder.", completion: .directory) var project = "."

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
        "\(shown) is no Spacer project: it has neither app/ nor config/; name the project's folder, "
          + "or make one with 'spacer init FOLDER'")
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

  @Flag(help: "Name files in diagnostics by their absolute paths, as tools that run elsewhere need them.")
  var absolutePaths = false

  @Option(
    help: ArgumentHelp(
      "Keep what is compiled here for the next build (default: .spacer/cache in the project).",
      valueName: "folder"), completion: .directory)
  var cache: String?

  /// The same for the compiler.
  var options: BuildOptions { BuildOptions(environment: env, isRelease: release, isStrict: strict) }

  /// What decides the artifact's bytes, as words of a command line.
  var arguments: [String] { (env.map { ["--env", $0] } ?? []) + (release ? ["--release"] : []) }

  func validate() throws {
    try EnvironmentName.validate(env)
    if cache == "" { throw ValidationError("--cache takes a folder") }
  }
}

/// The name of an environment, as `production`.
enum EnvironmentName {
  static func validate(_ name: String?) throws {
    guard let name else { return }
    let isName = name.utf8.allSatisfy {
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
    }
    guard isName, !name.isEmpty else {
      throw ValidationError("--env takes a name of letters, digits, '_' and '-', not '\(name)'")
    }
  }
}

/// The form of diagnostics.
enum DiagnosticFormat: String, CaseIterable, ExpressibleByArgument { case text, json }
