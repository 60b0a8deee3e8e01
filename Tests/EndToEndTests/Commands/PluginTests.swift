// `swift package spacer …` for real, in a copy of the consumer package.
//
// The scratch folder is kept between runs, since it holds a second build of the tool: minutes the first
// time, seconds afterwards. Nested builds wait for each other's lock on that folder only.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct PluginTests {
  @Test func buildsAndForwardsTheExitCode() throws {
    let workspace = try Workspace()
    let consumer = workspace.path + "/consumer"
    try FileManager.default.copyItem(atPath: Tool.fixture("PluginConsumer"), toPath: consumer)
    let manifest = try String(contentsOfFile: consumer + "/Package.swift", encoding: .utf8)
    #expect(manifest.contains("\"../..\""))
    try workspace.write(
      manifest.replacingOccurrences(of: "\"../..\"", with: "\"\(Tool.checkout)\""),
      to: "consumer/Package.swift")

    let build = try package(consumer, ["build"])
    #expect(build.status == 0, "\(build.errors)")
    #expect(FileManager.default.fileExists(atPath: consumer + "/app.spx"))
    let routes = try package(consumer, ["routes", "app.spx"])
    #expect(routes.output.contains("/hello"), "\(routes.output)\(routes.errors)")

    try workspace.write("return 42\n", to: "consumer/app/hello.lua")
    let check = try package(consumer, ["check"])
    #expect(check.status == 1, "\(check.errors)")
    #expect((check.errors + check.output).contains("app/hello.lua:1:8: error:"), "\(check.errors)")
  }

  private func package(_ folder: String, _ arguments: [String]) throws -> Tool.Outcome {
    // A dependency is built as a user builds it: without the settings of our own test run.
    var environment = ProcessInfo.processInfo.environment
    environment["SPACER_WARNINGS_AS_ERRORS"] = nil
    let child = try ChildProcess(
      [
        "/usr/bin/env", "swift", "package", "--package-path", folder, "--scratch-path",
        Tool.checkout + "/.build-plugin", "--allow-writing-to-package-directory", "spacer",
      ] + arguments, environment: environment)
    let status = try child.waitForExit(seconds: 1200)
    return Tool.Outcome(status: status, output: child.standardOutput, errors: child.standardError)
  }
}
