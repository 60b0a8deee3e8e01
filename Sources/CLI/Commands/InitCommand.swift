import ArgumentParser
import Glibc

/// `spacer init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a new project.",
    discussion: """
      The project has one function, a route to it, a configuration and definitions of the built-in modules for \
      editors. Nothing that is there is overwritten.
      """)

  @Argument(help: "The folder to make it in; it may be there and empty.") var folder: String

  func run() throws {
    do throws(SystemFailure) {
      let files = NewProject(folder: folder).files
      if let file = files.first(where: { Files.kind(folder + "/" + $0.path) != .nothing }) {
        throw SystemFailure(exists: folder + "/" + file.path)
      }
      for file in files {
        let path = folder + "/" + file.path
        try Files.makeFolder(Files.parent(of: path))
        try Files.replace(path, with: Array(file.text.utf8))
      }
      for stub in Stub.all {
        let path = "\(folder)/\(StubsCommand.folderDefault)/\(stub.fileName)"
        try Files.makeFolder(Files.parent(of: path))
        try Files.replace(path, with: Array(stub.fileText.utf8))
      }
    } catch {
      let way = error.code == EEXIST ? "; nothing was written: choose another folder" : ""
      throw CommandFailure.missing("cannot make the project: \(error)\(way)")
    }
    Console.standardOutput.write(
      """
      made \(folder)
      next:
        spacer dev \(folder)
        curl localhost:3000/hello

      """)
  }
}

/// The files of a new project.
struct NewProject {
  /// A word of letters, digits and `-`, from the folder's name.
  let name: String

  init(folder: String) {
    // `.` and the like have no name of their own.
    let resolved = realpath(folder, nil)
    defer { free(resolved) }
    let path = resolved.map { String(cString: $0) } ?? folder
    let last = path.split(separator: "/").last.map(String.init) ?? ""
    let name = String(
      last.map { ($0.isASCII && ($0.isLetter || $0.isNumber)) ? $0 : "-" }.drop { !$0.isLetter })
    self.name = name.isEmpty ? "app" : String(name.prefix(40))
  }

  var files: [(path: String, text: String)] {
    [
      (
        "app/gateway.lua",
        """
        -- Which function answers which request: method, path, the function's name.
        return {
          { "GET", "/hello", "hello" },
        }

        """
      ),
      (
        "app/hello.lua",
        """
        local validate = require "validate"

        local check = validate { name = { type = "string", min = 1, max = 100, default = "Spacer" } }

        -- GET /hello?name=…
        return function (args)
          local wanted, err = check(args)
          if err then return nil, err end
          return "Hello from " .. wanted.name .. "!"
        end

        """
      ),
      (
        "config/application.yml",
        """
        spacerVersion: 1
        appName: \(name)

        """
      ),
      (".gitignore", ".spacer/\napp.spx\n"),
      (LuaLanguageServer.fileName, LuaLanguageServer.settings(stubsFolder: StubsCommand.folderDefault)),
    ]
  }
}
