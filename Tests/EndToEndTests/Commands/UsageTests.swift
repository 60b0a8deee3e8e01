// Exit codes and messages of the command line itself.

import Testing

@Suite struct UsageTests {
  @Test(arguments: [
    ["bild"], ["build", "--nope"], ["build", "a", "b"], ["run"], ["run", "a.spx", "--port", "x"],
    ["run", "a.spx", "--port", "65536"], ["run", "a.spx", "--port=-1"], ["run", "a.spx", "--workers", "0"],
    ["run", "a.spx", "--log-level", "loud"], ["check", "--format", "xml"], ["inspect"],
    ["routes", "--match", "GET"], ["dev", "--port", "70000"], ["routes", "--match", "GETT", "/"],
    ["build", "--env", "a b"], ["run", "a.spx", "--env", "a/b"], ["help", "bild"], ["events", "tial"],
    ["help", "events", "dead", "lits"], ["events", "tail"],
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
    "init", "build", "check", "run", "dev", "routes", "inspect", "events", "stubs", "version",
  ])
  func everyCommandExplainsItself(command: String) throws {
    for arguments in [[command, "--help"], ["help", command]] {
      let outcome = try Tool.run(arguments)
      #expect(outcome.status == 0)
      #expect(outcome.output.contains("USAGE: spacer \(command)"), "\(outcome.output)")
    }
    #expect(try Tool.run(["help"]).output.contains("  \(command) "))
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
