// `topics.append` and the write proxy: what they take, what they refuse and how.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct AppendTests {
  private static let configuration = """
    topics:
      - orders
      - strict: { key: required, schema: { total: { type: integer, min: 0 }, note: { type: string, optional: true } } }
    events: { orders: { APPEND: [record] }, strict: { APPEND: [record] } }
    """

  private func serve(_ driver: EventDriver = .memory, _ more: String = "") throws -> EventServer {
    let storage = try EventStorage(driver)
    return try EventServer(
      try storage.build(
        Self.configuration + "\n" + more,
        EventServer.files(["record": "seen { key = event.key, id = event.id }"])), keeping: storage)
  }

  private func refusal(_ server: EventServer, _ json: String) throws -> String {
    let answer = try server.server.post("/append", json: json)
    #expect(answer.status == 500, "\(answer.text)")
    return answer.json?["error"]?.string ?? answer.text
  }

  @Test func mistakesAreToldWithTheirLine() throws {
    let server = try serve()
    for (json, expected) in [
      (#"{"topic":"nope","entries":{"a":1}}"#, "there is no topic 'nope'"),
      (#"{"entries":{"a":1}}"#, "the topic's name must be a string"),
      (#"{"topic":"orders","entries":"x"}"#, "the entries must be a table of payloads by key, not a string"),
      (#"{"topic":"orders","entries":{"a":1},"options":{"ids":1}}"#, "unknown option 'ids'"),
      (#"{"topic":"orders","entries":{"a":1},"options":{"id":""}}"#, "options.id must be"),
      (#"{"topic":"strict","entries":{"":{"total":1}}}"#, "requires a key"),
      (#"{"topic":"strict","entries":{"a":{"total":-1}}}"#, "does not fit the schema of 'strict': total"),
      (#"{"topic":"strict","entries":{"a":7}}"#, "does not fit the schema"),
      (#"{"topic":"orders","entries":{"a\u0000b":1}}"#, "a key must be UTF-8 without NUL"),
    ] {
      let message = try refusal(server, json)
      #expect(message.contains(expected), "\(message)")
      #expect(message.hasPrefix("app/append.lua:2: topics.append: "), "\(message)")
    }
    try server.append("strict", #"{"a":{"total":3,"note":"x"}}"#)
    try server.append("orders", "{}")
    try server.append("orders", #"["one","two"]"#)
    try server.waitForSeen(3)
    #expect(Set(server.seen.compactMap { $0["key"]?.string }) == ["a", "1", "2"])
  }

  @Test func whatIsTooLargeIsRefused() throws {
    let server = try serve(.memory, "limits: { eventBytes: 2KiB }")
    let message = try refusal(
      server, #"{"topic":"orders","entries":{"a":"\#(String(repeating: "x", count: 3000))"}}"#)
    #expect(message.contains("2048 bytes"), "\(message)")
    try server.append("orders", #"{"a":"\#(String(repeating: "x", count: 2000))"}"#)
  }

  @Test(arguments: [EventDriver.memory, .sqlite, .postgres])
  func anIdIsAppendedOnce(driver: EventDriver) throws {
    let server = try serve(driver)
    for _ in 0..<3 { try server.append("orders", #"{"a":{}}"#, options: #"{"id":"order-1"}"#) }
    try server.append("orders", #"{"a":{},"b":{}}"#, options: #"{"id":"order-2"}"#)
    try server.append("orders", #"{"a":{},"b":{}}"#, options: #"{"id":"order-2"}"#)
    try server.append("orders", #"{"z":{}}"#)
    let seen = try server.waitForSeen(4)
    #expect(
      ["order-1", "order-2:a", "order-2:b"].allSatisfy { id in seen.contains { $0["id"]?.string == id } })
    #expect(server.seen.count == 4)
  }

  @Test func theWriteProxyTakesEventsAndAnswersAsAppendDoes() throws {
    let server = try serve()
    let taken = try server.proxy(#"{"topic":"orders","entries":{"a":{"n":1},"b":2}}"#)
    #expect(taken.status == 200)
    #expect(taken.text == "{\"data\":\"ok\"}\n")
    try server.waitForSeen(2)
    for (body, expected) in [
      (#"{"topic":"nope","entries":{"a":1}}"#, "there is no topic 'nope'"),
      (#"{"topic":"strict","entries":{"a":{"total":"x"}}}"#, "does not fit the schema"),
      (#"{"topic":"orders"}"#, #"send {"topic""#), ("[", "malformed JSON"), ("", #"send {"topic""#),
      ("7", "JSON"),
    ] {
      let answer = try server.proxy(body)
      #expect(answer.status == 400, "\(answer.text)")
      #expect(answer.json?["error"]?.string?.contains(expected) == true, "\(answer.text)")
    }
    #expect(try server.proxy("{}", method: "PUT").status == 405)
    // A web page cannot write, even on the developer's machine.
    #expect(
      try server.proxy(#"{"topic":"orders","entries":{"a":1}}"#, headers: [("Origin", "http://evil")]).status
        == 403)
    // What is no address of the proxy's knows nothing of it.
    #expect(try server.server.post("/", json: #"{"topic":"orders","entries":{"a":1}}"#).status == 404)
  }

  @Test func aTokenGuardsTheWriteProxy() throws {
    let server = try serve(.memory, "writeProxyToken: ${PROXY_TOKEN:-a-secret}")
    let body = #"{"topic":"orders","entries":{"a":1}}"#
    #expect(try server.proxy(body).status == 401)
    #expect(try server.proxy(body, headers: [("Authorization", "Bearer a-secre")]).status == 401)
    #expect(try server.proxy(body, headers: [("Authorization", "Bearer a-secret")]).status == 200)
    #expect(!server.server.process.standardOutput.contains("a-secret"))
  }

  @Test func withoutAWriteProxyNothingListens() throws {
    let storage = try EventStorage(.memory)
    let artifact = try storage.build(Self.configuration, EventServer.files(["record": ""]))
    let server = try EventServer(artifact, arguments: ["--no-write-proxy", "--group", "mine"])
    #expect(!server.server.process.standardError.contains("write proxy"))
    try server.append("orders", #"{"a":1}"#)
  }
}
