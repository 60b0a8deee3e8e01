// The built executables and the fixtures, found from where the tests themselves are.

import Foundation
import Glibc
import SpacerTestSupport

enum Tool {
  /// The folder of this checkout.
  static let checkout: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { url.deleteLastPathComponent() }
    return url.path
  }()

  /// Where the build put the executables: beside the test bundle.
  static let executables: String = {
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let folder = URL(fileURLWithPath: bundle).deletingLastPathComponent().path
    return FileManager.default.isExecutableFile(atPath: folder + "/spacer")
      ? folder : checkout + "/.build/debug"
  }()

  static let spacer = executables + "/spacer"

  static func fixture(_ path: String) -> String { checkout + "/Fixtures/" + path }

  /// A small environment of our own, so that the developer's never decides a test.
  static let environment = ChildProcess.plainEnvironment.merging([
    "SPACER_ENV": "development",
    // Where the user's key of the build cache lives: not in the developer's own home.
    "XDG_STATE_HOME": executables + "/end-to-end-state",
  ]) { $1 }

  /// Writes a program. By a process of its own: one that another test starts meanwhile would inherit this
  /// process's descriptor, and while somebody can write to it the system does not run it.
  static func install(_ bytes: Data, as path: String) throws {
    let source = path + ".bytes"
    try bytes.write(to: URL(fileURLWithPath: source))
    defer { try? FileManager.default.removeItem(atPath: source) }
    let outcome = try run(["-m", "755", source, path], executable: "/usr/bin/install")
    guard outcome.status == 0 else { throw HarnessError("install: \(outcome.errors)") }
  }

  /// What a finished command left.
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Runs `spacer`, or another program, to its end.
  static func run(
    _ arguments: [String], environment extra: [String: String] = [:], folder: String? = nil,
    umask: mode_t? = nil, executable: String = spacer
  ) throws -> Outcome {
    let child = try ChildProcess(
      [executable] + arguments, environment: environment.merging(extra) { $1 }, folder: folder, umask: umask)
    // Ends a child that outstayed the bound.
    defer { child.signal(SIGKILL) }
    let status = try child.waitForExit()
    return Outcome(status: status, output: child.standardOutput, errors: child.standardError)
  }
}
