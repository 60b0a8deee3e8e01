// A project that sends the requests a test describes.

import SpacerTestSupport

/// A project whose function `/t` does what its arguments say.
enum OutboundProject {
  static let files = [
    "app/gateway.lua": """
    return {
      {"POST", "/t", "t"}, {"GET", "/quick", "quick"}, {"POST", "/wrapped", "wrapped"}, {"POST", "/all", "all"},
      {"ANY", "/echo", "echo"},
    }

    """,
    "app/t.lua": """
    local http = require "http"
    return function (args)
      local ok, r
      if args.fn then ok, r = pcall(http[args.fn], args.url, args.options)
      else ok, r = pcall(http.request, args.options) end
      if not ok then return nil, r end
      return { status = r.status, headers = r.headers, body = r.body, url = r.url }
    end

    """,
    "app/quick.lua": "return function () return 'quick' end\n",
    "app/wrapped.lua": """
    local http = require "http"
    return function (args)
      local next = coroutine.wrap(function ()
        for i = 1, 3 do coroutine.yield(http.get(args.url .. "/" .. i).body) end
      end)
      return { next(), next(), next() }
    end

    """,
    "app/all.lua": """
    local flow = require "flow"
    return function (args)
      local call = { "t", { fn = "get", url = args.url } }
      local results = flow.all { call, call }
      return { results[1].body, results[2].body }
    end

    """,
    "app/echo.lua": """
    local request = require "request"
    return function (args)
      local headers = {}
      for _, name in ipairs { "content-type", "content-length", "accept", "user-agent", "x-a", "x-empty", "expect" } do
        headers[name] = request.headers[name]
      end
      return { method = request.method, query = request.query, headers = headers, body = request.body }, nil,
        { headers = { ["X-Twice"] = { "a", "b" } } }
    end

    """,
  ]

  static func serve(
    in workspace: Workspace, limits: String = "", environment: [String: String] = [:]
  ) throws -> RunningServer {
    var files = files
    files["config/application.yml"] =
      Workspace.minimalConfiguration + (limits.isEmpty ? "" : "limits:\n  \(limits)\n")
    return try RunningServer.serving(
      files, in: workspace, arguments: ["--workers", "1"], environment: environment)
  }
}

extension RunningServer {
  /// What `/t` answers: its data, or the error.
  func outbound(_ json: String) throws -> JSONValue {
    let answer = try post("/t", json: json)
    guard let value = answer.json?["data"] ?? answer.json?["error"] else {
      throw HarnessError("\(answer.status) \(answer.text)")
    }
    return value
  }

  func outboundGet(_ url: String, _ options: String = "{}") throws -> JSONValue {
    try outbound(#"{"fn":"get","url":"\#(url)","options":\#(options)}"#)
  }
}
