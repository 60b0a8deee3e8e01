// A server on a free port of loopback with a loop that the test turns by hand and a clock that it sets,
// so that nothing waits for real time. Client sockets do not block either: a test pumps the loop until
// what it waits for has happened, and fails when it does not within a bounded number of turns.

import Glibc
import Testing

@testable import SpacerRuntime

/// The clock of a test's loop.
final class ManualClock {
  var nanoseconds: UInt64 = 1_000_000_000
  func advance(milliseconds: UInt64) { nanoseconds += milliseconds * 1_000_000 }
}

/// Answers by path: `/echo` the body, `/later` when the test says so, `/big` with many bytes,
/// `/stream` in pieces by the test, `/empty` with 204, `/reset` with 205, all others with a line that names the request.
final class TestHandler: ExchangeHandler {
  var server: HTTPServer<TestHandler>?
  var seen: [String] = []
  var pending: [ExchangeID] = []
  var cancelled: [ExchangeID] = []
  var refusals: [Refusal] = []
  var tlsFailures: [String] = []
  var writableCount = 0
  var bigBytes = 1_000_000

  func handle(_ exchange: ExchangeID, _ request: borrowing RequestView) {
    let path = text(request.path)
    seen.append(path)
    switch path {
    case "/later", "/stream": pending.append(exchange)
    case "/echo": respond(exchange, Array(request.body))
    case "/big": respond(exchange, [UInt8](repeating: UInt8(ascii: "x"), count: bigBytes))
    case "/empty": respond(exchange, [], status: 204)
    case "/reset": respond(exchange, Array("dropped".utf8), status: 205)
    default: respond(exchange, Array("\(text(request.methodName)) \(path)\n".utf8))
    }
  }

  func respond(_ exchange: ExchangeID, _ body: [UInt8], status: Int = 200, headers: String = "") {
    Array(headers.utf8).withUnsafeBytes { headers in
      body.withUnsafeBytes {
        server?.respond(exchange, status: status, headers: headers, contentType: .json, body: $0)
      }
    }
  }

  func cancel(_ exchange: ExchangeID) { cancelled.append(exchange) }
  func refused(
    _ refusal: Refusal, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, peer: PeerAddress
  ) { refusals.append(refusal) }
  func tlsFailed(_ reason: UnsafePointer<CChar>, peer: PeerAddress) {
    tlsFailures.append(String(cString: reason))
  }
  func writable(_ exchange: ExchangeID) { writableCount += 1 }
}

/// A server and what a test needs around it.
final class TestServer {
  let clock = ManualClock()
  let loop: EventLoop
  let handler = TestHandler()
  let server: HTTPServer<TestHandler>
  let port: UInt16

  init(_ change: (inout HTTPOptions) -> Void = { _ in }, host: String? = "127.0.0.1") throws {
    var options = HTTPOptions()
    change(&options)
    let clock = clock
    loop = try EventLoop(clock: { clock.nanoseconds })
    server = HTTPServer(loop: loop, options: options, handler: handler)
    let opened = try Listener.open(host: host, port: 0, workerCount: 1)
    port = opened.port
    for descriptor in opened.workers[0] { try server.addListener(descriptor) }
    handler.server = server
  }

  deinit { handler.server = nil }

  func connect() throws -> TestClient { try TestClient(port: port) }

  /// Turns the loop until the condition holds.
  func pump(
    _ what: Comment = "", sourceLocation: SourceLocation = #_sourceLocation,
    until condition: () throws -> Bool
  ) throws {
    for _ in 0..<20_000 {
      if try condition() { return }
      try loop.turn(server, waitMillisecondsMax: 1)
    }
    Issue.record("did not happen: \(what)", sourceLocation: sourceLocation)
    throw SystemCallError(call: "pump", code: ETIMEDOUT)
  }

  /// A few turns, for what is not to happen.
  func settle() throws {
    for _ in 0..<10 { try loop.turn(server, waitMillisecondsMax: 1) }
  }

  /// Sends, and pumps until the connection has received the answers of so many requests.
  func answers(_ client: TestClient, _ input: String, count: Int = 1) throws -> [TestAnswer] {
    client.send(input)
    var answers: [TestAnswer] = []
    try pump("\(count) answers") {
      client.receive()
      answers = parseAnswers(client.received)
      return answers.count >= count || client.isEnded
    }
    return answers
  }

  /// Sends, and pumps until the server has ended the connection; returns all that came.
  func conversation(_ input: String) throws -> String {
    let client = try connect()
    client.send(input)
    try pump("the connection's end") {
      client.receive()
      return client.isEnded
    }
    #expect(!client.wasReset)
    return client.receivedText
  }
}

/// A client's socket, non-blocking.
final class TestClient {
  let descriptor: Int32
  private(set) var received: [UInt8] = []
  private(set) var isEnded = false
  private(set) var wasReset = false
  private var isOpen = true

  init(port: UInt16, host: String = "127.0.0.1") throws {
    descriptor = try SystemCalls.socket(family: host.contains(":") ? AF_INET6 : AF_INET)
    var address = [UInt8](repeating: 0, count: 28)
    let isConnecting = address.withUnsafeMutableBytes { bytes in
      let family = host.contains(":") ? AF_INET6 : AF_INET
      bytes.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
      bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
      inet_pton(family, host, bytes.baseAddress.map { $0 + (family == AF_INET ? 4 : 8) })
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
      let result = Glibc.connect(descriptor, base, family == AF_INET ? 16 : 28)
      return result == 0 || errno == EINPROGRESS
    }
    #expect(isConnecting)
  }

  deinit { close() }

  func close() {
    if isOpen { SystemCalls.close(descriptor) }
    isOpen = false
  }

  /// Closes so that the other side gets a reset.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    close()
  }

  func finish() { SystemCalls.shutdownWriting(descriptor) }

  /// Sends as much as the socket takes and returns how much that was.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Int {
    bytes.withUnsafeBytes { bytes in
      if case .done(let count) = SystemCalls.send(descriptor, bytes) { count } else { 0 }
    }
  }

  @discardableResult
  func send(_ text: String) -> Int { send(Array(text.utf8)) }

  /// Takes what is there, up to a number of bytes.
  func receive(bytesMax: Int = .max) {
    var chunk = [UInt8](repeating: 0, count: min(bytesMax, 65_536))
    var taken = 0
    while taken < bytesMax, !isEnded {
      switch chunk.withUnsafeMutableBytes({ SystemCalls.receive(descriptor, $0) }) {
      case .done(0): isEnded = true
      case .done(let count):
        received += chunk[..<count]
        taken += count
      case .wouldBlock: return
      case .failed:
        isEnded = true
        wasReset = true
      }
    }
  }

  var receivedText: String { String(decoding: received, as: UTF8.self) }
}

/// An answer as a client reads it.
struct TestAnswer: Equatable {
  var status: Int
  var headers: [String: String]
  var body: String
}

/// Reads whole answers; chunked bodies are decoded, 100 Continue counts as one.
func parseAnswers(_ bytes: [UInt8]) -> [TestAnswer] {
  var rest = bytes[...]
  var answers: [TestAnswer] = []
  while let headEnd = find("\r\n\r\n", rest) {
    let lines = String(decoding: rest[..<headEnd], as: UTF8.self).split(separator: "\r\n")
    let status = lines.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    rest = rest[(headEnd + 4)...]
    var body: [UInt8] = []
    if headers["transfer-encoding"] == "chunked" {
      var isWhole = false
      while let lineEnd = find("\r\n", rest) {
        guard let size = Int(String(decoding: rest[..<lineEnd], as: UTF8.self), radix: 16),
          rest.endIndex >= lineEnd + 4 + size
        else { break }
        body += rest[(lineEnd + 2)..<(lineEnd + 2 + size)]
        rest = rest[(lineEnd + 4 + size)...]
        isWhole = size == 0
        if isWhole { break }
      }
      guard isWhole else { break }
    } else if let count = headers["content-length"].flatMap({ Int($0) }) {
      guard rest.count >= count else { break }
      body = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    answers.append(TestAnswer(status: status, headers: headers, body: String(decoding: body, as: UTF8.self)))
  }
  return answers
}

private func find(_ text: String, _ bytes: ArraySlice<UInt8>) -> Int? {
  let sought = Array(text.utf8)
  guard bytes.count >= sought.count else { return nil }
  return (bytes.startIndex...(bytes.endIndex - sought.count)).first {
    bytes[$0] == sought[0] && bytes[$0..<$0 + sought.count].elementsEqual(sought)
  }
}
