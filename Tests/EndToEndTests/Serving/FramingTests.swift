// Contract section 7 and HTTP/1.1 itself: where one message ends and the next begins. Whatever is ambiguous
// is refused and the connection closed, since that is where requests are smuggled.

import Testing

@Suite struct FramingTests {
  private let workspace: Workspace
  private let server: RunningServer

  init() throws {
    workspace = try Workspace()
    server = try RunningServer.serving(
      [
        "app/gateway.lua": "return { {\"ANY\", \"/echo\", \"echo\"}, {\"GET\", \"/big\", \"big\"} }\n",
        "app/echo.lua": "return function(args) return args end\n",
        "app/big.lua": "return function() return string.rep('x', 100000) end\n",
      ], in: workspace)
  }

  private static let ambiguousMessages = [
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3, 4\r\n\r\nabcd",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: +3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 0x3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length:\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET /echo HTTP/1.1\nHost: t\n\n",
    "GET /echo HTTP/1.1\r\nHost: t\nX: y\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\rX: y\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost : t\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n",
    "GET /echo HTTP/1.1\r\n X: a\r\nHost: t\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\r\nX: a\u{0}b\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\r\nX: a\u{7}b\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\r\nX y: a\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\r\n: a\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: t\r\nnocolon\r\n\r\n",
    "GET /echo HTTP/1.1\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET  /echo HTTP/1.1\r\nHost: t\r\n\r\n",
    "GET /echo  HTTP/1.1\r\nHost: t\r\n\r\n",
    "GET /ec ho HTTP/1.1\r\nHost: t\r\n\r\n",
    "GET /echo http/1.1\r\nHost: t\r\n\r\n",
    "GET /echo\r\nHost: t\r\n\r\n",
    "G@T /echo HTTP/1.1\r\nHost: t\r\n\r\n",
    "GET echo HTTP/1.1\r\nHost: t\r\n\r\n",
  ]

  @Test func ambiguousMessagesAreRefused() throws {
    for message in Self.ambiguousMessages {
      let connection = try HTTPConnection(port: server.port)
      try connection.send(message)
      let answer = try connection.response(to: "GET")
      #expect(answer.status == 400, "\(message.debugDescription): \(answer.text)")
      #expect(answer.json?["error"] != nil, "\(message.debugDescription): \(answer.text)")
      #expect(connection.isClosedByPeer(), "\(message.debugDescription)")
    }
  }

  private static let malformedChunks = [
    "g\r\n", "-1\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "ffffffffffffffffff\r\n", "3\r\nabcd\r\n0\r\n\r\n",
    "3\nabc\r\n0\r\n\r\n", "\r\n", " 3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n",
  ]

  @Test func malformedChunksAreRefused() throws {
    for chunks in Self.malformedChunks {
      let connection = try HTTPConnection(port: server.port)
      try connection.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
      #expect(try connection.response(to: "POST").status == 400, "\(chunks.debugDescription)")
      #expect(connection.isClosedByPeer(), "\(chunks.debugDescription)")
    }
  }

  @Test func unknownVersions() throws {
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/11"] {
      let answer = try server.raw("GET /echo \(version)\r\nHost: t\r\n\r\n")
      #expect(answer.status == 505 || answer.status == 400, "\(version)")
    }
  }

  @Test func chunkedBodies() throws {
    let connection = try HTTPConnection(port: server.port)
    for chunks in [
      "7\r\n{\"a\":1}\r\n0\r\n\r\n", "3\r\n{\"a\r\n004\r\n\":1}\r\n0\r\n\r\n",
      "7;ext=1\r\n{\"a\":1}\r\n0\r\nTrailer: x\r\n\r\n",
    ] {
      try connection.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
      #expect(try connection.response(to: "POST").json == JSONValue(#"{"data":{"a":1}}"#), "\(chunks)")
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let connection = try HTTPConnection(port: server.port)
    var text = ""
    for number in 0..<50 {
      text += "GET /echo?n=\(number) HTTP/1.1\r\nHost: t\r\n\r\n"
      text += "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n{\"b\": 1 }"
    }
    try connection.send(text)
    for number in 0..<50 {
      #expect(try connection.response(to: "GET").json == JSONValue("{\"data\":{\"n\":\"\(number)\"}}"))
      #expect(try connection.response(to: "POST").json == JSONValue(#"{"data":{"b":1}}"#))
    }
  }

  @Test func aRequestInSingleBytes() throws {
    let connection = try HTTPConnection(port: server.port)
    for byte in Array("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 7\r\n\r\n{\"a\":1}".utf8) {
      try connection.send([byte])
    }
    #expect(try connection.response(to: "POST").json == JSONValue(#"{"data":{"a":1}}"#))
  }

  @Test func expectContinue() throws {
    let connection = try HTTPConnection(port: server.port)
    try connection.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n")
    #expect(try connection.response(to: "POST", interim: true).status == 100)
    try connection.send(#"{"a":1}"#)
    #expect(try connection.response(to: "POST").json == JSONValue(#"{"data":{"a":1}}"#))
  }

  @Test func connectionsCloseWhenAskedTo() throws {
    let asked = try HTTPConnection(port: server.port)
    try asked.send("GET /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
    let answer = try asked.response(to: "GET")
    #expect(answer.status == 200)
    #expect(answer.header("Connection")?.lowercased() == "close")
    #expect(asked.isClosedByPeer())

    let old = try HTTPConnection(port: server.port)
    try old.send("GET /echo HTTP/1.0\r\n\r\n")
    #expect(try old.response(to: "GET").status == 200)
    #expect(old.isClosedByPeer())
  }

  @Test func headHasNoBodyAndKeepsTheConnection() throws {
    let connection = try HTTPConnection(port: server.port)
    try connection.send("HEAD /echo HTTP/1.1\r\nHost: t\r\n\r\nGET /echo?a=1 HTTP/1.1\r\nHost: t\r\n\r\n")
    #expect(try connection.response(to: "HEAD").status == 200)
    #expect(try connection.response(to: "GET").json == JSONValue(#"{"data":{"a":"1"}}"#))
  }

  @Test func aReaderThatIsSlowHoldsUpNobody() throws {
    let slow = try HTTPConnection(port: server.port)
    // 20 MB of answers, far more than the sockets' buffers hold, and nobody reads them for now.
    let count = 200
    try slow.send(String(repeating: "GET /big HTTP/1.1\r\nHost: t\r\n\r\n", count: count))
    for number in 0..<20 { #expect(try server.get("/echo?n=\(number)").status == 200) }
    for _ in 0..<count { #expect(try slow.response(to: "GET").body.count == 100_012) }
  }

  @Test func halfClosedConnectionsGetTheirAnswer() throws {
    let connection = try HTTPConnection(port: server.port)
    try connection.send("GET /echo?a=1 HTTP/1.1\r\nHost: t\r\n\r\n")
    connection.finishSending()
    #expect(try connection.response(to: "GET").status == 200)
    #expect(connection.isClosedByPeer())
  }
}
