// Exit codes and messages of the command line itself.

import Testing

@Suite struct UsageTests {
  @Test(arguments: [
    ["bild"], ["build", "--nope"], ["build", "a", "b"], ["run"], ["run", "a.spx", "--port", "x"],
    ["run", "a.spx", "--port", "65536"], ["run", "a.spx", "--port=-1"], ["run", "a.spx", "--workers", "0"],
    ["run", "a.spx", "--log-level", "loud"], ["check", "--format", "xml"], ["inspect"],
    ["routes", "--match", "GET"], ["dev", "--port", "70000"], ["routes", "--match", "GETT", "/"],
    ["build", "--env", "a b"], ["run", "a.spx", "--env", "a/b"], ["help", "bild"], ["events", "tial"],
    ["help", "events", "dead", "lits"], ["events", "tail"], ["help", "gatway"], ["help", "config", "limts"],
    ["help", "gateway", "more"], ["init"], ["init", "x", "--template", "helo"],
    ["diff", "a.spx"], ["keygen", "a", "b"],
    ["keygen", "folder/"], ["build", "--sign", ""], ["run", "a.spx", "--require-key", ""],
  ])
  func wrongUsage(arguments: [String]) throws {
    let outcome = try Tool.run(arguments)
    #expect(outcome.status == 2, "\(arguments): \(outcome.errors)")
    #expect(!outcome.errors.isEmpty)
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: [
    (["bild"], "build"), (["help", "chekc"], "check"), (["routes", "--match", "GETT", "/"], "GET"),
    (["events", "tial"], "spacer events tail"), (["events", "dead", "lits"], "spacer events dead list"),
    (["help", "gatway"], "spacer help gateway"), (["help", "unknown-functoin"], "unknown-function"),
    (["help", "config", "limts"], "limits"),
  ])
  func aMistypedWordGetsASuggestion(arguments: [String], meant: String) throws {
    let errors = try Tool.run(arguments).errors
    #expect(errors.contains("did you mean") && errors.contains(meant), "\(errors)")
  }

  @Test func aLogLevelThatIsNone() throws {
    let workspace = try Workspace()
    let artifact = try workspace.build(try workspace.project(["app/gateway.lua": "return {}"]))
    let outcome = try Tool.run(["run", artifact, "--port", "0"], environment: ["LOG_LEVEL": "loud"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("LOG_LEVEL is 'loud'"), "\(outcome.errors)")
  }

  @Test(arguments: [
    "init", "build", "check", "run", "dev", "test", "routes", "inspect", "events", "replay", "stubs",
    "completions",
    "version", "diff", "keygen",
  ])
  func everyCommandExplainsItself(command: String) throws {
    for arguments in [[command, "--help"], ["help", command]] {
      let outcome = try Tool.run(arguments)
      #expect(outcome.status == 0)
      #expect(outcome.output.contains("USAGE: spacer \(command)"), "\(outcome.output)")
    }
    #expect(try Tool.run(["help"]).output.contains("  \(command) "))
  }

  @Test(arguments: [
    ("functions", "args is one table"), ("gateway", "OPTIONS, ANY"), ("config", "limits.bodyBytes: size"),
    ("topics", "events tail"), ("deploying", "SIGHUP"), ("environment", "LOG_LEVEL"), ("exit-codes", "  3 "),
    ("diagnostics", "unknown-function"),
  ])
  func everyTopicIsExplained(topic: String, says: String) throws {
    let outcome = try Tool.run(["help", topic])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.contains(says), "\(outcome.output)")
    #expect(!outcome.output.contains { $0 == "`" || $0 == "|" }, "Markdown on a terminal: \(outcome.output)")
    #expect(try Tool.run(["help"]).output.contains("  \(topic) "))
  }

  @Test func aPartOfTheConfiguration() throws {
    let limits = try Tool.run(["help", "config", "limits"]).output
    #expect(limits.contains("limits.calls") && !limits.contains("appName"), "\(limits)")
    // A key's last part will do.
    let calls = try Tool.run(["help", "config", "bodyBytes"]).output
    #expect(calls.contains("limits.bodyBytes: size, default: 20MiB") && !calls.contains("limits.calls"))
    #expect(try Tool.run(["help", "unknown-function"]).output.hasPrefix("unknown-function\n\nA route"))
  }

  @Test func version() throws {
    let outcome = try Tool.run(["version"])
    #expect(outcome.status == 0)
    #expect(outcome.output.wholeMatch(of: /spacer \d+\.\d+\.\d+\n/) != nil, "\(outcome.output)")
  }

  @Test func whatIsNoProject() throws {
    let workspace = try Workspace()
    try workspace.write("hello\n", to: "file.txt")
    for (path, word) in [
      (workspace.path + "/missing", "missing"), (workspace.path + "/file.txt", "file.txt"),
      (workspace.path, workspace.path),
    ] {
      for command in ["build", "check", "routes", "dev"] {
        let outcome = try Tool.run([command, path])
        #expect(outcome.status == 3, "\(command): \(outcome.errors)")
        #expect(outcome.errors.contains(word), "\(command): \(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(command): \(outcome.errors)")
      }
    }
  }
}
