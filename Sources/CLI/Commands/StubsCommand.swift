import ArgumentParser
import Glibc

/// `spacer stubs`.
struct StubsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stubs", abstract: "Write definitions of the built-in modules for editors.",
    discussion: """
      The files are for the Lua language server (LuaLS), which most editors use. A project without a \
      .luarc.json gets one that names their folder.

        spacer stubs
        spacer stubs shop -o ~/lua/spacer
      """)

  /// Where they go unless the command line says otherwise; a folder that is never part of an artifact.
  static let folderDefault = ".spacer/stubs"

  @OptionGroup var target: ProjectOptions

  @Option(
    name: .shortAndLong,
    help: "The folder to write them into (default: \(folderDefault) in the project).")
  var output: String?

  func run() throws {
    try ProjectOptions.requireProject(target.project)
    let folder = output ?? target.project + "/" + Self.folderDefault
    do throws(SystemFailure) {
      for stub in Stub.all {
        let path = folder + "/" + stub.fileName
        try Files.makeFolder(Files.parent(of: path))
        try Files.replace(path, with: Array(stub.fileText.utf8))
      }
      Console.standardError.write("wrote \(Stub.all.count) definition files to \(folder)\n")
      try writeSettings()
    } catch {
      throw CommandFailure.missing("cannot write the definitions: \(error)")
    }
  }

  private func writeSettings() throws(SystemFailure) {
    guard output == nil else { return }
    let path = target.project + "/" + LuaLanguageServer.fileName
    guard Files.kind(path) == .nothing else {
      Console.standardError.write(
        "\(path) stays as it is: its workspace.library should name \(Self.folderDefault)\n")
      return
    }
    let text = LuaLanguageServer.settings(stubsFolder: Self.folderDefault)
    try Files.replace(path, with: Array(text.utf8))
    Console.standardError.write("wrote \(path)\n")
  }
}
