// Servers whose functions use a database: PostgreSQL with a schema of the test's own, or a SQLite file.

import Foundation
import SpacerTestSupport
import Testing

/// Which database a test's functions run on.
enum TestDriver: String, CaseIterable, CustomTestStringConvertible, Sendable {
  case postgres, sqlite

  var testDescription: String { rawValue }
}

struct DatabaseServer {
  let workspace: Workspace
  let server: RunningServer
  /// The server's name among PostgreSQL's clients, and of its schema.
  let name: String

  /// - Parameters:
  ///   - functions: Bodies of handlers by name, with `db` at hand; each is routed under its name.
  ///   - extra: Further lines under `databases: default:`, indented by four.
  ///   - limits: Lines under `limits:`, indented by two.
  init(
    _ driver: TestDriver, _ functions: [String: String], extra: String = "", limits: String = "",
    workers: Int = 1, environment: [String: String] = [:], postgres: PostgresServer? = nil
  ) throws {
    workspace = try Workspace()
    name = "t" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased()
    let configuration: String
    switch driver {
    case .postgres:
      let postgres = try postgres ?? PostgresServer.shared.get()
      try postgres.sql("CREATE SCHEMA \(name)")
      configuration =
        "    driver: postgres\n    connString: ${TEST_DATABASE}\n"
    case .sqlite: configuration = "    driver: sqlite\n    path: \(workspace.path)/data/test.db\n"
    }
    let text =
      "spacerVersion: 1\nappName: test\ndatabases:\n  default:\n\(configuration)\(extra)limits:\n"
      + (limits.isEmpty ? "  bodyBytes: 1MiB\n" : limits)
    var environment = environment
    if driver == .postgres {
      environment["TEST_DATABASE"] = try Self.connString(name, postgres ?? PostgresServer.shared.get())
    }
    server = try Self.serve(text, functions, workers, environment, workspace)
  }

  /// A server with the configuration `text`.
  init(configuration text: String, _ functions: [String: String], environment: [String: String] = [:]) throws
  {
    workspace = try Workspace()
    name = ""
    server = try Self.serve(text, functions, 1, environment, workspace)
  }

  static func connString(_ name: String, _ postgres: PostgresServer) -> String {
    "\(postgres.connString)?application_name=\(name)&options=-csearch_path%3D\(name)"
  }

  private static func serve(
    _ configuration: String, _ functions: [String: String], _ workers: Int, _ environment: [String: String],
    _ workspace: Workspace
  ) throws -> RunningServer {
    var files = ["config/application.yml": configuration]
    var routes = ""
    for (name, body) in functions {
      files["app/\(name).lua"] = "local db = require \"db\"\nreturn function(args)\n\(body)\nend\n"
      routes += #"{"ANY", "/\#(name)", "\#(name)"}, "#
    }
    files["app/gateway.lua"] = "return { \(routes) }\n"
    return try RunningServer.serving(
      files, in: workspace, arguments: ["--workers", "\(workers)"], environment: environment)
  }

  /// The `data` of a function's answer, which must be a 200.
  func data(_ function: String, _ json: String = "{}") throws -> JSONValue? {
    let answer = try server.post("/\(function)", json: json)
    guard answer.status == 200 else { throw HarnessError("/\(function): \(answer.status) \(answer.text)") }
    return answer.json?["data"]
  }

  /// What PostgreSQL says of this server's connections: how many of them are in a state like that.
  func connections(_ condition: String = "true", _ postgres: PostgresServer? = nil) throws -> Int {
    let count = try (postgres ?? PostgresServer.shared.get()).sql(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(name)' AND (\(condition))")
    return Int(count) ?? -1
  }

  /// Sends a request and does not wait for its answer.
  func begin(_ function: String, _ json: String = "{}") throws -> HTTPConnection {
    let connection = try HTTPConnection(port: server.port)
    try connection.send(
      "POST /\(function) HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(json.utf8.count)\r\n\r\n\(json)")
    return connection
  }
}
