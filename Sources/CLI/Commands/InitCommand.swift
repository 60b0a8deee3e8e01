import ArgumentParser
import Glibc

/// `spacer init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a new project.",
    discussion: """
      The project passes check and test and can be served at once. With its functions come a test, a README, a \
      .gitignore, a Dockerfile, a systemd unit and definitions of the built-in modules for editors. Nothing that is \
      there is overwritten.

      TEMPLATES:
      \(ProjectTemplate.list)

      EXAMPLES:
        spacer init shop
        spacer init shop --template api
      """)

  @Argument(help: "The folder to make it in; it may be there already.", completion: .directory) var folder:
    String

  @Option(name: .shortAndLong, help: "What to begin with.")
  var template: ProjectTemplate = .hello

  func run() throws {
    do throws(SystemFailure) {
      try NewProject(template: template, name: ProjectName(folder: folder)).write(to: folder)
    } catch {
      let reason =
        error.code == EEXIST
        ? "\(error.subject ?? folder) is there already, and nothing was written" : String(describing: error)
      throw CommandFailure.missing("cannot make the project: \(reason): choose another folder")
    }
    let isHere = Files.realPath(folder) == Files.realPath(".")
    Console.standardOutput.write(
      """
      made \(folder)
      next:
      \(isHere ? "" : "  cd \(Self.quoted(folder))\n")  spacer dev
      and in another terminal:
      \(template.firstCommands.map { "  \($0)" }.joined(separator: "\n"))

      """)
  }

  /// A path as a word of a shell.
  private static func quoted(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "-")...UInt8(ascii: "9") ~= byte
        || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
    }
    return isPlain && !path.hasPrefix("-") ? path : "'\(path.replacing("'", with: #"'\''"#))'"
  }
}
