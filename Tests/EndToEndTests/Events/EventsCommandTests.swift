// `spacer events`, while a server runs on the same events: on memory through the server, else at the storage.

import Foundation
import SpacerTestSupport
import Testing

/// The commands on one application's events.
struct EventCommands {
  let artifact: String
  /// To go through a running server.
  var url: String?
  /// Keeps its folder.
  var storage: EventStorage?

  func run(_ words: [String], environment: [String: String] = [:]) throws -> Tool.Outcome {
    try Tool.run(arguments(words), environment: environment)
  }

  func arguments(_ words: [String]) -> [String] {
    ["events"] + words + ["--artifact", artifact] + (url.map { ["--url", $0] } ?? [])
  }

  /// What a command prints that must succeed.
  func output(_ words: [String], environment: [String: String] = [:]) throws -> String {
    let outcome = try run(words, environment: environment)
    guard outcome.status == 0 else {
      throw HarnessError("\(words): \(outcome.status) \(outcome.errors)\(outcome.output)")
    }
    return outcome.output
  }

  /// Its lines as JSON.
  func lines(_ words: [String]) throws -> [JSONValue] {
    try output(words + ["--json"]).split(separator: "\n").compactMap { JSONValue(String($0)) }
  }
}

@Suite struct EventsCommandTests {
  /// A server, and the commands on its events.
  private func serve(
    _ driver: EventDriver, _ configuration: String, _ functions: [String: String] = [:]
  ) throws -> (storage: EventStorage, server: EventServer, events: EventCommands) {
    let storage = try EventStorage(driver)
    let artifact = try storage.build(configuration, EventServer.files(functions))
    let server = try EventServer(artifact)
    let url = driver == .memory ? "http://127.0.0.1:\(server.proxyPort)" : nil
    return (storage, server, EventCommands(artifact: artifact, url: url, storage: storage))
  }

  // MARK: Reading and appending

  @Test(arguments: EventDriver.allCases)
  func appendTailAndCount(driver: EventDriver) throws {
    let (storage, server, events) = try serve(driver, "topics: [orders, shipments]")
    #expect(try events.output(["append", "orders", "c1", #"{"n": 1}"#]).contains("appended 1 event"))
    try server.append("orders", #"{"c2":{"n":2}}"#)
    var lines: [String] = []
    for n in 3...700 { lines.append(#"{"key":"k\#(n % 7)","payload":{"n":\#(n)},"id":"i\#(n)"}"#) }
    try storage.workspace.write(lines.joined(separator: "\n") + "\n", to: "events.jsonl")
    let file = storage.workspace.path + "/events.jsonl"
    #expect(try events.output(["append", "orders", "--file", file]).contains("appended 698 events"))

    let last = try events.lines(["tail", "orders"])
    #expect(last.count == 10)
    // Between Kafka's partitions there is no order but that of times, which are alike here.
    if driver != .kafka {
      #expect(last.compactMap { $0["payload"]?["n"]?.number } == (691...700).map(Double.init))
    }
    let all = try events.lines(["tail", "orders", "--from", "beginning"])
    #expect(all.count == 700)
    #expect(all.first { $0["key"]?.string == "c1" }?["topic"]?.string == "orders")
    #expect(Set(all.compactMap { $0["id"]?.string }).count == 700)
    let ofKey = try events.lines(["tail", "orders", "--key", "k3", "--limit", "3"])
    #expect(ofKey.compactMap { $0["payload"]?["n"]?.number } == [682, 689, 696])
    #expect(try events.lines(["tail", "orders", "--from", "-1h", "--limit", "5"]).count == 5)
    #expect(try events.lines(["tail", "orders", "--from", "end"]).isEmpty)
    #expect(
      try events.output(["tail", "orders", "--from", "beginning", "--key", "c1"]).contains(#"c1  {"n": 1}"#))

    #expect(try events.output(["count", "orders", "--exact"]) == "700\n")
    let count = try events.output(["count", "orders"])
    #expect(count.contains("at most"), "\(count)")
    let counts = try #require(JSONValue(try events.output(["count", "--json"]))?.items)
    #expect(counts.count == 2)
    #expect(counts.last?["count"]?.number == 0)
    #expect(try events.output(["tail", "shipments"]).isEmpty)
    // The same file again: by its ids, where the storage can tell.
    if driver != .kafka {
      let again = try events.lines(["append", "orders", "--file", file])
      #expect(again.first?["appended"]?.number == 0 && again.first?["duplicates"]?.number == 698)
    }
    #expect(try server.server.stop() == 0)
  }

  @Test(arguments: [EventDriver.memory, .sqlite])
  func whatIsWrongIsSaid(driver: EventDriver) throws {
    let (storage, server, events) = try serve(
      driver, "topics:\n  orders: { key: required, schema: { n: integer } }\n  shipments: {}")
    for (words, status, part) in [
      (["tail", "order"], 2, "did you mean 'orders'?"), (["count", "x"], 2, "orders, shipments"),
      (["append", "orders", "k", "{"], 2, "no JSON"),
      (["append", "orders", "k", #"{"n":"x"}"#], 2, "schema"),
      (["append", "orders", "", #"{"n":1}"#], 2, "requires a key"),
      (["append", "spacer_internal", "k", "1"], 2, "no topic"), (["append", "orders"], 2, "a key"),
      (["append", "orders", #"{"n":1}"#], 2, "events append orders KEY PAYLOAD"),
      (["tail", "orders", "--from", "yesterday"], 2, "yesterday"),
      (["tail", "orders", "--limit", "0"], 2, "--limit"), (["pause", "recrod"], 2, "no triggers"),
      (["dead", "show", "x"], 2, "no dead letter"), (["dead", "retry"], 2, "--all"),
      (["dead", "list", "--since", "2026-02-30"], 2, "does not exist"),
      (["append", "orders", "k", "--file", "x"], 2, "in the file"),
      (["append", "orders", "--file", "/nowhere"], 3, "/nowhere"),
      (["tail", "orders", "--url", "ftp://x"], 2, "http://"),
    ] {
      let outcome = try Tool.run(
        ["events"] + words + ["--artifact", events.artifact]
          + (words.contains("--url") ? [] : events.url.map { ["--url", $0] } ?? []))
      #expect(outcome.status == status, "\(words): \(outcome.errors)")
      #expect(outcome.errors.contains(part), "\(words): \(outcome.errors)")
      #expect(outcome.output.isEmpty, "\(words)")
    }
    let lines = (1...1_200).map { #"{"key":"k","payload":{"n":\#($0)}}"# }
    let broken = (lines + [#"{"key":"k","payload":{"n":true}}"#, lines[0]]).joined(separator: "\n")
    try storage.workspace.write(broken, to: "broken.jsonl")
    let outcome = try events.run(["append", "orders", "--file", storage.workspace.path + "/broken.jsonl"])
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.contains("line 1201") && outcome.errors.contains("lines 1 to 1000 were appended"),
      "\(outcome.errors)")
    #expect(try events.output(["count", "orders", "--exact"]) == "1000\n")
    #expect(try server.server.stop() == 0)
  }

  @Test(arguments: EventDriver.allCases)
  func followingShowsWhatComes(driver: EventDriver) throws {
    let (_, server, events) = try serve(driver, "topics: [orders]")
    try server.append("orders", #"{"k":{"n":1}}"#)
    let tail = try ChildProcess(
      [Tool.spacer] + events.arguments(["tail", "orders", "--follow", "--json"]),
      environment: Tool.environment)
    defer { tail.signal(SIGKILL) }
    for n in 1...3 {
      _ = try tail.waitForOutput("event \(n)") { $0.contains(#""n":\#(n)"#) ? true : nil }
      try server.append("orders", #"{"k":{"n":\#(n + 1)}}"#)
    }
    #expect(try server.server.stop() == 0)
  }

  // MARK: Operating

  @Test(arguments: EventDriver.allCases)
  func aPausedTriggerKeepsItsPlace(driver: EventDriver) throws {
    let (storage, server, events) = try serve(
      driver, "topics: [orders]\nevents:\n  orders:\n    APPEND: [record, other]",
      [
        "record": #"seen { by = "record", n = payload.n }"#,
        "other": #"seen { by = "other", n = payload.n }"#,
      ])
    try server.append("orders", #"{"k":{"n":1}}"#)
    try server.waitForSeen(2)
    let paused = try events.output(["pause", "record"])
    #expect(paused.contains("paused: record for 'orders' in the group spacer-\(storage.appName)"))
    #expect(try events.output(["pause", "record"]).contains("already"))
    try server.waitForLog("paused: record")
    try server.append("orders", #"{"k":{"n":2}}"#)
    let seen = try server.waitForSeen(3)
    #expect(seen.last?["by"]?.string == "other")
    let lag = try #require(JSONValue(try events.output(["lag", "--json"])))
    let states = lag["triggers"]?.items ?? []
    #expect(states.first { $0["function"]?.string == "record" }?["isPaused"] == .boolean(true))
    #expect(states.first { $0["function"]?.string == "other" }?["isPaused"] == .boolean(false))
    #expect(lag["lagMax"]?.number ?? 0 >= 1)
    #expect(try events.output(["lag"]).contains("paused (by an operator)"))
    #expect(try events.output(["lag", "--partitions"]).contains("OWNER"))
    let groups = try events.output(["groups"])
    #expect(groups.contains("spacer-\(storage.appName)") && groups.contains("record (orders)"), "\(groups)")
    let wrong = try events.run(["pause", "recrod"])
    #expect(wrong.status == 2 && wrong.errors.contains("did you mean 'record'?"), "\(wrong.errors)")

    #expect(try events.output(["resume", "record", "--topic", "orders"]).contains("resumed: record"))
    let all = try server.waitForSeen(4)
    #expect(all.last == JSONValue(#"{"by":"record","n":2}"#))
    try waitUntil("all is done") {
      JSONValue(try events.output(["lag", "--json"]))?["lagMax"]?.number == 0
    }
    #expect(try server.server.stop() == 0)
  }

  private static let failing = """
    seen { n = payload.n, ok = payload.ok }
    if not payload.ok then return nil, "no stock of " .. tostring(payload.n) end
    """

  @Test(arguments: EventDriver.allCases)
  func deadLettersAreShownRetriedAndDiscarded(driver: EventDriver) throws {
    let (_, server, events) = try serve(
      driver, "topics: [orders]\nevents:\n  orders:\n    APPEND: [shop/ship]", ["shop/ship": Self.failing])
    try server.append("orders", #"{"a":{"n":1,"ok":false},"b":{"n":2,"ok":false},"c":{"n":3,"ok":false}}"#)
    try waitUntil("three dead letters") { try events.lines(["dead", "list"]).count == 3 }
    let table = try events.output(["dead", "list"])
    #expect(table.contains("orders/shop/ship/orders:") && table.contains("no stock of 2"), "\(table)")
    let letters = try events.lines(["dead", "list", "--contains", "stock of 2"])
    let id = try #require(letters.first?["id"]?.string)
    #expect(letters.count == 1 && letters.first?["event"]?["key"]?.string == "b")
    for (filter, count) in [
      (["--topic", "orders"], 3), (["--function", "shop/ship"], 3), (["--function", "x"], 0),
      (["--reason", "final"], 3), (["--reason", "age"], 0), (["--key", "a"], 1), (["--since", "-1h"], 3),
      (["--until", "-1h"], 0), (["--limit", "2"], 2),
    ] {
      #expect(try events.lines(["dead", "list"] + filter).count == count, "\(filter)")
    }
    let shown = try events.output(["dead", "show", id])
    for part in [#""n":2"#, "no stock of 2", "final", "shop/ship", "orders"] {
      #expect(shown.contains(part), "\(shown)")
    }

    // Unchanged, it fails again and is a dead letter again.
    #expect(try events.output(["dead", "retry", id]).contains("retried 1 dead letter"))
    try server.waitForSeen(4)
    try waitUntil("it has failed again") {
      try events.lines(["dead", "list", "--key", "b"]).first?["isBeingRetried"] == nil
        && events.lines(["dead", "list"]).count == 3
    }
    let editors: [(String, Int32, String)] = [
      ("true", 1, "as it was"), ("sed -i s/false/fals/", 2, "no JSON"), ("exit 3;", 3, "ended with 3"),
    ]
    for (editor, status, part) in editors {
      let outcome = try events.run(["dead", "retry", "--edit", id], environment: ["EDITOR": editor])
      #expect(outcome.status == status && outcome.errors.contains(part), "\(editor): \(outcome.errors)")
    }
    #expect(try events.lines(["dead", "list"]).count == 3)
    #expect(
      try events.output(["dead", "retry", "--edit", id], environment: ["EDITOR": "sed -i s/false/true/"])
        .contains("retried 1"))
    let seen = try server.waitForSeen(5)
    #expect(seen.last == JSONValue(#"{"n":2,"ok":true}"#))
    try waitUntil("two are left") { try events.lines(["dead", "list"]).count == 2 }

    #expect(try events.output(["dead", "discard", "--key", "a"]).contains("discarded 1 dead letter"))
    #expect(try events.output(["dead", "retry", "--all", "--yes"]).contains("retried 1 dead letter"))
    try server.waitForSeen(6)
    try waitUntil("it has failed again") {
      let letters = try events.lines(["dead", "list"])
      return letters.count == 1 && letters.first?["isBeingRetried"] == nil
    }
    #expect(try events.lines(["dead", "discard", "--all"]).first?["discarded"]?.number == 1)
    #expect(try events.output(["dead", "list"]) == "no dead letters\n")
    #expect(try server.server.stop() == 0)
  }

  @Test func manyDeadLettersAreRetriedInParts() throws {
    let (_, server, events) = try serve(
      .sqlite, "topics: [orders]\nevents:\n  orders:\n    APPEND: [ship]", ["ship": Self.failing])
    let entries = (1...350).map { #""k\#($0)":{"n":\#($0),"ok":false}"# }.joined(separator: ",")
    try server.append("orders", "{\(entries)}")
    try waitUntil("all are dead letters") { try events.lines(["dead", "list"]).count == 350 }
    #expect(try events.lines(["dead", "list", "--limit", "300"]).count == 300)
    #expect(try events.run(["dead", "list"]).errors.contains("there are more"))
    #expect(try events.lines(["dead", "retry", "--all"]).first?["retried"]?.number == 350)
    // Each fails a second time, and none is lost.
    try server.waitForSeen(700)
    try waitUntil("all are dead letters again") {
      let letters = try events.lines(["dead", "list"])
      return letters.count == 350 && letters.allSatisfy { $0["isBeingRetried"] == nil }
    }
    #expect(try server.server.stop() == 0)
  }
}
