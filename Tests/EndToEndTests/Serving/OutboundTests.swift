// `require "http"`: what is sent and what comes back.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct OutboundTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func methodsHeadersAndBodiesArrive() throws {
    let server = try OutboundProject.serve(in: workspace)
    let echo = "http://127.0.0.1:\(server.port)/echo"
    func echoed(_ json: String) throws -> JSONValue? {
      let value = try server.outbound(json)
      return value["body"]?.string.flatMap { JSONValue($0) }?["data"] ?? value
    }
    for method in ["get", "post", "put", "patch", "delete"] {
      let seen = try echoed(#"{"fn":"\#(method)","url":"\#(echo)"}"#)
      #expect(seen?["method"]?.string == method.uppercased())
      #expect(seen?["headers"]?["user-agent"]?.string == "spacer")
      #expect(seen?["headers"]?["expect"] == nil)
      let hasLength = ["post", "put", "patch"].contains(method)
      #expect(seen?["headers"]?["content-length"]?.string == (hasLength ? "0" : nil), "\(method)")
      #expect(seen?["headers"]?["content-type"] == nil, "\(method)")
    }
    let head = try server.outbound(#"{"fn":"head","url":"\#(echo)"}"#)
    #expect(head["status"]?.number == 200)
    #expect(head["body"]?.string == "")
    #expect(
      try echoed(#"{"fn":"post","url":"\#(echo)","options":{"json":{"a":[1,"ü",[]]}}}"#)?.covers(
        JSONValue(#"{"body":"{\"a\":[1,\"ü\",[]]}","headers":{"content-type":"application/json"}}"#)
          ?? .null) == true)
    #expect(
      try echoed(#"{"fn":"put","url":"\#(echo)","options":{"form":{"b":["1","2"],"a x":"c&d é"}}}"#)?.covers(
        JSONValue(
          #"{"body":"a+x=c%26d+%C3%A9&b=1&b=2","headers":{"content-type":"application/x-www-form-urlencoded"}}"#
        ) ?? .null) == true)
    let raw = #"{"body":"raw","headers":{"Content-Type":"text/x","X-A":["1",2],"X-Empty":""}}"#
    #expect(
      try echoed(#"{"fn":"delete","url":"\#(echo)","options":\#(raw)}"#)?.covers(
        JSONValue(
          #"{"body":"raw","headers":{"content-type":"text/x","content-length":"3","x-a":"1, 2","x-empty":""}}"#
        )
          ?? .null) == true)
    let options = #"{"url":"\#(echo)?a=1#part","method":"get","query":{"b c":[true,2.5],"d":"&"}}"#
    #expect(
      try echoed(#"{"options":\#(options)}"#)?.covers(
        JSONValue(#"{"method":"GET","query":"a=1&b%20c=true&b%20c=2.5&d=%26"}"#) ?? .null) == true)
    #expect(try echoed(#"{"options":{"url":"\#(echo)","body":"{}"}}"#)?["method"]?.string == "POST")
  }

  @Test func answersHaveStatusHeadersBodyAndURL() throws {
    let upstream = try Upstream { request in
      switch request.line.split(separator: " ")[1] {
      case "/gone?q":
        "HTTP/1.1 410 Gone\r\nContent-Length: 3\r\nX-A: 1\r\nx-a:  2 \r\nSet-Cookie: c=d\r\n\r\nbye"
      case "/interim":
        "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n" + Upstream.ok("late", headers: "X-Late: 2\r\n")
      case "/chunked":
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
      default: "HTTP/1.0 200\r\n\r\nto the end\r\nConnection: close"
      }
    }
    let server = try OutboundProject.serve(in: workspace)
    #expect(
      try server.outboundGet("http://user:secret@127.0.0.1:\(upstream.port)/gone?q#f")
        == JSONValue(
          #"{"status":410,"body":"bye","url":"\#(upstream.url)/gone?q","headers":{"content-length":"3","x-a":"1, 2","set-cookie":"c=d"}}"#
        ))
    #expect(upstream.requests.first?.header("Authorization") == "Basic dXNlcjpzZWNyZXQ=")
    let interim = try server.outboundGet("\(upstream.url)/interim")
    #expect(interim["headers"] == JSONValue(#"{"content-length":"4","x-late":"2"}"#))
    #expect(
      try server.outboundGet("\(upstream.url)/chunked")
        .covers(
          JSONValue(#"{"body":"abc","headers":{"transfer-encoding":"chunked"}}"#) ?? .null))
    #expect(try server.outboundGet(upstream.url)["body"]?.string == "to the end\r\nConnection: close")
  }

  @Test func responsesAreConvenient() throws {
    let upstream = try Upstream { request in
      request.line.contains("/json")
        ? Upstream.ok(#"{"a":[1,null]}"#, headers: "X-Up: y\r\n") : Upstream.ok("<p>")
    }
    let server = try RunningServer.serving(
      [
        "app/gateway.lua": "return { {\"POST\", \"/t\", \"t\"} }\n",
        "app/t.lua": """
        local http = require "http"
        return function (args)
          local r = http.get(args.url .. "/json")
          local page = http.get(args.url)
          local ok, e = pcall(page.json, page)
          return {
            a = r:json().a, up = r.headers["X-UP"], none = r.headers["X-None"] == nil, e = e,
            without = select(2, pcall(r.json)), meta = getmetatable(r), headersMeta = getmetatable(r.headers),
          }
        end

        """,
      ], in: workspace)
    #expect(
      try server.post("/t", json: #"{"url":"\#(upstream.url)"}"#).json
        == JSONValue(
          #"""
          {"data":{"a":[1,null],"up":"y","none":true,
            "e":"response:json(): the body (status 200) is no JSON: unexpected character, expected a value at byte 1",
            "without":"call it with a colon: response:json()","meta":false,"headersMeta":false}}
          """#))
  }

  @Test func compressedBodiesAreDecoded() throws {
    // 18,000 bytes of `hello `.
    let script = "import gzip,sys; sys.stdout.write(gzip.compress(b'hello '*3000).hex())"
    let python = try ChildProcess(
      ["/usr/bin/env", "python3", "-c", script], environment: Tool.environment)
    #expect(try python.waitForExit() == 0)
    let server = try RunningServer.serving(
      [
        "app/gateway.lua": "return { {\"POST\", \"/t\", \"t\"}, {\"GET\", \"/zip\", \"zip\"} }\n",
        "app/zip.lua": """
        local text = ("\(python.standardOutput)"):gsub("..", function (x) return string.char(tonumber(x, 16)) end)
        return function ()
          return text, nil, { raw = true, headers = { ["Content-Encoding"] = "gzip", ["Content-Type"] = "text/plain" } }
        end

        """,
        "app/t.lua": """
        local http = require "http"
        return function (args)
          local plain = http.get(args.url)
          local raw = http.get(args.url, { headers = { ["Accept-Encoding"] = "gzip" } })
          local ok, e = pcall(http.get, args.url, { maxBytes = 17999 })
          return { #plain.body, plain.headers["content-encoding"] == nil, plain.headers["content-length"] == nil,
            #raw.body < 200, raw.headers["content-encoding"], e:match("longer than.*") }
        end

        """,
      ], in: workspace)
    #expect(
      try server.post("/t", json: #"{"url":"http://127.0.0.1:\#(server.port)/zip"}"#).json
        == JSONValue(#"{"data":[18000,true,true,true,"gzip","longer than 17999 bytes (maxBytes)"]}"#))
  }

  // MARK: Redirects

  @Test func redirectsAreFollowedAndBounded() throws {
    let upstream = try Upstream { request in
      let parts = request.line.split(separator: " ")
      return switch parts[1] {
      case "/loop": Upstream.redirect(302, to: "/loop")
      case "/301", "/302", "/303", "/307", "/308":
        Upstream.redirect(Int(parts[1].dropFirst()) ?? 0, to: "end")
      case "/file": Upstream.redirect(302, to: "file:///etc/passwd")
      default: Upstream.ok("\(parts[0]) \(request.text) \(request.header("Content-Type") ?? "-")")
      }
    }
    let server = try OutboundProject.serve(in: workspace)
    let place = "http: GET 127.0.0.1:\(upstream.port)"
    #expect(try server.outboundGet("\(upstream.url)/loop").string == "\(place): more than 5 redirects")
    #expect(upstream.requests.count == 6)
    #expect(
      try server.outboundGet("\(upstream.url)/loop", #"{"redirects":2}"#).string
        == "\(place): more than 2 redirects")
    let kept = try server.outboundGet("\(upstream.url)/loop", #"{"redirects":0}"#)
    #expect(kept["status"]?.number == 302)
    #expect(kept["headers"]?["location"]?.string == "/loop")
    #expect(
      try server.outboundGet("\(upstream.url)/file").string
        == "\(place): redirected to what cannot be followed: the URL must begin with http:// or https://")
    for (method, status, seen) in [
      ("post", 301, "GET  -"), ("post", 302, "GET  -"), ("post", 303, "GET  -"), ("put", 303, "GET  -"),
      ("put", 301, "PUT {} application/json"), ("post", 307, "POST {} application/json"),
      ("patch", 308, "PATCH {} application/json"), ("delete", 302, "DELETE {} application/json"),
    ] {
      let answer = try server.outbound(
        #"{"fn":"\#(method)","url":"\#(upstream.url)/\#(status)","options":{"json":{}}}"#)
      #expect(answer["body"]?.string == seen, "\(method) \(status)")
      #expect(answer["url"]?.string == "\(upstream.url)/end")
    }
  }

  @Test func credentialsStayWithTheirServer() throws {
    let other = try Upstream { _ in Upstream.ok("other") }
    let otherURL = other.url
    let first = try Upstream { request in
      Upstream.redirect(302, to: request.line.contains("/away") ? otherURL : "/away")
    }
    let server = try OutboundProject.serve(in: workspace)
    let options = #"{"headers":{"Authorization":"Bearer x","Cookie":"a=b","X-Own":"c"}}"#
    #expect(try server.outboundGet("\(first.url)/stay", options)["body"]?.string == "other")
    #expect(first.requests.map { $0.header("Authorization") } == ["Bearer x", "Bearer x"])
    #expect(other.requests.first?.header("Authorization") == nil)
    #expect(other.requests.first?.header("Cookie") == nil)
    #expect(other.requests.first?.header("X-Own") == "c")
    _ = try server.outboundGet("http://user:secret@127.0.0.1:\(first.port)/stay")
    #expect(first.requests.last?.header("Authorization") == "Basic dXNlcjpzZWNyZXQ=")
    #expect(other.requests.last?.header("Authorization") == nil)
  }
}
