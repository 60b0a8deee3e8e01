// The consumer's executable: the runtime as a library, with an artifact that SwiftPM had built.

import Foundation
import SpacerTestSupport
import Testing

extension PackageTests {
  @Test func aPackageServesTheArtifactItIsBuiltWith() throws {
    let consumer = try ConsumerPackage()
    let first = try consumer.build()
    #expect(first.status == 0, "\(first.output)\(first.errors)")
    #expect(!first.output.contains("warning:"), "\(first.output)")

    let server = try RunningServer([], executable: consumer.executable("Greeter"))
    #expect(try server.get("/hello").text == #"{"data":"Hello from a package!"}"# + "\n")
    #expect(try server.get("/greet/Ada").text == #"{"data":"Hello, Ada, from Swift!"}"# + "\n")
    let refused = try server.get("/greet")
    #expect(refused.status == 500)
    #expect(
      try #require(server.post("/sum", json: #"{"numbers": [1, 2.5, 3]}"#).json?["data"]) == JSONValue("6.5"))
    let value = #"{"list": [1, [], {"a": "ü"}], "yes": true, "big": 9007199254740993, "half": 0.5}"#
    let later = try server.post("/later", json: #"{"milliseconds": 1, "value": \#(value)}"#)
    #expect(later.json?["data"] == JSONValue(value), "\(later.text)")
    do {
      let connection = try HTTPConnection(port: server.port)
      let body = #"{"milliseconds": 600000}"#
      try connection.send(
        "POST /later HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      // The worker has taken it by the time that it answers another one; several may have to be asked.
      for _ in 0..<8 { #expect(try server.get("/hello").status == 200) }
    }
    _ = try server.process.waitForError("the task's end") {
      $0.contains("nobody waits any more") ? true : nil
    }
    #expect(try server.stop() == 0)
    #expect(server.process.standardError.hasSuffix("goodbye\n"), "\(server.process.standardError)")
  }
}
