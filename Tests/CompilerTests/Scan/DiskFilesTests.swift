import Foundation
import Testing

@testable import SpacerCompiler

/// A project in a folder of its own.
private struct TemporaryProject {
  let root: String

  init() throws {
    root = NSTemporaryDirectory() + "spacer-scan-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
  }

  func remove() {
    _ = chmod(root + "/app/closed", 0o755)
    try? FileManager.default.removeItem(atPath: root)
  }

  func write(_ path: String, _ text: String = "x") throws {
    let url = URL(fileURLWithPath: root + "/" + path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: root + "/" + path, withDestinationPath: target)
  }

  var files: DiskFiles { DiskFiles(root: root) }
}

struct DiskFilesTests {
  @Test func listsInByteOrder() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    let paths = [
      "app/Z.lua", "app/a.lua", "app/a/b.lua", "app/a-b.lua", "app/é.lua", "config/application.yml",
      "lib/x.lua",
    ]
    for path in paths.shuffled() { try project.write(path) }
    try project.write("test/test_a.lua")
    try project.write("app/.hidden.lua")
    try project.write("app/.git/config.lua")
    let listing = try project.files.listing()
    #expect(
      listing.files.map(\.path) == paths.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    #expect(listing.problems.isEmpty)
    #expect(try project.files.list() == listing.files)
  }

  @Test func sameAsInMemory() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    let text = [
      "app/gateway.lua": "return {}", "app/h.lua": "return 1", "lib/a/b.lua": "",
      "config/application.yml": "a",
    ]
    for (path, content) in text { try project.write(path, content) }
    #expect(ProjectScanner.scan(project.files) == ProjectScanner.scan(MemoryFiles(text: text)))
    for (path, content) in text { #expect(try project.files.read(path) == Array(content.utf8)) }
  }

  @Test func linksAreFollowedAndLoopsEnd() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    try project.write("shared/one.lua")
    try project.write("app/a/x.lua")
    try project.link("lib", to: "shared")
    try project.link("app/file.lua", to: "../shared/one.lua")
    try project.link("app/a/up", to: "..")
    try project.link("app/self", to: "self")
    try project.link("app/gone.lua", to: "nowhere.lua")
    let listing = try project.files.listing()
    #expect(listing.files.map(\.path) == ["app/a/x.lua", "app/file.lua", "lib/one.lua"])
    #expect(listing.problems.map(\.path) == ["app/gone.lua"])
  }

  @Test func linksThatMultiplyEnd() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    // Each folder links twice to the next: 2^24 ways to the last.
    for level in 0..<24 {
      try FileManager.default.createDirectory(
        atPath: project.root + "/f\(level)", withIntermediateDirectories: true)
      try project.link("f\(level)/a", to: "../f\(level + 1)")
      try project.link("f\(level)/b", to: "../f\(level + 1)")
    }
    try FileManager.default.createDirectory(atPath: project.root + "/f24", withIntermediateDirectories: true)
    try project.link("app", to: "f0")
    let listing = try project.files.listing()
    #expect(listing.problems.map(\.reason) == ["the project has more than 10000 folders"])
  }

  @Test func whatIsNoFileIsReported() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    try project.write("app/a.lua")
    #expect(mkfifo(project.root + "/app/pipe.lua", 0o600) == 0)
    let name: [CChar] =
      Array((project.root + "/app/").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0x2E, 0x6C, 0]
    let descriptor = open(name, O_CREAT | O_WRONLY, 0o600)
    #expect(descriptor >= 0)
    close(descriptor)
    try project.write("app/new\nline.lua")
    let listing = try project.files.listing()
    #expect(listing.files.map(\.path) == ["app/a.lua"])
    #expect(
      listing.problems.map(\.reason) == [
        "its name holds a control character", "it is not a regular file", "its name is not valid UTF-8",
      ])
    #expect(throws: FileReadError(path: "app/pipe.lua", reason: "it is not a regular file")) {
      try project.files.read("app/pipe.lua")
    }
    #expect(throws: FileReadError(path: "app", reason: "it is a folder")) { try project.files.read("app") }
    let scanned = ProjectScanner.scan(project.files)
    #expect(scanned.modules.map(\.name) == ["a"])
    #expect(scanned.diagnostics.count { $0.id == .unreadableFile } == 3)
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func closedFolder() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    try project.write("app/closed/a.lua")
    try project.write("app/b.lua")
    #expect(chmod(project.root + "/app/closed", 0) == 0)
    let listing = try project.files.listing()
    #expect(listing.files.map(\.path) == ["app/b.lua"])
    #expect(listing.problems == [FileReadError(path: "app/closed", reason: "permission denied")])
  }

  @Test func missingProject() throws {
    let files = DiskFiles(root: "/nowhere/at/all")
    #expect(throws: FileReadError(path: "/nowhere/at/all", reason: "no such file or folder")) {
      try files.list()
    }
    #expect(ProjectScanner.scan(files).diagnostics.map(\.id) == [.unreadableFile])
    // A project without folders is empty, not broken.
    let project = try TemporaryProject()
    defer { project.remove() }
    #expect(try project.files.listing() == FileListing(files: []))
  }

  @Test func readsStayInTheProject() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    try project.write("app/a.lua")
    for path in ["/etc/hostname", "../x", "app/../../x", "", "app/a.lua\0x"] {
      #expect(throws: FileReadError.self) { try project.files.read(path) }
      #expect(project.files.fingerprint(path) == nil)
    }
  }

  @Test func sizesUpToTheBound() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    try project.write("app/empty.lua", "")
    #expect(try project.files.read("app/empty.lua") == [])
    try project.write("app/large.lua")
    #expect(truncate(project.root + "/app/large.lua", ScanLimits.fileBytesMax) == 0)
    #expect(try project.files.read("app/large.lua").count == ScanLimits.fileBytesMax)
    #expect(truncate(project.root + "/app/large.lua", ScanLimits.fileBytesMax + 1) == 0)
    #expect(throws: FileReadError(path: "app/large.lua", reason: "it is larger than 16 MiB")) {
      try project.files.read("app/large.lua")
    }
    // A file whose size the system does not tell in advance is read to its end.
    let status = try DirectoryReader.contents(of: "/proc/self/status", bytesMax: 1 << 20)
    #expect(status?.isEmpty == false)
    #expect(try DirectoryReader.contents(of: "/proc/self/status", bytesMax: 10) == nil)
  }

  @Test func fingerprintsTellStatesApart() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    func state() -> FileFingerprint { DirectoryReader.status(of: project.root + "/app/a.lua").fingerprint }
    try project.write("app/a.lua", "one")
    let first = state()
    #expect(first.sizeBytes == 3)
    #expect(state() == first)
    try project.write("app/b.lua", "two")
    #expect(rename(project.root + "/app/b.lua", project.root + "/app/a.lua") == 0)
    #expect(state() != first)
  }

  @Test func freshFilesHaveNoFingerprint() throws {
    let project = try TemporaryProject()
    defer { project.remove() }
    try project.write("app/a.lua")
    #expect(project.files.fingerprint("app/a.lua") == nil)
    #expect(project.files.fingerprint("app/none.lua") == nil)
    #expect(project.files.fingerprint("app") == nil)
    // This file was there before the build that made this test.
    let path = #filePath
    let folder = path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex)
    let settled = DiskFiles(root: String(folder))
    let name = String(path.dropFirst(folder.count))
    #expect(settled.fingerprint(name) != nil)
    #expect(settled.fingerprint(name) == settled.fingerprint(name))
  }
}
