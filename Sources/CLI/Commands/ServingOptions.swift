import ArgumentParser

/// What `run` and `dev` say about the server alike.
struct ServingOptions: ParsableArguments {
  @Option(
    help: "The environment, as SPACER_ENV (default: the artifact's, else production; dev: development).")
  var env: String?

  @Option(help: "The port to listen on; 0 takes a free one (default: application.yml's, else 3000).")
  var port: Int?

  @Option(help: "The address to listen on (run: all addresses, dev: loopback).") var host: String?

  @Option(
    name: [.customShort("g"), .long],
    help:
      "The consumer group of the triggers (default: consumerGroup in application.yml, else spacer-APPNAME).")
  var group: String?

  @Flag(
    name: [.customShort("w"), .customLong("no-write-proxy")],
    help: "Take no events from other programs on writeProxyListen.")
  var noWriteProxy = false

  @Option(help: "Print lines of this level and above: debug, info, warn or error (as LOG_LEVEL).")
  var logLevel: LogLevel?

  enum LogLevel: String, CaseIterable, ExpressibleByArgument { case debug, info, warn, error }

  func validate() throws {
    if let port, !(0...65535).contains(port) {
      throw ValidationError("--port takes a number from 0 to 65535, not \(port)")
    }
    try EnvironmentName.validate(env)
    if let group, group.isEmpty { throw ValidationError("--group takes a group's name") }
    if let host, host.isEmpty { throw ValidationError("--host takes an address") }
  }

  /// The options given, as words of a command line.
  var arguments: [String] {
    var words: [String] = []
    if let env { words += ["--env", env] }
    if let port { words += ["--port", String(port)] }
    if let host { words += ["--host", host] }
    if let group { words += ["--group", group] }
    if noWriteProxy { words.append("--no-write-proxy") }
    if let logLevel { words += ["--log-level", logLevel.rawValue] }
    return words
  }
}
