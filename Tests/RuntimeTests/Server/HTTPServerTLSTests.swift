// The parts of TLS that need no client of TLS: what begins as none, what stalls, what is loaded. Whole sessions
// are driven by the end-to-end tests.

import CTLS
import Glibc
import Testing

@testable import SpacerRuntime

@Suite struct HTTPServerTLSTests {
  /// A certificate with its key behind it, made once.
  private static let pem: [UInt8] = {
    let command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test "
      + "-keyout /dev/stdout -out /dev/stdout 2>/dev/null"
    guard let pipe = popen(command, "r") else { return [] }
    defer { pclose(pipe) }
    var text: [UInt8] = []
    while case let byte = fgetc(pipe), byte >= 0 { text.append(UInt8(byte)) }
    return text
  }()

  private static let files = TLSFiles(certificate: "cert.pem", key: "key.pem")

  private static func context() throws -> TLSContext { try TLSContext(certificate: pem, key: pem, files) }

  /// The header of a record that holds a handshake message of 512 bytes, and the message's first byte.
  private static let beginning: [UInt8] = [0x16, 3, 1, 2, 0, 1]

  private func server(_ change: (inout HTTPOptions) -> Void = { _ in }) throws -> TestServer {
    let server = try TestServer(change)
    server.server.useTLS(try Self.context())
    return server
  }

  // MARK: Time

  @Test func aHandshakeThatStallsEndsWithTheTimeOfAHead() throws {
    let server = try server()
    let client = try server.connect()
    client.send(Self.beginning)
    try server.pump("the connection") { server.server.connectionCount == 1 }
    try server.settle()
    server.clock.advance(milliseconds: 14_000)
    // More of it is no progress.
    client.send([0])
    try server.settle()
    #expect(server.server.connectionCount == 1)
    server.clock.advance(milliseconds: 1_100)
    try server.pump("its end") { server.server.connectionCount == 0 }
    client.receive()
    #expect(client.isEnded && client.received.isEmpty)
    #expect(server.handler.refusals.isEmpty)
  }

  @Test func aConnectionThatSendsNothingHasTheTimeOfAnIdleOne() throws {
    let server = try server()
    let client = try server.connect()
    try server.pump("the connection") { server.server.connectionCount == 1 }
    try server.settle()
    server.clock.advance(milliseconds: 74_000)
    try server.settle()
    #expect(server.server.connectionCount == 1)
    server.clock.advance(milliseconds: 1_100)
    try server.pump("its end") { server.server.connectionCount == 0 }
    _ = client
  }

  @Test func aDrainWaitsForAHandshakeAndNotForSilence() throws {
    let server = try server()
    let silent = try server.connect()
    let begun = try server.connect()
    begun.send(Self.beginning)
    try server.pump("both") { server.server.connectionCount == 2 }
    try server.settle()
    server.server.beginDrain()
    try server.settle()
    server.clock.advance(milliseconds: 1_100)
    try server.pump("the end of the silent one") { server.server.connectionCount == 1 }
    server.clock.advance(milliseconds: 14_000)
    try server.pump("the end") { server.server.isDrained }
    _ = silent
  }

  // MARK: What is no TLS

  @Test func plainHTTPIsAnsweredInPlain() throws {
    let server = try server()
    let said = try server.conversation("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
    #expect(said.hasPrefix("HTTP/1.1 400 "))
    #expect(said.hasSuffix("\r\n\r\n{\"error\":\"plain HTTP on a port of HTTPS\"}\n"))
    #expect(server.handler.refusals == [.plainHTTP])
    #expect(server.handler.seen.isEmpty)
  }

  @Test func garbageEndsWithAnAlert() throws {
    let server = try server()
    let client = try server.connect()
    client.send([0x16, 3, 1, 0, 4, 99, 0, 0, 0])
    try server.pump("the end") {
      client.receive()
      return client.isEnded
    }
    // A record of an alert, fatal.
    #expect(client.received.first == 0x15)
    #expect(client.received.count == 7 && client.received[5] == 2)
    #expect(server.handler.tlsFailures.count == 1)
    #expect(server.handler.refusals.isEmpty)
  }

  @Test func onlyCapitalsBeginPlainHTTP() {
    for first in UInt8.min...UInt8.max {
      #expect(TLSOpening.isPlainHTTP(first) == (first >= 0x41 && first <= 0x5A))
    }
  }

  @Test func oneTooManyIsClosed() throws {
    let server = try server { $0.connectionCountMax = 1 }
    let first = try server.connect()
    try server.pump("the first") { server.server.connectionCount == 1 }
    let second = try server.connect()
    try server.pump("the second's end") {
      second.receive()
      return second.isEnded
    }
    #expect(second.received.isEmpty)
    #expect(server.server.connectionCount == 1)
    _ = first
  }

  // MARK: Values

  @Test(
    arguments: [
      ([["http/1.1"]], 0), ([["h2", "http/1.1"]], 3), ([["h2"]], -1), ([["http/1.0", "http/1.1x"]], -1),
      ([[]], -1),
    ] as [([[String]], Int)])
  func protocolIsFound(_ lists: [[String]], _ place: Int) {
    let offered = lists.joined().flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    #expect(spacer_tls_find_http11(offered, offered.count) == place)
  }

  @Test func malformedProtocolListsAreNone() {
    // An empty name, and names that run out of the list, whatever is behind it.
    for offered in [[0], [0, 8] + Array("http/1.1".utf8), [9] + Array("http/1.1".utf8)] as [[UInt8]] {
      #expect(spacer_tls_find_http11(offered, offered.count) == -1)
    }
    let cut = [8] + Array("http/1.1".utf8)
    #expect(spacer_tls_find_http11(cut, cut.count - 1) == -1)
  }

  @Test func whatIsNoCertificateIsNamed() throws {
    func message(_ certificate: [UInt8], _ key: [UInt8]) -> String {
      do throws(LoadError) {
        _ = try TLSContext(certificate: certificate, key: key, Self.files)
        return ""
      } catch { return error.message }
    }
    #expect(message(Self.pem, Self.pem) == "")
    #expect(message([], Self.pem).hasPrefix("cert.pem holds no certificate"))
    #expect(message(Self.pem, []).hasPrefix("key.pem holds no private key"))
    #expect(message(Array("hello".utf8), Self.pem).hasPrefix("cert.pem holds no certificate"))
    // Every place where the file may end, and a damaged byte every few.
    for count in stride(from: 0, to: Self.pem.count, by: 37) {
      _ = message(Array(Self.pem[..<count]), Array(Self.pem[..<count]))
      var damaged = Self.pem
      damaged[count] ^= 0x15
      _ = message(damaged, damaged)
    }
  }
}
