// What `spacer dev` shows of its work, and the keys that it takes.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct DevTerminalTests {
  private let workspace: Workspace
  private let project: String

  init() throws {
    workspace = try Workspace()
    project = try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"say/v\"}, {\"GET\", \"/bad\", \"bad\"} }\n",
      "app/say/v.lua": """
      local log = require "log"
      return function(args)
        print("n is " .. (args.n or "none"))
        log.warn("two\\nlines", { a = 1 })
        return "one"
      end

      """,
      "app/bad.lua": "return function() error('broken') end\n",
    ])
  }

  private func terminal(
    _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> TerminalProcess {
    let settings = Tool.environment.merging(["TERM": "xterm"]) { $1 }.merging(environment) { $1 }
    let port = arguments.contains("--port") ? [] : ["--port", "0"]
    return try TerminalProcess(
      [Tool.spacer, "dev", project] + port + arguments, environment: settings)
  }

  private func port(_ terminal: TerminalProcess) throws -> UInt16 {
    try terminal.wait("the address") { text in
      text.firstMatch(of: /listening on http:\/\/127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
    }
  }

  private func get(_ port: UInt16, _ path: String) throws -> HTTPResponse {
    let connection = try HTTPConnection(port: port)
    try connection.send("GET \(path) HTTP/1.1\r\nHost: t\r\n\r\n")
    return try connection.response(to: "GET")
  }

  private static let before = TerminalProcess.Modes(isByLine: true, echoes: true, hasSignals: true)
  private static let during = TerminalProcess.Modes(isByLine: false, echoes: false, hasSignals: true)

  // MARK: Keys

  @Test func keysRebuildClearAndEnd() throws {
    let terminal = try terminal()
    try terminal.wait(for: "keys: r builds all anew, c clears the screen, q ends")
    #expect(terminal.modes == Self.during)
    try terminal.type("x")
    try terminal.type("r")
    try terminal.wait("the build") { $0.firstMatch(of: /built in [\d.]+ ms: nothing has changed/) }
    try terminal.type("c")
    try terminal.wait(for: "\u{1B}[H\u{1B}[2J\u{1B}[3J")
    try terminal.type("q")
    #expect(try terminal.waitForExit() == 0)
    #expect(terminal.modes == Self.before)
    #expect(!terminal.output.contains("x\r\n"), "what is typed is not shown")
  }

  @Test func interruptingEndsItAndRestoresTheTerminal() throws {
    for key in ["\u{3}", "\u{1C}"] {
      let terminal = try terminal()
      try terminal.wait(for: "keys:")
      try terminal.type(key)
      #expect(try terminal.waitForExit() == 0)
      #expect(terminal.modes == Self.before)
    }
    let terminal = try terminal()
    try terminal.wait(for: "keys:")
    terminal.signal(SIGTERM)
    #expect(try terminal.waitForExit() == 0)
    #expect(terminal.modes == Self.before)
  }

  @Test func stoppingGivesTheTerminalBack() throws {
    let terminal = try terminal()
    try terminal.wait(for: "keys:")
    try terminal.type("\u{1A}")
    try terminal.waitUntilStopped()
    #expect(terminal.modes == Self.before)
    terminal.signal(SIGCONT)
    try waitUntil("keys are taken again") { terminal.modes == Self.during }
    try terminal.type("q")
    #expect(try terminal.waitForExit() == 0)
  }

  @Test func aStartThatFailsRestoresTheTerminal() throws {
    let server = try RunningServer(["dev", project])
    let terminal = try terminal(["--port", String(server.port)])
    #expect(try terminal.waitForExit() == 3)
    #expect(terminal.modes == Self.before)
  }

  /// A second Ctrl-C does not wait for the requests in flight.
  @Test func aSecondInterruptEndsAtOnce() throws {
    try workspace.write(
      "return function() sleep(25) return \"late\" end\n", to: "project/app/say/v.lua")
    let terminal = try terminal()
    let port = try port(terminal)
    let connection = try HTTPConnection(port: port)
    try connection.send("GET /v HTTP/1.1\r\nHost: t\r\n\r\n")
    // Answered behind the request that waits, on the same loop: that one has begun.
    #expect(try get(port, "/nothing").status == 404)
    try terminal.type("\u{3}")
    try waitUntil("the terminal is given back") { terminal.modes == Self.before }
    try waitUntil("the next one is not taken any more") {
      try terminal.type("\u{3}")
      return (try? get(port, "/nothing")) == nil
    }
    #expect(try [0, -SIGINT].contains(terminal.waitForExit()))
    #expect(connection.isClosedByPeer())
  }

  // MARK: Lines

  @Test func requestsAreColouredLinesWithWhatTheyPrint() throws {
    let terminal = try terminal()
    let port = try port(terminal)
    _ = try get(port, "/v?n=4")
    _ = try get(port, "/bad")
    _ = try get(port, "/nothing")
    let clock = "\u{1B}[2m##:##:##\u{1B}[0m"
    let wanted = [
      "\(clock)   | say/v: n is 4",
      "\(clock)   | say/v: \u{1B}[33mwarn: \u{1B}[0mtwo\r\n           | lines a=1",
      "\(clock) \u{1B}[32m200\u{1B}[0m GET /v say/v #.## ms",
      "\(clock)   | bad: \u{1B}[31merror: \u{1B}[0mapp/bad.lua:1: broken",
      "\(clock) \u{1B}[31m500\u{1B}[0m GET /bad bad #.## ms",
      "\(clock) \u{1B}[33m404\u{1B}[0m GET /nothing - #.## ms \"not found\"",
    ]
    for line in wanted {
      // Digits differ.
      try terminal.wait(line) { text in
        text.replacing(/\d+\.\d\d ms/, with: "#.## ms").replacing(/\d\d:\d\d:\d\d/, with: "##:##:##")
          .contains(line) ? true : nil
      }
    }
    try workspace.write("return function() return 2 end\n", to: "project/app/bad.lua")
    try terminal.wait("the reload") {
      $0.firstMatch(of: /spacer:.{0,8} reloaded in [\d.]+ ms \(1 of 3 files compiled\)/)
    }
    try workspace.write("return function( end\n", to: "project/app/bad.lua")
    try terminal.wait(for: "\u{1B}[31mspacer:\u{1B}[0m the build failed; still serving the last good one")
    _ = try get(port, "/v")
    try terminal.wait(for: " ms (the last good build)\r\n")
    try terminal.type("q")
    _ = try terminal.waitForExit()
  }

  @Test func noColoursWhereTheyAreNotWanted() throws {
    let terminal = try terminal(environment: ["NO_COLOR": "1"])
    _ = try get(try port(terminal), "/v")
    try terminal.wait(for: " ms\r\n")
    try terminal.type("q")
    _ = try terminal.waitForExit()
    #expect(!terminal.output.contains("\u{1B}"), "\(terminal.output)")
    let server = try RunningServer(["dev", project])
    _ = try server.get("/v")
    let text = try server.process.waitForOutput("the request") { $0.contains("GET /v say/v") ? $0 : nil }
    #expect(!(text + server.process.standardError).contains("\u{1B}"))
    #expect(!server.process.standardError.contains("keys:"))
  }

  @Test func quietPrintsNoRequests() throws {
    let server = try RunningServer(["dev", project, "--quiet"])
    _ = try server.get("/v?n=1")
    _ = try server.raw("NONSENSE\r\n\r\n")
    _ = try server.get("/v?n=2")
    #expect(try server.stop() == 0)
    let output = server.process.standardOutput
    #expect(output.contains("  | say/v: n is 2\n"))
    #expect(!output.contains("GET") && !output.contains("refused"), "\(output)")
  }

  @Test func jsonIsAnObjectALine() throws {
    let child = try ChildProcess(
      [Tool.spacer, "dev", project, "--port", "0", "--json"], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    let port = try child.waitForOutput("the address") { text in
      text.firstMatch(of: /listening on http:\/\/127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
    }
    _ = try get(port, "/v")
    try workspace.write("return function( end\n", to: "project/app/bad.lua")
    _ = try child.waitForOutput("the failure") { $0.contains("\"event\":\"failed\"") ? true : nil }
    try workspace.write("return function() return 2 end\n", to: "project/app/bad.lua")
    _ = try child.waitForOutput("the reload") { $0.contains("\"event\":\"reloaded\"") ? true : nil }
    child.signal(SIGTERM)
    #expect(try child.waitForExit() == 0)
    #expect(child.standardError.isEmpty, "\(child.standardError)")
    let lines = try child.standardOutput.split(separator: "\n").map { try #require(JSONValue(String($0))) }
    for line in lines { #expect(line["time"] != nil && line["level"] != nil, "\(line)") }
    let events = lines.compactMap { $0["event"]?.string }
    #expect(events.filter { $0 != "request" } == ["built", "listening", "diagnostics", "failed", "reloaded"])
    #expect(events.contains("request"))
    let diagnostics = try #require(lines.first { $0["event"]?.string == "diagnostics" })
    #expect(diagnostics["errors"] == .number(1))
    #expect(diagnostics["diagnostics"]?.items?.first?["path"]?.string == "app/bad.lua")
    let reload = try #require(lines.first { $0["event"]?.string == "reloaded" })
    #expect((reload["milliseconds"]?.number ?? 0) > 0)
    #expect(lines.contains { $0["message"]?.string == "n is none" })
  }
}
