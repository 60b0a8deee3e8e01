// `spacer dev` with a build that fails: what a browser, a program and the terminal are shown.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct DevFailureTests {
  private static let good = "return function(args) return \"one\" end\n"
  private static let bad = "return function( <b>&amp;\n"
  /// As a browser that navigates.
  private static let browser = [
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8")
  ]

  private let workspace: Workspace
  private let project: String

  init() throws {
    workspace = try Workspace()
    project = try workspace.project([
      "app/gateway.lua": """
      return { {"GET", "/v", "v"}, {"POST", "/v", "v"}, {"GET", "/text", "text"}, {"GET", "/*rest", "v"} }

      """,
      "app/v.lua": Self.good,
      "app/text.lua": "return function() return \"plain\", nil, { raw = true, status = 203 } end\n",
    ])
  }

  private func save(_ text: String) throws { try workspace.write(text, to: "project/app/v.lua") }

  /// The state of the build, once it is `wanted`.
  private func state(_ server: RunningServer, _ wanted: String) throws -> JSONValue {
    var state = JSONValue.null
    try waitUntil("the build is \(wanted)") {
      let answer = try server.get("/_spacer/build")
      #expect(answer.status == 200)
      state = answer.json ?? .null
      return state["state"]?.string == wanted
    }
    return state
  }

  @Test func aBrowserIsShownWhatFailed() throws {
    let server = try RunningServer(["dev", project])
    #expect(try server.get("/v", headers: Self.browser).json?["data"]?.string == "one")
    try save(Self.bad)
    _ = try state(server, "failed")
    // Whatever the path: the application has no answer for a person now.
    for path in ["/v", "/nothing", "/v?a=1", "/text", "/"] {
      let answer = try server.get(path, headers: Self.browser)
      #expect(answer.status == 500)
      #expect(answer.header("Content-Type") == "text/html; charset=utf-8")
      #expect(answer.header("Cache-Control") == "no-store")
      #expect(answer.header("Content-Security-Policy")?.hasPrefix("default-src 'none'") == true)
      #expect(answer.text.contains("<p class=\"place\">app/v.lua:1:18</p>"), "\(answer.text)")
      #expect(answer.text.contains("</span> return function( &lt;b&gt;&amp;amp;"))
      #expect(answer.text.contains("<span class=\"marker\">                 ^</span>"))
      #expect(!answer.text.contains("<b>"))
      #expect(answer.text.contains("Other clients than browsers get the last good build."))
    }
    try save("return function() return \"mended\" end\n")
    _ = try state(server, "good")
    #expect(try server.get("/v", headers: Self.browser).json?["data"]?.string == "mended")
    #expect(try server.stop() == 0)
  }

  @Test func programsGetTheLastGoodBuild() throws {
    let server = try RunningServer(["dev", project])
    #expect(try server.get("/v").header("X-Spacer-Build") == nil)
    try save(Self.bad)
    _ = try state(server, "failed")
    for accept in ["*/*", "application/json", "text/html;q=0.1, application/json"] {
      let answer = try server.get("/v", headers: [("Accept", accept)])
      #expect(answer.status == 200)
      #expect(answer.json?["data"]?.string == "one")
      #expect(answer.header("X-Spacer-Build") == "failed")
    }
    // A form that a browser sends is no page to be shown.
    let posted = try server.request("POST", "/v", headers: Self.browser, body: "{}")
    #expect(posted.json?["data"]?.string == "one")
    let text = try server.get("/text")
    #expect(text.status == 203 && text.text == "plain" && text.header("X-Spacer-Build") == "failed")
    #expect(try server.request("PUT", "/v", body: "{}").header("X-Spacer-Build") == "failed")
    try save(Self.good + "-- \n")
    _ = try state(server, "good")
    #expect(try server.get("/v").header("X-Spacer-Build") == nil)
  }

  /// Nothing but what was good is left after the mistake is taken back, and no reload is needed.
  @Test func takingAMistakeBackMendsIt() throws {
    let server = try RunningServer(["dev", project])
    try save(Self.bad)
    _ = try state(server, "failed")
    try save(Self.good)
    _ = try state(server, "good")
    #expect(try server.get("/v", headers: Self.browser).json?["data"]?.string == "one")
    #expect(try server.get("/v").header("X-Spacer-Build") == nil)
  }

  @Test func theStateIsWhatCheckSays() throws {
    let server = try RunningServer(["dev", project])
    let good = try state(server, "good")
    #expect(
      good.covers(try #require(JSONValue(#"{"serving":true,"diagnostics":[],"errors":0,"warnings":0}"#))))
    #expect(good["error"] == nil)
    try save(Self.bad)
    let failed = try state(server, "failed")
    #expect(failed["error"]?.string == "the build failed: 1 error")
    #expect(failed["serving"] == .boolean(true))
    #expect(failed["build"] != good["build"])
    let check = try Tool.run(["check", project, "--format", "json"])
    #expect(failed.covers(try #require(JSONValue(check.output))))
    #expect(try server.request("HEAD", "/_spacer/build").status == 200)
    // A path below it, or another method, is the application's.
    #expect(try server.get("/_spacer/build/x").json?["data"]?.string == "one")
    #expect(try server.request("POST", "/_spacer/build", body: "{}").status == 405)
  }

  @Test func withoutAnyGoodBuildItListensAndSaysWhy() throws {
    try save(Self.bad)
    let server = try RunningServer(["dev", project])
    let answer = try server.get("/v")
    #expect(answer.status == 500)
    #expect(answer.header("Content-Type") == "application/json")
    let check = try Tool.run(["check", project, "--format", "json"])
    let json = try #require(answer.json)
    #expect(json.covers(try #require(JSONValue(check.output))))
    #expect(json["error"]?.string == "the build failed: 1 error")
    #expect(json["serving"] == .boolean(false))
    #expect(try server.request("POST", "/v", body: "{}").status == 500)
    let page = try server.get("/v", headers: Self.browser)
    #expect(page.status == 500)
    #expect(page.text.contains("There is no earlier build that could answer."))
    #expect(page.text.contains("app/v.lua:1:18"))
    try save(Self.good)
    _ = try state(server, "good")
    #expect(try server.get("/v").json?["data"]?.string == "one")
    #expect(try server.stop() == 0)
  }

  /// A configuration that says where to listen says it to a server without functions too.
  @Test func withoutAnyGoodBuildTheConfigurationCounts() throws {
    try workspace.write(
      Workspace.minimalConfiguration + "listen: \"127.0.0.2:0\"\ntopics: [a]\nlimits:\n  uriBytes: 64\n",
      to: "project/config/application.yml")
    try save(Self.bad)
    let child = try ChildProcess([Tool.spacer, "dev", project], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    _ = try child.waitForError("the address") { $0.contains("listening on http://127.0.0.2:") ? true : nil }
    child.signal(SIGTERM)
    #expect(try child.waitForExit() == 0)
  }

  @Test func aConfigurationThatIsWrongIsShownAsWell() throws {
    try workspace.write("spacerVersion: [\n", to: "project/config/application.yml")
    let server = try RunningServer(["dev", project])
    #expect(
      try server.get("/v", headers: Self.browser).text.contains("<p class=\"place\">config/application.yml:"))
    try workspace.write(Workspace.minimalConfiguration, to: "project/config/application.yml")
    _ = try state(server, "good")
    #expect(try server.get("/v").json?["data"]?.string == "one")
  }

  /// What compiles and cannot be served, since the environment lacks something, is shown the same way.
  @Test func whatCannotBeServedIsShown() throws {
    let server = try RunningServer(["dev", project])
    try workspace.write(
      Workspace.minimalConfiguration + "limits:\n  uriBytes: ${NOT_SET}\n",
      to: "project/config/application.yml")
    let failed = try state(server, "failed")
    #expect(failed["error"]?.string?.contains("NOT_SET") == true, "\(failed)")
    #expect(failed["errors"] == .number(0))
    let page = try server.get("/v", headers: Self.browser).text
    #expect(page.contains("<h1>The build cannot be served</h1>"))
    #expect(page.contains("NOT_SET"))
    #expect(try server.get("/v").json?["data"]?.string == "one")
    try workspace.write(Workspace.minimalConfiguration, to: "project/config/application.yml")
    _ = try state(server, "good")
    #expect(try server.get("/v").header("X-Spacer-Build") == nil)
  }

  @Test func diagnosticsArePrintedOnce() throws {
    let server = try RunningServer(["dev", project])
    try save(Self.bad)
    let first = try state(server, "failed")
    // Another save that changes nothing about the mistake.
    try workspace.write("return {}\n", to: "project/lib/other.lua")
    try waitUntil("there is another build") { try state(server, "failed")["build"] != first["build"] }
    let text = server.process.standardError
    #expect(text.components(separatedBy: "app/v.lua:1:18: error:").count == 2, "\(text)")
    // Other text in the line above it moves the mistake: that is news.
    try save("\n" + Self.bad)
    _ = try server.process.waitForError("the new place") {
      $0.contains("app/v.lua:2:18: error:") ? true : nil
    }
  }

  /// Outside `dev` the path is the application's, and no build is told of.
  @Test func runKnowsNothingOfIt() throws {
    let server = try RunningServer.serving(project, in: workspace)
    let answer = try server.get("/_spacer/build", headers: Self.browser)
    #expect(answer.json?["data"]?.string == "one")
    #expect(answer.header("X-Spacer-Build") == nil)
  }
}
