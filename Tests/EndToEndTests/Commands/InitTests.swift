// `spacer init`: a project that is right from the first moment.

import Foundation
import Testing

@Suite struct InitTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func aNewProjectPassesCheckAndAnswers() throws {
    let folder = workspace.path + "/my shop_2"
    let made = try Tool.run(["init", folder])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains("spacer dev"))
    let check = try Tool.run(["check", "--strict", folder])
    #expect(check.status == 0, "\(check.errors)")
    #expect(
      try String(contentsOfFile: folder + "/config/application.yml", encoding: .utf8).contains(
        "appName: my-shop-2"))
    for file in [".gitignore", ".luarc.json", ".spacer/stubs/db.lua"] {
      #expect(FileManager.default.fileExists(atPath: folder + "/" + file), "\(file)")
    }
    let server = try RunningServer.serving(folder, in: workspace)
    #expect(try server.get("/hello").json == JSONValue(#"{"data":"Hello from Spacer!"}"#))
    #expect(try server.get("/hello?name=Ada").json == JSONValue(#"{"data":"Hello from Ada!"}"#))
    #expect(try server.get("/hello?name=").status == 400)
  }

  @Test func nothingIsOverwritten() throws {
    try workspace.write("mine", to: "there/app/hello.lua")
    let outcome = try Tool.run(["init", workspace.path + "/there"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("app/hello.lua"), "\(outcome.errors)")
    #expect(try FileManager.default.subpathsOfDirectory(atPath: workspace.path + "/there").count == 2)
    try workspace.write("a file", to: "file")
    #expect(try Tool.run(["init", workspace.path + "/file"]).status == 3)
  }
}
