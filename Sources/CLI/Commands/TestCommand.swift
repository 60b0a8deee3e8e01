import ArgumentParser
import Glibc
import SpacerRuntime

/// `spacer test`.
struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run a project's tests.",
    usage: "spacer test [PROJECT] [--filter TEXT] [--watch] [--tap | --junit | --json] [--coverage]",
    discussion: """
      Each test/test_*.lua runs in a state of its own, with app/ and lib/ to require, 'luaunit' for assertions, and \
      'spacer' for requests through the gateway and for what stands in for topics, http, db, time and chance: see \
      docs/testing.md. Exit code 1: a test failed, none fits --filter, or the project has errors.

      Examples:
        spacer test
        spacer test --filter orders --watch
        spacer test --coverage --lcov coverage/lcov.info
        spacer test --junit > report.xml
      """)

  @OptionGroup var target: ProjectOptions

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Run only tests whose file and name, as in 'test/test_users.lua TestUsers.test_get', hold this; '*' stands "
        + "for any text.", valueName: "text"))
  var filter: String?

  @Flag(name: [.short, .long], help: "Run again what a change concerns, until Ctrl-C.") var watch = false

  @Flag(help: "Print TAP, as test harnesses read it.") var tap = false
  @Flag(help: "Print JUnit's XML, as CI servers read it.") var junit = false
  @Flag(help: "Print JSON.") var json = false

  @Flag(help: "Show which part of the lines of app/ and lib/ the tests have run.") var coverage = false

  @Option(help: ArgumentHelp("Write the coverage as lcov's tracefile.", valueName: "file")) var lcov: String?

  @Option(
    help: ArgumentHelp(
      "What one test may take, and a file outside of its tests (default: 10).", valueName: "seconds"))
  var timeout: Double?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("How many files run at a time (default: one a core).", valueName: "count"))
  var jobs: Int?

  @Option(help: "The environment, os.getenv(\"SPACER_ENV\") (default: SPACER_ENV, else test).")
  var env: String?

  @Flag(name: .shortAndLong, help: "Show what passing tests print too.") var verbose = false

  @Option(
    help: ArgumentHelp(
      "What require \"luaunit\" gives in place of Spacer's own: the path of a luaunit.lua, or 'installed' for the one "
        + "of Debian's package lua-unit.", valueName: "file"))
  var luaunit: String?

  private static let timeoutSecondsMax = 86_400.0
  private static let jobsMax = 256

  func validate() throws {
    try EnvironmentName.validate(env)
    if [tap, junit, json].count(where: { $0 }) > 1 {
      throw ValidationError("choose one of --tap, --junit and --json")
    }
    if watch, tap || junit || json {
      throw ValidationError("--watch prints for people only, without --tap, --junit and --json")
    }
    if let timeout, !(timeout >= 0.001 && timeout <= Self.timeoutSecondsMax) {
      throw ValidationError("--timeout takes a number of seconds up to \(Int(Self.timeoutSecondsMax))")
    }
    if let jobs, !(1...Self.jobsMax ~= jobs) {
      throw ValidationError("--jobs takes a number from 1 to \(Self.jobsMax), not \(jobs)")
    }
    if let filter, filter.isEmpty { throw ValidationError("--filter takes a text") }
    if let luaunit, luaunit.isEmpty { throw ValidationError("--luaunit takes a path, or 'installed'") }
    if let lcov, lcov.isEmpty { throw ValidationError("--lcov takes a path") }
  }

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    try requireFolder()
    if watch {
      // Nothing is left behind that would have to be put away, in the middle of a run either.
      let interruption = Interruption()
      interruption.watch { _exit(0) }
      var loop = try TestWatch(self)
      try loop.run()
    } else {
      let session = try TestSession(self)
      let isPassed = try session.run()
      if !isPassed { throw CommandFailure.projectErrors }
    }
  }

  /// A test file's name where the project's is wanted.
  private func requireFolder() throws(CommandFailure) {
    let path = target.project
    guard path.hasSuffix(".lua"), Files.kind(path) != .folder else { return }
    let name = path.split(separator: "/").last ?? ""
    throw .missing(
      "'\(path)' is no project's folder: to run one file, 'spacer test --filter \(name)' in the project's folder"
    )
  }

  // MARK: What the options say

  var countsLines: Bool { coverage || lcov != nil }

  func options() throws(CommandFailure) -> TestOptions {
    var options = TestOptions()
    options.luaUnit = try luaunit.map(LuaUnitFile.read)
    options.filter = filter
    if let timeout { options.timeoutMilliseconds = max(1, Int(timeout * 1_000)) }
    options.workerCount = jobs ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    options.countsLines = countsLines
    options.environment = env ?? ServeOptions.variable("SPACER_ENV") ?? "test"
    return options
  }

  /// What prints the results.
  func printer(project: String) -> any TestPrinter {
    if tap { return TAPPrinter() }
    if junit { return JUnitPrinter() }
    if json { return JSONPrinter() }
    return ListPrinter(project: project, isVerbose: verbose, isFiltered: filter != nil)
  }
}
