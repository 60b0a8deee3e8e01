import ArgumentParser
import SpacerArtifact
import SpacerCompiler
import SpacerEventLog
import SpacerRuntime

/// Whose event log a command works on, and where it is: what the commands of `spacer events` share.
struct EventLogOptions: ParsableArguments {
  @Option(help: "The project's folder, compiled in memory (default: this folder).", completion: .directory)
  var project: String?

  @Option(
    help: ArgumentHelp("A built artifact instead of a project.", valueName: "app.spx"),
    completion: .file(extensions: ["spx"]))
  var artifact: String?

  @Option(
    help: ArgumentHelp(
      "The environment whose logStorage is meant, as SPACER_ENV (default: development for a project; for an artifact its own, else production).",
      valueName: "name"))
  var env: String?

  @Option(
    help: ArgumentHelp(
      "The write proxy's address of a running server to go through, as in http://127.0.0.1:9065.",
      valueName: "url"))
  var url: String?

  @Option(
    help: "The write proxy's token (default: SPACER_WRITE_PROXY_TOKEN, else what application.yml says).")
  var token: String?

  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    try EnvironmentName.validate(env)
    if project != nil, artifact != nil { throw ValidationError("name a project or an artifact, not both") }
    if let url { _ = try Self.address(url) }
    if let token, token.isEmpty { throw ValidationError("--token takes a token") }
  }

  private static func address(_ url: String) throws -> RemoteAddress {
    do throws(EventLogError) {
      return try RemoteAddress(url: url)
    } catch {
      throw ValidationError("--url: \(error.message)")
    }
  }

  /// Connects.
  /// - Parameter mayCreate: A storage that is not there yet is made.
  func open(group: String? = nil, mayCreate: Bool = false) throws -> EventSession {
    let loaded = try load()
    var options = EventLogConnection.Options(
      environment: env ?? ServeOptions.variable("SPACER_ENV") ?? loaded.environment)
    options.group = group
    options.address = try url.map { try Self.address($0) }
    options.token = token ?? ServeOptions.variable("SPACER_WRITE_PROXY_TOKEN")
    options.mayCreate = mayCreate
    do throws(ConnectionError) {
      return EventSession(try EventLogConnection(loaded.artifact, options), artifact: loaded.artifact)
    } catch {
      throw CommandFailure.missing(error.message)
    }
  }

  /// The artifact, and the environment when nothing says one: that of `dev` for a project, of `run` for an artifact.
  private func load() throws -> (artifact: LoadedArtifact, environment: String) {
    let bytes = artifact == nil ? try compile() : []
    do throws(LoadError) {
      guard let artifact else { return (try LoadedArtifact(bytes: bytes), "development") }
      let loaded = try LoadedArtifact(path: artifact)
      return (loaded, loaded.image.environment ?? "production")
    } catch {
      throw CommandFailure.missing(error.message)
    }
  }

  private func compile() throws -> [UInt8] {
    let build = try ProjectBuild(project: project ?? ".")
    let outcome = build.build()
    guard let artifact = outcome.artifact else {
      build.printDiagnostics(outcome)
      throw CommandFailure.projectErrors
    }
    return artifact
  }
}

/// Which consumer group a command is about.
struct EventGroupOptions: ParsableArguments {
  @Option(
    name: [.customShort("g"), .long],
    help: ArgumentHelp(
      "The consumer group (default: consumerGroup in application.yml, else spacer-APPNAME).",
      valueName: "name"))
  var group: String?

  func validate() throws {
    if let group, group.isEmpty || group.utf8.contains(0) {
      throw ValidationError("--group takes a group's name")
    }
  }
}
