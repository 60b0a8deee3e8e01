// One executable with the application in it: it runs by itself, reloads itself, and refuses to when damaged.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct StandaloneTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func standalone(_ answer: String, to file: String = "app", _ options: [String] = []) throws
    -> String
  {
    let project = try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"v\"} }\n",
      "app/v.lua": "return function() return \"\(answer)\" end\n",
    ])
    return try workspace.build(project, to: file, ["--standalone"] + options)
  }

  private func start(_ program: String, _ arguments: [String] = []) throws -> RunningServer {
    try RunningServer(["--host", "127.0.0.1"] + arguments, executable: program)
  }

  /// What the program says when it does not start.
  private func refusal(_ program: String, _ arguments: [String] = ["--port", "0"]) throws -> String {
    let outcome = try Tool.run(arguments, executable: program)
    #expect(outcome.status == 3, "\(outcome.status): \(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    return outcome.errors
  }

  /// By default beside app/, which every project has.
  @Test func itsUsualName() throws {
    let project = try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"v\"} }\n",
      "app/v.lua": "return function() return 1 end\n",
    ])
    let outcome = try Tool.run(["build", "--standalone"], folder: project)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let said = try #require(outcome.errors.firstMatch(of: #/built (.+-server): /#)?.1)
    #expect(FileManager.default.isExecutableFile(atPath: project + "/" + said), "\(outcome.errors)")
    #expect(outcome.errors.contains(/an executable of \d+ MB/), "\(outcome.errors)")
  }

  @Test func itServesByItself() throws {
    let built = try standalone("one")
    let mode = try #require(
      try FileManager.default.attributesOfItem(atPath: built)[.posixPermissions] as? NSNumber)
    #expect(mode.intValue & 0o777 == 0o755)
    // Elsewhere, under another name, with nothing beside it.
    let moved = workspace.path + "/elsewhere/shop"
    try FileManager.default.createDirectory(
      atPath: workspace.path + "/elsewhere", withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: built, toPath: moved)
    let server = try start(moved)
    #expect(try server.get("/v").text.contains("one"))
    #expect(try server.stop() == 0)
    let help = try Tool.run(["--help"], executable: moved)
    #expect(help.status == 0)
    for word in ["usage: \(moved) ", "--port N", "--require-key", "--env", "--workers"] {
      #expect(help.output.contains(word), "\(help.output)")
    }
    let version = try Tool.run(["--version"], executable: moved)
    #expect(version.output.wholeMatch(of: /test, Spacer \d+\.\d+\.\d+, Lua 5\.4\.\d+\n/) != nil, "\(version)")
    let word = try Tool.run(["other.spx"], executable: moved)
    #expect(word.status == 2 && word.errors.contains("'other.spx'"), "\(word.errors)")
  }

  @Test func theSameInputGivesTheSameBytes() throws {
    let one = try standalone("one", to: "a")
    let two = try standalone("one", to: "b")
    #expect(FileManager.default.contentsEqual(atPath: one, andPath: two))
  }

  @Test func damagedFilesDoNotStart() throws {
    let built = try standalone("one")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: built))
    let copy = workspace.path + "/copy"
    func write(_ bytes: Data) throws { try Tool.install(bytes, as: copy) }
    for cut in [1, 64, 5_000] {
      try write(bytes.dropLast(cut))
      let said = try refusal(copy)
      #expect(said.contains("it should have \(bytes.count) bytes and has \(bytes.count - cut)"), "\(said)")
      #expect(said.contains("copy it again"), "\(said)")
    }
    try write(bytes + Data([0]))
    #expect(try refusal(copy).contains("has \(bytes.count + 1)"))
    // In the artifact, in the trailer, and in the part of the runtime that names its sections.
    let trailer = bytes.count - 64
    for (offset, words) in [
      (trailer - 200, "checksum"), (trailer + 60, "checksum"), (trailer + 24, "malformed"),
      (0x3f, "checksum"),
    ] {
      var changed = bytes
      changed[offset] ^= 0x40
      try write(changed)
      let said = try refusal(copy)
      #expect(said.contains("is damaged") && said.contains(words), "\(offset): \(said)")
      let version = try refusal(copy, ["--version"])
      #expect(version.contains("is damaged"), "\(version)")
    }
    // Tools that rewrite executables know nothing of what stands behind.
    let strip = try Tool.run(["strip", "-o", copy, built], executable: "/usr/bin/env")
    guard strip.status == 0 else { return }
    let stripped = try refusal(copy)
    #expect(stripped.contains("a tool such as strip"), "\(stripped)")
  }

  @Test func aReloadReadsWhatStandsAtItsPath() throws {
    let program = try standalone("one")
    let server = try start(program)
    _ = try standalone("two")
    server.process.signal(SIGHUP)
    try waitUntil("the new application is served") { try server.get("/v").text.contains("two") }
    // What is no such executable changes nothing.
    try FileManager.default.removeItem(atPath: program)
    try Data("text".utf8).write(to: URL(fileURLWithPath: program))
    server.process.signal(SIGHUP)
    _ = try server.process.waitForError("the refusal") { $0.contains("carries no application") ? true : nil }
    #expect(try server.get("/v").text.contains("two"))
  }

  /// A deployment that turns a link to another release.
  @Test func aReloadFollowsALinkThatWasTurned() throws {
    let (one, two) = (try standalone("one", to: "r1"), try standalone("two", to: "r2"))
    let link = workspace.path + "/current"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: one)
    let server = try start(link)
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: two)
    server.process.signal(SIGHUP)
    try waitUntil("the new application is served") { try server.get("/v").text.contains("two") }
  }

  @Test func signaturesHoldInItAsWell() throws {
    let key = workspace.path + "/k"
    #expect(try Tool.run(["keygen", key]).status == 0)
    let signed = try standalone("one", to: "signed", ["--sign", key])
    let server = try start(signed, ["--require-key", key + ".pub"])
    #expect(try server.get("/v").text.contains("one"))
    let unsigned = try standalone("one", to: "unsigned")
    #expect(
      try refusal(unsigned, ["--port", "0", "--require-key", key + ".pub"]).contains("is not signed"))
  }

  @Test func theCommandsReadTheArtifactInIt() throws {
    let built = try standalone("one")
    let plain = try workspace.build(workspace.path + "/project")
    #expect(
      try Tool.run(["inspect", built, "--json"]).output
        == (try Tool.run(["inspect", plain, "--json"])).output)
    #expect(try Tool.run(["routes", built]).output.contains("/v"))
    #expect(try Tool.run(["diff", plain, built]).output == "no changes\n")
  }

  /// What it loads at its start, by the page on deploying. A debug build needs Swift's libraries as well.
  @Test func itNeedsTheCLibrariesOnly() throws {
    let page = try String(contentsOfFile: Tool.checkout + "/docs/deploying.md", encoding: .utf8)
    let isSwifts = { (library: String) in
      ["libswift", "lib_Foundation", "libdispatch", "libBlocksRuntime"].contains { library.hasPrefix($0) }
    }
    let needed = { (file: String) throws in
      let listing = try Tool.run(["readelf", "-d", file], executable: "/usr/bin/env")
      #expect(listing.status == 0, "\(listing.errors)")
      return listing.output.matches(of: /\(NEEDED\).*\[(.+)\]/).map { String($0.output.1) }
    }
    let libraries = try needed(try standalone("one"))
    #expect(libraries.contains("libc.so.6"))
    for library in libraries where !isSwifts(library) { #expect(page.contains(library), "\(library)") }
    // Nothing is added to what the runtime needs, and its release build needs none of Swift's.
    #expect(libraries == (try needed(Tool.executables + "/spacer-serve")))
    let release = Tool.checkout + "/.build/release/spacer-serve"
    guard FileManager.default.fileExists(atPath: release) else { return }
    #expect(!(try needed(release).contains(where: isSwifts)))
  }

  @Test func aFailedBuildLeavesTheOldOne() throws {
    let built = try standalone("one")
    let before = try Data(contentsOf: URL(fileURLWithPath: built))
    try workspace.write("return function( end\n", to: "project/app/v.lua")
    #expect(
      try Tool.run(["build", workspace.path + "/project", "--standalone", "-o", built]).status == 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: built)) == before)
  }
}
