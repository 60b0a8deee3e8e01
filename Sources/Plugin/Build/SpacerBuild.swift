// Compiles the project of a target into `app.spx`, a resource of the target, when the package is built.
//
// SwiftPM asks for the commands again when files come or go in a target's folder, and nowhere else; a file that was an
// input and is gone would be an error. So the files of a project in the target's folder are the command's inputs as
// they are, and a project elsewhere is looked at on each build, which takes milliseconds: the artifact is written only
// when it changes.

import Foundation
import PackagePlugin

@main
struct SpacerBuild: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let candidates = [target.directoryURL, context.package.directoryURL]
    guard let project = candidates.first(where: { Self.isProject($0) }) else {
      throw NoProject(target: target.name, candidates: candidates)
    }
    let output = context.pluginWorkDirectoryURL.appending(path: "app.spx")
    let files = project == target.directoryURL ? Self.files(of: project) : nil
    return [
      .buildCommand(
        displayName: "Compiling app.spx of \(target.name)", executable: try context.tool(named: "spacer").url,
        arguments: [
          "build", project.path, "--output", output.path, "--if-changed", "--absolute-paths", "--quiet",
          // Not in the project: SwiftPM's sandbox lets a command write into its own folder only.
          "--cache", context.pluginWorkDirectoryURL.appending(path: "cache").path,
        ],
        // No process's entry is like another's, so that with it the command is never up to date.
        inputFiles: files ?? [URL(filePath: "/proc/self/stat")], outputFiles: [output])
    ]
  }

  /// All files that the compiler may look at; nil when a link leads to some of them, which SwiftPM does not follow.
  private static func files(of project: URL) -> [URL]? {
    var files: [URL] = []
    for folder in ["app", "config", "lib"] {
      let root = project.appending(path: folder)
      let keys: [URLResourceKey] = [.isRegularFileKey, .isSymbolicLinkKey]
      if isLink(root) { return nil }
      guard let entries = FileManager.default.enumerator(at: root, includingPropertiesForKeys: keys) else {
        continue
      }
      for case let entry as URL in entries {
        guard let values = try? entry.resourceValues(forKeys: Set(keys)), values.isSymbolicLink != true else {
          return nil
        }
        if values.isRegularFile == true { files.append(entry) }
      }
    }
    return files
  }

  private static func isLink(_ url: URL) -> Bool {
    (try? url.resourceValues(forKeys: [.isSymbolicLinkKey]).isSymbolicLink) ?? false
  }

  private static func isProject(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: "app/gateway.lua").path)
  }
}

/// The target uses the plugin, and there is nothing to compile.
struct NoProject: Error, CustomStringConvertible {
  var target: String
  var candidates: [URL]

  var description: String {
    let places = candidates.map { $0.appending(path: "app/gateway.lua").path }.joined(separator: " nor ")
    return """
      no Spacer project for the target '\(target)': there is neither \(places). Put the project's folders (app, \
      config, lib) into the target's folder or the package's, or leave SpacerBuild out of the target's plugins
      """
  }
}
