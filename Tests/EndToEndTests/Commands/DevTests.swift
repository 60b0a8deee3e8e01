// `spacer dev`: save a file and the next request sees it.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct DevTests {
  private let workspace: Workspace
  private let project: String

  init() throws {
    workspace = try Workspace()
    project = try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"v\"} }\n",
      "app/v.lua": "return function() return \"one\" end\n",
      "lib/unused.lua": "return {}\n",
    ])
  }

  /// Makes a change and waits until dev has said `count` times that it reloaded.
  private func reload(_ server: RunningServer, _ count: Int, _ change: () throws -> Void) throws {
    try change()
    _ = try server.process.waitForError("reload \(count)") {
      $0.components(separatedBy: "reloaded in").count > count ? true : nil
    }
  }

  private func answer(_ server: RunningServer, _ path: String = "/v") throws -> String? {
    try server.get(path).json?["data"]?.string
  }

  @Test func everyKindOfChange() throws {
    let server = try RunningServer(["dev", project])
    #expect(try answer(server) == "one")

    try reload(server, 1) {
      try workspace.write("return function() return \"in place\" end\n", to: "project/app/v.lua")
    }
    #expect(try answer(server) == "in place")

    try reload(server, 2) {
      try workspace.write("return function() return \"renamed\" end\n", to: "project/new.tmp")
      #expect(rename(project + "/new.tmp", project + "/app/v.lua") == 0)
    }
    #expect(try answer(server) == "renamed")

    try reload(server, 3) {
      try workspace.write("return function() return \"deep\" end\n", to: "project/app/new/folder/f.lua")
      try workspace.write(
        "return { {\"GET\", \"/v\", \"v\"}, {\"GET\", \"/deep\", \"new/folder/f\"} }\n",
        to: "project/app/gateway.lua")
    }
    let load = try Load(port: server.port)
    // The two files may come as one burst or two: the route is there once either reload has happened.
    while try server.get("/deep").status == 404 {}
    #expect(try answer(server, "/deep") == "deep")
    #expect(load.stop().isEmpty)
    #expect(try server.stop() == 0)
  }

  @Test func whatKVHoldsOutlivesARebuild() throws {
    let function = { (answer: String) in
      """
      local kv = require "kv"
      return function() return "\(answer) " .. kv.incr("calls") end

      """
    }
    try workspace.write(function("one"), to: "project/app/v.lua")
    let server = try RunningServer(["dev", project])
    #expect(try answer(server) == "one 1")
    try reload(server, 1) { try workspace.write(function("two"), to: "project/app/v.lua") }
    #expect(try answer(server) == "two 2")
  }

  @Test func aBuildThatFailsKeepsTheLastGood() throws {
    let server = try RunningServer(["dev", project])
    try workspace.write("return function( end\n", to: "project/app/v.lua")
    _ = try server.process.waitForError("the diagnostic") {
      $0.contains("app/v.lua:1:18: error:") ? true : nil
    }
    _ = try server.process.waitForError("what goes on") { $0.contains("still serving") ? true : nil }
    #expect(try answer(server) == "one")
    try reload(server, 1) {
      try workspace.write("return function() return \"mended\" end\n", to: "project/app/v.lua")
    }
    #expect(try answer(server) == "mended")
  }

  @Test func aProjectThatDoesNotBuildYetIsWaitedFor() throws {
    try workspace.write("return function( end\n", to: "project/app/v.lua")
    let child = try ChildProcess(
      [Tool.spacer, "dev", project, "--port", "0"], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    _ = try child.waitForError("the wait for a change") { $0.contains("waiting for a change") ? true : nil }
    try workspace.write("return function() return \"mended\" end\n", to: "project/app/v.lua")
    _ = try child.waitForError("the server") { $0.contains("listening on http://127.0.0.1:") ? true : nil }
    child.signal(SIGTERM)
    #expect(try child.waitForExit() == 0)
  }

  /// The second save finds the server at any point of the first one's build.
  @Test func theLastOfTwoQuickSavesIsServed() throws {
    let server = try RunningServer(["dev", project])
    for round in 1...20 {
      try workspace.write("return function() return \"a\(round)\" end\n", to: "project/app/v.lua")
      // In even rounds the first save is being served by the time of the second, in odd ones nobody knows.
      if round.isMultiple(of: 2) { try poll(server, until: "a\(round)") }
      try workspace.write("return function() return \"b\(round)\" end\n", to: "project/app/v.lua")
      try poll(server, until: "b\(round)")
    }
    // One more reload shows that no late build of an earlier save is left.
    try workspace.write("return { {\"GET\", \"/end\", \"v\"} }\n", to: "project/app/gateway.lua")
    while try server.get("/end").status == 404 {}
    #expect(try answer(server, "/end") == "b20", "the final state stays")
    #expect(!server.process.standardError.contains("error:"), "\(server.process.standardError)")
  }

  /// Asks until the answer is there; what is wanted takes milliseconds.
  private func poll(_ server: RunningServer, until wanted: String) throws {
    try waitUntil("'\(wanted)' is served") { try answer(server) == wanted }
  }

  @Test func aFileThatIsCutAndNotYetWrittenIsNotBuilt() throws {
    let server = try RunningServer(["dev", project])
    let file = try #require(fopen(project + "/app/v.lua", "w"))
    // The text is in the buffer still: on disk the file is empty, as between an editor's cut and its write.
    #expect(fputs("return function() return \"whole\" end\n", file) >= 0)
    #expect(try answer(server) == "one")
    try reload(server, 1) { fclose(file) }
    #expect(try answer(server) == "whole")
    #expect(!server.process.standardError.contains("error:"), "\(server.process.standardError)")
  }

  @Test func aBuildWaitsForGit() throws {
    try workspace.write("", to: "project/.git/index.lock")
    try workspace.write("return function( end\n", to: "project/app/other.lua")
    let child = try ChildProcess(
      [Tool.spacer, "dev", project, "--port", "0"], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    try workspace.write("return function() end\n", to: "project/app/other.lua")
    #expect(unlink(project + "/.git/index.lock") == 0)
    _ = try child.waitForError("the server") { $0.contains("listening on http://127.0.0.1:") ? true : nil }
    #expect(!child.standardError.contains("error:"), "half a checkout was built")
  }

  // MARK: Editors' habits

  /// As an editor that keeps a backup: the old file moves away, a new one is made.
  @Test func deletedAndMadeAnew() throws {
    let server = try RunningServer(["dev", project])
    let load = try Load(port: server.port)
    for round in 1...5 {
      #expect(rename(project + "/app/v.lua", project + "/app/v.lua~") == 0)
      try workspace.write("return function() return \"anew \(round)\" end\n", to: "project/app/v.lua")
      #expect(unlink(project + "/app/v.lua~") == 0)
      try poll(server, until: "anew \(round)")
      #expect(unlink(project + "/app/v.lua") == 0)
      try workspace.write("return function() return \"again \(round)\" end\n", to: "project/app/v.lua")
      try poll(server, until: "again \(round)")
    }
    #expect(load.stop() == [])
  }

  @Test func renamedFolders() throws {
    try workspace.write("return function() return \"moved\" end\n", to: "project/app/old/deep/f.lua")
    let server = try RunningServer(["dev", project])
    #expect(rename(project + "/app/old", project + "/app/new") == 0)
    try workspace.write("return { {\"GET\", \"/v\", \"new/deep/f\"} }\n", to: "project/app/gateway.lua")
    try poll(server, until: "moved")
    try workspace.write("return function() return \"edited\" end\n", to: "project/app/new/deep/f.lua")
    try poll(server, until: "edited")
    #expect(rename(project + "/app/new", workspace.path + "/away") == 0)
    _ = try server.process.waitForError("what is missing") {
      $0.contains("no function named 'new/deep/f'") ? true : nil
    }
    #expect(rename(workspace.path + "/away", project + "/app/new") == 0)
    try waitUntil("it is mended") { try server.get("/v").header("X-Spacer-Build") == nil }
    #expect(try answer(server) == "edited")
  }

  @Test func linksToFilesElsewhere() throws {
    try workspace.write("return function() return \"linked\" end\n", to: "shared/v.lua")
    #expect(unlink(project + "/app/v.lua") == 0)
    #expect(symlink(workspace.path + "/shared/v.lua", project + "/app/v.lua") == 0)
    let server = try RunningServer(["dev", project])
    #expect(try answer(server) == "linked")
    try workspace.write("return function() return \"in place\" end\n", to: "shared/v.lua")
    try poll(server, until: "in place")
    try workspace.write("return function() return \"over\" end\n", to: "shared/new.lua")
    #expect(rename(workspace.path + "/shared/new.lua", workspace.path + "/shared/v.lua") == 0)
    try poll(server, until: "over")
  }

  /// Git itself changes branches to and fro; the two never fit together, so that half of one would be an error.
  @Test func checkoutOfABranch() throws {
    func git(_ arguments: [String]) throws {
      let settings = [
        "-C", project, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=one",
      ]
      let outcome = try Tool.run(
        settings + arguments, environment: ["GIT_CONFIG_NOSYSTEM": "1", "HOME": workspace.path],
        executable: "/usr/bin/git")
      guard outcome.status == 0 else { throw HarnessError("git \(arguments): \(outcome.errors)") }
    }
    func write(_ name: String) throws {
      var routes = "{\"GET\", \"/v\", \"v\"}"
      for number in 0..<100 {
        try workspace.write(
          "local other = require \"\(name)_\(number)\"\nreturn function() return other end\n",
          to: "project/app/f\(number).lua")
        try workspace.write("return { \"\(name)\" }\n", to: "project/lib/\(name)_\(number).lua")
        routes += ", {\"GET\", \"/f\(number)\", \"f\(number)\"}"
      }
      try workspace.write("return { \(routes) }\n", to: "project/app/gateway.lua")
      try workspace.write("return function() return \"\(name)\" end\n", to: "project/app/v.lua")
    }
    try workspace.write(".spacer/\n", to: "project/.gitignore")
    try git(["init", "--quiet"])
    try write("one")
    try git(["add", "."])
    try git(["commit", "--quiet", "-m", "one"])
    try git(["checkout", "--quiet", "-b", "two"])
    try git(["rm", "--quiet", "-r", "lib"])
    try write("two")
    try git(["add", "."])
    try git(["commit", "--quiet", "-m", "two"])
    let server = try RunningServer(["dev", project])
    #expect(try answer(server) == "two")
    let load = try Load(port: server.port)
    for branch in ["one", "two", "one", "two", "one"] {
      try git(["checkout", "--quiet", branch])
      try poll(server, until: branch)
    }
    #expect(load.stop() == [])
    #expect(!server.process.standardError.contains("error:"), "\(server.process.standardError)")
  }

  /// In a namespace of its own, where the system gives three watches and no more.
  @Test(.enabled(if: DevTests.canLimitWatches, "needs a user namespace"))
  func withoutWatchesItSaysSoAndCompares() throws {
    let server = try RunningServer(
      ["-U", "-r", "sh", "-c", DevTests.limitWatches + "exec \"$@\"", "sh", Tool.spacer, "dev", project],
      executable: "/usr/bin/unshare")
    _ = try server.process.waitForError("what it does instead") {
      $0.contains("no inotify watches to spare: files are compared every 500 ms") ? true : nil
    }
    try workspace.write("return function() return \"compared\" end\n", to: "project/app/v.lua")
    try poll(server, until: "compared")
    try workspace.write("return function() return \"deep\" end\n", to: "project/app/new/f.lua")
    try workspace.write("return { {\"GET\", \"/v\", \"new/f\"} }\n", to: "project/app/gateway.lua")
    try poll(server, until: "deep")
  }

  private static let limitWatches = "echo 3 > /proc/sys/user/max_inotify_watches && "

  private static let canLimitWatches: Bool = {
    let outcome = try? Tool.run(
      ["-U", "-r", "sh", "-c", limitWatches + "true"], executable: "/usr/bin/unshare")
    return outcome?.status == 0
  }()

  @Test func aPortInUse() throws {
    let server = try RunningServer(["dev", project])
    let second = try Tool.run(["dev", project, "--port", String(server.port)])
    #expect(second.status == 3)
    #expect(second.errors.contains(String(server.port)), "\(second.errors)")
  }
}
