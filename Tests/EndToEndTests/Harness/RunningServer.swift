// `spacer run` or `spacer dev` on a free port, ready to answer; ended with the value.

import Foundation
import Glibc
import SpacerTestSupport

final class RunningServer: Sendable {
  let process: ChildProcess
  let port: UInt16

  /// Starts the command and waits until it listens.
  init(
    _ arguments: [String], environment: [String: String] = [:], executable: String = Tool.spacer
  ) throws {
    process = try ChildProcess(
      [executable] + arguments + ["--port", "0"],
      environment: Tool.environment.merging(environment) { $1 })
    do {
      port = try process.waitForError("the line that says where it listens") { Self.port(in: $0) }
    } catch {
      process.signal(SIGKILL)
      throw error
    }
  }

  deinit { process.signal(SIGKILL) }

  /// `spacer run` of a project that is built first.
  static func serving(
    _ project: String, in workspace: Workspace, arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> RunningServer {
    let artifact = try workspace.build(project)
    return try RunningServer(
      ["run", artifact, "--host", "127.0.0.1"] + arguments, environment: environment)
  }

  /// `spacer run` of a project given as files.
  static func serving(
    _ files: [String: String], in workspace: Workspace, arguments: [String] = [],
    environment: [String: String] = [:]
  ) throws -> RunningServer {
    try serving(try workspace.project(files), in: workspace, arguments: arguments, environment: environment)
  }

  /// Ends it as a service manager would; its exit code.
  func stop() throws -> Int32 {
    process.signal(SIGTERM)
    return try process.waitForExit()
  }

  /// One request on a connection of its own.
  func request(
    _ method: String, _ target: String, headers: [(String, String)] = [], body: String? = nil
  ) throws -> HTTPResponse {
    let connection = try HTTPConnection(port: port)
    var text = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
    try connection.send(text + "\r\n" + (body ?? ""))
    return try connection.response(to: method)
  }

  func get(_ target: String, headers: [(String, String)] = []) throws -> HTTPResponse {
    try request("GET", target, headers: headers)
  }

  func post(_ target: String, json: String) throws -> HTTPResponse {
    try request("POST", target, headers: [("Content-Type", "application/json")], body: json)
  }

  /// Sends bytes as they are and reads one answer.
  func raw(_ text: String) throws -> HTTPResponse {
    let connection = try HTTPConnection(port: port)
    try connection.send(text)
    return try connection.response(to: "GET")
  }

  private static func port(in text: String) -> UInt16? {
    guard let line = text.range(of: "listening on http"),
      let mark = text.range(of: "://", range: line.upperBound..<text.endIndex)
    else { return nil }
    let rest = text[mark.upperBound...]
    guard let end = rest.firstIndex(where: \.isNewline) else { return nil }
    return UInt16(rest[..<end].split(separator: ":").last?.prefix { $0.isNumber } ?? "")
  }
}
