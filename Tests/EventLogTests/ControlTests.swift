// The control API's requests and answers as JSON, what a client reads, and where it goes.

import Testing

@testable import SpacerEventLog

@Suite struct ControlTests {
  private static let entries = [
    AppendEntry(key: Array("k".utf8), value: Array(#"{"a": "ä\n"}"#.utf8), id: "i/1"),
    AppendEntry(key: [0xFF, 0], value: [0xC3]), AppendEntry(key: [], value: Array(" 1 ".utf8)),
  ]

  private static let requests: [ControlRequest] = [
    .info, .groups, .groupStatus("g/h"), .topicStatus("orders"),
    .position(topic: "orders", .beginning), .position(topic: "orders", .end),
    .position(topic: "orders", .offset(42)), .position(topic: "orders", .time(-5)),
    .read(topic: "orders", ReadPosition(next: [0: 5, 7: 9]), limit: 10, waitMilliseconds: 0),
    .records(.deadLetters, prefix: "g/", after: nil, limit: 5),
    .records(.controls, prefix: "", after: "a\"b", limit: 0),
    .put(.controls, [StoredRecord(key: "pause/g", value: Array("{}".utf8))]), .put(.deadLetters, []),
    .remove(.deadLetters, keys: ["a", "b\u{1F600}"]),
    .append(
      AppendRequest(
        topic: "orders", entries: entries, trace: TraceParent(traceHigh: 1, traceLow: 2, span: 3),
        timeoutMilliseconds: 5)),
  ]

  @Test(arguments: requests)
  func aRequestIsReadAsItWasWritten(request: ControlRequest) throws {
    #expect(try ControlRequest(json: request.json) == request)
    // A cut one is none.
    for count in 0..<request.json.count {
      #expect(throws: EventLogError.self) { try ControlRequest(json: Array(request.json.prefix(count))) }
    }
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"op":1}"#, #"{"op":"drop"}"#, #"{"op":"read","topic":"t","position":"x","limit":1}"#,
    #"{"op":"read","topic":"t","position":"0:1","limit":-1,"waitMilliseconds":0}"#,
    #"{"op":"read","topic":"t","position":"0:1","limit":1e3,"waitMilliseconds":0}"#,
    #"{"op":"position","topic":"t","start":"offset:-1"}"#, #"{"op":"position","topic":"t","start":"x:1"}"#,
    #"{"op":"append","topic":"t","entries":[],"timeoutMilliseconds":1}"#,
    #"{"op":"append","topic":"t","entries":[{"key":"a"}],"timeoutMilliseconds":1}"#,
    #"{"op":"append","topic":"t","entries":[{"key":"a","valueHex":"0"}],"timeoutMilliseconds":1}"#,
    #"{"op":"put","table":"secrets","records":[]}"#, #"{"op":"remove","table":"controls","keys":[1]}"#,
  ])
  func whatIsNoRequest(text: String) {
    #expect(throws: EventLogError.self) { try ControlRequest(json: Array(text.utf8)) }
  }

  @Test func whatIsAskedForIsBounded() throws {
    let text = #"{"op":"read","topic":"t","position":"","limit":999999999,"waitMilliseconds":999999999}"#
    #expect(
      try ControlRequest(json: Array(text.utf8))
        == .read(
          topic: "t", ReadPosition(), limit: ControlRequest.answerCountMax,
          waitMilliseconds: ControlRequest.waitMillisecondsMax))
  }

  @Test func anAnswerIsReadAsItWasWritten() {
    let promises = StorePromises(isAtomic: true, dropsDuplicates: false, isDurable: true, isShared: false)
    let event = EventRecord(
      topic: "orders", partition: 3, offset: 42, key: [0xFE], value: Array("{\n}".utf8),
      timestampMilliseconds: 1, givenID: "i", trace: "t")
    let status = GroupPartitionStatus(
      topicPartition: TopicPartition(topic: "orders", partition: 1), done: -1, newest: 5, lag: 6, owner: "m")
    let answers: [(ControlRequest, ControlReply)] = [
      (.info, .info(ControlInfo(appName: "shop", group: "spacer-shop", promises: promises))),
      (.position(topic: "orders", .end), .position(ReadPosition(next: [0: 1, 3: 4]))),
      (
        .read(topic: "orders", ReadPosition(), limit: 1, waitMilliseconds: 0),
        .events([event], ReadPosition(next: [0: 43]))
      ),
      (
        .topicStatus("orders"),
        .topicStatus(TopicStatus(topic: "orders", partitionCount: 16, first: [:], end: [0: 0]))
      ),
      (.groupStatus("g"), .groupStatus([status])), (.groups, .groups(["a", "b"])),
      (
        .records(.controls, prefix: "", after: nil, limit: 1),
        .records([StoredRecord(key: "k", value: Array("1".utf8))])
      ),
      (
        .append(AppendRequest(topic: "orders", entries: Self.entries)),
        .appended(AppendOutcome(offsets: [4, 7], isDuplicate: false))
      ),
      (.put(.controls, []), .done), (.remove(.controls, keys: []), .done),
    ]
    for (request, answer) in answers {
      #expect(ControlReply(json: answer.json, to: request) == answer)
      for count in 0..<answer.json.count {
        #expect(ControlReply(json: Array(answer.json.prefix(count)), to: request) == nil)
      }
    }
    let error = EventLogError(.unknownTopic, "there is no topic 'x'")
    #expect(ControlReply.error(json: ControlReply.json(error)) == error)
    #expect(ControlReply.error(json: Array(#"{"error":"e","code":"new"}"#.utf8))?.code == .failed)
  }

  @Test func anHTTPAnswerComesInAnyPieces() throws {
    let text = Array("HTTP/1.1 200 OK\r\ncontent-length:  5\r\nServer: x\r\n\r\nhello".utf8)
    for cut in 0...text.count {
      var answer = HTTPAnswer()
      try answer.feed(text[..<cut])
      if cut < text.count { #expect(answer.body == nil) }
      try answer.feed(text[cut...])
      #expect(answer.status == 200)
      #expect(answer.body == Array("hello".utf8))
    }
  }

  @Test(arguments: [
    "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "\r\n\r\n",
  ])
  func whatIsNoHTTPAnswer(text: String) {
    var answer = HTTPAnswer()
    #expect(throws: HTTPAnswer.Malformed.self) { try answer.feed(Array(text.utf8)[...]) }
  }

  @Test func aHeadWithoutEndIsBounded() {
    var answer = HTTPAnswer()
    let block = [UInt8](repeating: 65, count: 40_000)
    #expect(throws: HTTPAnswer.Malformed.self) {
      for _ in 0..<3 { try answer.feed(block[...]) }
    }
  }

  @Test func addresses() throws {
    #expect(
      try RemoteAddress(url: "http://127.0.0.1:9065") == RemoteAddress(host: "127.0.0.1", port: 9065))
    #expect(try RemoteAddress(url: "http://[::1]:80/").description == "http://[::1]:80")
    for text in [
      "", "127.0.0.1:9065", "https://a:1", "http://a", "http://:1", "http://a:0", "http://a:70000",
      "http://a:1/x", "http://a b:1", "http://u@a:1", "http://a\r\nX:1",
    ] {
      #expect(throws: EventLogError.self) { try RemoteAddress(url: text) }
    }
  }
}
