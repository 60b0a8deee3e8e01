// Random conversations with the server: valid requests of every kind, cut anywhere, answered at once or
// later in any order, by clients that read fast, slowly or in bursts. Each client must get the answers to
// its requests, whole and in order. Prints its seed.

import Testing

@testable import SpacerRuntime

@Suite("HTTP server, fuzzed")
struct HTTPServerFuzzTests {
  /// One client: what it still has to send, and what it must have received in the end.
  private final class Party {
    let client: TestClient
    var input: [UInt8] = []
    var expected: [String] = []
    var sentCount = 0

    init(_ client: TestClient) { self.client = client }
  }

  private func addRequest(_ party: Party, _ number: Int, _ generator: inout SeededGenerator) {
    let size = [0, 1, 20, 3_000, 40_000].randomElement(using: &generator) ?? 0
    let body = String(repeating: "\(number % 10)", count: size)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0:
      party.input += Array("GET /get\(number) HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
      party.expected.append("GET /get\(number)\n")
    case 1:
      // A head that may need more than one block, within the limit.
      let padding = String(repeating: "p", count: min(size, 19_000))
      party.input += Array("GET /later HTTP/1.1\r\nHost: h\r\nX: \(padding)\r\n\r\n".utf8)
      party.expected.append("late")
    case 2:
      party.input += Array(
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n\(body)".utf8)
      party.expected.append(body)
    case 3:
      party.input += Array("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
      var rest = body.utf8.count
      while rest > 0 {
        let count = Int.random(in: 1...rest, using: &generator)
        party.input += Array("\(String(count, radix: 16));x\r\n\(body.prefix(count))\r\n".utf8)
        rest -= count
      }
      party.input += Array("0\r\nT: t\r\n\r\n".utf8)
      party.expected.append(body)
    default:
      party.input += Array("GET /big HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
      party.expected.append("big")
    }
  }

  private func converse(_ test: TestServer, _ generator: inout SeededGenerator) throws -> Bool {
    test.handler.bigBytes = [10, 20_000, 2_000_000].randomElement(using: &generator) ?? 10
    let big = String(repeating: "x", count: test.handler.bigBytes)
    let parties = try (0..<4).map { _ in Party(try test.connect()) }
    for party in parties {
      for number in 0..<Int.random(in: 1...8, using: &generator) { addRequest(party, number, &generator) }
    }
    var turns = 0
    while turns < 50_000 {
      turns += 1
      for party in parties where party.sentCount < party.input.count {
        let rest = party.input.count - party.sentCount
        let count = min(rest, [1, 7, 100, 5_000, 100_000].randomElement(using: &generator) ?? 1)
        party.sentCount += party.client.send(
          Array(party.input[party.sentCount..<party.sentCount + count]))
      }
      for party in parties where Bool.random(using: &generator) {
        party.client.receive(bytesMax: [100, 10_000, .max].randomElement(using: &generator) ?? .max)
      }
      if !test.handler.pending.isEmpty, Int.random(in: 0..<3, using: &generator) == 0 {
        let index = Int.random(in: 0..<test.handler.pending.count, using: &generator)
        test.handler.respond(test.handler.pending.remove(at: index), Array("late".utf8))
      }
      try test.loop.turn(test.server, waitMillisecondsMax: 0)
      guard turns % 16 == 0, parties.allSatisfy({ $0.sentCount == $0.input.count }) else { continue }
      let isDone = parties.allSatisfy { party in
        parseAnswers(party.client.received).count >= party.expected.count
      }
      if isDone { break }
    }
    return parties.allSatisfy { party in
      parseAnswers(party.client.received).map(\.body) == party.expected.map { $0 == "big" ? big : $0 }
    }
  }

  @Test("every client gets its answers, whole and in order")
  func conversations() throws {
    var generator = SeededGenerator(state: Fuzz.seed("conversations"))
    let test = try TestServer()
    var count = 0
    try Fuzz.run {
      count += 1
      let isFine = try converse(test, &generator)
      #expect(isFine, "conversation \(count)")
    }
    try test.pump { test.server.connectionCount == 0 }
    #expect(test.server.state.pointee.pool.largeBytes == 0)
    print("fuzz conversations: \(count) of them")
  }
}
