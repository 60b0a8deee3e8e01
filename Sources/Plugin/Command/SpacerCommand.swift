// `swift package spacer …` is `spacer …`, run in the package's folder: the tool's arguments, output and exit code
// are its own. What runs until it is ended is not run but printed: SwiftPM holds its lock on the package all the
// while, so that nothing else could be built, and hands over no keyboard.

import Foundation
import PackagePlugin

@main
struct SpacerCommand: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) throws {
    let tool = try context.tool(named: "spacer").url
    let folder = context.package.directoryURL
    if Self.staysRunning(arguments) { return Self.refuse(tool, arguments, folder) }
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    process.currentDirectoryURL = folder
    try process.run()
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal { exit(128 + process.terminationStatus) }
    if process.terminationStatus != 0 { exit(process.terminationStatus) }
  }

  private static func staysRunning(_ arguments: [String]) -> Bool {
    if arguments.contains(where: { ["--help", "-h"].contains($0) }) { return false }
    switch arguments.first {
    case "dev", "run": return true
    case "test": return arguments.contains("--watch")
    case "events": return arguments.contains("--follow") || arguments.contains("-f")
    default: return false
    }
  }

  /// Prints the command to run instead: the reason on standard error, the command alone on standard output. It is a
  /// failure, so that a script does not take it for done.
  private static func refuse(_ tool: URL, _ arguments: [String], _ folder: URL) {
    let words = [tool.path] + arguments
    print("cd \(quoted(folder.path)) && \(words.map(quoted).joined(separator: " "))")
    Diagnostics.error(
      """
      'spacer \(arguments.first ?? "")' runs until it is ended, which a plugin cannot: SwiftPM keeps the package locked \
      meanwhile, and passes no keyboard. The tool is built; the command to run in a shell is printed.
      """)
  }

  /// A word as a shell takes it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        || "/._-=:,+@%".utf8.contains(byte)
    }
    return isPlain && !word.isEmpty ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
  }
}
