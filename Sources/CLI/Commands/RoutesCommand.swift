import ArgumentParser
import SpacerArtifact
import SpacerCompiler

/// `spacer routes`.
struct RoutesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "routes", abstract: "List an application's routes, or explain how a request is matched.",
    usage: """
      spacer routes [PROJECT | app.spx] [--json]
      spacer routes [PROJECT | app.spx] --match METHOD PATH
      """,
    discussion: """
        spacer routes
        spacer routes app.spx --json
        spacer routes --match GET /users/7
      """)

  @Argument(help: "The project's folder, or an artifact.", completion: .file(extensions: ["spx"])) var target:
    String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Explain step by step which route takes a request, as in --match GET /users/7.",
      valueName: "method path"))
  var match: [String] = []

  @Flag(help: "Print JSON.") var json = false

  private static let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

  func validate() throws { _ = try request() }

  func run() throws {
    let (request, path) = try request()
    let listing = try RouteListing(Self.open(path ?? "."))
    if let request {
      let explanation = listing.explanation(method: request.method, path: request.path)
      Console.standardOutput.write(json ? explanation.json.text : explanation.text)
    } else {
      Console.standardOutput.write(json ? listing.json.text : listing.text)
    }
  }

  /// What to match, from `METHOD PATH` as one word or two; a word more is the target, which may stand there.
  private func request() throws -> (request: (method: String, path: String)?, target: String?) {
    guard let first = match.first else { return (nil, target) }
    var words = first.split(separator: " ").map(String.init) + match.dropFirst()
    guard words.count >= 2 else {
      throw ValidationError("--match takes a method and a path: --match GET /users/7")
    }
    let request = (method: words.removeFirst().uppercased(), path: words.removeFirst())
    guard Self.methods.contains(request.method) else {
      let nearest =
        NearestName.find(request.method, in: Self.methods).map { "; did you mean \($0)?" }
        ?? "; methods are \(Self.methods.joined(separator: ", "))"
      throw ValidationError("'\(request.method)' is no method that can be routed\(nearest)")
    }
    guard request.path.hasPrefix("/") else {
      throw ValidationError("--match takes a path that begins with '/', not '\(request.path)'")
    }
    guard words.count + (target == nil ? 0 : 1) <= 1 else {
      throw ValidationError("name one project or artifact, not also '\(words.last ?? "")'")
    }
    return (request, target ?? words.first)
  }

  /// The artifact at `path`, or the one that the project there gives.
  private static func open(_ path: String) throws -> ArtifactFile {
    if Files.kind(path) == .file || path.hasSuffix(".spx") && Files.kind(path) == .nothing {
      return try ArtifactFile.open(path)
    }
    let build = try ProjectBuild(project: path)
    let outcome = build.build()
    guard let artifact = outcome.artifact else {
      build.printDiagnostics(outcome)
      throw CommandFailure.projectErrors
    }
    do throws(ArtifactError) {
      return try ArtifactFile(artifact)
    } catch {
      throw CommandFailure.missing("cannot use the artifact of '\(path)': \(error)")
    }
  }
}
