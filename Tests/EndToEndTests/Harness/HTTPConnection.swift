// A client that sends exactly the bytes it is given, well-formed or not, and reads answers strictly.

import Foundation
import Glibc
import SpacerTestSupport

/// One answer.
struct HTTPResponse: Sendable {
  var version: String
  var status: Int
  var headers: [(name: String, value: String)]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as JSON, nil when it is none.
  var json: JSONValue? { JSONValue(body) }

  func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A TCP connection to a server on this machine. Blocking, with a bound on every wait.
final class HTTPConnection {
  private let descriptor: Int32
  private var received: [UInt8] = []

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { throw HarnessError("socket: \(String(cString: strerror(errno)))") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else {
      // deinit runs here too, and closes: a second close would hit another test's descriptor.
      throw HarnessError("connect to port \(port): \(String(cString: strerror(errno)))")
    }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw HarnessError("send: \(String(cString: strerror(errno)))")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// No more bytes will be sent; answers can still be read.
  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// The next answer; interim ones (100) are skipped unless asked for.
  func response(to method: String, interim: Bool = false) throws -> HTTPResponse {
    while true {
      let response = try readResponse(hasBody: method != "HEAD")
      if interim || response.status >= 200 { return response }
    }
  }

  /// Whether the server closes the connection without another byte.
  func isClosedByPeer() -> Bool {
    guard received.isEmpty else { return false }
    do {
      return try !receive()
    } catch {
      return false
    }
  }

  private func readResponse(hasBody: Bool) throws -> HTTPResponse {
    let head = try readHead()
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let statusLine = lines[0].split(separator: " ", maxSplits: 2)
    guard statusLine.count >= 2, statusLine[0].hasPrefix("HTTP/1."), let status = Int(statusLine[1]) else {
      throw HarnessError("not a status line: \(lines[0])")
    }
    var response = HTTPResponse(version: String(statusLine[0]), status: status, headers: [], body: [])
    for line in lines.dropFirst() where !line.isEmpty {
      guard let colon = line.firstIndex(of: ":") else { throw HarnessError("not a header: \(line)") }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      response.headers.append((String(line[..<colon]), value))
    }
    guard hasBody, status >= 200, status != 204, status != 304 else { return response }
    if response.header("Transfer-Encoding")?.lowercased() == "chunked" {
      response.body = try readChunks()
    } else if let length = response.header("Content-Length") {
      guard let count = Int(length) else { throw HarnessError("Content-Length: \(length)") }
      response.body = try take(count)
    } else {
      while try receive() {}
      response.body = received
      received = []
    }
    return response
  }

  private func readHead() throws -> [UInt8] {
    while true {
      if let end = received.firstRange(of: [13, 10, 13, 10]) {
        let head = Array(received[..<end.lowerBound])
        received.removeFirst(end.upperBound)
        return head
      }
      guard try receive() else {
        throw HarnessError("closed before an answer; got \(String(decoding: received, as: UTF8.self))")
      }
    }
  }

  private func readChunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      guard let count = Int(try readLine(), radix: 16) else { throw HarnessError("not a chunk size") }
      body += try take(count)
      guard try readLine().isEmpty else { throw HarnessError("a chunk without its line end") }
      if count == 0 { return body }
    }
  }

  private func readLine() throws -> String {
    while true {
      if let end = received.firstRange(of: [13, 10]) {
        let line = String(decoding: received[..<end.lowerBound], as: UTF8.self)
        received.removeFirst(end.upperBound)
        return line
      }
      guard try receive() else { throw HarnessError("closed inside a line") }
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while received.count < count {
      guard try receive() else { throw HarnessError("closed after \(received.count) of \(count) bytes") }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// Reads once; false at the end of the stream. A reset counts as the end.
  private func receive() throws -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var ready: Int32
    repeat { ready = poll(&entry, 1, Int32(waitSecondsMax * 1000)) } while ready < 0 && errno == EINTR
    guard ready > 0 else { throw HarnessError("waited \(waitSecondsMax) s for an answer") }
    var chunk = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    if count < 0 {
      if errno == EINTR { return true }
      if errno == ECONNRESET { return false }
      throw HarnessError("recv: \(String(cString: strerror(errno)))")
    }
    received += chunk[..<count]
    return count > 0
  }
}
