// A PostgreSQL server of the tests' own: Debian's binaries, a cluster in a temporary folder, a free port. One
// serves all tests that leave it running; a test that ends it starts one for itself.

import Foundation
import Glibc

/// A running server. Thread-safe: `lock` guards the process.
package final class PostgresServer: @unchecked Sendable {
  package static let shared = Result { try PostgresServer() }

  package let port: UInt16
  package let folder: String
  private let binaries: String
  private let lock = NSLock()
  private var process: ChildProcess

  /// Makes a cluster and starts it.
  /// - Parameter settings: Lines for its configuration.
  package init(_ settings: [String] = []) throws {
    binaries = try Self.findBinaries()
    folder = try Self.makeFolder()
    port = try Self.freePort()
    let initialised = try Self.command([
      binaries + "/initdb", "-D", folder + "/data", "-U", "postgres", "--auth=trust", "--encoding=UTF8",
      "--locale=C", "--no-sync",
    ])
    guard try initialised.waitForExit() == 0 else {
      throw HarnessError("initdb failed: \(initialised.standardError)")
    }
    let lines = [
      "listen_addresses = '127.0.0.1'", "port = \(port)", "unix_socket_directories = '\(folder)'",
      "fsync = off", "shared_buffers = 16MB", "max_connections = 60", "timezone = 'UTC'",
    ]
    let file = folder + "/data/postgresql.auto.conf"
    try Data((lines + settings).joined(separator: "\n").appending("\n").utf8).write(
      to: URL(fileURLWithPath: file))
    process = try Self.start(binaries, folder)
    try startGuardian()
    try waitUntilReady()
  }

  /// Ends the server and removes its folder when the tests are gone, however they ended.
  private func startGuardian() throws {
    let script = """
      trap '' INT TERM HUP
      while kill -0 \(getpid()) 2>/dev/null && [ -d \(folder) ]; do sleep 0.3; done
      [ -r \(folder)/data/postmaster.pid ] && kill -QUIT "$(head -n 1 \(folder)/data/postmaster.pid)"
      rm -rf \(folder)
      """
    _ = try ChildProcess(["/bin/sh", "-c", script], environment: ChildProcess.plainEnvironment)
  }

  deinit {
    try? kill()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// The connection string by TCP.
  package var connString: String { "postgres://postgres@localhost:\(port)/postgres" }
  /// The connection string by the socket's folder.
  package var socketString: String { "host=\(folder) port=\(port) user=postgres dbname=postgres" }

  /// Ends it and all its processes without a word.
  package func kill() throws {
    try lock.withLock {
      let children = try Self.children(of: serverIdentifier())
      for child in [try serverIdentifier()] + children { _ = Glibc.kill(child, SIGKILL) }
      try process.waitForExit()
    }
  }

  /// Starts it again.
  package func restart() throws {
    try lock.withLock { process = try Self.start(binaries, folder) }
    try waitUntilReady()
  }

  /// Runs SQL with psql and returns what it prints, a row a line.
  @discardableResult
  package func sql(_ text: String, database: String = "postgres") throws -> String {
    let psql = try ChildProcess(
      [
        binaries + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", folder, "-p", "\(port)",
        "-U",
        "postgres", "-d", database, "-c", text,
      ], environment: ChildProcess.plainEnvironment)
    guard try psql.waitForExit() == 0 else { throw HarnessError("psql: \(psql.standardError)") }
    return psql.standardOutput.trimmingCharacters(in: .newlines)
  }

  // MARK: The process

  private func waitUntilReady() throws {
    try waitUntil("PostgreSQL answers") { (try? sql("SELECT 1")) == "1" }
  }

  /// The number of the postmaster itself, which is not that of the process that changed the user.
  private func serverIdentifier() throws -> pid_t {
    let text = try String(contentsOfFile: folder + "/data/postmaster.pid", encoding: .utf8)
    guard let number = text.split(separator: "\n").first.flatMap({ pid_t($0) }) else {
      throw HarnessError("postmaster.pid holds no number")
    }
    return number
  }

  private static func children(of process: pid_t) throws -> [pid_t] {
    let path = "/proc/\(process)/task/\(process)/children"
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: " ").compactMap { pid_t($0) }
  }

  private static func start(_ binaries: String, _ folder: String) throws -> ChildProcess {
    try command([binaries + "/postgres", "-D", folder + "/data"])
  }

  /// PostgreSQL refuses to run as root.
  private static func command(_ words: [String]) throws -> ChildProcess {
    let prefix = getuid() == 0 ? ["/usr/sbin/runuser", "-u", "postgres", "--"] : []
    return try ChildProcess(
      prefix + words, environment: ChildProcess.plainEnvironment.merging(["LC_ALL": "C"]) { $1 },
      folder: "/tmp")
  }

  private static func findBinaries() throws -> String {
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    guard let newest = versions.compactMap({ Int($0) }).max() else {
      throw HarnessError("there is no PostgreSQL under \(root): run scripts/setup test")
    }
    return "\(root)/\(newest)/bin"
  }

  /// A short path: a socket's may not have more than 107 bytes.
  private static func makeFolder() throws -> String {
    var template = Array("/tmp/spacer-pg-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw HarnessError("mkdtemp: \(String(cString: strerror(errno)))")
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if getuid() == 0 {
      guard let user = getpwnam("postgres") else { throw HarnessError("there is no user postgres") }
      chown(folder, user.pointee.pw_uid, user.pointee.pw_gid)
    }
    return folder
  }

  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard status else { throw HarnessError("no free port: \(String(cString: strerror(errno)))") }
    return UInt16(bigEndian: address.sin_port)
  }
}
