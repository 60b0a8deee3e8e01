// An artifact of format version 1, written once and never again, stays readable with the same meaning. Our
// writer still gives the same bytes: if it no longer does, the format changed, which takes a new version.
//
// SPACER_RECORD=1 writes the file when it is missing, and fails the run.

import Foundation
import Testing

@testable import SpacerArtifact

@Suite struct FrozenArtifactTests {
  private let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/artifacts/v1.bin")

  @Test func version1StaysReadable() throws {
    if ProcessInfo.processInfo.environment["SPACER_RECORD"] == "1",
      !FileManager.default.fileExists(atPath: file.path)
    {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(try ArtifactWriter.encode(Sample.contents())).write(to: file)
      Issue.record("recorded \(file.lastPathComponent); run again without SPACER_RECORD")
    }
    let bytes = [UInt8](try Data(contentsOf: file))
    let held = try TestImage(bytes)
    defer { withExtendedLifetime(held) {} }
    #expect(held.image.formatVersion == 1)
    #expect(held.image.contents() == (try CanonicalContents(Sample.contents()).contents))
    var parameters = RouteParameters()
    let path = Array("/users/7".utf8)
    let route = try #require(held.image.routes.match(.get, path: path.span, parameters: &parameters))
    #expect(parameters.value(0, of: path) == "7")
    #expect(held.image.module(held.image.routes.route(route).module).pathString == "app/users/get.lua")
    #expect(try ArtifactWriter.encode(Sample.contents()) == bytes)
  }
}
