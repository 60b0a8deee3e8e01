import ArgumentParser
import SpacerEventLog
import SpacerRuntime
import SpacerSystem

/// `spacer replay`.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Run the log again through handlers, or compare two artifacts on it.",
    usage: """
      spacer replay [app.spx] --topic T [--from PLACE] [--to PLACE] [--function F] [--group G] [--rate N] [--restart]
      spacer replay [old.spx] --compare new.spx --topic T [--from PLACE] [--to PLACE] [--function F] [--limit N]
      """,
    discussion: """
      Without --compare: the events of a topic go through the chosen handlers again, under a group of their own, \
      while servers go on. Order per key, retries, batches and filters are those of serving; events that a handler \
      fails on for good are dead letters of the replay's group. Interrupted, it finishes what runs and exits with \
      130; the same command goes on where it stopped. After a crash it does at most the last second again. \
      Exit code 1: there were dead letters.

      With --compare: each event runs through the old and the new artifact, and nothing of it is done: appends and \
      requests are recorded and answered, statements run in transactions that are rolled back, time and chance are \
      the event's. Shown is what differs. Exit code 1: something differs.

      A PLACE is 'beginning', 'end', an offset, or a time: 2026-03-01, 2026-03-01T12:30:00Z, -1h (before now), or \
      milliseconds since 1970. --to OFFSET is the last event, --to TIME the first moment that is left out.
      """)

  @Argument(
    help: ArgumentHelp(
      "The artifact (default: app.spx in this folder, else the project is built in memory).",
      valueName: "app.spx"), completion: .file(extensions: ["spx"]))
  var artifact: String?

  @Option(help: "The topic.", completion: ProjectCompletion.topics) var topic: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Where to begin (default: beginning).", valueName: "place"))
  var from: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Where to end (default: the end as it is when it begins).", valueName: "place"))
  var to: String?

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp(
      "A function to run; may be repeated (default: all triggers of the topic).", valueName: "name"),
    completion: ProjectCompletion.functions)
  var function: [String] = []

  @Option(
    name: [.customShort("g"), .long],
    help: ArgumentHelp(
      "The replay's group, event.group for handlers (default: replay-TOPIC-FUNCTIONS).", valueName: "name"))
  var group: String?

  @Option(help: ArgumentHelp("Events per second (default: as many as there can be).", valueName: "count"))
  var rate: Int?

  @Flag(help: "Begin anew, whatever the group has done.") var restart = false

  @Option(
    help: ArgumentHelp("Compare with this artifact instead of replaying.", valueName: "new.spx"),
    completion: .file(extensions: ["spx"]))
  var compare: String?

  @Option(help: ArgumentHelp("Compare at most so many events.", valueName: "count")) var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Answers to requests while comparing: JSON lines {\"method\", \"url\", \"status\", \"body\"}.",
      valueName: "file"))
  var responses: String?

  @Option(help: "The environment (default: SPACER_ENV, else the artifact's; for a project: development).")
  var env: String?

  @Option(
    help: ArgumentHelp(
      "The write proxy's address of a running server to go through, as in http://127.0.0.1:9065.",
      valueName: "url"))
  var url: String?

  @Option(
    help: "The write proxy's token (default: SPACER_WRITE_PROXY_TOKEN, else what application.yml says).")
  var token: String?

  @Option(help: "The project's folder, built in memory.", completion: .directory) var project: String?

  @Flag(help: "Print JSON: a summary; with --compare an object a line for each difference before it.")
  var json = false

  @Flag(
    name: .shortAndLong,
    help: "Print the log of the functions, and progress where no terminal is; with --compare each event.")
  var verbose = false

  func validate() throws {
    try EnvironmentName.validate(env)
    if artifact != nil, project != nil { throw ValidationError("name an artifact or a project, not both") }
    if let rate, rate < 1 { throw ValidationError("--rate takes a number from 1 on, not \(rate)") }
    if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on, not \(limit)") }
    if let group,
      group.isEmpty || group.utf8.count > 200 || group.utf8.contains(where: { $0 < 0x20 || $0 == 0x2F })
    {
      throw ValidationError("--group takes a name of at most 200 bytes without '/'")
    }
    if let token, token.isEmpty { throw ValidationError("--token takes a token") }
    if compare != nil {
      if group != nil || rate != nil || restart {
        throw ValidationError("--group, --rate and --restart are for a replay, not for --compare")
      }
    } else if limit != nil || responses != nil {
      throw ValidationError("--limit and --responses are for --compare")
    }
    _ = try place(from, "--from")
    _ = try place(to, "--to")
    _ = try address()
  }

  func run() throws {
    if let compare {
      try CompareRun(self, new: compare).run()
    } else {
      try ReplayRun(self).run()
    }
  }

  // MARK: What the options say

  func place(_ text: String?, _ option: String) throws -> ReadStart? {
    guard let text else { return nil }
    do throws(EventTime.Problem) {
      return switch try EventTime.parseStart(text, now: SystemClock.machine.wallMilliseconds()) {
      case .beginning: .beginning
      case .end: .end
      case .offset(let offset): .offset(offset)
      case .time(let milliseconds): .time(milliseconds)
      }
    } catch {
      throw ValidationError("\(option): \(error.message)")
    }
  }

  func address() throws -> RemoteAddress? {
    guard let url else { return nil }
    do throws(EventLogError) {
      return try RemoteAddress(url: url)
    } catch {
      throw ValidationError("--url: \(error.message)")
    }
  }

  var accessToken: String? { token ?? ServeOptions.variable("SPACER_WRITE_PROXY_TOKEN") }

  /// The artifact, and the environment it is run in; nil: what the artifact or SPACER_ENV say.
  func load() throws -> (artifact: LoadedArtifact, environment: String?) {
    let fallback = "app.spx"
    let path = artifact ?? (project == nil && Files.kind(fallback) == .file ? fallback : nil)
    if let path { return (try Self.load(path), env) }
    let build = try ProjectBuild(project: project ?? ".")
    let outcome = build.build()
    guard let bytes = outcome.artifact else {
      build.printDiagnostics(outcome)
      throw CommandFailure.projectErrors
    }
    do throws(LoadError) {
      let environment = env ?? ServeOptions.variable("SPACER_ENV") ?? "development"
      return (try LoadedArtifact(bytes: bytes), environment)
    } catch {
      throw CommandFailure.missing(error.message)
    }
  }

  static func load(_ path: String) throws(CommandFailure) -> LoadedArtifact {
    do throws(LoadError) {
      return try LoadedArtifact(path: path)
    } catch {
      throw .missing(error.message)
    }
  }
}

extension CommandFailure {
  /// A replay that does not begin, or ended early.
  static func replay(_ failure: ReplayFailure) -> CommandFailure {
    switch failure.kind {
    case .usage: CommandFailure(status: ExitStatus.usage, message: failure.message)
    case .missing: .missing(failure.message)
    }
  }
}
