// The watcher on a real folder: every way in which an editor changes a file.

import Foundation
import Glibc
import Testing

@testable import spacer

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
    var watcher = try ProjectWatcher(root: root)
    try change()
    return watcher.takeChanges()
  }

  @Test func nothingHappens() throws { #expect(try !sees {}) }

  @Test func writeInPlace() throws {
    #expect(try sees { try workspace.write("return 2\n", to: "p/app/deep/er/b.lua") })
    #expect(try sees { try workspace.write("x: 2\n", to: "p/config/application.yml") })
  }

  @Test func renameOver() throws {
    #expect(
      try sees {
        try workspace.write("return 2\n", to: "p/other.lua")
        #expect(rename(root + "/other.lua", root + "/app/a.lua") == 0)
      })
  }

  @Test func delete() throws { #expect(try sees { #expect(unlink(root + "/app/a.lua") == 0) }) }

  @Test func newLink() throws {
    #expect(try sees { #expect(symlink("a.lua", root + "/app/link.lua") == 0) })
    #expect(try sees { #expect(link(root + "/app/a.lua", root + "/app/second.lua") == 0) })
  }

  @Test func aFileThatIsStillBeingWrittenDoesNotCount() throws {
    var watcher = try ProjectWatcher(root: root)
    let file = try #require(fopen(root + "/app/new.lua", "w"))
    #expect(!watcher.takeChanges())
    fclose(file)
    #expect(watcher.takeChanges())
  }

  @Test func newFoldersAreWatchedInTheirTurn() throws {
    var watcher = try ProjectWatcher(root: root)
    let before = watcher.folderCount
    try workspace.write("return 1\n", to: "p/lib/x/y/c.lua")
    #expect(watcher.takeChanges())
    #expect(watcher.folderCount == before + 3)
    try workspace.write("return 2\n", to: "p/lib/x/y/c.lua")
    #expect(watcher.takeChanges())
  }

  @Test func foldersThatGoAreForgotten() throws {
    var watcher = try ProjectWatcher(root: root)
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

  @Test func linksInACircleEnd() throws {
    #expect(symlink("..", root + "/app/deep/up") == 0)
    var watcher = try ProjectWatcher(root: root)
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
