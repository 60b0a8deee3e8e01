// Log lines go to standard output by a thread of their own, so that a slow reader never holds up a loop.
// Workers hand over whole chunks of lines; what is pending is bounded, and what had to be dropped is counted.

import CSystem
import Glibc
import SpacerSystem
import Synchronization

/// Writes the chunks of all workers, in the order they were handed over.
final class LogWriter: Sendable {
  /// Bytes that may wait for a slow reader.
  static let pendingBytesMax = 8 << 20

  private struct State {
    var pending: [UInt8] = []
    var dropped = 0
    var isClosed = false
    var isDone = false
  }

  private let state = Mutex(State())
  private let descriptor: Int32
  /// Whether every line is an object.
  private let isJSON: Bool
  private let wakeUp: Int32
  private let finished: Int32

  /// - Parameter descriptor: Where to write; not closed.
  init(descriptor: Int32, isJSON: Bool = false) throws(SystemCallError) {
    self.descriptor = descriptor
    self.isJSON = isJSON
    wakeUp = try SystemCalls.eventDescriptor()
    finished = try SystemCalls.eventDescriptor()
  }

  deinit {
    SystemCalls.close(wakeUp)
    SystemCalls.close(finished)
  }

  /// Starts the thread.
  func start() {
    Threads.start(name: "log") { self.run() }
  }

  /// Takes whole lines; from any thread.
  func write(_ bytes: UnsafeRawBufferPointer) {
    let wakes = state.withLock { state in
      guard state.pending.count + bytes.count <= Self.pendingBytesMax else {
        state.dropped += bytes.count { $0 == 0x0A }
        return state.pending.isEmpty
      }
      let wasEmpty = state.pending.isEmpty
      state.pending.append(contentsOf: bytes)
      return wasEmpty
    }
    if wakes { Self.signal(wakeUp) }
  }

  /// Writes what is pending and ends the thread; returns when that is done, or after `milliseconds`, when
  /// nobody reads.
  func close(waitMilliseconds milliseconds: Int32) {
    state.withLock { $0.isClosed = true }
    Self.signal(wakeUp)
    _ = Self.wait(finished, milliseconds: milliseconds)
  }

  private func run() {
    while true {
      let (chunk, dropped, isClosed) = state.withLock { state in
        defer {
          state.pending = []
          state.dropped = 0
        }
        return (state.pending, state.dropped, state.isClosed)
      }
      chunk.withUnsafeBytes { writeAll($0) }
      if dropped > 0 {
        let note = "\(dropped) log lines dropped, since nobody reads them fast enough"
        let line = isJSON ? "{\"level\":\"warn\",\"message\":\"\(note)\"}\n" : "spacer: \(note)\n"
        Array(line.utf8).withUnsafeBytes { writeAll($0) }
      }
      if chunk.isEmpty && dropped == 0 {
        if isClosed { break }
        _ = Self.wait(wakeUp, milliseconds: -1)
      }
    }
    Self.signal(finished)
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch SystemCalls.write(descriptor, UnsafeRawBufferPointer(rebasing: rest)) {
      case .done(let count): rest = rest.dropFirst(count)
      case .wouldBlock:
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = Glibc.poll(&poll, 1, -1)
      case .failed: return
      }
    }
  }

  private static func signal(_ descriptor: Int32) {
    var one: UInt64 = 1
    withUnsafeBytes(of: &one) { _ = SystemCalls.write(descriptor, $0) }
  }

  private static func wait(_ descriptor: Int32, milliseconds: Int32) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return false }
    var counter: UInt64 = 0
    withUnsafeMutableBytes(of: &counter) { _ = SystemCalls.read(descriptor, $0) }
    return true
  }
}
