// A child on a terminal of its own, which a test types on and reads from.

import Foundation
import Glibc
import SpacerTestSupport

/// One child with a controlling terminal. Thread-safe: `condition` guards what was printed.
final class TerminalProcess: @unchecked Sendable {
  private let master: Int32
  /// Held open, so that the terminal outlives the child.
  private let slave: Int32
  private let identifier: pid_t
  private let condition = NSCondition()
  private var gathered: [UInt8] = []
  private var hasEnded = false

  /// The terminal's modes.
  struct Modes: Equatable {
    var isByLine: Bool
    var echoes: Bool
    var hasSignals: Bool
  }

  // TIOCSPTLCK, TIOCGPTN and POSIX_SPAWN_SETSID, which the C module lacks.
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430
  private static let newSession: Int16 = 0x80

  init(_ command: [String], environment: [String: String]) throws {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var isLocked: Int32 = 0
    var number: Int32 = 0
    guard master >= 0, ioctl(master, Self.setLock, &isLocked) == 0,
      ioctl(master, Self.getNumber, &number) == 0
    else { throw HarnessError("no terminal: \(String(cString: strerror(errno)))") }
    let path = "/dev/pts/\(number)"
    slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The first terminal that the leader of a session opens becomes the session's.
    posix_spawnattr_setflags(&attributes, Self.newSession)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    let words = command.map { strdup($0) } + [nil]
    let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, command[0], &actions, &attributes, words, settings)
    guard code == 0 else {
      close(master)
      close(slave)
      throw HarnessError("cannot start \(command[0]): \(String(cString: strerror(code)))")
    }
    identifier = child
    self.master = master
    // Without a hold on the value: a test that fails leaves it, and its end ends the child.
    Thread.detachNewThread { [weak self] in
      Self.read(from: master) { bytes in
        guard let self else { return false }
        return self.take(bytes)
      }
    }
  }

  deinit {
    if !hasEnded { kill(identifier, SIGKILL) }
    close(slave)
  }

  var output: String { condition.withLock { String(decoding: gathered, as: UTF8.self) } }

  /// Presses keys; `\u{3}` is Ctrl-C.
  func type(_ text: String) throws {
    let bytes = Array(text.utf8)
    guard write(master, bytes, bytes.count) == bytes.count else { throw HarnessError("cannot type") }
  }

  func signal(_ number: Int32) { kill(identifier, number) }

  var modes: Modes {
    var settings = termios()
    tcgetattr(slave, &settings)
    return Modes(
      isByLine: settings.c_lflag & tcflag_t(ICANON) != 0, echoes: settings.c_lflag & tcflag_t(ECHO) != 0,
      hasSignals: settings.c_lflag & tcflag_t(ISIG) != 0)
  }

  /// Waits until what was printed gives a value.
  @discardableResult
  func wait<T>(_ what: String, _ match: (String) -> T?) throws -> T {
    var found: T?
    do {
      try waitUntil(what) {
        found = match(output)
        return found != nil
      }
    } catch {
      throw HarnessError("\(error); the terminal shows:\n\(output)")
    }
    guard let found else { throw HarnessError(what) }
    return found
  }

  func wait(for text: String) throws { try wait("'\(text)'") { $0.contains(text) ? true : nil } }

  /// Waits for the end; the exit code, or the negative signal.
  func waitForExit() throws -> Int32 {
    var raw: Int32 = 0
    try waitUntil("the process ends") { waitpid(identifier, &raw, WNOHANG) == identifier }
    hasEnded = true
    return raw & 0x7F == 0 ? (raw >> 8) & 0xFF : -(raw & 0x7F)
  }

  /// Waits until a signal has stopped it.
  func waitUntilStopped() throws {
    var raw: Int32 = 0
    try waitUntil("the process stops") {
      waitpid(identifier, &raw, WNOHANG | WUNTRACED) == identifier && raw & 0xFF == 0x7F
    }
  }

  /// False when nothing more is to come.
  private func take(_ bytes: ArraySlice<UInt8>) -> Bool {
    condition.withLock {
      gathered.append(contentsOf: bytes)
      return !bytes.isEmpty || !hasEnded
    }
  }

  /// Hands on what is printed, and nothing now and then, for as long as it is taken.
  private static func read(from master: Int32, _ take: (ArraySlice<UInt8>) -> Bool) {
    var chunk = [UInt8](repeating: 0, count: 4096)
    defer { close(master) }
    while true {
      var entry = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 100) > 0 else {
        guard take([]) else { return }
        continue
      }
      let count = Glibc.read(master, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0, take(chunk[..<count]) else { return }
    }
  }
}
