// `spacer run --config`: a built application with another application.yml.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct RunConfigTests {
  private static let files = [
    "app/gateway.lua": #"return { {"POST", "/append", "append"}, {"GET", "/shown", "shown"} }"#,
    "app/append.lua": """
    local topics = require "topics"
    return function(args) topics.append("orders", { a = args }) return true end

    """,
    "app/shown.lua": #"return function() return os.getenv("SHOWN") or "hidden" end"# + "\n",
    "app/handle.lua": #"return function(payload) print("SEEN " .. payload.n) end"# + "\n",
  ]

  private static func configuration(_ more: String, topics: String = "topics: [orders]") -> String {
    """
    spacerVersion: 1
    appName: reconfigured
    writeProxyListen: "127.0.0.1:0"
    \(topics)
    events:
      orders:
        APPEND: [handle]
    \(more)

    """
  }

  private func artifact(_ workspace: Workspace) throws -> String {
    var files = Self.files
    files["config/application.yml"] = Self.configuration("logStorage: { development: { driver: memory } }")
    return try workspace.build(try workspace.project(files))
  }

  @Test func settingsComeFromTheFile() throws {
    let workspace = try Workspace()
    let artifact = try artifact(workspace)
    try workspace.write(
      Self.configuration(
        """
        envVar: [SHOWN]
        logStorage: { development: { driver: sqlite, path: \(workspace.path)/other.db } }
        schedules: { often: { every: 1s, function: handle, payload: { n: 7 } } }
        """), to: "other.yml")
    let server = try RunningServer(
      ["run", artifact, "--host", "127.0.0.1", "-c", workspace.path + "/other.yml"],
      environment: ["SHOWN": "a value"])
    #expect(try server.get("/shown").json?["data"]?.string == "a value")
    #expect(try server.post("/append", json: #"{"n":1}"#).status == 200)
    _ = try server.process.waitForOutput("both handled") {
      $0.contains("SEEN 1") && $0.contains("SEEN 7") ? true : nil
    }
    #expect(FileManager.default.fileExists(atPath: workspace.path + "/other.db"))

    server.process.signal(SIGHUP)
    _ = try server.process.waitForError("why nothing is read again") {
      $0.contains("restart to take a new artifact") ? true : nil
    }
    #expect(try server.get("/shown").status == 200)
    #expect(try server.stop() == 0)
  }

  @Test func whatBelongsToTheBuildMustBeTheSame() throws {
    let workspace = try Workspace()
    let artifact = try artifact(workspace)
    func run(_ text: String) throws -> Tool.Outcome {
      try workspace.write(text, to: "other.yml")
      return try Tool.run(["run", artifact, "--port", "0", "--config", workspace.path + "/other.yml"])
    }
    let cases = [
      (Self.configuration("").replacingOccurrences(of: "reconfigured", with: "another"), "'reconfigured'"),
      (Self.configuration("", topics: "topics: [orders, more]"), "without the topic 'more'"),
      (
        Self.configuration("").replacingOccurrences(of: "[handle]", with: "[handle, shown]"),
        "without the trigger 'shown'"
      ),
      (
        Self.configuration("").replacingOccurrences(of: "APPEND: [handle]", with: ""),
        "'handle' of 'orders' is missing"
      ),
      (Self.configuration("schedules: { often: { every: 1s, function: none } }"), "no function 'none'"),
      (Self.configuration("limits: { bodyBites: 3 }"), "bodyBites"),
    ]
    for (text, expected) in cases {
      let outcome = try run(text)
      #expect(outcome.status == 1, "\(expected): \(outcome.errors)")
      #expect(outcome.errors.contains(expected), "\(outcome.errors)")
      #expect(outcome.errors.contains("other.yml"))
    }
    let missing = try Tool.run(["run", artifact, "-c", workspace.path + "/none.yml"])
    #expect(missing.status == 3)
    #expect(missing.errors.contains("none.yml"))
  }
}
