import ArgumentParser
import CSystem
import SpacerRuntime
import Synchronization

/// `spacer dev`.
struct DevCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev", abstract: "Compile, serve, and reload on every change.",
    discussion: """
      Listens on loopback unless --host or `listen` in application.yml says otherwise.

      When a build fails, its diagnostics are printed once, and a browser that opens a page is shown them instead of \
      the application's answer. Other clients get the last good build's answer, with the header 'X-Spacer-Build: \
      failed'; before the first good build they get the diagnostics as JSON. GET /_spacer/build always tells the \
      state of the build as JSON.

      On a terminal, the key r builds all anew, c clears the screen and q ends. With --json every line on standard \
      output is an object: the log's, and those that tell of builds, whose 'event' is 'built', 'reloaded', \
      'restarted', 'mended', 'failed', 'diagnostics', 'listening' or 'notice'.

        spacer dev
        spacer dev shop --port 8080 --quiet
      """)

  @OptionGroup var target: ProjectOptions
  @OptionGroup var serving: ServingOptions

  @Flag(help: "Print no line for each request.") var quiet = false

  @Flag(help: "Print an object a line, for tools.") var json = false

  /// Memory that was freed, in bytes, and is kept for the next build: each makes and frees some artifacts, and fresh
  /// pages, which the system fills with zeros, cost more than what is done with them.
  private static let keptBytes: Int32 = 256 << 20
  /// Blocks below this come from that memory; the most that the allocator takes.
  private static let pooledBytes: Int32 = 32 << 20

  func run() throws {
    mallopt(M_TRIM_THRESHOLD, Self.keptBytes)
    mallopt(M_MMAP_THRESHOLD, Self.pooledBytes)
    LoadedArtifact.keepsSpare.store(true, ordering: .relaxed)
    var options = ServeOptions()
    options.environment = serving.env ?? ServeOptions.variable("SPACER_ENV") ?? "development"
    options.port = serving.port.map { UInt16(clamping: $0) }
    options.host = serving.host
    options.hostDefault = "127.0.0.1"
    options.workers = 1
    options.logLevel = serving.logLevel.flatMap { LogLevel(name: $0.rawValue) }
    options.keepsUnchangedModules = true
    options.logForm = json ? .json : .compact
    options.hidesRequests = quiet
    // The functions that call them fail, the others can be worked on.
    options.toleratesMissingHostFunctions = true
    options.group = serving.group
    options.hasWriteProxy = !serving.noWriteProxy
    options.toleratesTakenWriteProxy = true
    let build = try ProjectBuild(project: target.project, storesLater: true)
    var loop = try DevLoop(
      project: target.project, build: build, options: options, output: DevOutput(isJSON: json))
    try loop.run()
  }
}
