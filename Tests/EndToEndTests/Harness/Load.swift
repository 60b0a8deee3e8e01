// Requests without a pause from a thread of its own, half of them on connections of their own, so that
// anything that drops one is caught.

import Foundation
import SpacerTestSupport

/// `GET /v` over and over. Thread-safe: `condition` guards what it has seen.
final class Load: @unchecked Sendable {
  private let port: UInt16
  private let keepsConnections: Bool
  private let condition = NSCondition()
  private var answers: Set<String> = []
  private var failures: [String] = []
  private var isStopping = false
  private var isRunning = true
  private var answeredCount = 0

  var answered: Int { condition.withLock { answeredCount } }

  /// - Parameter keepsConnections: Without it, every request has a connection of its own: one that rests may be
  ///   closed by a server that ends, just as a request is sent.
  init(port: UInt16, keepsConnections: Bool = true) throws {
    self.port = port
    self.keepsConnections = keepsConnections
    Thread.detachNewThread { [self] in work() }
  }

  deinit { condition.withLock { isStopping = true } }

  /// Waits until an answer's data was `text`.
  func waitForAnswer(_ text: String) throws {
    let limit = Date(timeIntervalSinceNow: waitSecondsMax)
    condition.lock()
    defer { condition.unlock() }
    while !answers.contains(text) {
      if !isRunning { throw HarnessError("the load stopped: \(failures)") }
      if !condition.wait(until: limit) { throw HarnessError("no answer '\(text)' in \(waitSecondsMax) s") }
    }
  }

  /// Ends the load; what failed.
  func stop() -> [String] {
    condition.lock()
    defer { condition.unlock() }
    isStopping = true
    while isRunning { condition.wait() }
    return failures
  }

  private func work() {
    var kept: HTTPConnection?
    var number = 0
    while !condition.withLock({ isStopping }) {
      number += 1
      do {
        let connection =
          try keepsConnections && number.isMultiple(of: 2)
          ? kept ?? HTTPConnection(port: port) : HTTPConnection(port: port)
        try connection.send("GET /v HTTP/1.1\r\nHost: t\r\n\r\n")
        let answer = try connection.response(to: "GET")
        if number.isMultiple(of: 2) { kept = answer.header("Connection") == "close" ? nil : connection }
        note(answer)
      } catch {
        kept = nil
        condition.withLock { failures.append("\(error)") }
        if condition.withLock({ failures.count > 20 }) { break }
      }
    }
    condition.withLock {
      isRunning = false
      condition.broadcast()
    }
  }

  private func note(_ answer: HTTPResponse) {
    condition.withLock {
      answeredCount += 1
      if answer.status == 200, let data = answer.json?["data"]?.string {
        answers.insert(data)
      } else {
        failures.append("\(answer.status) \(answer.text)")
      }
      condition.broadcast()
    }
  }
}
