// Contract section 3: which function answers which path.

import Testing

@Suite struct GatewayTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Every route's function answers with its own name and its args.
  private func serve(_ routes: [(String, String, String)]) throws -> RunningServer {
    var files: [String: String] = [:]
    var list = ""
    for (method, path, name) in routes {
      files["app/\(name).lua"] = "return function(args) return {name = \"\(name)\", args = args} end\n"
      list += "  {\"\(method)\", \"\(path)\", \"\(name)\"},\n"
    }
    files["app/gateway.lua"] = "return {\n\(list)}\n"
    return try RunningServer.serving(files, in: workspace)
  }

  private func expect(
    _ answer: HTTPResponse, _ name: String, _ args: String = "{}",
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(answer.status == 200, "\(answer.text)", sourceLocation: location)
    #expect(
      answer.json == JSONValue("{\"data\":{\"name\":\"\(name)\",\"args\":\(args)}}"), "\(answer.text)",
      sourceLocation: location)
  }

  @Test func precedenceAndBacktracking() throws {
    let server = try serve([
      ("GET", "/u/me", "me"), ("GET", "/u/:id.json", "json"), ("GET", "/u/:id", "user"),
      ("GET", "/u/*rest", "rest"), ("GET", "/a/:x/one", "one"), ("GET", "/a/b/two", "two"),
    ])
    expect(try server.get("/u/me"), "me")
    expect(try server.get("/u/7.json"), "json", #"{"id":"7"}"#)
    expect(try server.get("/u/7"), "user", #"{"id":"7"}"#)
    expect(try server.get("/u/7/x/y"), "rest", #"{"rest":"7/x/y"}"#)
    expect(try server.get("/a/b/one"), "one", #"{"x":"b"}"#)
    expect(try server.get("/a/b/two"), "two")
    #expect(try server.get("/u").status == 404)
    #expect(try server.get("/u/").status == 404)
  }

  @Test func eachMethodHasATreeOfItsOwn() throws {
    let server = try serve([("POST", "/users/me", "post"), ("GET", "/users/:id", "get")])
    expect(try server.get("/users/me"), "get", #"{"id":"me"}"#)
    expect(try server.request("POST", "/users/me"), "post")
  }

  @Test func everyMethod() throws {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    let server = try serve(methods.map { ($0, "/x", "on" + $0) } + [("any", "/any", "any")])
    for method in methods where method != "HEAD" { expect(try server.request(method, "/x"), "on" + method) }
    for method in methods where method != "HEAD" { expect(try server.request(method, "/any"), "any") }
    #expect(try server.request("HEAD", "/any").status == 200)
  }

  @Test func unknownPathAndOtherMethod() throws {
    let server = try serve([
      ("GET", "/x", "a"), ("PUT", "/x", "b"), ("DELETE", "/:any", "c"), ("GET", "/", "root"),
    ])
    let missing = try server.get("/nope/nope")
    #expect(missing.status == 404)
    #expect(missing.json == JSONValue(#"{"error":"not found"}"#))
    let wrong = try server.request("POST", "/x")
    #expect(wrong.status == 405)
    #expect(wrong.json?["error"] != nil)
    #expect(allow(wrong).isSuperset(of: ["GET", "PUT", "DELETE"]))
    #expect(!allow(wrong).contains("POST"))
    expect(try server.get("/"), "root")
  }

  @Test func headAndOptions() throws {
    let server = try serve([("GET", "/x", "a"), ("OPTIONS", "/own", "own"), ("POST", "/p", "p")])
    let head = try server.request("HEAD", "/x")
    #expect(head.status == 200)
    #expect(head.header("Content-Length") == (try server.get("/x")).header("Content-Length"))
    let options = try server.request("OPTIONS", "/x")
    #expect(options.status == 204)
    #expect(options.body.isEmpty)
    #expect(allow(options).isSuperset(of: ["GET"]))
    expect(try server.request("OPTIONS", "/own"), "own")
    #expect(try server.request("HEAD", "/p").status == 405)
    #expect(try server.request("OPTIONS", "/none").status == 404)
  }

  @Test func pathsAreDecodedBySegment() throws {
    let server = try serve([
      ("GET", "/hello", "hello"), ("GET", "/f/:a", "one"), ("GET", "/f/:a/:b", "two"),
      ("GET", "/r/*rest", "rest"),
    ])
    expect(try server.get("/hel%6Co"), "hello")
    expect(try server.get("/f/a%2Fb"), "one", #"{"a":"a/b"}"#)
    expect(try server.get("/f/a%20b"), "one", #"{"a":"a b"}"#)
    expect(try server.get("/f/a+b"), "one", #"{"a":"a+b"}"#)
    expect(try server.get("/r/a%2Fb/c"), "rest", #"{"rest":"a/b/c"}"#)
    expect(try server.get("//hello"), "hello")
    expect(try server.get("/f//1//2"), "two", #"{"a":"1","b":"2"}"#)
    expect(try server.get("/hello/"), "hello")
    for bad in ["/f/%zz", "/f/%4", "/f/a%00b", "/f/%"] {
      #expect(try server.get(bad).status == 400, "\(bad)")
    }
  }

  @Test func dotSegments() throws {
    let server = try serve([("GET", "/hello", "hello"), ("GET", "/f/:a", "one")])
    for path in [
      "/x/../hello", "/./hello", "/x/%2e%2e/hello", "/x/.%2E/hello", "/../../hello", "/hello/.",
      "/hello/x/..",
    ] {
      expect(try server.get(path), "hello")
    }
    expect(try server.get("/f/..."), "one", #"{"a":"..."}"#)
  }

  @Test func routesComeFromComputedTables() throws {
    let server = try RunningServer.serving(
      [
        "app/gateway.lua": """
        local resource = require "resource"
        local R = {}
        for _, name in ipairs({"a", "b"}) do resource.add(R, name) end
        return R

        """,
        "lib/resource.lua": """
        local M = {}
        function M.add(routes, name)
          routes[#routes + 1] = {"GET", "/" .. name .. "/:id", "f"}
        end
        return M

        """,
        "app/f.lua": "return function(args) return args.id end\n",
      ], in: workspace)
    #expect(try server.get("/a/1").json == JSONValue(#"{"data":"1"}"#))
    #expect(try server.get("/b/2").json == JSONValue(#"{"data":"2"}"#))
  }

  private func allow(_ answer: HTTPResponse) -> Set<String> {
    let names = (answer.header("Allow") ?? "").split(separator: ",")
    return Set(names.map { String($0).trimmingPrefix(while: \.isWhitespace).description })
  }
}
