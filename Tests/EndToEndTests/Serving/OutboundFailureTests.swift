// `require "http"`: requests that are refused or fail, and bounds.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct OutboundFailureTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func whatIsWrongWithARequestIsSaid() throws {
    let upstream = try Upstream { _ in Upstream.ok("") }
    let server = try OutboundProject.serve(in: workspace)
    for (options, message) in [
      (#"{"headers":{"X-A":"a\r\nX-B: b"}}"#, "the header 'X-A' holds a control character"),
      (#"{"headers":{"X-A":"a\u0000"}}"#, "the header 'X-A' holds a control character"),
      (#"{"headers":{"X A":"a"}}"#, "'X A' is no header name"),
      (#"{"headers":{"X:":"a"}}"#, "'X:' is no header name"),
      (#"{"headers":{"content-length":"7"}}"#, "the header 'content-length' is the platform's to set"),
      (#"{"headers":{"Transfer-Encoding":"chunked"}}"#, "is the platform's to set"),
      (#"{"headers":{"X-A":true}}"#, "headers: 'X-A' must be a string or a number"),
      (#"{"headers":"X-A: b"}"#, "headers must be a table, not a string"),
      (#"{"timeot":1}"#, "there is no option 'timeot'"),
      (#"{"url":"x"}"#, "there is no option 'url'"),
      (#"{"timeout":0}"#, "timeout must be more than 0 and at most 86400 seconds, not 0.0"),
      (#"{"timeout":"1"}"#, "timeout must be a number, not a string"),
      (#"{"redirects":1.5}"#, "redirects must be a whole number from 0 to 50, not 1.5"),
      (#"{"body":"a","json":1}"#, "body and json exclude each other"),
      (#"{"body":{}}"#, "body must be a string, not a table"),
      (
        #"{"query":{"a":[{}]}}"#, "query: 'a' must be a string or a number, or an array of these, not a table"
      ),
    ] {
      let text = try server.outboundGet(upstream.url, options).string ?? ""
      #expect(text.contains("http.get: ") && text.contains(message), "\(options): \(text)")
    }
    for (url, message) in [
      ("ftp://127.0.0.1/", "the URL must begin with http:// or https://"),
      ("file:///etc/passwd", "the URL must begin with http:// or https://"),
      ("/path", "the URL must begin with http:// or https://"),
      ("http://", "malformed URL"), ("http://a b/", "malformed URL"), ("http://[::1/", "malformed URL"),
      ("http://127.0.0.1:99999/", "malformed URL"),
      (#"http://127.0.0.1/\r\nX: y"#, "holds a control character"),
    ] {
      let text = try server.outboundGet(url).string ?? ""
      #expect(text.contains(message), "\(url): \(text)")
    }
    for (options, message) in [
      (#"{"url":"\#(upstream.url)","method":"A B"}"#, "'A B' is no method"),
      (#"{"url":"\#(upstream.url)","method":"CONNECT"}"#, "the method CONNECT is not for functions"),
      (#"{"url":"\#(upstream.url)","method":"HEAD","body":"x"}"#, "a HEAD request has no body"),
      ("{}", "url is missing"), ("null", "the options must be a table"),
    ] {
      let text = try server.outbound(#"{"options":\#(options)}"#).string ?? ""
      #expect(text.contains("http.request: ") && text.contains(message), "\(options): \(text)")
    }
    #expect(upstream.accepted == 0)
  }

  @Test func transportFailuresNameMethodHostAndCause() throws {
    let server = try OutboundProject.serve(in: workspace)
    let closed = try Upstream { _ in nil }.port
    // Nobody listens there any more.
    #expect(
      try server.outboundGet("http://user:secret@127.0.0.1:\(closed)/?token=1").string
        == "http: GET 127.0.0.1:\(closed): connection refused")
    #expect(
      try server.outbound(#"{"fn":"post","url":"http://no-such-host.invalid/?token=1"}"#).string
        == "http: POST no-such-host.invalid: cannot resolve host")
    let hangsUp = try Upstream { request in
      request.line.contains("/half")
        ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf"
        : request.line.contains("/odd") ? "SSH-2.0-x\r\nConnection: close\r\n" : "Connection: close"
    }
    let place = "http: GET 127.0.0.1:\(hangsUp.port)"
    #expect(
      try server.outboundGet("\(hangsUp.url)/half").string
        == "\(place): the server closed the connection in the middle of the answer")
    #expect(try server.outboundGet("\(hangsUp.url)/odd").string == "\(place): the answer is not HTTP")
  }

  @Test func timeoutsEndWhatTakesTooLong() throws {
    let silent = try Upstream { _ in nil }
    let server = try OutboundProject.serve(in: workspace)
    #expect(
      try server.outboundGet(silent.url, #"{"timeout":0.2}"#).string
        == "http: GET 127.0.0.1:\(silent.port): timed out after 200 ms")
    try waitUntil("the connection is closed") { silent.closed == 1 }

    // Its queue holds one connection, and the kernel answers no further one.
    let full = try Upstream(accepts: false) { _ in nil }
    let queued = try HTTPConnection(port: full.port)
    defer { queued.finishSending() }
    #expect(
      try server.outboundGet(full.url, #"{"connectTimeout":0.2}"#).string
        == "http: GET 127.0.0.1:\(full.port): timed out connecting after 200 ms")
  }

  @Test func theCallsOwnTimeEndsItToo() throws {
    let silent = try Upstream { _ in nil }
    let server = try OutboundProject.serve(in: workspace, limits: "wallMilliseconds: 300")
    let answer = try server.post("/t", json: #"{"fn":"get","url":"\#(silent.url)"}"#)
    #expect(answer.status == 504)
    try waitUntil("the connection is closed") { silent.closed == 1 }
  }

  @Test func answersAreBounded() throws {
    let upstream = try Upstream { request in
      switch request.line.split(separator: " ")[1] {
      case "/head":
        Upstream.ok(
          "", headers: (0..<80).map { "X-\($0): \(String(repeating: "x", count: 4000))\r\n" }.joined())
      default: Upstream.ok(String(repeating: "x", count: 100_001))
      }
    }
    let server = try OutboundProject.serve(in: workspace)
    let place = "http: GET 127.0.0.1:\(upstream.port)"
    #expect(
      try server.outboundGet(upstream.url, #"{"maxBytes":100000}"#).string
        == "\(place): the answer is longer than 100000 bytes (maxBytes)")
    #expect(
      try server.outboundGet(upstream.url, #"{"maxBytes":100001}"#)["body"]?.string?.utf8.count == 100_001)
    #expect(
      try server.outboundGet("\(upstream.url)/head").string
        == "\(place): the answer's headers are longer than 262144 bytes")
  }

  /// Old releases of libcurl read freed memory here when their handles are used again.
  @Test func aFoldedFirstHeaderHarmsNothing() throws {
    let upstream = try Upstream { request in
      request.line.contains("/folded")
        ? "HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 0\r\n\r\nConnection: close" : Upstream.ok("x")
    }
    let server = try OutboundProject.serve(in: workspace)
    for _ in 0..<20 {
      #expect(try server.outboundGet(upstream.url)["body"]?.string == "x")
      _ = try server.outboundGet("\(upstream.url)/folded")
    }
    #expect(try server.get("/quick").status == 200)
  }

  /// Answers that are put together from pieces at random, in time or not, end as a result or an error each.
  @Test func fuzzedAnswersHarmNothing() throws {
    let seed = UInt64.random(in: .min ... .max)
    let random = SharedRandom(seed: seed)
    let pieces = [
      "HTTP/1.1 200 OK\r\n", "HTTP/1.1 302 x\r\nLocation: /r\r\n", "HTTP/1.1 307 x\r\nLocation: //\r\n",
      "HTTP/2 200\r\n", "HTTP/1.1 100 c\r\n\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n",
      "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "5\r\nhello\r\n",
      "0\r\n\r\n", "zzz\r\n", "hello", " folded: x\r\n", ":\r\n", "X\r\n", "A: \u{0}\u{7F}ü\r\n",
      "Content-Encoding: gzip\r\n", "Connection: close\r\n", "Set-Cookie: a=b\r\n",
      "HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=x\r\n", Upstream.ok("hello"),
    ]
    let upstream = try Upstream { _ in
      random.next(10) == 0
        ? nil : (0...random.next(8)).map { _ in pieces[random.next(pieces.count)] }.joined()
    }
    let server = try OutboundProject.serve(in: workspace)
    let end = Date(timeIntervalSinceNow: 2)
    while Date() < end {
      let method = ["get", "post", "head", "delete"][random.next(4)]
      let options = #"{"timeout":0.02,"maxBytes":\#(random.next(2) * 100)}"#
      let body = #"{"fn":"\#(method)","url":"\#(upstream.url)","options":\#(options)}"#
      do {
        let connection = try HTTPConnection(port: server.port)
        try connection.send(
          "POST /t HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        // Some clients do not wait.
        guard random.next(4) > 0 else { continue }
        let answer = try connection.response(to: "POST")
        #expect([200, 400, 500].contains(answer.status), "seed \(seed): \(answer.text)")
      } catch {
        throw HarnessError("seed \(seed): \(error); the server said:\n\(server.process.standardError)")
      }
    }
    #expect(try server.get("/quick").status == 200, "seed \(seed)")
    #expect(try server.stop() == 0, "seed \(seed)")
  }

  @Test func withoutTheLibraryTheErrorNamesThePackage() throws {
    try workspace.write("no library", to: "lib/libcurl.so.4")
    let server = try OutboundProject.serve(
      in: workspace, environment: ["LD_LIBRARY_PATH": workspace.path + "/lib"])
    let text = try server.outboundGet("http://127.0.0.1/").string ?? ""
    #expect(text.hasPrefix("http.get: libcurl cannot be used ("))
    #expect(text.hasSuffix("): install the Debian package libcurl4"))
    #expect(try server.get("/quick").status == 200)
    try waitUntil("the log warns") {
      server.process.standardOutput.contains("functions that require 'http' will fail: libcurl")
    }
  }
}
