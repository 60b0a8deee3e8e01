// The serving half of `spacer dev`: which build answers, and what clients are told of the newest one.

import SpacerArtifact
import SpacerCompiler
import SpacerRuntime

/// Serves the good builds of one project. Used from one thread.
struct DevServer: ~Copyable {
  private let options: ServeOptions
  private let output: DevOutput
  private var server: Server?
  /// The artifact that answers; nil before the first good build.
  private var served: [UInt8]?
  /// The newest build failed.
  private var isFailed = false
  private var buildCount = 0

  /// - Parameter output: Where the developer is told of it.
  init(options: ServeOptions, output: DevOutput) {
    self.options = options
    self.output = output
  }

  /// Whether a good build answers.
  var isServing: Bool { served != nil }

  /// Serves what a build made. Of one that failed it tells its clients; the last good one goes on, and before the
  /// first one a server without functions answers.
  /// - Parameters:
  ///   - isAskedFor: The developer wants to hear of it, even if nothing has changed.
  ///   - standIn: What such a server has.
  /// - Throws: When no server can be started.
  mutating func take(
    _ outcome: ProjectBuild.Outcome, isAskedFor: Bool = false, standIn: () -> ArtifactContents
  ) throws(CommandFailure) {
    buildCount += 1
    guard let artifact = outcome.artifact else {
      return try fail(outcome, standIn: standIn)
    }
    guard artifact != served else {
      let wasFailed = isFailed
      show(outcome)
      if wasFailed {
        output.say(
          .mended, "mended in \(outcome.duration): the last good build is the newest again",
          nanoseconds: outcome.nanoseconds)
      } else if isAskedFor {
        output.say(
          .built, "built in \(outcome.duration): nothing has changed", nanoseconds: outcome.nanoseconds)
      }
      return
    }
    let beginning = Clock.nanoseconds
    let loaded = try Self.load(artifact)
    if server != nil {
      swap(loaded, artifact, outcome, since: beginning)
    } else {
      output.say(
        .built, "built in \(outcome.duration) (\(outcome.work)); watching for changes",
        nanoseconds: outcome.nanoseconds)
      served = artifact
      try start(loaded, outcome)
    }
  }

  /// Has the server serve another artifact; what a swap cannot bring takes another server.
  private mutating func swap(
    _ loaded: LoadedArtifact, _ artifact: [UInt8], _ outcome: ProjectBuild.Outcome, since beginning: UInt64
  ) {
    guard let old = server else { return }
    var reasons: [String] = []
    do throws(StartError) {
      reasons = try old.restartReasons(loaded)
      if reasons.isEmpty {
        try old.swap(loaded)
        old.show(notice(outcome, isServing: true))
      } else {
        server = try old.replace(by: loaded, notice: notice(outcome, isServing: true))
        output.server = server
      }
    } catch {
      let attempt = reasons.isEmpty ? "" : "cannot restart for the changed \(Self.list(reasons)): "
      let rest = isServing ? "the last good build goes on" : "waiting for a change"
      show(outcome, problem: attempt + error.message)
      return output.say(.failed, "\(attempt)\(error.message); \(rest)")
    }
    let nanoseconds = outcome.nanoseconds + Clock.nanoseconds - beginning
    let duration = "in \(ProjectBuild.duration(nanoseconds))"
    if !isServing {
      output.say(.built, "built \(duration) (\(outcome.work))", nanoseconds: nanoseconds)
    } else if reasons.isEmpty {
      output.say(.reloaded, "reloaded \(duration) (\(outcome.work))", nanoseconds: nanoseconds)
    } else {
      output.say(
        .restarted, "restarted \(duration) for the changed \(Self.list(reasons)) (\(outcome.work))",
        nanoseconds: nanoseconds)
    }
    served = artifact
    if let server, server.addresses != old.addresses || server.writeProxyAddress != old.writeProxyAddress {
      tellOfAddresses(server)
    }
  }

  private static func list(_ reasons: [String]) -> String { reasons.joined(separator: ", ") }

  private func tellOfAddresses(_ server: Server) {
    for address in server.addresses { output.say(.listening, "listening on \(address)") }
    if let address = server.writeProxyAddress { output.say(.listening, "write proxy on \(address)") }
    if let problem = server.writeProxyProblem { output.say(.notice, problem) }
  }

  /// Finishes the requests in flight and ends.
  mutating func end() {
    server?.drain()
    server?.wait()
    server = nil
    output.server = nil
  }

  private mutating func fail(
    _ outcome: ProjectBuild.Outcome, standIn: () -> ArtifactContents
  ) throws(CommandFailure) {
    show(outcome)
    output.say(
      .failed,
      isServing
        ? "the build failed; still serving the last good one (\(outcome.duration))"
        : "the build failed; waiting for a change", nanoseconds: outcome.nanoseconds)
    if server != nil { return }
    let bytes: [UInt8]
    do throws(ArtifactError) {
      bytes = try ArtifactWriter.encode(standIn())
    } catch {
      throw .missing("cannot serve anything: \(error)")
    }
    let loaded = try Self.load(bytes)
    try start(loaded, outcome)
  }

  private static func load(_ artifact: [UInt8]) throws(CommandFailure) -> LoadedArtifact {
    do throws(LoadError) {
      return try LoadedArtifact(bytes: artifact)
    } catch {
      throw .missing(error.message)
    }
  }

  private mutating func start(
    _ artifact: LoadedArtifact, _ outcome: ProjectBuild.Outcome
  ) throws(CommandFailure) {
    var options = options
    options.buildNotice = notice(outcome, isServing: isServing)
    do throws(StartError) {
      let server = try Server(artifact, options: options)
      server.start()
      self.server = server
      output.server = server
      tellOfAddresses(server)
    } catch {
      throw .missing(error.message)
    }
  }

  private mutating func show(_ outcome: ProjectBuild.Outcome, problem: String? = nil) {
    server?.show(notice(outcome, isServing: isServing, problem: problem))
  }

  private mutating func notice(
    _ outcome: ProjectBuild.Outcome, isServing: Bool, problem: String? = nil
  ) -> BuildNotice {
    isFailed = outcome.artifact == nil || problem != nil
    return DevNotice.make(number: buildCount, outcome.result, isServing: isServing, problem: problem)
  }
}
