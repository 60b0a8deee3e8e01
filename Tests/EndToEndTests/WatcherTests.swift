// The watcher on a real folder: every way in which an editor changes a file.

import Foundation
import Glibc
import SpacerCompiler
import SpacerTestSupport
import Testing

@testable import spacer

/// The watcher in a box, since `#expect` takes only what can be copied.
private final class Watcher {
  private var watcher: ProjectWatcher

  init(root: String, watchCountMax: Int = ProjectWatcher.watchCountMax) throws {
    watcher = try ProjectWatcher(root: root, watchCountMax: watchCountMax)
  }

  var folderCount: Int { watcher.folderCount }
  var needsComparing: Bool { watcher.needsComparing }
  var isBeingWritten: Bool { watcher.isBeingWritten }
  func takeChanges() -> Bool { watcher.takeChanges() }
  func takeChangedPaths() -> Set<String>? { watcher.takeChangedPaths() }
  func compare() -> Bool { watcher.compare() }
}

@Suite struct WatcherTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write("return 1\n", to: "p/app/a.lua")
    try workspace.write("return 1\n", to: "p/app/deep/er/b.lua")
    try workspace.write("x: 1\n", to: "p/config/application.yml")
  }

  private var root: String { workspace.path + "/p" }

  /// Events are queued by the time the change's system call returns, so there is nothing to wait for.
  private func sees(_ change: () throws -> Void) throws -> Bool {
    try seesCall {
      try change()
      return 0
    }
  }

  /// The same for one system call.
  private func seesCall(_ call: () throws -> Int32) throws -> Bool {
    let watcher = try Watcher(root: root)
    guard try call() == 0 else { throw SystemFailure("the change") }
    return watcher.takeChanges()
  }

  @Test func nothingHappens() throws { #expect(try !sees {}) }

  @Test func writeInPlace() throws {
    #expect(try sees { try workspace.write("return 2\n", to: "p/app/deep/er/b.lua") })
    #expect(try sees { try workspace.write("x: 2\n", to: "p/config/application.yml") })
  }

  @Test func renameOver() throws {
    try workspace.write("return 2\n", to: "p/other.lua")
    #expect(try seesCall { rename(root + "/other.lua", root + "/app/a.lua") })
  }

  @Test func delete() throws { #expect(try seesCall { unlink(root + "/app/a.lua") }) }

  @Test func newLink() throws {
    #expect(try seesCall { symlink("a.lua", root + "/app/link.lua") })
    #expect(try seesCall { link(root + "/app/a.lua", root + "/app/second.lua") })
  }

  @Test func aFileThatIsStillBeingWrittenDoesNotCount() throws {
    let watcher = try Watcher(root: root)
    let file = try #require(fopen(root + "/app/new.lua", "w"))
    #expect(!watcher.takeChanges())
    fclose(file)
    #expect(watcher.takeChanges())
  }

  @Test func newFoldersAreWatchedInTheirTurn() throws {
    let watcher = try Watcher(root: root)
    let before = watcher.folderCount
    try workspace.write("return 1\n", to: "p/lib/x/y/c.lua")
    #expect(watcher.takeChanges())
    #expect(watcher.folderCount == before + 3)
    try workspace.write("return 2\n", to: "p/lib/x/y/c.lua")
    #expect(watcher.takeChanges())
  }

  @Test func foldersThatGoAreForgotten() throws {
    let watcher = try Watcher(root: root)
    let before = watcher.folderCount
    #expect(rename(root + "/app/deep", workspace.path + "/elsewhere") == 0)
    #expect(watcher.takeChanges())
    #expect(watcher.folderCount == before - 2)
    try workspace.write("return 2\n", to: "elsewhere/er/b.lua")
    #expect(!watcher.takeChanges())
    #expect(rename(workspace.path + "/elsewhere", root + "/app/deep") == 0)
    #expect(watcher.takeChanges())
    #expect(watcher.folderCount == before)
  }

  @Test func anOverflowOfTheQueueCountsAsAChange() throws {
    let limit = try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
    let eventsMax = try #require(Int(limit.trimmingCharacters(in: .whitespacesAndNewlines)))
    let watcher = try Watcher(root: root)
    // Two events each; hidden names, so that only the overflow can be what is seen.
    let paths = [root + "/app/.a", root + "/app/.b"]
    #expect(symlink("a.lua", paths[0]) == 0)
    for number in 0...(eventsMax / 2) {
      _ = rename(paths[number % 2], paths[(number + 1) % 2])
    }
    try workspace.write("return 1\n", to: "p/app/late/c.lua")
    #expect(watcher.takeChanges())
    try workspace.write("return 2\n", to: "p/app/late/c.lua")
    #expect(watcher.takeChanges(), "what came while nobody listened is watched all the same")
  }

  /// A file elsewhere that a link leads to, in each of the ways that editors change it.
  @Test func whatALinkLeadsToIsWatched() throws {
    try workspace.write("return 1\n", to: "elsewhere/a.lua")
    try workspace.write("return 1\n", to: "elsewhere/other.lua")
    #expect(symlink(workspace.path + "/elsewhere/a.lua", root + "/app/linked.lua") == 0)
    let watcher = try Watcher(root: root)
    try workspace.write("return 2\n", to: "elsewhere/other.lua")
    #expect(!watcher.takeChanges(), "nothing leads there")
    try workspace.write("return 2\n", to: "elsewhere/a.lua")
    #expect(watcher.takeChanges())
    #expect(watcher.takeChangedPaths() == nil)
    try workspace.write("return 3\n", to: "new.lua")
    #expect(rename(workspace.path + "/new.lua", workspace.path + "/elsewhere/a.lua") == 0)
    #expect(watcher.takeChanges())
    #expect(unlink(workspace.path + "/elsewhere/a.lua") == 0)
    #expect(watcher.takeChanges())
    try workspace.write("return 4\n", to: "elsewhere/a.lua")
    #expect(watcher.takeChanges())
    // A link that comes later counts as well, and a folder behind one.
    #expect(symlink(workspace.path + "/elsewhere/other.lua", root + "/lib.lua") == 0)
    #expect(symlink(workspace.path + "/elsewhere", root + "/lib") == 0)
    #expect(watcher.takeChanges())
    try workspace.write("return 5\n", to: "elsewhere/third.lua")
    #expect(watcher.takeChanges())
  }

  @Test func whereGitKeepsItsLock() throws {
    func lock(_ project: String) -> String { GitLock.path(project: workspace.path + "/" + project) }
    let base = try #require(Files.realPath(workspace.path))
    try workspace.write("", to: "repository/.git/HEAD")
    try workspace.write("", to: "repository/deep/project/app/a.lua")
    #expect(lock("repository") == base + "/repository/.git/index.lock")
    #expect(lock("repository/deep/project") == base + "/repository/.git/index.lock")
    try workspace.write("gitdir: \(base)/repository/.git/worktrees/tree\n", to: "tree/.git")
    #expect(lock("tree") == base + "/repository/.git/worktrees/tree/index.lock")
    try workspace.write("gitdir: ../repository/.git/modules/sub\n", to: "sub/.git")
    #expect(lock("sub") == base + "/sub/../repository/.git/modules/sub/index.lock")
    try workspace.write("nonsense\n", to: "repository/odd/.git")
    #expect(lock("repository/odd") == base + "/repository/.git/index.lock")
  }

  @Test func linksInACircleEnd() throws {
    #expect(symlink("..", root + "/app/deep/up") == 0)
    let watcher = try Watcher(root: root)
    try workspace.write("return 2\n", to: "p/app/a.lua")
    #expect(watcher.takeChanges())
  }

  @Test func whatABuildLeavesOutDoesNotCount() throws {
    #expect(
      try !sees {
        try workspace.write("x", to: "p/.spacer/cache/x")
        try workspace.write("x", to: "p/app/.a.lua.swp")
        try workspace.write("x", to: "p/app/a.lua~")
        try workspace.write("x", to: "p/app.spx")
        try workspace.write("x", to: "p/test/test_a.lua")
      })
  }

  @Test func withoutWatchesFilesAreCompared() throws {
    let watcher = try Watcher(root: root, watchCountMax: 2)
    #expect(watcher.needsComparing)
    #expect(!watcher.compare())
    try workspace.write("return 22\n", to: "p/app/deep/er/b.lua")
    #expect(watcher.compare())
    #expect(watcher.takeChangedPaths() == nil)
    #expect(!watcher.compare())
    #expect(unlink(root + "/app/a.lua") == 0)
    #expect(watcher.compare())
    #expect(!(try Watcher(root: root)).needsComparing)
  }

  @Test func changedPathsAreTold() throws {
    let watcher = try Watcher(root: root)
    #expect(watcher.takeChangedPaths() == [])
    try workspace.write("return 2\n", to: "p/app/a.lua")
    try workspace.write("x: 2\n", to: "p/config/application.yml")
    #expect(watcher.takeChanges())
    #expect(watcher.takeChangedPaths() == ["app/a.lua", "config/application.yml"])
    #expect(watcher.takeChangedPaths() == [])
    // A folder brings files of which nothing was heard, and a link another name.
    try workspace.write("return 1\n", to: "p/app/new/c.lua")
    #expect(watcher.takeChanges())
    #expect(watcher.takeChangedPaths() == nil)
    #expect(watcher.takeChangedPaths() == [])
    // Folders in folders that came at once were seen with the first, and are no links.
    try workspace.write("return 1\n", to: "p/app/one/two/three/d.lua")
    #expect(watcher.takeChanges())
    #expect(watcher.takeChangedPaths() == nil)
    try workspace.write("return 2\n", to: "p/app/one/two/three/d.lua")
    #expect(watcher.takeChanges())
    #expect(watcher.takeChangedPaths() == ["app/one/two/three/d.lua"])
    #expect(symlink("a.lua", root + "/app/l.lua") == 0)
    #expect(watcher.takeChanges())
    #expect(watcher.takeChangedPaths() == nil)
  }

  /// Random changes of a tree, as editors and people make them: what is built of the told changes alone must be what
  /// a build from nothing makes.
  @Test func fuzzTree() throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["SPACER_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)
    let seconds = environment["SPACER_FUZZ_SECONDS"].flatMap(Double.init)
    var tree = try RandomTree(workspace, seed: seed)
    let watcher = try Watcher(root: tree.root)
    let build = try ProjectBuild(project: tree.root)
    var changed: Set<String>?
    let end = seconds.map { Date(timeIntervalSinceNow: $0) }
    var step = 0
    while end.map({ Date() < $0 }) ?? (step < 300) {
      step += 1
      let actions = try tree.change()
      // A process that another test starts at this moment holds what was written open until it runs its program.
      try waitUntil("what was written is closed") {
        _ = watcher.takeChanges()
        return !watcher.isBeingWritten
      }
      let paths = watcher.takeChangedPaths()
      changed = changed.flatMap { old in paths.map { old.union($0) } }
      let ours = build.build(changed: changed)
      let told = changed
      if ours.artifact != nil { changed = [] }
      let clean = Compiler.build(files: DiskFiles(root: tree.root))
      guard ours.artifact == clean.artifact else {
        Issue.record(
          """
          seed \(seed), step \(step): \(actions), told \(told?.sorted() ?? ["any"]), \
          built \(ours.artifact != nil), clean \(clean.artifact != nil) \(ours.result.statistics)
          """)
        return
      }
    }
  }
}

/// A project that changes at random. Its artifact depends on every file.
private struct RandomTree {
  let root: String
  private var random: SeededRandom
  private var count = 0

  init(_ workspace: Workspace, seed: UInt64) throws {
    root = try workspace.project(
      ["app/gateway.lua": "return {}\n", "app/a.lua": "return function() end\n", "lib/b.lua": "return {}\n"],
      named: "random")
    random = SeededRandom(seed)
  }

  /// Does one to three things; what they were.
  mutating func change() throws -> [String] {
    try (0..<Int.random(in: 1...3, using: &random)).map { _ in try act() }
  }

  private mutating func name() -> String {
    let folders = ["app", "lib", "app/x", "app/x/y", "lib/z"]
    return folders.randomElement(using: &random).map { "\($0)/f\(Int.random(in: 0...4, using: &random)).lua" }
      ?? ""
  }

  private mutating func text() -> String {
    count += 1
    switch Int.random(in: 0...9, using: &random) {
    case 0: return "return function( \(count)\n"
    case 1...2:
      let required = name().dropLast(4).split(separator: "/").dropFirst().joined(separator: "/")
      return "local other = require \"\(required)\"\nreturn function() return \(count), other end\n"
    default: return "return function() return \(count) end\n"
    }
  }

  private mutating func act() throws -> String {
    let path = name()
    let whole = root + "/" + path
    let kind = Int.random(in: 0...9, using: &random)
    switch kind {
    case 0...3: try write(whole)
    case 4:
      try write(root + "/other.tmp")
      rename(root + "/other.tmp", whole)
    case 5: unlink(whole)
    case 6: rename(whole, root + "/" + name())
    case 7: rename(root + "/app/x", root + "/lib/moved")
    case 8: rename(root + "/lib/moved", root + "/app/x")
    default:
      let functions = (0...4).filter { access(root + "/app/f\($0).lua", F_OK) == 0 }
      let routes = functions.map { "{ \"GET\", \"/\($0)\", \"f\($0)\" }" }.joined(separator: ", ")
      try Data("return { \(routes) }\n".utf8).write(to: URL(fileURLWithPath: root + "/app/gateway.lua"))
    }
    return "\(kind) \(path)"
  }

  private mutating func write(_ path: String) throws {
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text().utf8).write(to: URL(fileURLWithPath: path))
  }
}
