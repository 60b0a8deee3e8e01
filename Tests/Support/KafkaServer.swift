import Foundation
import Glibc

/// A server of its own process that speaks Kafka's protocol and keeps its data over a restart: noida-db, which
/// `scripts/setup test` installs. It writes its data when it is asked to end, and otherwise only every second or so:
/// what it acknowledged just before a SIGKILL is gone, and so is what it acknowledges after a SIGTERM. Tests end it
/// by SIGTERM, and have no appends on their way then. Thread-safe: `lock` guards the process.
package final class KafkaServer: @unchecked Sendable {
  package static let shared = Result { try KafkaServer() }

  package let port: UInt16
  private let folder: String
  private let lock = NSLock()
  /// 0 when it has ended.
  private var process: pid_t

  package init() throws {
    folder = NSTemporaryDirectory() + "spacer-kafka-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    port = try Self.freePort()
    process = try Self.start(port, folder)
    try startGuardian()
    try waitUntilReady()
  }

  deinit {
    end(SIGKILL)
    try? FileManager.default.removeItem(atPath: folder)
  }

  package var brokers: String { "127.0.0.1:\(port)" }

  /// Ends it; its connections break.
  package func stop() { end(SIGTERM) }

  private func end(_ signal: Int32) {
    lock.withLock {
      guard process > 0 else { return }
      _ = kill(process, signal)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      process = 0
    }
  }

  /// Starts it again, on the same port and data.
  package func restart() throws {
    try lock.withLock { process = try Self.start(port, folder) }
    try startGuardian()
    try waitUntilReady()
  }

  private static func start(_ port: UInt16, _ folder: String) throws -> pid_t {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let program = root.appendingPathComponent(".build/kafka-peer/noida-db").path
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw HarnessError("there is no \(program): run scripts/setup test")
    }
    return try spawn([program, "start", "--only", "kafka", "--kafka-port", "\(port)", "--data-dir", folder])
  }

  private static func spawn(_ command: [String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor: Int32 in 0...2 {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    // The threads that tests run on block signals, which a child would inherit: SIGTERM would never reach it.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = command.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, command[0], &actions, &attributes, words, environ)
    guard code == 0 else {
      throw HarnessError("cannot start \(command[0]): \(String(cString: strerror(code)))")
    }
    return child
  }

  /// Ends the server and removes its folder when the tests are gone, however they ended. It does not outlive the
  /// server, and nobody waits for it.
  private func startGuardian() throws {
    let script = """
      trap '' INT TERM HUP
      (
      while kill -0 \(getpid()) 2>/dev/null && kill -0 \(process) 2>/dev/null; do sleep 0.3; done
      kill -0 \(getpid()) 2>/dev/null && exit
      kill -KILL \(process) 2>/dev/null
      rm -rf '\(folder)'
      ) &
      """
    var status: Int32 = 0
    // Its parent ends at once, so that the guardian itself is nobody's child.
    let parent = try Self.spawn(["/bin/sh", "-c", script])
    while waitpid(parent, &status, 0) < 0, errno == EINTR {}
  }

  private func waitUntilReady() throws {
    try waitUntil("noida-db listens on port \(port)") { connects() }
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
