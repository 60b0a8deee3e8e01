// A copy of Fixtures/PluginConsumer, a package that depends on this checkout, built by a real SwiftPM.
//
// The scratch folder is kept between runs, since it holds a second build of the tool: minutes the first time,
// seconds afterwards. One SwiftPM at a time works in it, the others wait for its lock.

import Foundation
import Glibc
import SpacerTestSupport

struct ConsumerPackage {
  /// For a build from nothing on a machine that does much else.
  private static let secondsMax = 1800.0
  static let scratch = Tool.checkout + "/.build-plugin"

  let workspace: Workspace
  /// The package's folder.
  let path: String

  init() throws {
    workspace = try Workspace()
    path = workspace.path + "/consumer"
    try FileManager.default.copyItem(atPath: Tool.fixture("PluginConsumer"), toPath: path)
    try edit("Package.swift", replacing: "\"../..\"", with: "\"\(Tool.checkout)\"")
  }

  /// What `build` made.
  func executable(_ name: String) -> String { Self.scratch + "/debug/" + name }

  /// The resource of the target Greeter.
  var artifact: String { Self.scratch + "/debug/PluginConsumer_Greeter.resources/app.spx" }

  func write(_ text: String, to file: String) throws { try workspace.write(text, to: "consumer/" + file) }

  func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: path + "/" + file) }

  func edit(_ file: String, replacing old: String, with new: String) throws {
    let text = try String(contentsOfFile: path + "/" + file, encoding: .utf8)
    guard text.contains(old) else { throw HarnessError("\(file) does not hold \(old)") }
    try write(text.replacingOccurrences(of: old, with: new), to: file)
  }

  /// `swift package spacer …`
  func spacer(_ arguments: [String]) throws -> Tool.Outcome {
    try swift(["package"], ["--allow-writing-to-package-directory", "spacer"] + arguments)
  }

  /// `swift build …`
  func build(_ arguments: [String] = []) throws -> Tool.Outcome { try swift(["build"], arguments) }

  private func swift(_ command: [String], _ arguments: [String]) throws -> Tool.Outcome {
    // A dependency is built as a user builds it: without the settings of our own test run.
    var environment = ProcessInfo.processInfo.environment
    environment["SPACER_WARNINGS_AS_ERRORS"] = nil
    environment["XDG_STATE_HOME"] = Tool.environment["XDG_STATE_HOME"]
    let child = try ChildProcess(
      ["/usr/bin/env", "swift"] + command + ["--package-path", path, "--scratch-path", Self.scratch]
        + arguments, environment: environment)
    defer { child.signal(SIGKILL) }
    let status = try child.waitForExit(seconds: Self.secondsMax)
    return Tool.Outcome(status: status, output: child.standardOutput, errors: child.standardError)
  }
}
