// What of application.yml `spacer dev` takes up while it runs, and what it begins another server for.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct DevRestartTests {
  private let workspace: Workspace
  private let project: String

  init() throws {
    workspace = try Workspace()
    project = try workspace.project([
      "app/gateway.lua": Self.gateway(),
      "app/v.lua": "return function() return \"one\" end\n",
      // Ends when /go was asked for: `kv` is what two servers share.
      "app/wait.lua": """
      local kv = require "kv"
      return function()
        kv.set("begun", true)
        while not kv.get("go") do sleep(0.005) end
        return "old"
      end

      """,
      "app/go.lua": """
      local kv = require "kv"
      return function(args)
        if not kv.get("begun") then return false end
        kv.set("go", args.go == "yes")
        return true
      end

      """,
    ])
    try configure("")
  }

  private static func gateway(_ more: String = "") -> String {
    """
    return {
      {"GET", "/v", "v"}, {"POST", "/v", "v"}, {"GET", "/wait", "wait"}, {"GET", "/go", "go"},
      \(more)
    }

    """
  }

  /// Adds functions that append an event and handle it.
  private func writeEventFunctions() throws {
    try workspace.write(
      "local topics = require \"topics\"\n"
        + "return function() return topics.append(\"t\", { k = { n = 1 } }) end\n",
      to: "project/app/append.lua")
    try workspace.write(
      "return function(payload, event) print(\"SEEN \" .. event.offset) end\n",
      to: "project/app/handle.lua")
    try workspace.write(
      Self.gateway("{\"POST\", \"/append\", \"append\"}"), to: "project/app/gateway.lua")
  }

  private func configure(_ text: String) throws {
    try workspace.write(Workspace.minimalConfiguration + text, to: "project/config/application.yml")
  }

  private static func topics(_ storage: String, _ more: String = "") -> String {
    """
    topics: [t]
    events:
      t:
        APPEND: [handle]
    writeProxyListen: ":0"
    logStorage:
      development:
        \(storage)
    \(more)
    """
  }

  private func said(_ server: RunningServer, _ text: String, count: Int = 1) throws {
    _ = try server.process.waitForError("'\(text)'") {
      $0.components(separatedBy: text).count > count ? true : nil
    }
  }

  private func answer(_ server: RunningServer, _ path: String = "/v") throws -> JSONValue? {
    try server.get(path).json?["data"]
  }

  // MARK: Without another server

  @Test func limitsAndRoutesReload() throws {
    let server = try RunningServer(["dev", project])
    let body = "{\"text\":\"\(String(repeating: "x", count: 100))\"}"
    #expect(try server.request("POST", "/v", body: body).status == 200)
    try configure("limits:\n  bodyBytes: 20\n")
    try said(server, "reloaded in")
    #expect(try server.request("POST", "/v", body: body).status == 413)
    try workspace.write("return { {\"GET\", \"/other\", \"v\"} }\n", to: "project/app/gateway.lua")
    try said(server, "reloaded in", count: 2)
    #expect(try server.get("/v").status == 404)
    #expect(try answer(server, "/other") == .string("one"))
    try workspace.write("return {}\n", to: "project/lib/unused.lua")
    #expect(!server.process.standardError.contains("restarted"))
  }

  // MARK: With another server

  @Test func aRequestInFlightIsAnsweredAndNoneIsRefused() throws {
    try writeEventFunctions()
    try configure(Self.topics("driver: sqlite\n    path: \(workspace.path)/a.db"))
    let server = try RunningServer(["dev", project])
    let load = try Load(port: server.port, keepsConnections: false)
    let waiting = try HTTPConnection(port: server.port)
    try waiting.send("GET /wait HTTP/1.1\r\nHost: t\r\n\r\n")
    try waitUntil("the function waits") { try answer(server, "/go") == .boolean(true) }
    try workspace.write("return function() return \"new\" end\n", to: "project/app/wait.lua")
    try said(server, "reloaded in")
    try configure(Self.topics("driver: sqlite\n    path: \(workspace.path)/b.db"))
    try said(server, "restarted in")
    #expect(server.process.standardError.contains(" for the changed logStorage ("))
    // The other server answers, with what `kv` held, while the old one finishes.
    #expect(try answer(server, "/go?go=yes") == .boolean(true))
    #expect(try waiting.response(to: "GET").json?["data"] == .string("old"))
    #expect(try server.post("/append", json: "{}").status == 200)
    _ = try server.process.waitForOutput("the trigger runs") { $0.contains("SEEN ") ? true : nil }
    #expect(FileManager.default.fileExists(atPath: workspace.path + "/b.db"))
    #expect(load.stop() == [])
    #expect(try server.stop() == 0)
  }

  @Test func anotherAddress() throws {
    let ports = try [PageSession.freePort(), PageSession.freePort()]
    try configure("listen: \"127.0.0.1:\(ports[0])\"\n")
    let child = try ChildProcess([Tool.spacer, "dev", project], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    func answers(_ port: UInt16) -> Bool {
      guard let connection = try? HTTPConnection(port: port),
        (try? connection.send("GET /v HTTP/1.1\r\nHost: t\r\n\r\n")) != nil
      else { return false }
      return (try? connection.response(to: "GET"))?.status == 200
    }
    try waitUntil("it listens") { answers(ports[0]) }
    try configure("listen: \"127.0.0.1:\(ports[1])\"\n")
    _ = try child.waitForError("the new address") {
      $0.contains("listening on http://127.0.0.1:\(ports[1])") ? true : nil
    }
    #expect(child.standardError.contains(" for the changed listen ("))
    #expect(answers(ports[1]))
    try waitUntil("the old address is given up") { !answers(ports[0]) }
    // The same port on every address of the machine, which shares it for a moment.
    try configure("listen: \":\(ports[1])\"\n")
    _ = try child.waitForError("all addresses") { $0.contains("\(ports[1]) (all addresses)") ? true : nil }
    #expect(answers(ports[1]))
    child.signal(SIGTERM)
    #expect(try child.waitForExit() == 0)
  }

  @Test func theCommandLineWins() throws {
    let server = try RunningServer(["dev", project, "--host", "127.0.0.1"])
    try configure("listen: \"127.0.0.2:1\"\nfunctionInvoker: http://localhost:1\n")
    try said(server, "reloaded in")
    #expect(!server.process.standardError.contains("restarted"))
    #expect(try answer(server) == .string("one"))
  }

  @Test func whatCannotBeginLeavesTheOldOne() throws {
    let taken = try RunningServer(["dev", project])
    try writeEventFunctions()
    try configure(Self.topics("driver: memory"))
    let server = try RunningServer(["dev", project])
    try configure(
      Self.topics("driver: memory").replacingOccurrences(
        of: "\":0\"", with: "\"127.0.0.1:\(taken.port)\""))
    try said(
      server,
      "cannot restart for the changed writeProxyListen: the write proxy's port \(taken.port) is in use")
    try said(server, "the last good build goes on")
    let answered = try server.get("/v")
    #expect(answered.json?["data"] == .string("one") && answered.header("X-Spacer-Build") == "failed")
    #expect(
      try server.get("/v", headers: [("Accept", "text/html")]).text.contains("cannot restart for the changed")
    )
    // The events go on as well.
    #expect(try server.post("/append", json: "{}").status == 200)
    _ = try server.process.waitForOutput("the trigger runs") { $0.contains("SEEN 1") ? true : nil }
    try configure(Self.topics("driver: sqlite\n    path: \(project)/app/v.lua/a.db"))
    try said(server, "cannot restart for the changed logStorage: the event log (sqlite)")
    try configure(Self.topics("driver: memory"))
    try said(server, "mended in")
    #expect(try server.get("/v").header("X-Spacer-Build") == nil)
    #expect(try server.stop() == 0)
  }

  /// Events in memory, and the offsets, outlive a server that was replaced for another reason.
  @Test func eventsStayWhereTheyAre() throws {
    try writeEventFunctions()
    try configure(Self.topics("driver: memory"))
    let server = try RunningServer(["dev", project])
    #expect(try server.post("/append", json: "{}").status == 200)
    _ = try server.process.waitForOutput("the first event") { $0.contains("SEEN 1\n") ? true : nil }
    try configure(Self.topics("driver: memory", "limits:\n  calls: 100\n"))
    try said(server, " for the changed limits.calls (")
    #expect(try server.post("/append", json: "{}").status == 200)
    _ = try server.process.waitForOutput("the second event") { $0.contains("SEEN 2\n") ? true : nil }
    #expect(server.process.standardOutput.components(separatedBy: "SEEN 1\n").count == 2, "run once")
    #expect(try server.stop() == 0)
  }

  @Test func topicsThatAreNewBringTheWriteProxy() throws {
    let server = try RunningServer(["dev", project])
    let storage = "logStorage:\n  development:\n    driver: memory\nwriteProxyListen: \":0\"\n"
    try configure("topics: [t]\n" + storage)
    try said(server, " for the changed topics (")
    let port = try server.process.waitForError("the write proxy") { text in
      text.firstMatch(of: /write proxy on http:\/\/127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
    }
    let connection = try HTTPConnection(port: port)
    let body = #"{"topic":"t","entries":{"k":1}}"#
    try connection.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    #expect(try connection.response(to: "POST").json?["data"] == .string("ok"))
    #expect(try answer(server) == .string("one"))
    try configure(storage)
    try said(server, " for the changed topics (", count: 2)
    try waitUntil("the write proxy's address is given up") { (try? HTTPConnection(port: port)) == nil }
    #expect(try answer(server) == .string("one"))
  }

  /// The write proxy's usual port is the first one's: the second works all the same. In production that is an error.
  @Test func twoProjectsWithTopics() throws {
    try configure(
      "topics: [t]\nlogStorage: { development: { driver: memory }, production: { driver: memory } }\n")
    let other = workspace.path + "/other"
    try FileManager.default.copyItem(atPath: project, toPath: other)
    let first = try RunningServer(["dev", project])
    let second = try RunningServer(["dev", other])
    try said(second, "no write proxy: its port 9065 is in use")
    #expect(try answer(second) == .string("one"))
    let artifact = try workspace.build(other, to: "other.spx")
    let production = try Tool.run(["run", artifact, "--port", "0"])
    #expect(production.status == 3)
    #expect(production.errors.contains("the write proxy's port 9065 is in use"), "\(production.errors)")
    #expect(try second.stop() == 0)
    #expect(try first.stop() == 0)
  }

  @Test func httpsBeginsOnTheSameAddress() throws {
    let files = try Certificates.make(in: workspace)
    let server = try RunningServer(["dev", project])
    try configure("tls:\n  certificate: \(files.certificate)\n  key: \(files.key)\n")
    try said(server, " for the changed tls (")
    try said(server, "listening on https://127.0.0.1:\(server.port)")
    let outcome = try Tool.run(
      ["--silent", "--show-error", "--cacert", files.certificate, "https://localhost:\(server.port)/v"],
      executable: "/usr/bin/curl")
    #expect(outcome.output == "{\"data\":\"one\"}\n", "\(outcome.errors)")
  }

  /// What a replaced server held is given back.
  @Test func manyRestartsLeaveNothingBehind() throws {
    let server = try RunningServer(["dev", project])
    func held() throws -> Int {
      try ["fd", "task"].reduce(0) { sum, kind in
        let folder = "/proc/\(server.process.identifier)/\(kind)"
        return sum + (try FileManager.default.contentsOfDirectory(atPath: folder).count)
      }
    }
    let before = try held()
    for round in 1...12 {
      try configure("limits:\n  kvBytes: \(round + 10)MiB\n")
      try said(server, "restarted in", count: round)
      #expect(try answer(server) == .string("one"))
    }
    // A server more would be several descriptors and threads; a build has a few that come and go.
    try waitUntil("what was held is given back") { try held() < before + 8 }
    #expect(try server.stop() == 0)
  }
}
