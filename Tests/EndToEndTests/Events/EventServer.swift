// Servers whose functions append events and handle them, on each of the storages. Handlers report what they see by
// `print`, as lines that begin with SEEN and go on with JSON.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

/// Where a test's events are kept.
enum EventDriver: String, CustomTestStringConvertible, CaseIterable, Sendable {
  case memory, sqlite, postgres, kafka

  var testDescription: String { rawValue }
  /// Whether events outlive the server.
  var isDurable: Bool { self != .memory }
  static let durable = allCases.filter(\.isDurable)
}

/// A place for events that several servers can use, one after the other or together.
final class EventStorage: Sendable {
  let driver: EventDriver
  let workspace: Workspace
  /// The application's name, unique on shared servers.
  let appName: String
  /// The driver and its settings, for below an environment of `logStorage`.
  let lines: String
  private let postgres: PostgresServer?

  init(_ driver: EventDriver, postgres: PostgresServer? = nil, kafka: KafkaServer? = nil) throws {
    self.driver = driver
    self.postgres = postgres
    workspace = try Workspace()
    appName = "t" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased().prefix(20)
    switch driver {
    case .memory: lines = "driver: memory"
    case .sqlite: lines = "driver: sqlite\n    path: \(workspace.path)/events.db"
    case .postgres:
      let server = try postgres ?? PostgresServer.shared.get()
      try server.sql("CREATE SCHEMA \(appName)")
      lines = "driver: postgres\n    connString: \(DatabaseServer.connString(appName, server))"
    case .kafka:
      lines =
        "driver: kafka\n    brokers: [\"\(try (kafka ?? KafkaServer.shared.get()).brokers)\"]\n"
        + "    properties: { session.timeout.ms: 6000, max.poll.interval.ms: 6000 }"
    }
  }

  /// `application.yml` with the storage; `text` holds topics, events and what else a test wants.
  func configuration(_ text: String) -> String {
    """
    spacerVersion: 1
    appName: \(appName)
    writeProxyListen: ":0"
    logStorage:
      development:
        \(lines)
    \(text)
    """
  }

  /// Builds an application; the artifact's path.
  func build(_ text: String, _ files: [String: String], named name: String = "app") throws -> String {
    var files = files
    files["config/application.yml"] = configuration(text)
    return try workspace.build(try workspace.project(files, named: name), to: name + ".spx")
  }
}

/// A running application with events.
final class EventServer: Sendable {
  let server: RunningServer
  let proxyPort: UInt16
  /// Whose folder is removed with it.
  private let storage: EventStorage?

  init(
    _ artifact: String, workers: Int = 2, arguments: [String] = [], environment: [String: String] = [:],
    keeping storage: EventStorage? = nil
  ) throws {
    self.storage = storage
    server = try RunningServer(
      ["run", artifact, "--host", "127.0.0.1", "--workers", "\(workers)"] + arguments,
      environment: environment)
    guard !arguments.contains("--no-write-proxy") else {
      proxyPort = 0
      return
    }
    proxyPort = try server.process.waitForError("where the write proxy listens") { text in
      guard let line = text.split(separator: "\n").first(where: { $0.contains("write proxy on http") }) else {
        return nil
      }
      return UInt16(line.split(separator: ":").last ?? "")
    }
  }

  /// Files of an application: handlers by name, and `/append`, which appends `entries` to `topic`.
  static func files(_ functions: [String: String]) -> [String: String] {
    var files = [
      "app/gateway.lua": #"return { {"POST", "/append", "append"} }"#,
      "app/append.lua": """
      local topics = require "topics"
      return function(args) local ok = topics.append(args.topic, args.entries, args.options) return ok end
      """,
      "lib/seen.lua": """
      local cjson = require "cjson"
      return function(what) print("SEEN " .. cjson.encode(what)) end
      """,
    ]
    for (name, body) in functions {
      files["app/\(name).lua"] =
        "local seen = require \"seen\"\nreturn function(payload, event)\n\(body)\nend\n"
    }
    return files
  }

  /// Appends through a function; must be answered with "ok".
  func append(_ topic: String, _ entries: String, options: String = "null") throws {
    let answer = try server.post(
      "/append", json: #"{"topic":"\#(topic)","entries":\#(entries),"options":\#(options)}"#)
    guard answer.status == 200, answer.json?["data"]?.string == "ok" else {
      throw HarnessError("append: \(answer.status) \(answer.text)")
    }
  }

  /// What handlers reported so far.
  var seen: [JSONValue] { Self.seen(in: server.process.standardOutput) }

  private static func seen(in text: String) -> [JSONValue] {
    text.split(separator: "\n").compactMap { line in
      line.range(of: "SEEN ").flatMap { JSONValue(String(line[$0.upperBound...])) }
    }
  }

  /// Waits until handlers have reported so much.
  @discardableResult
  func waitForSeen(_ count: Int) throws -> [JSONValue] {
    try server.process.waitForOutput("\(count) reports of handlers") { text in
      let seen = Self.seen(in: text)
      return seen.count >= count ? seen : nil
    }
  }

  /// Waits for a text in the log.
  func waitForLog(_ text: String) throws {
    _ = try server.process.waitForOutput("'\(text)' in the log") { $0.contains(text) ? true : nil }
  }

  /// A request to the write proxy.
  func proxy(
    _ body: String, headers: [(String, String)] = [], method: String = "POST"
  ) throws -> HTTPResponse {
    let connection = try HTTPConnection(port: proxyPort)
    var text = "\(method) / HTTP/1.1\r\nHost: t\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    try connection.send(text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
    return try connection.response(to: method)
  }
}
