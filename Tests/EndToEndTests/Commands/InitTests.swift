// `spacer init`: a project that is right from the first moment, and what comes with it for a server starts.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct InitTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// A new project, checked, in a folder of the template's name.
  private func make(_ template: String) throws -> String {
    let folder = workspace.path + "/" + template
    let made = try Tool.run(["init", folder, "--template", template])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains("spacer dev"))
    let check = try Tool.run(["check", "--strict", folder])
    #expect(check.status == 0, "\(check.errors)")
    #expect(!check.errors.contains("note:"), "\(check.errors)")
    return folder
  }

  private func serve(_ project: String) throws -> RunningServer {
    try RunningServer.serving(
      project, in: workspace, arguments: ["--no-write-proxy", "--env", "production"],
      environment: ["DATA_FOLDER": workspace.path + "/data"])
  }

  @Test func inTheFolderItself() throws {
    let folder = workspace.path + "/here"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let made = try Tool.run(["init", "."], folder: folder)
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains("next:\n  spacer dev\n"), "\(made.output)")
  }

  @Test func aNewProjectPassesCheckAndAnswers() throws {
    let folder = workspace.path + "/my shop_2"
    let made = try Tool.run(["init", folder])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains("cd '\(folder)'"), "\(made.output)")
    let check = try Tool.run(["check", "--strict", folder])
    #expect(check.status == 0, "\(check.errors)")
    #expect(
      try String(contentsOfFile: folder + "/config/application.yml", encoding: .utf8).contains(
        "appName: my-shop-2"))
    for file in [
      ".gitignore", ".luarc.json", ".spacer/stubs/db.lua", "README.md", "test/test_hello.lua", "Dockerfile",
      ".dockerignore", "config/my-shop-2.service",
    ] {
      #expect(FileManager.default.fileExists(atPath: folder + "/" + file), "\(file)")
    }
    let server = try RunningServer.serving(folder, in: workspace)
    #expect(try server.get("/hello").json == JSONValue(#"{"data":"Hello from Spacer!"}"#))
    #expect(try server.get("/hello?name=Ada").json == JSONValue(#"{"data":"Hello from Ada!"}"#))
    #expect(try server.get("/hello?name=").status == 400)
  }

  @Test func theNotesOfTheAPITemplate() throws {
    let server = try serve(make("api"))
    for _ in 0..<2 {
      #expect(try server.post("/private/migrate", json: "{}").json == JSONValue(#"{"data":{"version":2}}"#))
    }
    #expect(try server.get("/health").status == 200)
    #expect(try server.post("/notes", json: "{}").status == 400)
    let made = try server.post("/notes", json: #"{"title": "Milk"}"#)
    #expect(made.status == 201)
    let place = try #require(made.header("Location"))
    #expect(try server.get("/notes").text.contains("Milk"))
    #expect(try server.get(place).text.contains("Milk"))
    let changed = try server.request("PUT", place, body: #"{"title": "Bread"}"#)
    #expect(changed.status == 200 && changed.text.contains("Bread"), "\(changed.text)")
    #expect(try server.request("DELETE", place).status == 204)
    for method in ["GET", "DELETE"] { #expect(try server.request(method, place).status == 404) }
    #expect(try server.request("PUT", place, body: #"{"title": "Bread"}"#).status == 404)
  }

  @Test func theReadModelOfTheEventsTemplateIsMadeAgain() throws {
    let project = try make("events")
    let server = try serve(project)
    #expect(try server.post("/private/migrate", json: "{}").status == 200)
    #expect(try server.post("/orders", json: #"{"total": 1}"#).status == 400)
    for total in [30, 12] {
      let order = try server.post("/orders", json: #"{"customer": "ada", "total": \#(total)}"#)
      #expect(order.status == 201, "\(order.text)")
    }
    let totals = JSONValue(#"{"data":[{"customer":"ada","orders":2,"total":42}]}"#)
    try waitUntil("both orders are in the table") { try server.get("/totals").json == totals }
    #expect(try server.post("/private/forget", json: "{}").json == JSONValue(#"{"data":{"removed":2}}"#))
    #expect(try server.post("/private/report", json: "{}").status == 200)
    let replay = try Tool.run(
      [
        "replay", "--project", project, "--topic", "orders", "--function", "totals/record", "--group",
        "again",
        "--env", "production",
      ], environment: ["DATA_FOLDER": workspace.path + "/data"])
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(try server.get("/totals").json == totals)
  }

  @Test func nothingIsOverwritten() throws {
    try workspace.write("mine", to: "there/app/hello.lua")
    let outcome = try Tool.run(["init", workspace.path + "/there"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("app/hello.lua"), "\(outcome.errors)")
    #expect(try FileManager.default.subpathsOfDirectory(atPath: workspace.path + "/there").count == 2)
    try workspace.write("a file", to: "file")
    #expect(try Tool.run(["init", workspace.path + "/file"]).status == 3)
    // A link that leads nowhere is there as well.
    let linked = workspace.path + "/linked"
    try FileManager.default.createDirectory(atPath: linked, withIntermediateDirectories: true)
    symlink(workspace.path + "/elsewhere", linked + "/README.md")
    #expect(try Tool.run(["init", linked]).status == 3)
    #expect(!FileManager.default.fileExists(atPath: workspace.path + "/elsewhere"))
    #expect(try FileManager.default.subpathsOfDirectory(atPath: linked).count == 1)
  }

  // MARK: Deployment

  /// Builds the project's artifact and starts `command`, in which the places of a server stand for ours.
  private func start(
    _ command: [String], _ environment: [String: String], places: [String: String]
  ) throws -> (process: ChildProcess, port: String) {
    var words = command.map { places[$0] ?? $0 }
    let port = try #require(words.firstIndex(of: "--port")) + 1
    words[port] = "0"
    let process = try ChildProcess(
      words + ["--no-write-proxy"], environment: Tool.environment.merging(environment) { $1 },
      folder: workspace.path)
    let address = try process.waitForError("the line that says where it listens") {
      $0.firstMatch(of: /listening on http:\/\/[^\n]*:(\d+)/).map { String($0.1) }
    }
    return (process, address)
  }

  private func artifact(of project: String) throws -> String {
    let outcome = try Tool.run(["build", project, "--release", "-o", project + "/app.spx"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return project + "/app.spx"
  }

  /// What the commands of the Dockerfile do, without Docker: its server starts with its environment, and its
  /// check of health passes.
  @Test(arguments: ["hello", "api", "events"])
  func theImageStarts(template: String) throws {
    let project = try make(template)
    let text = try String(contentsOfFile: project + "/Dockerfile", encoding: .utf8)
    func words(_ pattern: Regex<(Substring, Substring)>) throws -> [String] {
      let list = try #require(text.firstMatch(of: pattern)).1
      return try #require(try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String])
    }
    let settings = try #require(text.firstMatch(of: /\nENV (.*)\n/)).1.split(separator: " ")
      .map { $0.split(separator: "=").map(String.init) }
    #expect(settings.map { $0[0] } == ["SPACER_ENV", "DATA_FOLDER"])
    let data = workspace.path + "/data"
    let (process, port) = try start(
      try words(/\nENTRYPOINT (.*)\n/) + words(/\nCMD (.*)\n/),
      ["SPACER_ENV": settings[0][1], "DATA_FOLDER": data],
      places: [
        "/usr/local/bin/spacer-serve": Tool.executables + "/spacer-serve",
        "/srv/app.spx": try artifact(of: project),
      ])
    defer { process.signal(SIGKILL) }
    let health = try words(/HEALTHCHECK [^\n]*\\\n *CMD (.*)\n/).map {
      $0.replacingOccurrences(of: ":3000", with: ":\(port)")
    }
    let check = try ChildProcess(["/usr/bin/env"] + health, environment: Tool.environment)
    #expect(try check.waitForExit() == 0, "\(check.standardError)")
    process.signal(SIGTERM)
    #expect(try process.waitForExit() == 0)
    // What the artifact needs that is not in the image yet is copied from places that exist.
    let ignored = try String(contentsOfFile: project + "/.dockerignore", encoding: .utf8)
    for line in text.split(separator: "\n") where line.hasPrefix("COPY ") && !line.contains("--from") {
      let source = try #require(line.split(separator: " ").dropLast().last)
      #expect(FileManager.default.fileExists(atPath: project + "/" + source))
      #expect(ignored.contains("!\(source)\n"))
    }
  }

  /// systemd finds nothing to complain of, and its command starts and reloads.
  @Test(arguments: ["hello", "api", "events"])
  func theServiceStarts(template: String) throws {
    let project = try make(template)
    let path = project + "/config/\(template).service"
    var text = try String(contentsOfFile: path, encoding: .utf8)
    let state = workspace.path + "/state"
    let command = try #require(text.firstMatch(of: /\nExecStart=(.*)\n/)).1.split(separator: " ").map(
      String.init)
    let setting = try #require(text.firstMatch(of: /\nEnvironment=(.*)\n/)).1
      .replacingOccurrences(of: "%S", with: state)
    let pairs = setting.split(separator: " ").map { $0.split(separator: "=").map(String.init) }
    let (process, _) = try start(
      command, Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) }),
      places: [
        "/usr/local/bin/spacer-serve": Tool.executables + "/spacer-serve",
        "/opt/\(template)/app.spx": try artifact(of: project),
      ])
    defer { process.signal(SIGKILL) }
    process.signal(SIGHUP)
    try waitUntil("it has reloaded") { process.standardError.contains("serving the new artifact") }

    // The unit names programs where they are installed: here those of the build.
    text = text.replacingOccurrences(
      of: "/usr/local/bin/spacer-serve", with: Tool.executables + "/spacer-serve")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let verify = try ChildProcess(
      ["/usr/bin/systemd-analyze", "--man=no", "verify", path], environment: Tool.environment)
    #expect(try verify.waitForExit() == 0)
    #expect(verify.standardError.isEmpty, "\(verify.standardError)")
    // 10 is open, 0 is closed; a service without any directive has 9.6.
    let security = try ChildProcess(
      ["/usr/bin/systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path],
      environment: Tool.environment)
    #expect(try security.waitForExit() == 0, "\(security.standardOutput.suffix(200))")
  }
}
