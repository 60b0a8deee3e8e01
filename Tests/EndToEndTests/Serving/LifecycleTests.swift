// Contract sections 8 and 10: starting, being told to stop or to reload, and what is left in the log.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct LifecycleTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func project(_ answer: String, name: String = "project") throws -> String {
    try workspace.project(
      [
        "app/gateway.lua": "return { {\"ANY\", \"/v\", \"v\"} }\n",
        "app/v.lua": "return function() return \"\(answer)\" end\n",
      ], named: name)
  }

  @Test func aRequestInFlightIsAnsweredAfterSIGTERM() throws {
    let server = try RunningServer.serving(try project("one"), in: workspace)
    let connection = try HTTPConnection(port: server.port)
    // The interim answer proves that the server has the head of the request before the signal.
    try connection.send("POST /v HTTP/1.1\r\nHost: t\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n")
    #expect(try connection.response(to: "POST", interim: true).status == 100)
    server.process.signal(SIGTERM)
    try connection.send(#"{"a":1}"#)
    let answer = try connection.response(to: "POST")
    #expect(answer.status == 200)
    #expect(connection.isClosedByPeer())
    #expect(try server.process.waitForExit() == 0)
  }

  @Test func idleConnectionsDoNotHoldUpTheEnd() throws {
    let server = try RunningServer.serving(try project("one"), in: workspace)
    let connection = try HTTPConnection(port: server.port)
    try connection.send("GET /v HTTP/1.1\r\nHost: t\r\n\r\n")
    #expect(try connection.response(to: "GET").status == 200)
    let start = Date()
    #expect(try server.stop() == 0)
    #expect(Date().timeIntervalSince(start) < 5)
    #expect(connection.isClosedByPeer())
  }

  @Test func connectionsThatWaitInTheQueueAreAnsweredAfterSIGTERM() throws {
    let server = try RunningServer.serving(try project("one"), in: workspace, arguments: ["--workers", "2"])
    // The kernel completes connections while the server stands still.
    server.process.signal(SIGSTOP)
    let waiting = try (0..<20).map { _ in try HTTPConnection(port: server.port) }
    for connection in waiting { try connection.send("GET /v HTTP/1.1\r\nHost: t\r\n\r\n") }
    server.process.signal(SIGTERM)
    server.process.signal(SIGCONT)
    for connection in waiting { #expect(try connection.response(to: "GET").status == 200) }
    #expect(try server.process.waitForExit() == 0)
  }

  @Test func sigintEndsItToo() throws {
    let server = try RunningServer.serving(try project("one"), in: workspace)
    server.process.signal(SIGINT)
    #expect(try server.process.waitForExit() == 0)
  }

  @Test func aReloadUnderLoadFailsNoRequest() throws {
    let server = try RunningServer.serving(try project("v0"), in: workspace)
    let load = try Load(port: server.port)
    for version in 1...6 {
      _ = try workspace.build(try project("v\(version)"))
      server.process.signal(SIGHUP)
      try load.waitForAnswer("v\(version)")
    }
    let failures = load.stop()
    #expect(failures.isEmpty, "\(failures)")
    #expect(load.answered > 50)
    #expect(try server.stop() == 0)
  }

  @Test func aDamagedArtifactIsRefusedOnReload() throws {
    let server = try RunningServer.serving(try project("old"), in: workspace)
    let artifact = workspace.path + "/app.spx"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: artifact))
    for damage in 0..<3 {
      switch damage {
      case 0: try Data("not an artifact".utf8).write(to: URL(fileURLWithPath: artifact))
      case 1: try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: artifact))
      default:
        bytes[bytes.count / 2] ^= 0x40
        try bytes.write(to: URL(fileURLWithPath: artifact))
      }
      server.process.signal(SIGHUP)
      _ = try server.process.waitForError("a refusal") { text in
        text.components(separatedBy: "app.spx").count > damage + 1 ? true : nil
      }
      #expect(try server.get("/v").json == JSONValue(#"{"data":"old"}"#))
    }
    _ = try workspace.build(try project("new"))
    server.process.signal(SIGHUP)
    let load = try Load(port: server.port)
    try load.waitForAnswer("new")
    #expect(load.stop().isEmpty)
  }

  /// What a reload brings: other limits, other variables, and globals of its own.
  @Test func aReloadAppliesLimitsAndVariables() throws {
    func files(_ version: String, _ settings: String) -> [String: String] {
      [
        "config/application.yml": "spacerVersion: 1\nappName: test\n" + settings,
        "app/gateway.lua": #"return { {"ANY", "/v", "v"} }"#,
        // The module's top level leaves a global, which a later generation must not find.
        "app/v.lua": """
        local earlier = leftBehind
        leftBehind = "\(version)"
        return function ()
          return { version = "\(version)", earlier = earlier, now = leftBehind, name = os.getenv("SHOWN") }
        end
        """,
      ]
    }
    func body(_ count: Int) -> String { #"{"a":""# + String(repeating: "x", count: count) + #""}"# }
    let project = try workspace.project(files("one", ""))
    let artifact = try workspace.build(project)
    let server = try RunningServer(
      ["run", artifact, "--host", "127.0.0.1", "--workers", "1"], environment: ["SHOWN": "a value"])
    #expect(
      try server.post("/v", json: body(200)).json
        == JSONValue(#"{"data":{"version":"one","now":"one"}}"#))

    _ = try workspace.project(files("two", "envVar: [SHOWN]\nlimits:\n  bodyBytes: 100\n"))
    _ = try workspace.build(project)
    server.process.signal(SIGHUP)
    try waitUntil("the new generation answers") {
      try server.get("/v").json
        == JSONValue(#"{"data":{"version":"two","now":"two","name":"a value"}}"#)
    }
    #expect(try server.post("/v", json: body(200)).status == 413)
    #expect(try server.post("/v", json: body(10)).status == 200)
  }

  @Test func overwritingTheFileChangesNothing() throws {
    let server = try RunningServer.serving(try project("old"), in: workspace)
    #expect(truncate(workspace.path + "/app.spx", 0) == 0)
    #expect(try server.get("/v").json == JSONValue(#"{"data":"old"}"#))
  }

  @Test func aPortInUse() throws {
    let server = try RunningServer.serving(try project("one"), in: workspace)
    let second = try Tool.run([
      "run", workspace.path + "/app.spx", "--host", "127.0.0.1", "--port", String(server.port),
    ])
    expectOneSentence(second, containing: String(server.port))
  }

  @Test func anArtifactThatIsNone() throws {
    let artifact = try workspace.build(try project("one"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: artifact))
    expectOneSentence(
      try Tool.run(["run", workspace.path + "/missing.spx", "--port", "0"]), containing: "missing.spx")
    expectOneSentence(try Tool.run(["run", workspace.path, "--port", "0"]), containing: workspace.path)

    let damaged = workspace.path + "/damaged.spx"
    var contents: [Data] = [Data(), Data("hello".utf8), bytes.prefix(10), bytes.dropLast(), bytes + [0]]
    for position in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 20)) {
      var flipped = bytes
      flipped[position] ^= 1
      contents.append(flipped)
    }
    for content in contents {
      try content.write(to: URL(fileURLWithPath: damaged))
      expectOneSentence(try Tool.run(["run", damaged, "--port", "0"]), containing: "damaged.spx")
    }
  }

  @Test func theAccessLogIsCompleteAfterSIGTERM() throws {
    let server = try RunningServer.serving(
      try project("one"), in: workspace, environment: ["SPACER_ENV": "production"])
    let connection = try HTTPConnection(port: server.port)
    let count = 500
    for number in 0..<count { try connection.send("GET /v?n=\(number) HTTP/1.1\r\nHost: t\r\n\r\n") }
    for _ in 0..<count { #expect(try connection.response(to: "GET").status == 200) }
    #expect(try server.get("/none").status == 404)
    #expect(try server.stop() == 0)
    let lines = (server.process.standardOutput + server.process.standardError).split(separator: "\n")
    let records = lines.compactMap { JSONValue(String($0)) }.filter { $0["status"] != nil }
    #expect(records.count == count + 1)
    let first = try #require(records.first)
    #expect(first["method"] == .string("GET"))
    #expect(first["path"]?.string?.hasPrefix("/v") == true)
    #expect(first["function"] == .string("v"))
    #expect(records.count { $0["status"] == .number(404) } == 1)
  }

  @Test func theEnvironmentChoosesTheLogsForm() throws {
    let server = try RunningServer.serving(
      try project("one"), in: workspace, arguments: ["--env", "development"],
      environment: ["SPACER_ENV": "production"])
    #expect(try server.get("/v").status == 200)
    #expect(try server.stop() == 0)
    let text = server.process.standardOutput + server.process.standardError
    let line = try #require(text.split(separator: "\n").first { $0.contains("/v") })
    #expect(line.contains("200") && line.contains("GET"))
    #expect(JSONValue(String(line)) == nil, "text in development")
  }

  private func expectOneSentence(
    _ outcome: Tool.Outcome, containing word: String, at location: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == 3, "\(outcome.errors)", sourceLocation: location)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: location)
    #expect(lines.first?.contains(word) == true, "\(outcome.errors)", sourceLocation: location)
  }
}
