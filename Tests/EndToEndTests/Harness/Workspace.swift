// A temporary folder that lives as long as the value, with projects in it.

import Foundation
import SpacerTestSupport

final class Workspace: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory().trimmingSuffix("/") + "/spacer-e2e-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A project of the given files; `config/application.yml` gets a minimal text unless one is given.
  func project(_ files: [String: String], named name: String = "project") throws -> String {
    let project = path + "/" + name
    var files = files
    if files["config/application.yml"] == nil { files["config/application.yml"] = Self.minimalConfiguration }
    // Sorted, so that a test that depends on the order fails always or never.
    for (file, text) in files.sorted(by: { $0.key < $1.key }) { try write(text, to: name + "/" + file) }
    return project
  }

  /// Writes a file in place, making the folders it needs.
  func write(_ text: String, to file: String) throws {
    let target = URL(fileURLWithPath: path + "/" + file)
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: target)
  }

  /// Builds a project into an artifact in this folder.
  func build(_ project: String, to artifact: String = "app.spx", _ options: [String] = []) throws -> String {
    let target = path + "/" + artifact
    let outcome = try Tool.run(["build", project, "-o", target] + options)
    guard outcome.status == 0 else { throw HarnessError("the build failed:\n\(outcome.errors)") }
    return target
  }

  static let minimalConfiguration = """
    spacerVersion: 1
    appName: test

    """
}

extension String {
  func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
