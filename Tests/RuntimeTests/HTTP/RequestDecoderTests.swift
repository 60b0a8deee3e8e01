// The codec over tables of requests: what is accepted, with what result; what is refused, with which
// answer; and that neither depends on how the bytes were split.

import SpacerArtifact
import Testing

@testable import SpacerRuntime

/// A request, and what is expected of it.
struct ValidCase: Sendable, CustomTestStringConvertible {
  var input: String
  var method = RouteMethod.get
  var path = "/"
  var query: String?
  var host = "a"
  var body = ""
  var keepsAlive = true
  var restCount = 0
  var testDescription: String { String(reflecting: input.prefix(70)) }
}

let validCases: [ValidCase] = [
  ValidCase(input: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  ValidCase(input: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  ValidCase(input: "GET /x?a=1&b=? HTTP/1.1\r\nhOsT:a\r\n\r\n", path: "/x", query: "a=1&b=?"),
  ValidCase(input: "GET /x? HTTP/1.1\r\nHost:\t a \t\r\n\r\n", path: "/x", query: ""),
  ValidCase(
    input: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET", method: .post,
    body: "abc", restCount: 3),
  ValidCase(input: "PUT / HTTP/1.1\r\nHost: a\r\ncontent-length: 003\r\n\r\nabc", method: .put, body: "abc"),
  ValidCase(input: "PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", method: .patch),
  ValidCase(input: "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", method: .delete),
  ValidCase(input: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", method: .head),
  ValidCase(input: "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", method: .options),
  ValidCase(input: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", method: .options, path: "*"),
  ValidCase(input: "get / HTTP/1.1\r\nHost: a\r\n\r\n", method: .other),
  ValidCase(input: "GETS / HTTP/1.1\r\nHost: a\r\n\r\n", method: .other),
  ValidCase(input: "M-SEARCH! / HTTP/1.1\r\nHost: a\r\n\r\n", method: .other),
  ValidCase(input: "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
  ValidCase(input: "GET / HTTP/1.0\r\n\r\n", host: "", keepsAlive: false),
  ValidCase(input: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", host: ""),
  ValidCase(input: "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", host: "", keepsAlive: false),
  ValidCase(input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x , CLOSE\t,y\r\n\r\n", keepsAlive: false),
  ValidCase(input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n"),
  ValidCase(input: "GET / HTTP/1.1\r\nHost:\r\n\r\n", host: ""),
  ValidCase(input: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", host: "[::1]:80"),
  ValidCase(input: "GET / HTTP/1.1\r\nHost: a.b-c_d:65535\r\n\r\n", host: "a.b-c_d:65535"),
  ValidCase(input: "GET http://h:80/p?q HTTP/1.1\r\nHost: a\r\n\r\n", path: "/p", query: "q", host: "h:80"),
  ValidCase(input: "GET HTTPS://h HTTP/1.1\r\nHost: a\r\n\r\n", host: "h"),
  ValidCase(input: "GET http://h?q HTTP/1.1\r\nHost: a\r\n\r\n", query: "q", host: "h"),
  ValidCase(input: "GET /\u{e9}%zz HTTP/1.1\r\nHost: a\r\nX: \u{e9}\tb\r\n\r\n", path: "/\u{e9}%zz"),
  ValidCase(input: "GET / HTTP/1.1\r\nHost: a\r\nEmpty:\r\nBlank: \t \r\n\r\n"),
  ValidCase(
    input: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nG",
    method: .post, body: "abc", restCount: 1),
  ValidCase(
    input: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "00a;n=\"v\"\tx\r\n0123456789\r\n1\r\n\r\r\n0;last\r\nTrailer: t\r\nX:\r\n\r\n",
    method: .post, body: "0123456789\r"),
  ValidCase(
    input: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", method: .post),
]

/// A request that is refused, and why.
struct RefusedCase: Sendable, CustomTestStringConvertible {
  var input: String
  var refusal: Refusal
  init(_ refusal: Refusal, _ input: String) {
    self.input = input
    self.refusal = refusal
  }
  var testDescription: String { String(reflecting: input.prefix(70)) }
}

private let get = "GET / HTTP/1.1\r\nHost: a\r\n"
private let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

let refusedCases: [RefusedCase] = [
  // The request line.
  RefusedCase(.malformedRequestLine, "\n"),
  RefusedCase(.malformedRequestLine, "\rX"),
  RefusedCase(.malformedRequestLine, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / a HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET /\u{0}a HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET /\r\n"),
  RefusedCase(.malformedRequestLine, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "G\u{e9}T / HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / HTTP/1.1\r\rHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / http/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "GET / HTTP/1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedRequestLine, "\u{16}\u{3}\u{1}\u{2}"),
  RefusedCase(.malformedRequestLine, String(repeating: "M", count: 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.unsupportedVersion, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  RefusedCase(.unsupportedVersion, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
  RefusedCase(.connectUnsupported, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET http://u@h/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET http://h#f HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
  RefusedCase(.malformedTarget, "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n"),
  // Header lines.
  RefusedCase(.malformedHeader, get + "X : y\r\n\r\n"),
  RefusedCase(.malformedHeader, get + " X: folded\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: y\r\n\tfolded\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: y\nZ: z\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: y\rZ: z\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: y\r\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: a\u{0}b\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: a\u{1}b\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X: a\u{7F}b\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X\u{e9}: a\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X@: a\r\n\r\n"),
  RefusedCase(.malformedHeader, get + ": a\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "X\r\n\r\n"),
  RefusedCase(.malformedHeader, get + "\n"),
  RefusedCase(.malformedHeader, get + "\rX"),
  // Host.
  RefusedCase(.missingHost, "GET / HTTP/1.1\r\n\r\n"),
  RefusedCase(.missingHost, "GET http://h/ HTTP/1.1\r\n\r\n"),
  RefusedCase(.severalHosts, get + "Host: a\r\n\r\n"),
  RefusedCase(.severalHosts, "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
  RefusedCase(.malformedHost, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
  // Framing.
  RefusedCase(.severalContentLengths, get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
  RefusedCase(.severalContentLengths, get + "Content-Length: 1\r\ncontent-length: 1\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length: 1, 1\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length: +1\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length: -1\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length: 0x1\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length: 1 1\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length: 1.0\r\n\r\n"),
  RefusedCase(.malformedContentLength, get + "Content-Length:\r\n\r\n"),
  RefusedCase(.bodyTooLarge, get + "Content-Length: 99999999\r\n\r\n"),
  RefusedCase(.bodyTooLarge, get + "Content-Length: 18446744073709551617\r\n\r\n"),
  RefusedCase(.bodyTooLarge, get + "Content-Length: \(String(repeating: "9", count: 500))\r\n\r\n"),
  RefusedCase(.conflictingFraming, get + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
  RefusedCase(.conflictingFraming, get + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding: gzip, chunked\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding: chunked, chunked\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding: identity\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding: chunked;x\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding: \"chunked\"\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding: xchunked\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, get + "Transfer-Encoding:\r\n\r\n"),
  RefusedCase(
    .unsupportedTransferEncoding, get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
  RefusedCase(.unsupportedTransferEncoding, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
  RefusedCase(.unknownExpectation, get + "Expect: 100-continue, x\r\n\r\n"),
  // Chunks.
  RefusedCase(.malformedChunk, chunked + "\r\n"),
  RefusedCase(.malformedChunk, chunked + "x\r\n"),
  RefusedCase(.malformedChunk, chunked + "0x1\r\na\r\n"),
  RefusedCase(.malformedChunk, chunked + "-1\r\n"),
  RefusedCase(.malformedChunk, chunked + " 1\r\na\r\n"),
  RefusedCase(.malformedChunk, chunked + "1 \r\na\r\n"),
  RefusedCase(.malformedChunk, chunked + "1\na\r\n"),
  RefusedCase(.malformedChunk, chunked + "1\rXa\r\n"),
  RefusedCase(.malformedChunk, chunked + "1;\u{0}\r\na\r\n"),
  RefusedCase(.malformedChunk, chunked + "1;a\nb\r\na\r\n"),
  RefusedCase(.malformedChunk, chunked + "1\r\nab\r\n"),
  RefusedCase(.malformedChunk, chunked + "1\r\na\n"),
  RefusedCase(.malformedChunk, chunked + "1\r\na\rX"),
  RefusedCase(.malformedChunk, chunked + "00000000000000001\r\na\r\n"),
  RefusedCase(.bodyTooLarge, chunked + "ffffffffffffffff\r\n"),
  RefusedCase(.bodyTooLarge, chunked + "1\r\na\r\nffffffffffffffff\r\n"),
  RefusedCase(.bodyTooLarge, chunked + "1400001\r\n"),
  RefusedCase(.malformedHeader, chunked + "0\r\nX\r\n\r\n"),
  RefusedCase(.malformedHeader, chunked + "0\r\n x: y\r\n\r\n"),
  RefusedCase(.malformedHeader, chunked + "0\r\nX: y\nZ: z\r\n\r\n"),
  RefusedCase(.malformedHeader, chunked + "0\r\n\n"),
]

@Suite("Requests, decoded")
struct RequestDecoderTests {
  @Test("accepted", arguments: validCases)
  func accepted(_ expected: ValidCase) throws {
    guard case .request(let request) = decode(expected.input) else {
      Issue.record("\(decode(expected.input))")
      return
    }
    #expect(request.method == expected.method)
    #expect(request.path == expected.path)
    #expect(request.query == expected.query)
    #expect(request.host == expected.host)
    #expect(String(decoding: request.body, as: UTF8.self) == expected.body)
    #expect(request.keepsAlive == expected.keepsAlive)
    #expect(request.restCount == expected.restCount)
  }

  @Test("refused", arguments: refusedCases)
  func refused(_ expected: RefusedCase) {
    #expect(decode(expected.input) == .refused(expected.refusal))
  }

  @Test("the same however the bytes are split, and incomplete before they are there")
  func splits() {
    for input in validCases.map(\.input) + refusedCases.map(\.input) {
      let bytes = Array(input.utf8)
      let whole = decode(bytes)
      for split in 0...bytes.count {
        #expect(decode(bytes, splits: [split]) == whole, "\(String(reflecting: input)) at \(split)")
      }
      #expect(decode(bytes, splits: Array(0..<bytes.count)) == whole, "\(String(reflecting: input))")
      guard case .request(let request) = whole else { continue }
      for count in 0..<bytes.count - request.restCount {
        #expect(decode(Array(bytes[..<count])) == .incomplete, "\(String(reflecting: input)) of \(count)")
      }
    }
  }

  @Test("headers, as they were sent")
  func headers() {
    let input = "GET / HTTP/1.1\r\nHost: a\r\nAccept:*/*\r\nX-A: \t b c\t \r\nx-a:\r\n\r\n"
    guard case .request(let request) = decode(input) else {
      Issue.record("refused")
      return
    }
    #expect(request.headers == ["Host=a", "Accept=*/*", "X-A=b c", "x-a="])
  }

  @Test("headers that every request's handling asks for, in any case; the first one counts")
  func collected() {
    let input =
      "GET / HTTP/1.1\r\nHOST: a\r\nCONTENT-type: text/plain\r\nContent-Type: b\r\nTraceParent: t\r\n"
      + "X-Spacer-Trace-Id: 1\r\nx-spacer-parent-span-id: 2\r\nX-SPACER-SPAN-ID: 3\r\n"
      + "X-Forwarded-For: 1.2.3.4\r\n\r\n"
    let bytes = Array(input.utf8)
    var parser = HeadParser()
    #expect(bytes.withUnsafeBytes { parser.parse($0.bytes, HTTPOptions()) } == .complete)
    let head = parser.head
    func value(_ range: ByteRange) -> String {
      String(decoding: bytes[Int(range.start)..<range.end], as: UTF8.self)
    }
    #expect(value(head.contentType) == "text/plain")
    #expect(value(head.traceParent) == "t")
    #expect(value(head.spacerTraceID) == "1")
    #expect(value(head.spacerParentSpanID) == "2")
    #expect(value(head.spacerSpanID) == "3")
    #expect(head.flags.contains(.forwarded))
    #expect(head.fieldCount == 8)
  }

  @Test(
    "a path that may need normalisation is marked",
    arguments: [
      ("/a/b", false), ("/", false), ("/a.b", false), ("/a%20", true), ("//a", true), ("/a//", true),
      ("/./a", true), ("/a/..", true), ("/a/.b", true), ("/a?b=//%20", false),
    ])
  func unusualPath(_ path: String, _ isUnusual: Bool) {
    var parser = HeadParser()
    let bytes = Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    #expect(bytes.withUnsafeBytes { parser.parse($0.bytes, HTTPOptions()) } == .complete)
    #expect(parser.head.flags.contains(.unusualPath) == isUnusual)
  }

  // MARK: Limits: exactly at them is fine, one more is not, and no split changes that.

  private func checkLimit(_ refusal: Refusal, _ options: HTTPOptions, _ input: (Int) -> String) {
    let fitting = Array(input(0).utf8)
    guard case .request = decode(fitting, options: options) else {
      Issue.record("refused at the limit: \(decode(fitting, options: options))")
      return
    }
    let larger = Array(input(1).utf8)
    for bytes in [fitting, larger] {
      let whole = decode(bytes, options: options)
      if bytes == larger { #expect(whole == .refused(refusal)) }
      for split in 0...bytes.count { #expect(decode(bytes, splits: [split], options: options) == whole) }
    }
    // Refused also before the rest is there.
    let endless = Array(String(input(400).dropLast(200)).utf8)
    #expect(decode(endless, options: options) == .refused(refusal))
  }

  @Test("limits")
  func limits() {
    var options = HTTPOptions()
    options.uriBytesMax = 40
    options.headerBytesMax = 60
    options.bodyBytesMax = 30
    options.chunkExtensionBytesMax = 20
    options.trailerBytesMax = 30
    let host = "Host: a\r\n"
    checkLimit(.uriTooLong, options) {
      "GET /\(String(repeating: "x", count: 39 + $0)) HTTP/1.1\r\n\(host)\r\n"
    }
    checkLimit(.headersTooLarge, options) {
      "GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "x", count: 46 + $0))\r\n\r\n"
    }
    checkLimit(.malformedChunk, options) {
      "GET / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1;abc\r\nx\r\n"
        + "0;\(String(repeating: "x", count: 14 + $0))\r\n\r\n"
    }
    checkLimit(.headersTooLarge, options) {
      "GET / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n"
        + "X: \(String(repeating: "x", count: 19 + $0))\r\n\r\n"
    }
    checkLimit(.bodyTooLarge, options) {
      let size = String(15 + $0, radix: 16)
      return "GET / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nf\r\n"
        + "\(String(repeating: "x", count: 15))\r\n\(size)\r\n\(String(repeating: "x", count: 15 + $0))"
        + "\r\n0\r\n\r\n"
    }
    #expect(
      decode("GET / HTTP/1.1\r\n\(host)Content-Length: 31\r\n\r\n", options: options)
        == .refused(.bodyTooLarge))
  }

  @Test("the number of headers")
  func headerCount() {
    var options = HTTPOptions()
    options.headerCountMax = 3
    let lines = "Host: a\r\nA: b\r\nA: b\r\n"
    #expect(decode("GET / HTTP/1.1\r\n\(lines)\r\n", options: options) != .refused(.headersTooLarge))
    #expect(
      decode("GET / HTTP/1.1\r\n\(lines)A: b\r\n\r\n", options: options) == .refused(.headersTooLarge))
  }

  @Test("a body of many tiny chunks does not pile up its framing")
  func tinyChunks() {
    var pool = BufferPool()
    var buffer = ByteBuffer()
    defer { buffer.release(&pool) }
    var decoder = RequestDecoder()
    let options = HTTPOptions()
    func feed(_ text: String) -> DecodeStep {
      Array(text.utf8).withUnsafeBytes { buffer.append($0, &pool) }
      return decoder.advance(&buffer, options)
    }
    #expect(feed(chunked) == .needsMore)
    let headCount = buffer.count
    for count in 1...5_000 {
      #expect(feed("1;x\r\na\r\n") == .needsMore)
      #expect(buffer.count == headCount + count)
    }
    #expect(feed("0\r\n\r\n") == .complete)
    #expect(decoder.bodyCount == 5_000)
  }
}
