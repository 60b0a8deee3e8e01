// The runtime as a library: starting, stopping, what is refused.

import Glibc
import SpacerArtifact
import SpacerSystem
import Testing

@testable import SpacerRuntime

@Suite struct EmbeddingTests {
  private static let hello = ["hello": "return function() return 'hello' end"]

  @Test func aServerIsStoppedAndAnotherStarted() throws {
    let application = try EmbeddedServer.application(Self.hello)
    #expect(application.name == "embedded")
    for _ in 0..<3 {
      let server = try application.start()
      #expect(server.port != 0 && server.addresses == ["http://127.0.0.1:\(server.port)"])
      #expect(try BlockingClient.post(server.port, "/hello") == #"200 {"data":"hello"}"#)
      server.stop()
      server.stop()
      server.wait()
      #expect(throws: LuaFailure.self) { try BlockingClient(port: server.port) }
    }
  }

  @Test func stoppingWaitsForWhatIsInFlight() throws {
    let phase = Monitor("")
    var application = try EmbeddedServer.application([
      "wait": "local host = require 'host' return function() return host.wait() end"
    ])
    application.function("wait") { _ in
      phase.withLock { $0 = "waits" }
      phase.signal()
      _ = phase.wait(milliseconds: 60_000) { $0 == "goes on" ? true : nil }
      return "done"
    }
    let server = try application.start()
    let client = try BlockingClient(port: server.port)
    client.send("/wait")
    _ = phase.wait(milliseconds: 60_000) { $0 == "waits" ? true : nil }
    Threads.start(name: "test") {
      server.stop()
      phase.withLock { $0 = "stopped" }
      phase.signal()
    }
    #expect(phase.wait(milliseconds: 50) { $0 == "stopped" ? true : nil } == nil)
    phase.withLock { $0 = "goes on" }
    phase.signal()
    #expect(try client.answer() == #"200 {"data":"done"}"#)
    #expect(phase.wait(milliseconds: 60_000) { $0 == "stopped" ? true : nil } == true)
  }

  @Test func anotherBuildTakesOver() throws {
    var application = try EmbeddedServer.application(Self.hello)
    application.function("known") { _ in nil }
    let server = try application.start()
    defer { server.stop() }
    let folder = try KeyFolder()
    func write(_ bytes: [UInt8]) throws -> String {
      let path = folder.path + "/app.spx"
      try #require(bytes.withUnsafeBytes { Self.write($0, path) })
      return path
    }
    let next = ["hello": "return function() return 'again' end"]
    #expect(
      try server.reload(artifact: write(EmbeddedServer.artifact(next, capabilities: [.init(.host, "known")])))
        == [])
    #expect(try BlockingClient.post(server.port, "/hello") == #"200 {"data":"again"}"#)
    let foreign = try write(EmbeddedServer.artifact(next, capabilities: [.init(.host, "foreign")]))
    let refusal = #expect(throws: SpacerError.self) { try server.reload(artifact: foreign) }
    #expect(
      refusal?.description.contains("app/hello.lua calls host.foreign, but this program registers only known")
        == true)
    #expect(throws: SpacerError.self) { try server.reload(artifact: folder.path + "/none.spx") }
    #expect(try BlockingClient.post(server.port, "/hello") == #"200 {"data":"again"}"#)
  }

  @Test func whatCannotBeServedIsSaid() throws {
    func refusal(_ application: SpacerApplication) -> String? {
      do {
        try application.start().stop()
        return nil
      } catch {
        return error.description
      }
    }
    var application = try EmbeddedServer.application(
      Self.hello, capabilities: [.init(.host, "a"), .init(.host, "b")])
    #expect(
      refusal(application)
        == "app/hello.lua calls host.a, host.b, but no program is here that embeds the application "
        + "and registers functions: serve it with a program that registers them all (docs/embedding.md)")
    application.function("b") { _ in nil }
    #expect(
      refusal(application)
        == "app/hello.lua calls host.a, but this program registers only b: serve it with a program "
        + "that registers it (docs/embedding.md)")
    application.function("a") { _ in nil }
    #expect(refusal(application) == nil)
    for name in ["", "end", "1st", "with space", "ü", String(repeating: "n", count: 65)] {
      var wrong = application
      wrong.function(name) { _ in nil }
      #expect(refusal(wrong)?.contains("cannot name a function for Lua") == true, "\(name)")
    }
    application.options.workers = 0
    #expect(refusal(application) == "the number of workers is 0: it must be from 1 to 1024")
    application.options.workers = 1
    let first = try application.start()
    defer { first.stop() }
    application.options.port = first.port
    #expect(refusal(application)?.hasPrefix("port \(first.port) is in use") == true)
    #expect(throws: SpacerError.self) { try SpacerApplication(artifact: "/none.spx") }
    #expect(throws: SpacerError.self) { try SpacerApplication(artifactBytes: [1, 2, 3]) }
  }

  @Test func aFunctionIsReplacedByALaterOneOfItsName() throws {
    var application = try EmbeddedServer.application([
      "ask": "local host = require 'host' return function() return host.value() end"
    ])
    for index in 0..<300 { application.function("value") { _ in .int(index) } }
    let server = try application.start()
    defer { server.stop() }
    #expect(try BlockingClient.post(server.port, "/ask") == #"200 {"data":299}"#)
    for index in 0..<256 { application.function("other\(index)") { _ in nil } }
    let refusal = #expect(throws: SpacerError.self) { try application.start() }
    #expect(refusal?.description.contains("257 host functions are registered: there may be 256") == true)
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, _ path: String) -> Bool {
    guard let file = fopen(path, "w") else { return false }
    defer { fclose(file) }
    return fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count
  }
}
