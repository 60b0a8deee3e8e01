// The watcher on a real folder: every way in which an editor changes a file.

import Foundation
import Glibc
import Testing

@testable import spacer

/// The watcher in a box, since `#expect` takes only what can be copied.
private final class Watcher {
  private var watcher: ProjectWatcher

  init(root: String) throws { watcher = try ProjectWatcher(root: root) }

  var folderCount: Int { watcher.folderCount }
  func takeChanges() -> Bool { watcher.takeChanges() }
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
}
