// The server over real sockets: what a client sees.

import Glibc
import Testing

@testable import SpacerRuntime

@Suite("HTTP server")
struct HTTPServerTests {
  private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

  @Test("one request, and the connection stays")
  func keepAlive() throws {
    let test = try TestServer()
    let client = try test.connect()
    var answers = try test.answers(client, get)
    answers = try test.answers(client, get, count: 2)
    #expect(answers.map(\.status) == [200, 200])
    #expect(answers[1].body == "GET /a\n")
    #expect(answers[1].headers["content-type"] == "application/json")
    #expect(answers[1].headers["connection"] == nil)
    #expect(answers[1].headers["date"]?.hasSuffix(" GMT") == true)
    #expect(!client.isEnded)
    #expect(test.server.connectionCount == 1)
    client.close()
    try test.pump { test.server.connectionCount == 0 }
  }

  @Test("the client decides whether the connection stays")
  func connectionHeader() throws {
    let test = try TestServer()
    let closed = try test.conversation("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    #expect(parseAnswers(Array(closed.utf8)).first?.headers["connection"] == "close")
    let old = try test.conversation("GET /a HTTP/1.0\r\n\r\n")
    #expect(parseAnswers(Array(old.utf8)).first?.headers["connection"] == "close")
    let client = try test.connect()
    let answers = try test.answers(client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    #expect(answers.first?.headers["connection"] == "keep-alive")
    try test.settle()
    client.receive()
    #expect(!client.isEnded)
  }

  @Test("pipelined requests are answered in order, however they are cut")
  func pipelining() throws {
    let test = try TestServer()
    var input = ""
    for number in 0..<200 {
      input +=
        number % 3 == 0
        ? "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\(1_000 + number)"
        : "GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n"
    }
    let expected = (0..<200).map { $0 % 3 == 0 ? "\(1_000 + $0)" : "GET /\($0)\n" }
    #expect(try test.answers(test.connect(), input, count: 200).map(\.body) == expected)
    let client = try test.connect()
    let bytes = Array(input.utf8)
    for start in stride(from: 0, to: bytes.count, by: 37) {
      client.send(Array(bytes[start..<min(start + 37, bytes.count)]))
      try test.loop.turn(test.server, waitMillisecondsMax: 1)
    }
    #expect(try test.answers(client, "", count: 200).map(\.body) == expected)
  }

  @Test("a pipelined request waits for the answer to the one before it")
  func pipelinedBehindPending() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n" + get)
    try test.pump { test.handler.pending.count == 1 }
    client.send(get)
    try test.settle()
    #expect(test.handler.seen == ["/later"])
    let body = test.server.request(test.handler.pending[0]) { text($0.path) }
    #expect(body == "/later")
    test.handler.respond(test.handler.pending[0], Array("late".utf8))
    #expect(try test.answers(client, "", count: 3).map(\.body) == ["late", "GET /a\n", "GET /a\n"])
    #expect(test.server.request(test.handler.pending[0]) { _ in 0 } == nil)
  }

  @Test("a second answer, and one to a request that is gone, is ignored")
  func staleAnswers() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    let exchange = test.handler.pending[0]
    test.handler.respond(exchange, Array("1".utf8))
    test.handler.respond(exchange, Array("2".utf8))
    #expect(try test.answers(client, get, count: 2).map(\.body) == ["1", "GET /a\n"])
    test.handler.respond(exchange, Array("3".utf8))
    client.close()
    try test.pump { test.server.connectionCount == 0 }
    let next = try test.connect()
    next.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 2 }
    test.handler.respond(exchange, Array("4".utf8))
    test.handler.respond(test.handler.pending[1], Array("5".utf8))
    #expect(try test.answers(next, "").map(\.body) == ["5"])
  }

  @Test("HEAD and statuses without a body")
  func bodiless() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /empty HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump {
      client.receive()
      return client.receivedText.components("\r\n\r\n").count == 3
    }
    let parts = client.receivedText.components("\r\n\r\n")
    #expect(parts[0].hasPrefix("HTTP/1.1 200 OK"))
    #expect(parts[0].hasSuffix("Content-Length: 8"))
    #expect(parts[1].hasPrefix("HTTP/1.1 204 No Content"))
    #expect(!parts[1].contains("Content-"))
    #expect(parts[2].isEmpty)
    let reset = try test.answers(test.connect(), "GET /reset HTTP/1.1\r\nHost: h\r\n\r\n" + get, count: 2)
    #expect(reset.map(\.status) == [205, 200])
    #expect(reset[0].headers["content-length"] == "0")
  }

  @Test("large bodies, both ways")
  func largeBodies() throws {
    let test = try TestServer()
    let client = try test.connect()
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.count)\r\n\r\n"
    let input = Array(head.utf8) + body
    var sent = 0
    var answer: [UInt8] = []
    try test.pump {
      if sent < input.count { sent += client.send(Array(input[sent...])) }
      client.receive()
      answer = client.received
      return answer.count >= body.count + 100
    }
    #expect(answer.suffix(body.count).elementsEqual(body))
  }

  @Test("chunked bodies, cut at every byte")
  func chunkedBody() throws {
    let test = try TestServer()
    let input = Array(
      ("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nhello\r\n1;x\r\n,\r\n6\r\n world\r\n0\r\nT: t\r\n\r\n").utf8)
    let client = try test.connect()
    for split in 1..<input.count {
      client.send(Array(input[..<split]))
      try test.loop.turn(test.server, waitMillisecondsMax: 1)
      client.send(Array(input[split...]))
      let answers = try test.answers(client, "", count: split)
      #expect(answers.last?.body == "hello, world")
    }
  }

  @Test("100 Continue, when the body is waited for, and never before an answer that is due")
  func expectContinue() throws {
    let test = try TestServer()
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n"
    let client = try test.connect()
    #expect(try test.answers(client, get + head, count: 2).map(\.status) == [200, 100])
    #expect(try test.answers(client, "abc", count: 3).map(\.status) == [200, 100, 200])
    // The body is there already: nothing needs to be said.
    #expect(try test.answers(client, head + "abc", count: 4).map(\.status) == [200, 100, 200, 200])
    let old = try test.conversation(
      "POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
    #expect(old.hasPrefix("HTTP/1.1 200"))
    let large = try test.conversation(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
    #expect(large.hasPrefix("HTTP/1.1 413"))
    let unknown = try test.conversation("POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n")
    #expect(unknown.hasPrefix("HTTP/1.1 417"))
  }

  @Test("what is refused is answered with JSON, and the connection ends without a reset")
  func refusals() throws {
    let test = try TestServer()
    // What stands behind a message whose end is in doubt must never be taken for a request.
    let smuggled = String(repeating: "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", count: 200)
    for refused in refusedCases where refused.refusal != .unsupportedVersion {
      let output = try test.conversation(get + refused.input + smuggled)
      let answers = parseAnswers(Array(output.utf8))
      #expect(answers.map(\.status) == [200, refused.refusal.status], "\(refused.testDescription)")
      #expect(answers.last?.body == "\(refused.refusal.body)")
      #expect(answers.last?.headers["content-type"] == "application/json")
      #expect(answers.last?.headers["connection"] == "close")
    }
    #expect(test.handler.refusals.count == refusedCases.filter { $0.refusal != .unsupportedVersion }.count)
    #expect(test.handler.seen.allSatisfy { $0 == "/a" })
  }

  @Test("a body that is too large is answered while the client still sends, without a reset")
  func refusedUpload() throws {
    let test = try TestServer { $0.bodyBytesMax = 1_000 }
    let client = try test.connect()
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n")
    var left = 500_000
    try test.pump {
      if left > 0 { left -= client.send([UInt8](repeating: 0, count: min(left, 30_000))) }
      if left == 0 { client.receive() }
      return client.isEnded
    }
    #expect(!client.wasReset)
    #expect(client.receivedText.hasPrefix("HTTP/1.1 413"))
  }

  @Test("a client that has sent requests ahead and ended its half still gets its answers")
  func halfClosed() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n" + get)
    client.finish()
    try test.pump { test.handler.pending.count == 1 }
    try test.settle()
    #expect(test.handler.cancelled.isEmpty)
    test.handler.respond(test.handler.pending[0], Array("late".utf8))
    try test.pump {
      client.receive()
      return client.isEnded
    }
    #expect(parseAnswers(client.received).map(\.body) == ["late", "GET /a\n"])
    try test.pump { test.server.connectionCount == 0 }
  }

  @Test("a client that ends its half while its only request waits has gone")
  func halfClosedWhileWaiting() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    client.finish()
    try test.pump { test.handler.cancelled.count == 1 }
    #expect(test.server.connectionCount == 0)
  }

  @Test("a client that goes away cancels its request")
  func cancelled() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    client.reset()
    try test.pump { test.handler.cancelled.count == 1 }
    #expect(test.handler.cancelled == test.handler.pending)
    #expect(test.server.connectionCount == 0)
    test.handler.respond(test.handler.pending[0], [])
  }

  @Test("answers in pieces: chunks, or up to the end for HTTP/1.0, or nothing for HEAD")
  func streaming() throws {
    let test = try TestServer()
    func stream(_ input: String) throws -> TestClient {
      let client = try test.connect()
      let before = test.handler.pending.count
      client.send(input)
      try test.pump { test.handler.pending.count == before + 1 }
      let exchange = test.handler.pending[before]
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      test.server.beginResponse(exchange, status: 200, headers: nothing, contentType: .json)
      for piece in ["one ", "", "two"] {
        Array(piece.utf8).withUnsafeBytes { #expect(test.server.write(exchange, $0) == 0) }
      }
      test.server.endResponse(exchange)
      #expect(test.server.write(exchange, nothing) == nil)
      return client
    }
    let client = try stream("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n" + get)
    let answers = try test.answers(client, "", count: 2)
    #expect(answers.map(\.body) == ["one two", "GET /a\n"])
    #expect(answers[0].headers["transfer-encoding"] == "chunked")
    let old = try stream("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    try test.pump {
      old.receive()
      return old.isEnded
    }
    #expect(old.receivedText.hasSuffix("\r\n\r\none two"))
    #expect(old.receivedText.contains("Connection: close\r\n"))
    let head = try stream("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n" + get)
    try test.pump {
      head.receive()
      return head.receivedText.hasSuffix("GET /a\n")
    }
    #expect(!head.receivedText.contains("one"))
  }

  @Test("IPv6 and IPv4 on one listener; peers on loopback are known as such")
  func dualStack() throws {
    let test = try TestServer(host: nil)
    for host in ["127.0.0.1", "::1"] {
      guard let client = try? TestClient(port: test.port, host: host) else { continue }
      let before = test.handler.pending.count
      client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
      try test.pump { test.handler.pending.count == before + 1 }
      let peer = test.server.request(test.handler.pending[before]) { ($0.peer.text, $0.isLocal) }
      #expect(peer?.0 == host)
      #expect(peer?.1 == true)
    }
  }

  @Test("a port in use is an error, also when its user shares it among workers")
  func portInUse() throws {
    let (workers, port) = try Listener.open(host: "127.0.0.1", port: 0, workerCount: 3)
    defer { for descriptor in workers.joined() { SystemCalls.close(descriptor) } }
    #expect(workers.map(\.count) == [1, 1, 1])
    #expect(throws: ListenerError.system(SystemCallError(call: "bind", code: EADDRINUSE))) {
      try Listener.open(host: "127.0.0.1", port: port, workerCount: 2)
    }
    #expect(throws: ListenerError.unknownHost("no such host")) {
      try Listener.open(host: "no such host", port: 0, workerCount: 1)
    }
  }
}

extension String {
  fileprivate func components(_ separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}
