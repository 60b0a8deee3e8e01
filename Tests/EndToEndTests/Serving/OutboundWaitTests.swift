// `require "http"`: connections, and calls that wait for an answer.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct OutboundWaitTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func connectionsAreKept() throws {
    let upstream = try Upstream { _ in Upstream.ok("x") }
    let server = try OutboundProject.serve(in: workspace)
    for _ in 0..<5 { #expect(try server.outboundGet(upstream.url)["body"]?.string == "x") }
    #expect(upstream.accepted == 1)
    // One that the server closed meanwhile is replaced.
    let closing = try Upstream { _ in Upstream.ok("x", headers: "Connection: close\r\n") }
    for _ in 0..<3 { #expect(try server.outboundGet(closing.url)["body"]?.string == "x") }
    #expect(closing.accepted == 3)
  }

  @Test func callsWaitSideBySide() throws {
    let gate = Gate()
    let upstream = try Upstream { _ in
      gate.wait()
      return Upstream.ok("late")
    }
    let server = try OutboundProject.serve(in: workspace)
    let body = #"{"url":"\#(upstream.url)","fn":"get"}"#
    func begin(_ path: String) throws -> HTTPConnection {
      let connection = try HTTPConnection(port: server.port)
      try connection.send(
        "POST \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      return connection
    }
    let single = try begin("/t")
    let double = try begin("/all")
    try waitUntil("three requests are there") { upstream.requests.count == 3 }
    #expect(try server.get("/quick").json == JSONValue(#"{"data":"quick"}"#))
    gate.open()
    #expect(try single.response(to: "POST").json?["data"]?["body"]?.string == "late")
    #expect(try double.response(to: "POST").json == JSONValue(#"{"data":["late","late"]}"#))
  }

  @Test func aClientThatGoesAwayEndsTheRequest() throws {
    let silent = try Upstream { _ in nil }
    let server = try OutboundProject.serve(in: workspace)
    let body = #"{"url":"\#(silent.url)","fn":"get"}"#
    var connection: HTTPConnection? = try HTTPConnection(port: server.port)
    try connection?.send("POST /t HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    try waitUntil("the request is there") { silent.requests.count == 1 }
    #expect(silent.closed == 0)
    connection = nil
    try waitUntil("the connection is closed") { silent.closed == 1 }
    #expect(try server.get("/quick").status == 200)
  }

  @Test func aServerThatIsToldToEndAnswersItsCalls() throws {
    let gate = Gate()
    let upstream = try Upstream { _ in
      gate.wait()
      return Upstream.ok("late")
    }
    let server = try OutboundProject.serve(in: workspace)
    let body = #"{"url":"\#(upstream.url)","fn":"get"}"#
    let connection = try HTTPConnection(port: server.port)
    try connection.send("POST /t HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    try waitUntil("the request is there") { upstream.requests.count == 1 }
    server.process.signal(SIGTERM)
    gate.open()
    #expect(try connection.response(to: "POST").json?["data"]?["body"]?.string == "late")
    #expect(try server.process.waitForExit() == 0)
  }

  @Test func aWaitPassesThroughACoroutine() throws {
    let upstream = try Upstream { request in Upstream.ok(String(request.line.split(separator: " ")[1])) }
    let server = try OutboundProject.serve(in: workspace)
    #expect(
      try server.post("/wrapped", json: #"{"url":"\#(upstream.url)"}"#).json
        == JSONValue(#"{"data":["/1","/2","/3"]}"#))
  }

  @Test func requestsCarryTheTrace() throws {
    let upstream = try Upstream { _ in Upstream.ok("") }
    let server = try OutboundProject.serve(in: workspace)
    let trace = "0af7651916cd43dd8448eb211c80319c"
    let body = #"{"fn":"get","url":"\#(upstream.url)"}"#
    _ = try server.request(
      "POST", "/t", headers: [("traceparent", "00-\(trace)-b7ad6b7169203331-01")], body: body)
    let seen = try #require(upstream.requests.first)
    let span = try #require(seen.header("X-Spacer-Span-Id"))
    #expect(seen.header("X-Spacer-Trace-Id") == trace)
    #expect(seen.header("traceparent") == "00-\(trace)-\(span)-01")
    let parent = try #require(seen.header("X-Spacer-Parent-Span-Id"))
    #expect(parent != "b7ad6b7169203331" && parent != span && parent.count == 16)
    _ = try server.outboundGet(upstream.url, #"{"headers":{"Traceparent":"mine"}}"#)
    #expect(upstream.requests.last?.header("traceparent") == "mine")
    #expect(upstream.requests.last?.header("X-Spacer-Trace-Id") != nil)
  }

  /// A resolver that never answers for names with `silent` in them takes the place of the system's.
  @Test func namesAreResolvedOffTheLoop() throws {
    try workspace.write(
      """
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <netdb.h>
      #include <string.h>
      #include <unistd.h>
      int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
        if (name != NULL && strstr(name, "silent") != NULL) for (;;) pause();
        int (*system)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
        *(void **)&system = dlsym(RTLD_NEXT, "getaddrinfo");
        return system(name, service, hints, result);
      }

      """, to: "resolver.c")
    let compiler = try ChildProcess(
      ["/usr/bin/env", "clang", "-shared", "-fPIC", "-o", "resolver.so", "resolver.c", "-ldl"],
      environment: Tool.environment, folder: workspace.path)
    #expect(try compiler.waitForExit() == 0, "\(compiler.standardError)")
    let server = try OutboundProject.serve(
      in: workspace, environment: ["LD_PRELOAD": workspace.path + "/resolver.so"])
    #expect(
      try server.outboundGet("http://silent.test/", #"{"timeout":0.2}"#).string
        == "http: GET silent.test: timed out after 200 ms")
    let body = #"{"url":"http://silent.test/","fn":"get"}"#
    let connection = try HTTPConnection(port: server.port)
    try connection.send(
      "POST /t HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    #expect(try server.get("/quick").json == JSONValue(#"{"data":"quick"}"#))
  }
}
