// Time-outs, back-pressure, the limit of connections and the drain, on a clock that the test sets.

import Glibc
import Testing

@testable import SpacerRuntime

@Suite("HTTP server: time and limits")
struct HTTPServerLimitTests {
  private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

  /// Lets time pass in two steps: nothing may happen in the first, the end must come with the second.
  private func expectEnd(
    _ test: TestServer, _ client: TestClient, afterMilliseconds time: UInt64, answer: Int?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try test.settle()
    test.clock.advance(milliseconds: time - 1)
    try test.settle()
    client.receive()
    #expect(!client.isEnded && client.received.isEmpty, sourceLocation: sourceLocation)
    test.clock.advance(milliseconds: 2)
    try test.pump("the end", sourceLocation: sourceLocation) {
      client.receive()
      return client.isEnded
    }
    #expect(parseAnswers(client.received).last?.status == answer, sourceLocation: sourceLocation)
  }

  @Test("a connection without a request is closed without a word")
  func idle() throws {
    let test = try TestServer()
    try expectEnd(test, test.connect(), afterMilliseconds: 75_000, answer: nil)
  }

  @Test("an unfinished head is 408, however slowly it drips")
  func head() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET / HTTP/1.1\r\n")
    try test.settle()
    for _ in 0..<10 {
      client.send("X: y\r\n")
      test.clock.advance(milliseconds: 1_000)
      try test.settle()
    }
    try expectEnd(test, client, afterMilliseconds: 5_000, answer: 408)
    #expect(test.handler.refusals == [.requestTimeout])
  }

  @Test("an unfinished body is 408; progress renews its time")
  func body() throws {
    let test = try TestServer { $0.progressBytes = 1_000 }
    let client = try test.connect()
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n")
    try test.settle()
    for _ in 0..<4 {
      test.clock.advance(milliseconds: 20_000)
      client.send([UInt8](repeating: 0, count: 1_000))
      try test.settle()
    }
    client.send([UInt8](repeating: 0, count: 999))
    try test.settle()
    try expectEnd(test, client, afterMilliseconds: 30_000, answer: 408)
  }

  @Test("idle time counts from the last answer")
  func idleAfterRequest() throws {
    let test = try TestServer()
    let client = try test.connect()
    try test.settle()
    test.clock.advance(milliseconds: 74_000)
    #expect(try test.answers(client, get).count == 1)
    test.clock.advance(milliseconds: 74_000)
    #expect(try test.answers(client, get, count: 2).count == 2)
    test.clock.advance(milliseconds: 74_000)
    try test.settle()
    #expect(test.server.connectionCount == 1)
    test.clock.advance(milliseconds: 2_000)
    try test.pump { test.server.connectionCount == 0 }
  }

  @Test("a pending request has no time-out of the connection's")
  func pending() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    test.clock.advance(milliseconds: 10_000_000)
    try test.settle()
    test.handler.respond(test.handler.pending[0], Array("late".utf8))
    #expect(try test.answers(client, "").map(\.body) == ["late"])
  }

  @Test("a client that does not take its answer stops being served, and is cut when its time is over")
  func slowReader() throws {
    let test = try TestServer()
    test.handler.bigBytes = 8_000_000
    let client = try test.connect()
    let request = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(String(repeating: request, count: 20))
    try test.pump { test.handler.seen.count == 1 }
    try test.settle()
    #expect(test.handler.seen.count == 1, "a second answer was made before the first was taken")
    // Progress, slower than the time-out as a whole.
    for _ in 0..<3 {
      test.clock.advance(milliseconds: 20_000)
      client.receive(bytesMax: 2_000_000)
      try test.settle()
    }
    #expect(test.server.connectionCount == 1)
    test.clock.advance(milliseconds: 31_000)
    try test.pump { test.server.connectionCount == 0 }
    #expect(test.handler.cancelled.isEmpty)
  }

  @Test("a slow reader gets everything in the end")
  func slowReaderCompletes() throws {
    let test = try TestServer()
    test.handler.bigBytes = 3_000_000
    let client = try test.connect()
    let request = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(String(repeating: request, count: 3))
    try test.pump {
      client.receive(bytesMax: 100_000)
      return client.received.count >= 9_000_000 + 300
    }
    #expect(test.handler.seen.count == 3)
  }

  @Test("an answer in pieces tells when the client falls behind, and when it has caught up")
  func streamingBackPressure() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    let exchange = test.handler.pending[0]
    test.server.beginResponse(
      exchange, status: 200, headers: UnsafeRawBufferPointer(start: nil, count: 0), contentType: .json)
    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)
    var written = 0
    var backlog = 0
    while backlog == 0, written < 1_000 {
      backlog = try #require(piece.withUnsafeBytes { test.server.write(exchange, $0) })
      written += 1
    }
    #expect(backlog > 0)
    #expect(test.handler.writableCount == 0)
    try test.pump {
      client.receive()
      return test.handler.writableCount == 1
    }
    test.server.endResponse(exchange)
    #expect(try test.answers(client, "").first?.body.utf8.count == written * 100_000)
    // Cut while behind: the exchange is cancelled.
    client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 2 }
    let second = test.handler.pending[1]
    test.server.beginResponse(
      second, status: 200, headers: UnsafeRawBufferPointer(start: nil, count: 0), contentType: .json)
    while piece.withUnsafeBytes({ test.server.write(second, $0) }) == 0 {}
    try test.settle()
    test.clock.advance(milliseconds: 31_000)
    try test.pump { test.handler.cancelled == [second] }
    #expect(test.server.write(second, UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
  }

  @Test("one connection too many is told so; when one leaves, the next is served")
  func connectionLimit() throws {
    let test = try TestServer { $0.connectionCountMax = 2 }
    let first = try test.connect()
    let second = try test.connect()
    #expect(try test.answers(first, get).count == 1)
    #expect(try test.answers(second, get).count == 1)
    let third = try test.conversation(get)
    #expect(third.hasPrefix("HTTP/1.1 503"))
    #expect(test.handler.refusals == [.tooManyConnections])
    first.close()
    try test.pump { test.server.connectionCount <= 2 }
    try test.settle()
    #expect(try test.answers(test.connect(), get).map(\.status) == [200])
  }

  @Test("bodies share a bounded memory, which comes back")
  func bufferedBytes() throws {
    let test = try TestServer { $0.bufferedBytesMax = 1_000_000 }
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n"
    func upload(_ client: TestClient, _ count: Int) throws {
      var left = count
      try test.pump {
        if left > 0 { left -= client.send([UInt8](repeating: 120, count: left)) }
        client.receive()
        return left == 0 || client.isEnded
      }
      try test.settle()
    }
    let first = try test.connect()
    first.send(head)
    try upload(first, 850_000)
    let second = try test.connect()
    second.send(head)
    try upload(second, 850_000)
    try test.pump {
      second.receive()
      return parseAnswers(second.received).count == 1
    }
    #expect(second.receivedText.hasPrefix("HTTP/1.1 503"))
    try upload(first, 50_000)
    #expect(try test.answers(first, "").first?.body.utf8.count == 900_000)
    #expect(test.server.state.pointee.pool.largeBytes == 0)
    let third = try test.connect()
    third.send(head)
    try upload(third, 900_000)
    #expect(try test.answers(third, "").first?.status == 200)
  }

  @Test("a refused client that neither reads nor closes is cut after a short time")
  func linger() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("x y\r\n")
    try test.pump { test.handler.refusals.count == 1 }
    try test.settle()
    #expect(test.server.connectionCount == 1)
    test.clock.advance(milliseconds: 2_001)
    try test.pump { test.server.connectionCount == 0 }
  }

  @Test("a refused client that sends without end is cut after a bounded number of bytes")
  func lingerBytes() throws {
    let test = try TestServer { $0.lingerBytesMax = 100_000 }
    let client = try test.connect()
    client.send("x y\r\n")
    try test.pump {
      client.send([UInt8](repeating: 0, count: 10_000))
      return test.server.connectionCount == 0 && test.handler.refusals.count == 1
    }
  }

  // MARK: Drain

  @Test("a drain ends idle connections, lets requests finish and takes what waits in the queue")
  func drain() throws {
    let test = try TestServer()
    let idle = try test.connect()
    #expect(try test.answers(idle, get).count == 1)
    let busy = try test.connect()
    busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    // Connected and sent, but not accepted yet.
    let queued = try test.connect()
    queued.send(get)
    var isDrained = false
    test.server.whenDrained = { isDrained = true }
    test.server.beginDrain()
    #expect(!test.server.isDrained)
    let answers = try test.answers(queued, "")
    #expect(answers.map(\.status) == [200])
    #expect(answers[0].headers["connection"] == "close")
    try test.pump {
      idle.receive()
      return idle.isEnded
    }
    try test.settle()
    #expect(!isDrained)
    test.handler.respond(test.handler.pending[0], Array("late".utf8))
    let last = try test.answers(busy, "")
    #expect(last.map(\.body) == ["late"])
    #expect(last[0].headers["connection"] == "close")
    try test.pump { isDrained }
    #expect(test.server.isDrained)
    #expect(try test.answers(test.connect(), get).isEmpty)
  }

  @Test("pipelined requests that are there when a drain begins are all answered")
  func drainPipelined() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n" + get + get)
    try test.pump { test.handler.pending.count == 1 }
    test.server.beginDrain()
    test.handler.respond(test.handler.pending[0], Array("late".utf8))
    let answers = try test.answers(client, "", count: 3)
    #expect(answers.map { $0.headers["connection"] } == [nil, nil, "close"])
    try test.pump { test.server.isDrained }
  }

  @Test("a connection that has sent nothing yet gets a moment in a drain, not more")
  func drainFresh() throws {
    let test = try TestServer()
    let quick = try test.connect()
    let silent = try test.connect()
    try test.pump { test.server.connectionCount == 2 }
    test.server.beginDrain()
    try test.settle()
    #expect(try test.answers(quick, get).map(\.status) == [200])
    #expect(test.server.connectionCount == 1)
    test.clock.advance(milliseconds: 1_001)
    try test.pump { test.server.isDrained }
    silent.receive()
    #expect(silent.isEnded)
  }

  @Test("a drain can be cut short")
  func closeAll() throws {
    let test = try TestServer()
    let client = try test.connect()
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
    try test.pump { test.handler.pending.count == 1 }
    test.server.beginDrain()
    test.server.closeAll()
    #expect(test.server.isDrained)
    #expect(test.handler.cancelled == test.handler.pending)
  }
}
