// `require "validate"`: arguments checked by a description.

import Testing

@Suite struct ValidateTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func serve(_ description: String) throws -> RunningServer {
    try RunningServer.serving(
      [
        "app/gateway.lua":
          "return { {\"ANY\", \"/check\", \"check\"}, {\"ANY\", \"/check/:id\", \"check\"} }\n",
        "app/check.lua": """
        local validate = require "validate"
        local check = validate(\(description))
        return function (args)
          local data, err = check(args)
          if err then return nil, err end
          return data
        end

        """,
      ], in: workspace)
  }

  private static let user = """
    {
      id = "integer", name = { type = "string", min = 1, max = 8, pattern = "^%a" },
      tags = { type = "array", items = "string", max = 3, optional = true },
      address = { type = "object", optional = true, fields = {
        zip = { type = "string", min = 5 }, lines = { items = { fields = { text = "string" } } },
      } },
      kind = { enum = { "a", "b" }, optional = true }, age = { type = "integer", min = 0, default = 18 },
      email = { type = "string", format = "email", optional = true }, ok = { type = "boolean", optional = true },
      share = { type = "number", min = 0, max = 1, optional = true },
    }
    """

  @Test func aCleanedCopy() throws {
    let server = try serve(Self.user)
    let answer = try server.get("/check/42?name=Ann&tags=x&ok=true&share=0.25&unknown=1&kind=b")
    #expect(
      answer.json?["data"]
        == JSONValue(
          #"{"id":42,"name":"Ann","tags":["x"],"ok":true,"share":0.25,"kind":"b","age":18}"#),
      "\(answer.text)")
    let body =
      #"{"id":7.0,"name":"Bo","tags":[],"address":{"zip":"12345","lines":[{"text":"t","x":1}],"y":2},"age":null}"#
    #expect(
      try server.post("/check", json: body).json?["data"]
        == JSONValue(
          #"{"id":7,"name":"Bo","tags":[],"address":{"zip":"12345","lines":[{"text":"t"}]},"age":18}"#))
  }

  @Test func everyBadFieldIsNamedAtOnce() throws {
    let server = try serve(Self.user)
    let answer = try server.post(
      "/check",
      json: #"""
        {"id":"4x","name":"12345678é","tags":["a",1,{}],"address":{"zip":"1","lines":[{},3]},"kind":"c","age":-1,
         "email":"nobody","ok":"yes","share":1.5}
        """#)
    #expect(answer.status == 400)
    #expect(
      answer.json?["error"]?["fields"]
        == JSONValue(
          #"""
          {"id":"must be an integer","name":"must have at most 8 characters","tags[2]":"must be a string",
           "tags[3]":"must be a string","address.zip":"must have at least 5 characters",
           "address.lines[1].text":"is required","address.lines[2]":"must be an object",
           "kind":"must be one of a, b","age":"must be at least 0","email":"must be an email address",
           "ok":"must be true or false","share":"must be at most 1"}
          """#), "\(answer.text)")
    #expect(
      answer.json?["error"]?["message"]
        == .string(
          "address.lines[1].text is required; address.lines[2] must be an object; address.zip must have at least "
            + "5 characters; age must be at least 0; email must be an email address; and 7 more"))
    #expect(
      try server.get("/check").json?["error"]?["fields"]
        == JSONValue(#"{"id":"is required","name":"is required"}"#))
    #expect(
      try server.post("/check", json: "[1,2]").json?["error"]?["fields"]
        == JSONValue(#"{"arguments":"must be an object"}"#))
  }

  /// Numbers in texts are taken as a route or a query gives them, and nothing looser.
  @Test func coercionIsStrict() throws {
    let server = try serve(
      "{ i = { type = 'integer', optional = true }, n = { type = 'number', optional = true }, s = { type = 'string', optional = true }, b = { type = 'boolean', optional = true } }"
    )
    for (query, value) in [
      ("i=42", #"{"i":42}"#), ("i=-7", #"{"i":-7}"#),
      ("i=9223372036854775807", #"{"i":9223372036854775807}"#),
      ("n=1", #"{"n":1}"#), ("n=-1.5e3", #"{"n":-1500}"#), ("s=1", #"{"s":"1"}"#),
      ("b=false", #"{"b":false}"#),
      ("b", #"{"b":true}"#),
    ] {
      #expect(try server.get("/check?" + query).json?["data"] == JSONValue(value), "\(query)")
    }
    for query in [
      "i=", "i=4.0", "i=0x10", "i=1e3", "i=%204", "i=4%20", "i=9223372036854775808", "i=--1", "i=", "i",
      "n=0x1p4",
      "n=1.", "n=.5", "n=inf", "n=nan", "n=1e999", "b=1", "b=True", "b=", "s=a&s=b",
    ] {
      #expect(try server.get("/check?" + query).status == 400, "\(query)")
    }
    for body in [#"{"i":4.5}"#, #"{"s":1}"#, #"{"b":1}"#, #"{"n":true}"#, #"{"i":1e300}"#, #"{"s":[]}"#] {
      #expect(try server.post("/check", json: body).status == 400, "\(body)")
    }
  }

  @Test func formats() throws {
    let server = try serve(
      """
      { email = { type = "string", format = "email", optional = true },
        uuid = { type = "string", format = "uuid", optional = true },
        date = { type = "string", format = "date", optional = true },
        time = { type = "string", format = "date-time", optional = true },
        uri = { type = "string", format = "uri", optional = true } }
      """)
    for good in [
      "email=a.b%2Bc@d-e.co.uk", "uuid=6B1d2c1e-8d1d-4b7e-9a53-0123456789ab", "date=2024-02-29",
      "date=2000-02-29",
      "time=2026-03-01T23:59:60Z", "time=2026-03-01t00:00:00.123-08:30", "uri=https://x.y/z?q%23",
      "uri=urn:a:b",
    ] {
      #expect(try server.get("/check?" + good).status == 200, "\(good)")
    }
    for bad in [
      "email=a@b", "email=a%20b@c.de", "email=@c.de", "email=a@b@c.de", "email=a@.de", "email=a@b.",
      "uuid=6b1d2c1e8d1d4b7e9a530123456789ab", "uuid=", "date=2023-02-29", "date=1900-02-29",
      "date=2024-13-01",
      "date=2024-04-31", "date=24-04-01", "time=2026-03-01", "time=2026-03-01T24:00:00Z",
      "time=2026-03-01T10:00:00",
      "time=2026-03-01T10:00:00.Z", "uri=x", "uri=http://a%20b", "uri=1:2",
    ] {
      #expect(try server.get("/check?" + bad).status == 400, "\(bad)")
    }
  }

  @Test func options() throws {
    let strict = try serve(
      """
      { a = { type = "any", optional = true }, n = { type = "string", nullable = true, optional = true },
        o = { type = "object", fields = {}, extra = "keep", optional = true },
        free = { type = "object", optional = true }, list = { type = "array", min = 1, optional = true },
        slug = { type = "string", pattern = "^%l+$", message = "must be lower-case letters", optional = true },
        many = { type = "array", items = "integer", optional = true } }, { extra = "error" }
      """)
    let unknown = try strict.post("/check", json: #"{"b":1,"é":2}"#)
    #expect(unknown.json?["error"]?["fields"] == JSONValue(#"{"b":"is not expected","é":"is not expected"}"#))
    let long = String(repeating: "é", count: 200)
    #expect(try strict.post("/check", json: #"{"\#(long)":1}"#).status == 400)
    let kept = #"{"a":[1,{"x":null}],"n":null,"o":{"k":1},"free":{"y":[]},"list":[1]}"#
    #expect(try strict.post("/check", json: kept).json?["data"] == JSONValue(kept))
    #expect(
      try strict.post("/check", json: #"{"list":[],"slug":"A","free":[]}"#).json?["error"]?["fields"]
        == JSONValue(
          #"{"list":"must have at least 1 item","slug":"must be lower-case letters","free":"must be an object"}"#
        ))
    // The number of problems in an answer is bounded, whatever is sent.
    let many = "[" + Array(repeating: "\"x\"", count: 5_000).joined(separator: ",") + "]"
    let answer = try strict.post("/check", json: "{\"many\":\(many)}")
    guard case .object(let fields) = answer.json?["error"]?["fields"] else {
      Issue.record("\(answer.text)")
      return
    }
    #expect(fields.count == 64)
  }

  @Test func defaultsAreNotShared() throws {
    let server = try RunningServer.serving(
      [
        "app/gateway.lua": "return { {\"ANY\", \"/check\", \"check\"} }\n",
        "app/check.lua": """
        local validate = require "validate"
        local check = validate { list = { type = "array", items = "integer", default = { 1 } } }
        return function (args)
          local data = check(args)
          data.list[#data.list + 1] = 2
          return { data.list, validate.check({ a = "integer" }, { a = "5" }).a }
        end

        """,
      ], in: workspace, arguments: ["--workers", "1"])
    for _ in 0..<3 { #expect(try server.get("/check").json?["data"] == JSONValue("[[1,2],5]")) }
  }

  @Test(arguments: [
    (
      #"{ a = { fields = { b = { type = ("strnig"):lower() } } } }"#,
      #"a.b: unknown type "strnig": it is any, array"#
    ),
    (#"{ a = { type = ("string"):lower(), mim = 1 } }"#, #"a: unknown option "mim" of the type string"#),
    (#"{ a = { type = "string", min = -1 } }"#, "a: min must be an integer from 0 on"),
    (#"{ a = { type = "integer", min = 2, max = 1 } }"#, "a: min is above max"),
    (#"{ a = { type = "string", pattern = "[" } }"#, "a: pattern: malformed pattern"),
    (#"{ a = { type = "string", format = "mail" } }"#, #"a: unknown format "mail""#),
    (#"{ a = { type = "integer", default = "x" } }"#, "a: default must be an integer"),
    (#"{ a = { enum = {} } }"#, "a: enum must be a list of values"),
    (#"{ a = { type = "array", items = { max = 1 } } }"#, "a[]: type is missing"),
    (#"{ a = { type = "string", optional = "yes" } }"#, "a: optional must be true or false"),
    (#"{ "a" }"#, "field names are strings, not 1"),
    (#"{ a = 1 }"#, "a: a description is a type's name or a table"),
    ("nil", "it takes a table of fields, not a nil"),
    (#"{}, { extras = "error" }"#, #"unknown option "extras""#),
    (#"{}, { extra = "no" }"#, #"extra must be "drop", "error" or "keep""#),
    (
      "(function() local t = { type = 'object' } t.fields = { t = t } return { t = t } end)()",
      "nested deeper than 32 levels"
    ),
  ])
  func malformedDescriptions(_ description: String, _ message: String) throws {
    let answer = try serve(description).get("/check")
    #expect(answer.status == 500)
    let error = answer.json?["error"]?.string ?? ""
    #expect(error.contains("app/check.lua:2: validate: ") && error.contains(message), "\(answer.text)")
  }

  @Test func inspectShowsDescriptions() throws {
    let project = try workspace.project([
      "app/gateway.lua": "return { {\"ANY\", \"/check\", \"check\"} }\n",
      "app/check.lua": """
      local validate = require "validate"
      local check = validate { id = "integer" }
      return function (args) return check(args) end

      """,
    ])
    let artifact = try workspace.build(project)
    #expect(
      try Tool.run(["inspect", artifact]).output.contains(
        #"app/check.lua:2  {"fields":{"id":"integer"},"type":"object"}"#))
    let json = try #require(JSONValue(try Tool.run(["inspect", artifact, "--json"]).output))
    let module = try #require(json["modules"]?.items?.first { $0["name"] == .string("check") })
    #expect(
      module["validations"]
        == JSONValue(#"[{"line":2,"description":{"fields":{"id":"integer"},"type":"object"}}]"#))
  }
}
