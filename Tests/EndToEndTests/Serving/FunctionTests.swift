// Contract section 2: how a request becomes args, and what a function's results become.

import Testing

@Suite struct FunctionTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// A server whose routes are `ANY /NAME` for every function file, `ANY /echo` and `ANY /echo/:a`.
  private func serve(
    _ functions: [String: String] = [:], files: [String: String] = [:], environment: [String: String] = [:]
  ) throws -> RunningServer {
    var files = files
    files["app/echo.lua"] = "return function(args) return args end\n"
    var routes = #"{"ANY", "/echo", "echo"}, {"ANY", "/echo/:a", "echo"}"#
    for (name, body) in functions {
      files["app/\(name).lua"] = body + "\n"
      routes += #", {"ANY", "/\#(name)", "\#(name)"}"#
    }
    files["app/gateway.lua"] = "return { \(routes) }\n"
    return try RunningServer.serving(files, in: workspace, environment: environment)
  }

  @Test func routeThenQueryThenBody() throws {
    let server = try serve()
    let answer = try server.post("/echo/1?a=2&b=3", json: #"{"a":9,"b":9,"c":9}"#)
    #expect(answer.json == JSONValue(#"{"data":{"a":"1","b":"3","c":9}}"#))
  }

  private static let queries = [
    ("a=1&a=2&a=3", #"{"a":["1","2","3"]}"#), ("flag", #"{"flag":true}"#), ("x=", #"{"x":""}"#),
    ("=v&b=1", #"{"b":"1"}"#), ("p=%zz", #"{"p":"%zz"}"#), ("p=%4", #"{"p":"%4"}"#),
    ("a+b=c+d", #"{"a b":"c d"}"#), ("a=%2B", #"{"a":"+"}"#), ("a=1&&b=2&", #"{"a":"1","b":"2"}"#),
    ("a=b=c", #"{"a":"b=c"}"#), ("flag&flag=x", #"{"flag":[true,"x"]}"#),
  ]

  @Test func query() throws {
    let server = try serve()
    for (query, expected) in Self.queries {
      let answer = try server.get("/echo?" + query)
      #expect(answer.status == 200, "\(query)")
      #expect(answer.json?["data"] == JSONValue(expected), "\(query): \(answer.text)")
    }
  }

  @Test func queryThatIsNotUTF8() throws {
    let answer = try serve().get("/echo?a=%ff")
    #expect(answer.status == 400)
    #expect(answer.json?["error"] != nil)
  }

  @Test func bodies() throws {
    let server = try serve()
    let form = [("Content-Type", "application/x-www-form-urlencoded")]
    #expect(try server.post("/echo", json: #"[1,"two"]"#).json == JSONValue(#"{"data":[1,"two"]}"#))
    #expect(
      try server.request("POST", "/echo", headers: form, body: "a=1&b=x+y&a=2").json
        == JSONValue(#"{"data":{"a":["1","2"],"b":"x y"}}"#))
    #expect(
      try server.request("POST", "/echo", headers: form, body: #"{"a":1}"#).json
        == JSONValue(#"{"data":{"a":1}}"#))
    #expect(try server.request("POST", "/echo", body: #"{"a":1}"#).json == JSONValue(#"{"data":{"a":1}}"#))
    #expect(try server.post("/echo", json: "").json == JSONValue(#"{"data":{}}"#))
    for kept in [#"{"e":[]}"#, #"{"e":{}}"#, #"{"n":null}"#, #"{"l":[null,[]]}"#] {
      #expect(try server.post("/echo", json: kept).text == "{\"data\":\(kept)}\n")
    }
    let other = try server.request("POST", "/echo", headers: [("Content-Type", "text/plain")], body: "hi")
    #expect(other.json == JSONValue(#"{"data":{}}"#))
  }

  @Test func malformedBodies() throws {
    let server = try serve()
    for body in ["1", "\"s\"", "true", "{\"a\":}", "[1,]", "{\"a\":1", "{'a':1}", "{\"a\":01}", "{} x"] {
      let answer = try server.post("/echo", json: body)
      #expect(answer.status == 400, "\(body)")
      #expect(answer.json?["error"]?.string != nil, "\(body): \(answer.text)")
    }
  }

  @Test func bodyThatIsNotUTF8() throws {
    let server = try serve()
    let connection = try HTTPConnection(port: server.port)
    try connection.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n")
    try connection.send(Array("{\"a\":\"".utf8) + [0xFF] + Array("\"}".utf8))
    #expect(try connection.response(to: "POST").status == 400)
  }

  @Test func results() throws {
    let server = try serve([
      "nothing": "return function() end", "null": "return function() return nil end",
      "value": "return function() return 'x' end", "err": "return function() return 1, 'bad' end",
      "tableErr": "return function() return nil, {code = 7} end",
      "falseErr": "return function() return 'kept', false end",
    ])
    let value = try server.get("/value")
    #expect(value.status == 200)
    #expect(value.text == "{\"data\":\"x\"}\n")
    #expect(value.header("Content-Type")?.hasPrefix("application/json") == true)
    #expect(value.header("Date") != nil)
    #expect(try server.get("/nothing").text == "{}\n")
    #expect(try server.get("/null").text == "{}\n")
    let err = try server.get("/err")
    #expect(err.status == 400)
    #expect(err.text == "{\"error\":\"bad\"}\n")
    let tableErr = try server.get("/tableErr")
    #expect(tableErr.status == 400)
    #expect(tableErr.json == JSONValue(#"{"error":{"code":7}}"#))
    #expect(try server.get("/falseErr").text == "{\"data\":\"kept\"}\n")
  }

  @Test func thirdResult() throws {
    let server = try serve([
      "created": "return function() return {id=1}, nil, {status=201, headers={Location='/x/1'}} end",
      "raw": "return function() return '<p>', nil, {raw=true, headers={['Content-Type']='text/html'}} end",
      "gone": "return function() return nil, 'gone', {status=410} end",
      "badStatus": "return function() return 1, nil, {status=99} end",
      "okWithErr": "return function() return nil, 'e', {status=200} end",
      "split": "return function() return 1, nil, {headers={['X-A']='a\\r\\nX-B: b'}} end",
      "nul": "return function() return 1, nil, {headers={['X-A']='a\\0b'}} end",
    ])
    let created = try server.get("/created")
    #expect(created.status == 201)
    #expect(created.header("Location") == "/x/1")
    #expect(created.json == JSONValue(#"{"data":{"id":1}}"#))
    let raw = try server.get("/raw")
    #expect(raw.text == "<p>")
    #expect(raw.header("Content-Type") == "text/html")
    let gone = try server.get("/gone")
    #expect(gone.status == 410)
    #expect(gone.json == JSONValue(#"{"error":"gone"}"#))
    for path in ["/badStatus", "/okWithErr", "/split", "/nul"] {
      let answer = try server.get(path)
      #expect(answer.status == 500, "\(path)")
      #expect(answer.header("X-A") == nil && answer.header("X-B") == nil, "\(path)")
    }
    // Nothing else tells where to look.
    #expect(
      try server.get("/badStatus").json?["error"]?.string
        == "app/badStatus.lua: status must be an integer from 200 to 599, not 99")
  }

  private static let encodings = [
    ("10/2", "5"), ("1.5", "1.5"), ("0.1", "0.1"), ("2^53", "9007199254740992"), ("1e100", "1e+100"),
    ("math.maxinteger", "9223372036854775807"), ("{1, nil, 3}", "[1,null,3]"), ("{}", "{}"),
    ("{[1]='a', [2]='b'}", #"["a","b"]"#), ("{[1]='a', x='b'}", #"{"1":"a","x":"b"}"#),
    ("require('cjson').empty_array", "[]"), ("require('cjson').null", "null"),
    ("'a\\0\\n\"'", #""a\u0000\n\"""#),
  ]

  @Test func encodings() throws {
    var functions: [String: String] = [:]
    for (number, (expression, _)) in Self.encodings.enumerated() {
      functions["f\(number)"] = "return function() return \(expression) end"
    }
    let server = try serve(functions)
    for (number, (expression, expected)) in Self.encodings.enumerated() {
      let answer = try server.get("/f\(number)")
      #expect(answer.status == 200, "\(expression)")
      #expect(answer.json?["data"] == JSONValue(expected), "\(expression): \(answer.text)")
      // Objects have no order, and an exponent has more than one shortest form.
      if !expected.contains("{\"") && !expected.contains("e+") {
        #expect(answer.text == "{\"data\":\(expected)}\n", "\(expression)")
      }
    }
  }

  @Test func valuesThatJSONCannotHold() throws {
    let expressions = [
      "print", "0/0", "math.huge", "'\\255'", "coroutine.create(print)", "{[1]=1, [10000000]=2}",
      "(function() local t = {} t.t = t return t end)()",
      "(function() local t = {} for _ = 1, 1100 do t = {t} end return t end)()",
    ]
    var functions: [String: String] = [:]
    for (number, expression) in expressions.enumerated() {
      functions["f\(number)"] = "return function() return {outer = {inner = \(expression)}} end"
    }
    let server = try serve(functions)
    for (number, expression) in expressions.enumerated() {
      let answer = try server.get("/f\(number)")
      #expect(answer.status == 500, "\(expression)")
      let message = answer.json?["error"]?.string ?? ""
      #expect(message.hasPrefix("app/f\(number).lua: "), "\(message)")
      // Of a path without end only a part is shown.
      let isNamed = message.contains("outer") && message.contains("inner") || message.contains("cycle")
      #expect(isNamed, "\(expression): \(answer.text)")
    }
  }

  @Test func errorsInDevelopment() throws {
    let server = try serve([
      "throw": "return function()\n  error('db is away')\nend",
      "tableThrow": "return function() error({code = 42}) end",
      "index": "return function(args)\n  return args.a.b\nend",
    ])
    let thrown = try server.get("/throw")
    #expect(thrown.status == 500)
    #expect(thrown.json?["error"]?.string?.contains("app/throw.lua:2: db is away") == true, "\(thrown.text)")
    #expect(try server.get("/tableThrow").json == JSONValue(#"{"error":{"code":42}}"#))
    #expect(try server.get("/index").json?["error"]?.string?.contains("app/index.lua:2:") == true)
  }

  @Test func errorsInProduction() throws {
    let server = try serve(
      [
        "throw": "return function() error('secret cause') end",
        "broken": "error('secret load')\nreturn function() end",
      ], environment: ["SPACER_ENV": "production"])
    let thrown = try server.get("/throw")
    #expect(thrown.status == 500)
    #expect(thrown.json == JSONValue(#"{"error":"We're sorry, something went wrong"}"#))
    let broken = try server.get("/broken")
    #expect(broken.status == 500)
    #expect(broken.json == JSONValue(#"{"error":"Internal Server Error"}"#))
  }

  @Test func nothingOfARequestReachesTheNext() throws {
    let server = try serve([
      "set": """
      local request = require "request"
      local G = _G
      local E = _ENV
      return function()
        G.leakedByG = 1  -- spacer: ignore undefined-global
        E.leakedByE = 1
        rawset(_G, "leakedByRawset", 1)
        return {pcall(function() request.user = "alice" end), pcall(rawset, request, "user", "alice")}
      end
      """,
      "get": """
      local request = require "request"
      return function()
        return {tostring(_G.leakedByG), tostring(_G.leakedByE), tostring(rawget(_G, "leakedByRawset")), tostring(request.user)}
      end
      """,
    ])
    #expect(try server.get("/set").status == 200)
    #expect(try server.get("/get").json == JSONValue(#"{"data":["nil","nil","nil","nil"]}"#))
  }

  @Test func globalsOfOneRequestStayThere() throws {
    let server = try serve(
      [
        "set": "return function() leaked = 'x' return leaked end",  // spacer: the point of the test
        "get": "return function() return tostring(leaked) end",
      ])
    #expect(try server.get("/set").json == JSONValue(#"{"data":"x"}"#))
    #expect(try server.get("/get").json == JSONValue(#"{"data":"nil"}"#))
  }

  @Test func modulesLoadOnce() throws {
    let server = try serve(
      [
        "f": """
        local a, b = require "shared/state", require "shared.state"
        return function() a.n = a.n + 1 return {b.n, a == b} end
        """
      ], files: ["lib/shared/state.lua": "return {n = 0}\n"])
    let connection = try HTTPConnection(port: server.port)
    for expected in 1...3 {
      try connection.send("GET /f HTTP/1.1\r\nHost: t\r\n\r\n")
      let answer = try connection.response(to: "GET")
      #expect(answer.json == JSONValue("{\"data\":[\(expected),true]}"))
    }
  }
}
