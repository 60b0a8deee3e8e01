// What a package gets from this one, by a real SwiftPM: here the command `swift package spacer`, in the other files the
// build-tool plugin and the library.

import Foundation
import SpacerTestSupport
import Testing

/// One after the other, since SwiftPM keeps its scratch folder locked.
@Suite(.serialized) struct PackageTests {
  @Test func theCommandPluginIsTheToolInThePackagesFolder() throws {
    let consumer = try ConsumerPackage()
    let build = try consumer.spacer(["build"])
    #expect(build.status == 0, "\(build.errors)")
    #expect(FileManager.default.fileExists(atPath: consumer.path + "/app.spx"))
    let test = try Tool.run(["test", consumer.path])
    #expect(test.status == 0 && test.output.contains("3 passed in 1 file"), "\(test.output)\(test.errors)")

    try consumer.write("return 42\n", to: "app/hello.lua")
    let check = try consumer.spacer(["check"])
    #expect(check.status == 1, "\(check.errors)")
    #expect((check.errors + check.output).contains("app/hello.lua:1:8: error:"), "\(check.errors)")
  }

  /// What serves is for the shell: the plugin says how, and fails like a command line that cannot be used.
  @Test func theCommandPluginPrintsWhatToRunForWhatKeepsRunning() throws {
    let consumer = try ConsumerPackage()
    let dev = try consumer.spacer(["dev", ".", "--env", "it's", "--port", "0"])
    #expect(dev.status != 0)
    #expect(
      dev.errors.contains("error: 'spacer dev' runs until it is ended, which a plugin cannot"),
      "\(dev.errors)")
    let command = dev.output.trimmingSuffix("\n")
    #expect(command.hasPrefix("cd \(consumer.path) && /"), "\(dev.output)")
    #expect(command.hasSuffix(#"/spacer-tool dev . --env 'it'\''s' --port 0"#), "\(command)")

    let shell = command.replacingOccurrences(of: " && ", with: " && exec ")
      .replacingOccurrences(of: #"'it'\''s'"#, with: "development")
    let server = try RunningServer(["-c", shell], executable: "/bin/sh")
    #expect(try server.get("/hello").text == #"{"data":"Hello from a package!"}"# + "\n")

    // The tool stands alone: it is the runtime too. And it refuses what only the package's own program can serve.
    let tool = try #require(command.split(separator: " ").first { $0.hasSuffix("/spacer-tool") })
    let run = try Tool.run(
      ["run", try consumer.workspace.build(consumer.path)], executable: String(tool))
    #expect(run.status == 3)
    #expect(
      run.errors
        == "spacer: app/greet.lua (and 2 more of the files) calls host.greeting, host.later, host.sum, but no program "
        + "is here that embeds the application and registers functions: serve it with a program that registers "
        + "them all (docs/embedding.md)\n")
  }
}
