// `spacer build`: one file out, the same bytes for the same input, and nothing broken on the way.

import Foundation
import Glibc
import Testing

@Suite struct BuildTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let files = [
    "app/gateway.lua": """
    return {
      {"GET", "/hello", "hello"},
      {"GET", "/users/:id", "users/get"},
      {"POST", "/users", "users/create"},
    }

    """,
    "app/hello.lua": "return function() return \"hi\" end\n",
    "app/users/get.lua":
      "local store = require \"store\"\nreturn function(args) return store.find(args.id) end\n",
    "app/users/create.lua": "return function(args) return args.name, nil, {status = 201} end\n",
    "app/private/stats.lua": "return function() return 1 end\n",
    "lib/store.lua": "local M = {}\nfunction M.find(id) return {id = id} end\nreturn M\n",
    "lib/ünïcode.lua": "return 1\n",
  ]

  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  @Test func oneSummaryLine() throws {
    let project = try workspace.project(Self.files)
    let outcome = try Tool.run(["build", project, "-o", workspace.path + "/app.spx"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n") + outcome.output.split(separator: "\n")
    #expect(lines.count == 1, "\(lines)")
    for word in ["app.spx", "modules", "3 routes", "ms"] {
      #expect(lines.first?.contains(word) == true, "\(lines)")
    }
    #expect(!outcome.errors.contains("\u{1B}"), "no colours outside a terminal")
  }

  /// What another build system wants of a step of its own.
  @Test func aBuildWithinAnotherBuild() throws {
    let project = try workspace.project(Self.files)
    let artifact = workspace.path + "/app.spx"
    let cache = workspace.path + "/some/cache"
    let arguments = [
      "build", project, "-o", artifact, "--quiet", "--if-changed", "--absolute-paths", "--cache", cache,
    ]
    func time() throws -> Date? {
      try FileManager.default.attributesOfItem(atPath: artifact)[.modificationDate] as? Date
    }
    let first = try Tool.run(arguments)
    #expect(first.status == 0 && first.errors + first.output == "")
    #expect(!FileManager.default.fileExists(atPath: project + "/.spacer"))
    #expect(try !FileManager.default.contentsOfDirectory(atPath: cache).isEmpty)
    let written = try time()
    #expect(try Tool.run(arguments).status == 0)
    #expect(try time() == written, "it would be the same")
    try workspace.write("return function() return 'ho' end\n", to: "project/app/hello.lua")
    #expect(try Tool.run(arguments).status == 0)
    #expect(try time() != written)

    try workspace.write("return 1\n", to: "project/app/hello.lua")
    let failed = try Tool.run(arguments, folder: "/")
    #expect(failed.status == 1)
    #expect(failed.errors.contains("/project/app/hello.lua:1:8: error:"), "\(failed.errors)")
    #expect(failed.errors.split(separator: "\n").first?.hasPrefix("/") == true, "\(failed.errors)")
    let json = try Tool.run(arguments + ["--format", "json"])
    #expect(json.output.contains("\"path\":\"/"), "\(json.output)")
  }

  @Test func theDefaultsAreThisFolderAndAppSpx() throws {
    let project = try workspace.project(Self.files)
    #expect(try Tool.run(["build"], folder: project).status == 0)
    #expect(FileManager.default.fileExists(atPath: project + "/app.spx"))
  }

  @Test func theSameInputGivesTheSameBytes() throws {
    let first = try workspace.project(Self.files, named: "one")
    // Another folder, files made in the opposite order, at another time, under another umask and locale.
    let second = workspace.path + "/some/where/else"
    for (file, text) in Self.files.merging(
      ["config/application.yml": Workspace.minimalConfiguration], uniquingKeysWith: { $1 }
    )
    .sorted(by: { $0.key > $1.key }) {
      try workspace.write(text, to: "some/where/else/" + file)
      let times = [timeval(tv_sec: 1_000_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000_000, tv_usec: 0)]
      utimes(second + "/" + file, times)
    }
    for (number, options) in [[], ["--release"], ["--env", "production"]].enumerated() {
      let a = workspace.path + "/a\(number).spx"
      let b = workspace.path + "/b\(number).spx"
      let one = try Tool.run(["build", first, "-o", a] + options, umask: 0o022)
      let two = try Tool.run(
        ["build", ".", "-o", b] + options,
        environment: [
          "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Auckland", "XDG_STATE_HOME": "",
          "HOME": "/nowhere",
        ],
        folder: second, umask: 0o077)
      #expect(one.status == 0 && two.status == 0, "\(one.errors)\(two.errors)")
      #expect(try bytes(a) == bytes(b), "\(options)")
    }
    #expect(try bytes(workspace.path + "/a0.spx") != bytes(workspace.path + "/a1.spx"))
  }

  @Test func aSecondBuildComesFromTheCache() throws {
    let project = try workspace.project(Self.files)
    let artifact = try workspace.build(project)
    let before = try bytes(artifact)
    let again = try Tool.run(["build", project, "-o", artifact])
    #expect(again.status == 0)
    #expect(
      again.errors.contains("cached") || again.output.contains("cached"), "\(again.errors)\(again.output)")
    #expect(try bytes(artifact) == before)
    try workspace.write("return function() return \"changed\" end\n", to: "project/app/hello.lua")
    _ = try workspace.build(project)
    let changed = try bytes(artifact)
    #expect(changed != before)
    try FileManager.default.removeItem(atPath: project + "/.spacer")
    _ = try workspace.build(project)
    #expect(try bytes(artifact) == changed, "with and without a cache the result is the same")
  }

  @Test func aDamagedCacheChangesNothing() throws {
    let project = try workspace.project(Self.files)
    let artifact = try workspace.build(project)
    let expected = try bytes(artifact)
    let names = FileManager.default.subpaths(atPath: project + "/.spacer") ?? []
    let files = names.map { project + "/.spacer/" + $0 }.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }
    #expect(!files.isEmpty)
    for damage in 0..<3 {
      for file in files {
        guard var content = try? bytes(file) else { continue }
        switch damage {
        case 0: content = Data("garbage".utf8)
        case 1: content = content.prefix(content.count / 2)
        default: for index in stride(from: 0, to: content.count, by: 7) { content[index] ^= 0x21 }
        }
        try content.write(to: URL(fileURLWithPath: file))
      }
      let outcome = try Tool.run(["build", project, "-o", artifact])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try bytes(artifact) == expected)
    }
  }

  @Test func aCacheThatCannotBeWrittenIsNoError() throws {
    let project = try workspace.project(Self.files)
    try workspace.write("a file where the folder would be\n", to: "project/.spacer")
    let outcome = try Tool.run(["build", project, "-o", workspace.path + "/app.spx"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func aFailedBuildLeavesTheOldArtifact() throws {
    let project = try workspace.project(Self.files)
    let artifact = try workspace.build(project)
    let before = try bytes(artifact)
    try workspace.write("return function( end\n", to: "project/app/hello.lua")
    let outcome = try Tool.run(["build", project, "-o", artifact])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("app/hello.lua:1:18: error:"), "\(outcome.errors)")
    #expect(try bytes(artifact) == before)
    let left = try FileManager.default.contentsOfDirectory(atPath: workspace.path)
    #expect(left.sorted() == ["app.spx", "project"], "no temporary file stays")
  }

  @Test func aPlaceThatCannotBeWritten() throws {
    let project = try workspace.project(Self.files)
    let outcome = try Tool.run(["build", project, "-o", workspace.path + "/no/such/folder/app.spx"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("no/such/folder"))
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  @Test func checkWritesNoArtifact() throws {
    let project = try workspace.project(Self.files)
    #expect(try Tool.run(["check"], folder: project).status == 0)
    #expect(!FileManager.default.fileExists(atPath: project + "/app.spx"))
  }

  @Test func warningsStopTheBuildOnlyWhenAsked() throws {
    var files = Self.files
    files["app/hello.lua"] = "return function()\n  local unused = 1\n  return \"hi\"\nend\n"
    let project = try workspace.project(files)
    let lenient = try Tool.run(["check", project])
    #expect(lenient.status == 0)
    #expect(lenient.errors.contains("app/hello.lua:2:9: warning:"), "\(lenient.errors)")
    #expect(try Tool.run(["check", "--strict", project]).status == 1)
    files["app/hello.lua"] =
      "return function()\n  local unused = 1 -- spacer: ignore unused-local\n  return \"hi\"\nend\n"
    let ignored = try workspace.project(files, named: "ignored")
    #expect(try Tool.run(["check", "--strict", ignored]).status == 0)
  }

  @Test func theOriginalsProjectBuildsUnchanged() throws {
    let outcome = try Tool.run(["build", Tool.fixture("original"), "-o", workspace.path + "/app.spx"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func theExampleHasNoFindings() throws {
    let outcome = try Tool.run(["check", "--strict", Tool.fixture("example")])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
