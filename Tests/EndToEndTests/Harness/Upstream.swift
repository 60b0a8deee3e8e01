// A server that functions send requests to: what it answers, when, and what it has seen are the test's.

import Foundation
import Glibc
import SpacerTestSupport

/// One request as it came.
struct UpstreamRequest: Sendable {
  var head: String
  var body: [UInt8]

  var line: String { String(head.prefix { $0 != "\r\n" }) }
  var text: String { String(decoding: body, as: UTF8.self) }

  func header(_ name: String) -> String? {
    for line in head.components(separatedBy: "\r\n").dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      guard line[..<colon].lowercased() == name.lowercased() else { continue }
      return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return nil
  }
}

/// Answers on a free port of loopback, each connection on a thread of its own. Thread-safe: `condition`
/// guards what it has seen.
final class Upstream: @unchecked Sendable {
  typealias Answer = @Sendable (UpstreamRequest) -> String?

  let port: UInt16
  private let listener: Int32
  private let condition = NSCondition()
  private let answer: Answer
  private var seen: [UpstreamRequest] = []
  private var acceptedCount = 0
  private var closedCount = 0

  var url: String { "http://127.0.0.1:\(port)" }
  /// The requests that have come whole.
  var requests: [UpstreamRequest] { condition.withLock { seen } }
  /// Connections, and how many of them the other side has closed.
  var accepted: Int { condition.withLock { acceptedCount } }
  var closed: Int { condition.withLock { closedCount } }

  /// - Parameters:
  ///   - accepts: Without it, connections are made by the kernel alone, and with a short queue.
  ///   - answer: The bytes to send; nil for no answer at all. The connection stays open unless they say that
  ///     it is closed.
  init(accepts: Bool = true, _ answer: @escaping Answer) throws {
    self.answer = answer
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, accepts ? 128 : 0) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound else { throw HarnessError("no upstream: \(String(cString: strerror(errno)))") }
    port = UInt16(bigEndian: address.sin_port)
    guard accepts else { return }
    Thread.detachNewThread { [weak self] in
      // After the last reference is gone the number may be another socket's: it is not touched again.
      while self != nil {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { break }
        guard let self else {
          close(descriptor)
          break
        }
        condition.withLock { acceptedCount += 1 }
        Thread.detachNewThread { [self] in serve(descriptor) }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  /// `HTTP/1.1 200 OK` with a body.
  static func ok(_ body: String, isHead: Bool = false, headers: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(isHead ? "" : body)"
  }

  static func redirect(_ status: Int, to target: String) -> String {
    "HTTP/1.1 \(status) Moved\r\nLocation: \(target)\r\nContent-Length: 0\r\n\r\n"
  }

  private func serve(_ descriptor: Int32) {
    defer { close(descriptor) }
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      while let request = Self.take(&received) {
        condition.withLock { seen.append(request) }
        guard let text = answer(request) else { continue }
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if text.contains("Connection: close") { return }
      }
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else {
        condition.withLock { closedCount += 1 }
        return
      }
      received += chunk[..<count]
    }
  }

  private static func take(_ received: inout [UInt8]) -> UpstreamRequest? {
    guard let end = received.firstRange(of: [13, 10, 13, 10]) else { return nil }
    var request = UpstreamRequest(
      head: String(decoding: received[..<end.lowerBound], as: UTF8.self), body: [])
    let length = request.header("Content-Length").flatMap { Int($0) } ?? 0
    guard received.count >= end.upperBound + length else { return nil }
    request.body = Array(received[end.upperBound..<(end.upperBound + length)])
    received.removeFirst(end.upperBound + length)
    return request
  }
}

/// Holds answers back until it is opened. Thread-safe.
final class Gate: @unchecked Sendable {
  private let condition = NSCondition()
  private var isOpen = false

  func open() {
    condition.withLock {
      isOpen = true
      condition.broadcast()
    }
  }

  func wait() {
    let limit = Date(timeIntervalSinceNow: waitSecondsMax)
    condition.withLock {
      while !isOpen, condition.wait(until: limit) {}
    }
  }
}

/// Random numbers for several threads, the same for the same seed as far as the threads take turns alike.
final class SharedRandom: @unchecked Sendable {
  private let lock = NSLock()
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number below `bound`.
  func next(_ bound: Int) -> Int {
    lock.withLock {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(truncatingIfNeeded: state >> 33) % bound
    }
  }
}
