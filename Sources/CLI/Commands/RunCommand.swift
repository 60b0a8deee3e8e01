// `spacer run` is a thin front: it checks the command line, then becomes `spacer-serve`, which carries
// neither compiler nor Foundation and starts in a few milliseconds.

import ArgumentParser
import Glibc

/// `spacer run app.spx`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Serve a built application.",
    discussion: """
      SIGTERM and SIGINT let the requests in flight finish, then end the server. SIGHUP reads the artifact \
      and the certificate of `tls` again and goes on with them; when one of them is damaged, both old ones stay.
      """)

  @Argument(help: "The artifact that `spacer build` made.") var artifact: String
  @OptionGroup var serving: ServingOptions

  @Option(help: "Event loops, each on a core of its own (default: one a core).")
  var workers: Int?

  func validate() throws {
    if let workers, !(1...1024).contains(workers) {
      throw ValidationError("--workers takes a number from 1 to 1024, not \(workers)")
    }
  }

  func run() throws {
    var arguments = [artifact] + serving.arguments
    if let workers { arguments += ["--workers", String(workers)] }
    throw Self.becomeServer(arguments)
  }

  /// Replaces this process by `spacer-serve`; comes back only when that cannot be done.
  private static func becomeServer(_ arguments: [String]) -> CommandFailure {
    let folder: String
    do throws(SystemFailure) {
      folder = try Files.executableFolder()
    } catch {
      return .missing("cannot find its own folder: \(error)")
    }
    let server = folder + "/spacer-serve"
    let words = ([server] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    execv(server, words + [nil])
    let failure = SystemFailure("execv", server)
    return .missing("cannot start \(server): \(failure.reason); install spacer and spacer-serve together")
  }
}
