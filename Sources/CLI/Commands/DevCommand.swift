import ArgumentParser
import SpacerRuntime

/// `spacer dev`.
struct DevCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev", abstract: "Compile, serve, and reload on every change.",
    discussion: """
      Listens on loopback unless --host or `listen` in application.yml says otherwise. A change that does not compile shows its diagnostics, \
      and the last good build goes on serving.
      """)

  @OptionGroup var target: ProjectOptions
  @OptionGroup var serving: ServingOptions

  func run() throws {
    var options = ServeOptions()
    options.environment = serving.env ?? ServeOptions.variable("SPACER_ENV") ?? "development"
    options.port = serving.port.map { UInt16(clamping: $0) }
    options.host = serving.host
    options.hostDefault = "127.0.0.1"
    options.workers = 1
    options.logLevel = serving.logLevel.flatMap { LogLevel(name: $0.rawValue) }
    options.keepsUnchangedModules = true
    options.group = serving.group
    options.hasWriteProxy = !serving.noWriteProxy
    let build = try ProjectBuild(project: target.project)
    var loop = try DevLoop(project: target.project, build: build, options: options)
    try loop.run()
  }
}
