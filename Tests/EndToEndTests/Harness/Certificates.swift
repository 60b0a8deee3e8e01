// Certificates made by the openssl command, and the client of Tests/tls_client.py that trusts them.

import Foundation
import SpacerTestSupport

enum Certificates {
  /// Writes a certificate that signs itself, and its key, into a workspace.
  /// - Returns: The paths of both.
  @discardableResult
  static func make(
    in workspace: Workspace, serial: Int = 1,
    names: (certificate: String, key: String) = ("cert.pem", "key.pem")
  ) throws -> (certificate: String, key: String) {
    let files = (certificate: workspace.path + "/" + names.certificate, key: workspace.path + "/" + names.key)
    try openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files.key,
      "-out", files.certificate, "-days", "2", "-set_serial", String(serial), "-subj", "/CN=localhost",
      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ])
    return files
  }

  /// Runs the openssl command.
  static func openssl(_ arguments: [String]) throws {
    let child = try ChildProcess(["/usr/bin/openssl"] + arguments, environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    guard try child.waitForExit() == 0 else { throw HarnessError("openssl: \(child.standardError)") }
  }

  /// Starts a scenario of the client.
  static func startClient(
    _ scenario: String, _ port: UInt16, ca: String, _ arguments: [String] = []
  ) throws -> ChildProcess {
    try ChildProcess(
      ["/usr/bin/python3", Tool.checkout + "/Tests/tls_client.py", scenario, String(port), ca] + arguments,
      environment: Tool.environment)
  }

  /// Runs a scenario to its end; the lines that it prints.
  static func client(
    _ scenario: String, _ port: UInt16, ca: String, _ arguments: [String] = []
  ) throws -> [String] {
    let child = try startClient(scenario, port, ca: ca, arguments)
    defer { child.signal(SIGKILL) }
    guard try child.waitForExit(seconds: 60) == 0 else {
      throw HarnessError("\(scenario): \(child.standardOutput)\(child.standardError)")
    }
    return child.standardOutput.split(separator: "\n").map(String.init)
  }
}
