// A child process whose output is gathered while it runs, so that a chatty child never blocks on a full
// pipe. Every wait is on a condition and has a bound.

import Foundation
package import Glibc

/// A test's own failure: a bound passed, a child that could not start.
package struct HarnessError: Error, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// The bound of every wait: far above what is needed, since the machine may be busy.
package let waitSecondsMax = 60.0

/// Asks over and over until `condition` holds.
package func waitUntil(
  _ what: String, seconds: Double = waitSecondsMax, _ condition: () throws -> Bool
) throws {
  let limit = Date(timeIntervalSinceNow: seconds)
  while true {
    let begin = threadMicroseconds()
    if try condition() { return }
    guard Date() < limit else { throw HarnessError("in \(seconds) s it never came that \(what)") }
    // What is waited for needs the processor too: a look that is expensive is taken less often.
    usleep(UInt32(min(max(100, (threadMicroseconds() - begin) * 4), 100_000)))
  }
}

/// The processor time of this thread.
private func threadMicroseconds() -> Int {
  var now = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
  return now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// One child. Thread-safe: `condition` guards the gathered output and the exit status.
package final class ChildProcess: @unchecked Sendable {
  package let identifier: pid_t
  private let condition = NSCondition()
  private var gathered: [[UInt8]] = [[], []]
  private var openStreams = 2
  private var status: Int32?

  /// Keeps two spawns from inheriting each other's pipe ends before they are marked close-on-exec.
  private static let spawnLock = NSLock()

  /// A small environment of our own, so that the developer's never decides a test.
  package static let plainEnvironment = [
    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
  ]

  /// Starts `command[0]` with exactly the given environment; `folder` becomes its working directory.
  package init(
    _ command: [String], environment: [String: String], folder: String? = nil, umask mask: mode_t? = nil
  )
    throws
  {
    Self.spawnLock.lock()
    defer { Self.spawnLock.unlock() }
    let out = try Self.makePipe()
    let err = try Self.makePipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, out.write, 1)
    posix_spawn_file_actions_adddup2(&actions, err.write, 2)

    // The call that would change the folder of the child alone is not in the C library's standard part.
    let command = folder.map { ["/usr/bin/env", "-C", $0] + command } ?? command
    let words = command.map { strdup($0) } + [nil]
    let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    let previousMask = mask.map { umask($0) }
    defer { if let previousMask { umask(previousMask) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, command[0], &actions, nil, words, settings)
    close(out.write)
    close(err.write)
    guard code == 0 else {
      close(out.read)
      close(err.read)
      throw HarnessError("cannot start \(command[0]): \(String(cString: strerror(code)))")
    }
    identifier = child
    for (stream, descriptor) in [out.read, err.read].enumerated() {
      Thread.detachNewThread { [self] in gather(stream, from: descriptor) }
    }
    Thread.detachNewThread { [self] in reap() }
  }

  package var standardOutput: String { text(0) }
  package var standardError: String { text(1) }

  package func signal(_ number: Int32) {
    condition.withLock { if status == nil { _ = kill(identifier, number) } }
  }

  /// Waits for the end of the process and of its output. The status is the exit code, or the negative
  /// signal that ended it.
  @discardableResult
  package func waitForExit(seconds: Double = waitSecondsMax) throws -> Int32 {
    try wait(seconds: seconds, for: "the end of process \(identifier)") {
      $0.openStreams == 0 ? $0.status : nil
    }
  }

  /// Waits until the text of standard error gives a value.
  package func waitForError<T>(_ what: String, seconds: Double = waitSecondsMax, _ match: (String) -> T?)
    throws -> T
  {
    try wait(seconds: seconds, for: what) { child in
      if let value = match(String(decoding: child.gathered[1], as: UTF8.self)) { return value }
      if child.status != nil && child.openStreams == 0 {
        throw HarnessError("the process ended before \(what)")
      }
      return nil
    }
  }

  /// Waits until the text of standard output gives a value.
  package func waitForOutput<T>(_ what: String, seconds: Double = waitSecondsMax, _ match: (String) -> T?)
    throws -> T
  {
    try wait(seconds: seconds, for: what) { match(String(decoding: $0.gathered[0], as: UTF8.self)) }
  }

  private func wait<T>(seconds: Double, for what: String, _ value: (ChildProcess) throws -> T?) throws -> T {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      do {
        if let found = try value(self) { return found }
      } catch {
        throw HarnessError("\(error); it said:\n\(said)")
      }
      if !condition.wait(until: limit) {
        throw HarnessError("waited \(seconds) s for \(what); it said:\n\(said)")
      }
    }
  }

  private var said: String { gathered.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") }

  private func text(_ stream: Int) -> String {
    condition.withLock { String(decoding: gathered[stream], as: UTF8.self) }
  }

  private func gather(_ stream: Int, from descriptor: Int32) {
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { break }
      condition.withLock {
        gathered[stream].append(contentsOf: chunk[..<count])
        condition.broadcast()
      }
    }
    close(descriptor)
    condition.withLock {
      openStreams -= 1
      condition.broadcast()
    }
  }

  private func reap() {
    var raw: Int32 = 0
    while waitpid(identifier, &raw, 0) < 0 && errno == EINTR {}
    let signal = raw & 0x7F
    condition.withLock {
      status = signal == 0 ? (raw >> 8) & 0xFF : -signal
      condition.broadcast()
    }
  }

  private static func makePipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw HarnessError("pipe: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
