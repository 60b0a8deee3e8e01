// `swift package spacer …` is `spacer …`, run in the package's folder. There is no logic here: the tool's
// arguments, output and exit code are its own.

import Foundation
import PackagePlugin

@main
struct SpacerCommand: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) throws {
    let process = Process()
    process.executableURL = try context.tool(named: "spacer").url
    process.arguments = arguments
    process.currentDirectoryURL = context.package.directoryURL
    try process.run()
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal { exit(128 + process.terminationStatus) }
    if process.terminationStatus != 0 { exit(process.terminationStatus) }
  }
}
