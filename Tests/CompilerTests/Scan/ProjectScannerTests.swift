import SpacerArtifact
import Testing

@testable import SpacerCompiler

struct ProjectScannerTests {
  private func scan(_ paths: [String]) -> ScannedProject {
    ProjectScanner.scan(MemoryFiles(text: Dictionary(uniqueKeysWithValues: paths.map { ($0, "") })))
  }

  @Test func sortsFilesOut() {
    let project = scan([
      "app/gateway.lua", "app/hello.lua", "app/controllers/users/get.lua", "app/private/secret.lua",
      "app/private.lua", "app/notes.txt", "app/.hidden.lua", "app/.git/x.lua", "app/UPPER.LUA",
      "app/with space.lua",
      "lib/helper.lua", "lib/deep/er.lua", "test/test_x.lua", "config/application.yml", "README.md", "x.lua",
      ".spacer/app/a.lua",
    ])
    #expect(
      project.modules.map { "\($0.kind) \($0.name)" } == [
        "function controllers/users/get", "function hello", "function private",
        "privateFunction private/secret",
        "function with space", "library deep/er", "library helper",
      ])
    #expect(project.modules.first?.path == "app/controllers/users/get.lua")
    #expect(project.gatewayPath == "app/gateway.lua")
    #expect(project.configPath == "config/application.yml")
    #expect(project.diagnostics.isEmpty)
  }

  @Test func requireSearchesAppThenLib() throws {
    let project = scan([
      "app/a.lua", "app/models/foo.lua", "lib/b.lua", "lib/pack/init.lua", "app/dotted.name.lua",
      "config/application.yml",
    ])
    func path(_ name: String) -> String? { project.resolve(require: name).map { project.modules[$0].path } }
    #expect(path("a") == "app/a.lua")
    #expect(path("b") == "lib/b.lua")
    #expect(path("models/foo") == "app/models/foo.lua" && path("models.foo") == "app/models/foo.lua")
    #expect(path("pack") == "lib/pack/init.lua" && path("pack.init") == "lib/pack/init.lua")
    #expect(path("dotted.name") == "app/dotted.name.lua" && path("dotted/name") == "app/dotted.name.lua")
    #expect(path("nothing") == nil)
    #expect(project.function(named: "models/foo") != nil && project.function(named: "/a") != nil)
    #expect(project.function(named: "b") == nil)
  }

  @Test func ambiguousModules() {
    let project = scan([
      "app/a.b.lua", "app/a/b.lua", "app/same.lua", "lib/same.lua", "lib/p.lua", "lib/p/init.lua",
      "config/application.yml",
    ])
    #expect(
      project.diagnostics.map { "\($0.severity) \($0.location.path): \($0.message)" } == [
        "error app/a/b.lua: 'app/a/b.lua' and 'app/a.b.lua' are the same module 'a/b'",
        "warning lib/p/init.lua: require \"p\" finds 'lib/p.lua' and not 'lib/p/init.lua'",
        "warning lib/same.lua: require \"same\" finds 'app/same.lua' and not 'lib/same.lua'",
      ])
    #expect(project.diagnostics.allSatisfy { $0.id == .ambiguousModule })
  }

  @Test func originalRuntimeIsLeftOutInOneNote() {
    var files = ["config/application.yml": "", "config/nginx.conf": "content_by_lua_file lib/run.lua;"]
    files["lib/run.lua"] = "local json = require 'cjson'\nngx.say(json.encode({}))"
    files["lib/reject.lua"] = "return function (status) ngx.status = status end"
    files["lib/resty/hmac.lua"] = "local ffi = require 'ffi'"
    files["lib/route.lua"] = "-- a library of the user's own\nreturn {}"
    files["lib/resty/mine.lua"] = "return {}"
    let project = ProjectScanner.scan(MemoryFiles(text: files))
    #expect(project.modules.map(\.name) == ["resty/mine", "route"])
    let originals = ["config/nginx.conf", "lib/reject.lua", "lib/resty/hmac.lua", "lib/run.lua"]
    #expect(project.originalRuntime == originals)
    #expect(project.diagnostics.count == 1)
    #expect(project.diagnostics.first?.id == .originalRuntime)
    #expect(project.diagnostics.first?.severity == .note)
    #expect(project.diagnostics.first?.notes.map(\.message) == originals)
  }

  @Test func missingConfiguration() {
    let project = scan(["app/a.lua"])
    #expect(project.configPath == nil)
    #expect(project.diagnostics.map(\.id) == [.configMissing])
    #expect(
      scan(["config/application.yaml"]).diagnostics.first?.hint
        == "rename 'config/application.yaml' to 'config/application.yml'")
  }

  @Test func impossibleNamesAndLargeFiles() throws {
    let project = scan(["app/a\nb.lua", "app/ü ber.lua", "config/application.yml"])
    #expect(project.diagnostics.map(\.id) == [.unreadableFile])
    #expect(project.modules.map(\.name) == ["ü ber"])
    let files = MemoryFiles([
      "app/big.lua": [UInt8](repeating: 0x20, count: ScanLimits.fileBytesMax + 1), "app/ok.lua": [0x61],
    ])
    #expect(try files.read("app/ok.lua") == [0x61])
    #expect(throws: FileReadError(path: "app/big.lua", reason: "it is larger than 16 MiB")) {
      try files.read("app/big.lua")
    }
    #expect(throws: FileReadError.self) { try files.read("app/none.lua") }
  }
}
