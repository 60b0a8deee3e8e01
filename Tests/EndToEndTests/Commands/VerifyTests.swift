// `spacer build --verify`: that builds are the same bytes is proved, and what is not is named.

import Foundation
import SpacerTestSupport
import Testing

@testable import spacer

@Suite struct VerifyTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func aReproducibleBuildIsSaidToBeOne() throws {
    let temporary = workspace.path + "/tmp"
    try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
    let artifact = workspace.path + "/shop.spx"
    let outcome = try Tool.run(
      ["build", Tool.fixture("bookshop"), "-o", artifact, "--verify", "--release", "--env", "production"],
      environment: ["TMPDIR": temporary])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("reproducible: two clean builds gave the same bytes"), "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
    // The copies were built with the same options.
    #expect(try Tool.run(["inspect", artifact]).output.contains("production"))
  }

  private func simpleProject() throws -> String {
    try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"v\"} }\n",
      "app/v.lua": "return function() return 1 end\n",
    ])
  }

  /// What the verification says of an artifact when `executable` builds the copies.
  private func failure(_ artifact: String, of project: String, executable: String) throws -> CommandFailure? {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: artifact)))
    do throws(CommandFailure) {
      try ReproducibleBuild(project: project, options: [], executable: executable).verify(bytes)
      return nil
    } catch {
      return error
    }
  }

  /// A compiler that gives other code each time.
  @Test func cleanBuildsThatDifferAreNamed() throws {
    let project = try simpleProject()
    let artifact = try workspace.build(project)
    let script = workspace.path + "/compiler"
    let text =
      "#!/bin/sh\necho \"return function() return $$ end\" >\"$2/app/v.lua\"\nexec \(Tool.spacer) \"$@\"\n"
    try Tool.install(Data(text.utf8), as: script)
    let found = try #require(try failure(artifact, of: project, executable: script))
    #expect(found.status == 1)
    let message = try #require(found.message)
    #expect(message.contains("two clean builds of '\(project)' differ"), "\(message)")
    #expect(
      message.firstMatch(of: /the section 'modules' first differs at its byte \d+, offset \d+ of the file/)
        != nil,
      "\(message)")
  }

  @Test func aBuildThatDiffersFromACleanOneIsNamed() throws {
    let project = try simpleProject()
    let artifact = try workspace.build(project)
    #expect(try failure(artifact, of: project, executable: Tool.spacer) == nil)
    try workspace.write("return function() return 2 end\n", to: "project/app/v.lua")
    let found = try #require(try failure(artifact, of: project, executable: Tool.spacer))
    #expect(found.status == 1)
    #expect(found.message?.contains("differs from a clean one") == true)
    #expect(found.message?.contains("remove '\(project)/.spacer'") == true)
    try workspace.write("return function( end\n", to: "project/app/v.lua")
    #expect(
      try failure(artifact, of: project, executable: Tool.spacer)?.message?.contains(
        "a clean build of a copy")
        == true)
  }

  @Test func thereIsNoPlaceForTheCopies() throws {
    let project = try workspace.project(["app/gateway.lua": "return {}\n"])
    let outcome = try Tool.run(
      ["build", project, "-o", workspace.path + "/app.spx", "--verify"],
      environment: ["TMPDIR": workspace.path + "/missing"])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("TMPDIR"), "\(outcome.errors)")
  }

  @Test func theFirstDifferenceIsNamed() throws {
    let project = try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"v\"} }\n",
      "app/v.lua": "return function() return 1 end\n",
    ])
    let one = Array(try Data(contentsOf: URL(fileURLWithPath: try workspace.build(project))))
    try workspace.write("return function() return 2 end\n", to: "project/app/v.lua")
    let two = Array(try Data(contentsOf: URL(fileURLWithPath: try workspace.build(project))))
    #expect(ArtifactComparison.difference(one, one) == nil)
    let difference = try #require(ArtifactComparison.difference(one, two))
    #expect(
      difference.hasPrefix("the section 'modules' first differs at its byte 32, offset "), "\(difference)")
  }
}
