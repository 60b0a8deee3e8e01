// The control API of a running server: who may use it, what it refuses, and what happens when its client or its server
// goes away.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct ControlAPITests {
  private func serve(
    _ configuration: String = "topics: [orders]", environment: [String: String] = [:]
  ) throws -> (storage: EventStorage, server: EventServer, artifact: String) {
    let storage = try EventStorage(.memory)
    let artifact = try storage.build(configuration, EventServer.files([:]))
    return (storage, try EventServer(artifact, environment: environment, keeping: storage), artifact)
  }

  private func control(
    _ server: EventServer, _ body: String, headers: [(String, String)] = [], method: String = "POST"
  ) throws -> HTTPResponse {
    let connection = try HTTPConnection(port: server.proxyPort)
    var text = "\(method) /control HTTP/1.1\r\nHost: t\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    try connection.send(text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
    return try connection.response(to: method)
  }

  @Test func whatItAnswers() throws {
    let (storage, server, _) = try serve()
    try server.append("orders", #"{"k":{"n":1}}"#)
    let info = try control(server, #"{"op":"info"}"#)
    #expect(info.status == 200 && info.json?["appName"]?.string == storage.appName)
    let events = try control(
      server, #"{"op":"read","topic":"orders","position":"0:0","limit":10,"waitMilliseconds":0}"#)
    #expect(events.json?["events"]?.items?.first?["value"]?.string == #"{"n":1}"#)
    try server.waitForLog("POST /control")
    #expect(try server.server.stop() == 0)
  }

  @Test func whatItRefuses() throws {
    let (_, server, _) = try serve("topics:\n  orders: { key: required }")
    let append = { (entry: String, topic: String) in
      #"{"op":"append","topic":"\#(topic)","entries":[\#(entry)],"timeoutMilliseconds":1000}"#
    }
    for (body, status, part) in [
      ("", 400, "send"), ("{", 400, "send"), (#"{"op":"drop"}"#, 400, "no request"),
      (#"{"op":"topic","topic":"x\"; DROP TABLE"}"#, 400, "no topic"),
      (#"{"op":"group","group":""}"#, 400, "empty"),
      (#"{"op":"put","table":"controls","records":[{"key":"a","value":"{"}]}"#, 400, "no JSON"),
      (#"{"op":"remove","table":"controls","keys":["a\u0000"]}"#, 400, "NUL"),
      (append(#"{"key":"","value":"1"}"#, "orders"), 400, "requires a key"),
      (append(#"{"key":"a","value":"x"}"#, "orders"), 400, "no JSON"),
      (append(#"{"key":"a","value":"1","id":""}"#, "orders"), 400, "an id"),
      (append(#"{"keyHex":"ff","value":"1"}"#, "orders"), 400, "UTF-8"),
      (
        append(#"{"key":"a","value":"\"\#(String(repeating: "x", count: 1_000_000))\""}"#, "orders"), 400,
        "larger"
      ),
      (append(#"{"key":"a","value":"1"}"#, "shipments"), 400, "no topic"),
    ] {
      let answer = try control(server, body)
      #expect(answer.status == status, "\(body.prefix(80)): \(answer.text)")
      #expect(answer.json?["error"]?.string?.contains(part) == true, "\(body.prefix(80)): \(answer.text)")
    }
    #expect(try control(server, "{}", method: "PUT").status == 405)
    #expect(
      try control(server, #"{"op":"info"}"#, headers: [("Origin", "http://evil.example")]).status == 403)
    let large =
      #"{"op":"put","table":"controls","records":[{"key":"a","value":"\#(String(repeating: " ", count: 17 << 20))"}]}"#
    #expect(try control(server, large).status == 413)
    #expect(try server.server.stop() == 0)
  }

  @Test func aTokenIsAskedFor() throws {
    let (storage, server, artifact) = try serve(
      "topics: [orders]\nwriteProxyToken: ${PROXY_TOKEN}", environment: ["PROXY_TOKEN": "secret"])
    let url = "http://127.0.0.1:\(server.proxyPort)"
    let words = ["events", "count", "orders", "--artifact", artifact, "--url", url]
    #expect(try control(server, #"{"op":"info"}"#).status == 401)
    let unset = try Tool.run(words)
    #expect(unset.status == 3 && unset.errors.contains("PROXY_TOKEN"), "\(unset.errors)")
    let wrong = try Tool.run(words + ["--token", "public"])
    #expect(wrong.status == 3 && wrong.errors.contains("SPACER_WRITE_PROXY_TOKEN"), "\(wrong.errors)")
    for (options, environment) in [
      (["--token", "secret"], [:]), ([], ["SPACER_WRITE_PROXY_TOKEN": "secret"]),
      ([], ["PROXY_TOKEN": "secret"]),
    ] as [([String], [String: String])] {
      let outcome = try Tool.run(words + options, environment: environment)
      #expect(outcome.status == 0 && outcome.output == "0\n", "\(outcome.errors)")
    }
    withExtendedLifetime(storage) {}
    #expect(try server.server.stop() == 0)
  }

  @Test func noServerAndAnotherOnes() throws {
    let (storage, server, artifact) = try serve()
    let url = "http://127.0.0.1:\(server.proxyPort)"
    // The configuration takes any free port, which nobody can know.
    let unknown = try Tool.run(["events", "count", "--artifact", artifact])
    #expect(unknown.status == 3 && unknown.errors.contains("--url"), "\(unknown.errors)")
    let other = try storage.workspace.project(
      [
        "app/gateway.lua": "return {}",
        "config/application.yml":
          "spacerVersion: 1\nappName: other\ntopics: [orders]\nwriteProxyListen: \":\(server.proxyPort)\"\nlogStorage: { development: { driver: memory } }\n",
      ],
      named: "other")
    // The port that the project names is taken by a server of another application.
    let foreign = try Tool.run(["events", "count", "--project", other])
    #expect(foreign.status == 3 && foreign.errors.contains("not of 'other'"), "\(foreign.errors)")
    let web = try Tool.run(
      ["events", "count", "--artifact", artifact, "--url", "http://127.0.0.1:\(server.server.port)"])
    #expect(web.status == 3 && web.errors.contains("no write proxy"), "\(web.errors)")
    #expect(try server.server.stop() == 0)
    let gone = try Tool.run(["events", "count", "--project", other])
    #expect(gone.status == 3 && gone.errors.contains("start 'spacer dev'"), "\(gone.errors)")
    let named = try Tool.run(["events", "count", "--artifact", artifact, "--url", url])
    #expect(named.status == 3 && named.errors.contains("no server answers at \(url)"), "\(named.errors)")
  }

  @Test func aFileThatIsNotThereIsNotMade() throws {
    let storage = try EventStorage(.sqlite)
    let artifact = try storage.build("topics: [orders]", EventServer.files([:]))
    let outcome = try Tool.run(["events", "tail", "orders", "--artifact", artifact])
    #expect(outcome.status == 3 && outcome.errors.contains("there is no event log at"), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: storage.workspace.path + "/events.db"))
    let appended = try Tool.run(["events", "append", "orders", "k", "1", "--artifact", artifact])
    #expect(appended.status == 0, "\(appended.errors)")
    #expect(try Tool.run(["events", "count", "orders", "--exact", "--artifact", artifact]).output == "1\n")
  }

  /// Clients that leave while their requests wait cost nothing; a server that ends answers those that stay.
  @Test func waitsEndWithTheirClientAndTheirServer() throws {
    let (_, server, _) = try serve()
    let wait = #"{"op":"read","topic":"orders","position":"0:0","limit":10,"waitMilliseconds":60000}"#
    let request = "POST /control HTTP/1.1\r\nHost: t\r\nContent-Length: \(wait.utf8.count)\r\n\r\n" + wait
    for _ in 0..<40 {
      let connection = try HTTPConnection(port: server.proxyPort)
      try connection.send(request)
    }
    let staying = try HTTPConnection(port: server.proxyPort)
    try waitUntil("there is room for one more request") {
      try control(server, #"{"op":"info"}"#).status == 200
    }
    try staying.send(request)
    server.server.process.signal(SIGTERM)
    let answer = try staying.response(to: "POST")
    #expect(answer.status == 200 && answer.json?["events"]?.items?.isEmpty == true, "\(answer.text)")
    #expect(try server.server.process.waitForExit() == 0)
  }

  /// More requests at a time than there may be are refused, and all are answered.
  @Test func tooManyAtATime() throws {
    let (_, server, _) = try serve()
    let wait = #"{"op":"read","topic":"orders","position":"0:0","limit":10,"waitMilliseconds":1000}"#
    let request = "POST /control HTTP/1.1\r\nHost: t\r\nContent-Length: \(wait.utf8.count)\r\n\r\n" + wait
    let connections = try (0..<80).map { _ in try HTTPConnection(port: server.proxyPort) }
    for connection in connections { try connection.send(request) }
    let statuses = try connections.map { try $0.response(to: "POST").status }
    #expect(statuses.contains(503) && statuses.filter { $0 == 200 }.count >= 8, "\(statuses)")
    #expect(statuses.allSatisfy { $0 == 200 || $0 == 503 })
    #expect(try server.server.stop() == 0)
  }
}
