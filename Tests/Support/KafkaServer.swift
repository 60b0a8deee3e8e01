import Foundation
import Glibc

/// A server of its own process that speaks Kafka's protocol and keeps its data over a restart: noida-db, which
/// `scripts/setup test` installs. Thread-safe: `lock` guards the process.
package final class KafkaServer: @unchecked Sendable {
  package static let shared = Result { try KafkaServer() }

  package let port: UInt16
  private let folder: String
  private let lock = NSLock()
  private var process: Process

  package init() throws {
    folder = NSTemporaryDirectory() + "spacer-kafka-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    port = try Self.freePort()
    process = try Self.start(port, folder)
    try startGuardian()
    try waitUntilReady()
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(atPath: folder)
  }

  package var brokers: String { "127.0.0.1:\(port)" }

  /// Ends it without a word.
  package func kill() {
    lock.withLock {
      guard process.isRunning else { return }
      _ = Glibc.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  /// Starts it again, on the same port and data.
  package func restart() throws {
    try lock.withLock { process = try Self.start(port, folder) }
    try startGuardian()
    try waitUntilReady()
  }

  private static func start(_ port: UInt16, _ folder: String) throws -> Process {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let program = root.appendingPathComponent(".build/kafka-peer/noida-db").path
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw HarnessError("there is no \(program): run scripts/setup test")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["start", "--only", "kafka", "--kafka-port", "\(port)", "--data-dir", folder]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Ends the server and removes its folder when the tests are gone, however they ended.
  private func startGuardian() throws {
    let guardian = Process()
    guardian.executableURL = URL(fileURLWithPath: "/bin/sh")
    let server = process.processIdentifier
    guardian.arguments = [
      "-c",
      """
      trap '' INT TERM HUP
      while kill -0 \(getpid()) 2>/dev/null && kill -0 \(server) 2>/dev/null; do sleep 0.3; done
      kill -0 \(getpid()) 2>/dev/null && exit
      kill -KILL \(server) 2>/dev/null
      rm -rf '\(folder)'
      """,
    ]
    guardian.standardOutput = FileHandle.nullDevice
    guardian.standardError = FileHandle.nullDevice
    guardian.standardInput = FileHandle.nullDevice
    try guardian.run()
  }

  private func waitUntilReady() throws {
    let end = Date(timeIntervalSinceNow: 30)
    while !connects() {
      guard Date() < end, process.isRunning else {
        throw HarnessError("noida-db does not listen on port \(port)")
      }
    }
  }

  private func connects() -> Bool {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = Self.address(port)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return address
  }

  private static func freePort() throws -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = address(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard isNamed else { throw HarnessError("no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}
