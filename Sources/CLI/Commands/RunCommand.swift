// `spacer run` is a thin front: it checks the command line, then becomes `spacer-serve`, which carries
// neither compiler nor Foundation and starts in a few milliseconds. Where there is none, in the build of a plugin, it
// serves itself.

import ArgumentParser
import CSystem
import Glibc
import SpacerArtifact
import SpacerCompiler
import SpacerRuntime

/// `spacer run app.spx`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Serve a built application.",
    discussion: """
      SIGTERM and SIGINT let the requests in flight finish, then end the server. SIGHUP reads the artifact \
      and the certificate of `tls` again and goes on with them; when one of them is damaged, both old ones stay. \
      With --require-key the new artifact must be signed as well.

      --config puts a file in place of the application.yml that the artifact was built with: storages, limits, \
      addresses, schedules and the like. The application's name, its topics and its triggers belong to the \
      build, and must be the same. A server started so takes a new artifact or configuration by a restart only.

        spacer run app.spx --port 8080
        spacer run app.spx --config staging.yml
        spacer run app.spx --require-key release.key.pub
      """)

  @Argument(help: "The artifact that `spacer build` made.", completion: .file(extensions: ["spx"]))
  var artifact: String
  @OptionGroup var serving: ServingOptions

  @Option(help: "Event loops, each on a core of its own (default: one a core).")
  var workers: Int?

  @Option(
    name: [.customShort("c"), .long], help: "An application.yml to use in place of the artifact's.",
    completion: .file(extensions: ["yml", "yaml"]))
  var config: String?

  @Option(
    name: .customLong("require-key"),
    help: ArgumentHelp(
      "Serve only what the private key of this public one has signed; can be given several times, for a choice.",
      valueName: "pub"))
  var requiredKeys: [String] = []

  func validate() throws {
    // What serves then is made from two files, of which only one was signed.
    if config != nil, !requiredKeys.isEmpty {
      throw ValidationError(
        "--config and --require-key exclude each other: build the configuration in, and sign that")
    }
    if requiredKeys.contains("") { throw ValidationError("--require-key takes a public key's file") }
    if let workers, !(1...1024).contains(workers) {
      throw ValidationError("--workers takes a number from 1 to 1024, not \(workers)")
    }
  }

  func run() throws {
    let served = try config.map { try Self.reconfigured(artifact, $0) } ?? artifact
    var arguments = [served] + serving.arguments
    if let workers { arguments += ["--workers", String(workers)] }
    for key in requiredKeys { arguments += ["--require-key", key] }
    if Files.isPluginTool { Glibc.exit(ServeCommand.run(arguments: ["spacer"] + arguments)) }
    throw Self.becomeServer(arguments)
  }

  /// The path of the artifact with another configuration, in memory that the server inherits.
  private static func reconfigured(_ artifact: String, _ path: String) throws -> String {
    let bytes: [UInt8]
    do throws(SystemFailure) {
      bytes = try Files.read(path)
    } catch {
      throw CommandFailure.missing("cannot read the configuration \(path): \(error.reason)")
    }
    let (contents, report) = Reconfiguration.apply(
      path: path, bytes: bytes, to: try ArtifactFile.open(artifact).contents)
    let console = Console.standardError
    console.write(DiagnosticRenderer(sources: [path: bytes], useColor: console.wantsColor).text(report))
    guard let contents else { throw CommandFailure.projectErrors }
    let encoded: [UInt8]
    do throws(ArtifactError) {
      encoded = try ArtifactWriter.encode(contents)
    } catch {
      throw CommandFailure.missing("cannot use \(artifact) with \(path): \(error)")
    }
    let descriptor = spacer_memory_file("spacer-artifact")
    guard descriptor >= 0, Files.writeAll(encoded, to: descriptor) else {
      throw CommandFailure.missing(
        "no memory for the artifact: \(SystemFailure("memfd_create", path).reason)")
    }
    return "/proc/self/fd/\(descriptor)"
  }

  /// Replaces this process by `spacer-serve`; comes back only when that cannot be done.
  private static func becomeServer(_ arguments: [String]) -> CommandFailure {
    let server: String
    do throws(SystemFailure) {
      server = try Files.runtimeExecutable()
    } catch {
      return .missing("cannot find its own folder: \(error)")
    }
    let words = ([server] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    execv(server, words + [nil])
    let failure = SystemFailure("execv", server)
    return .missing("cannot start \(server): \(failure.reason); install spacer and spacer-serve together")
  }
}
