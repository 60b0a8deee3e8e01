// A new project as a value: which files it has. Written by `spacer init`, which refuses as a whole when one of
// them is there already.

/// The files of a new project.
struct NewProject {
  let template: ProjectTemplate
  let name: ProjectName

  var files: [ProjectFile] {
    template.ownFiles(name) + DeploymentTemplate.files(template, name)
      + [
        ProjectFile(path: ".gitignore", text: Self.ignored),
        ProjectFile(
          path: LuaLanguageServer.fileName,
          text: LuaLanguageServer.settings(stubsFolder: StubsCommand.folderDefault)),
      ]
      + Stub.all.map {
        ProjectFile(path: "\(StubsCommand.folderDefault)/\($0.fileName)", text: $0.fileText)
      }
  }

  /// Makes them below `folder`. Nothing is written when one of them is there.
  func write(to folder: String) throws(SystemFailure) {
    for file in files {
      let path = folder + "/" + file.path
      if Files.isTaken(path) { throw SystemFailure(exists: path) }
    }
    for file in files {
      let path = folder + "/" + file.path
      try Files.makeFolder(Files.parent(of: path))
      try Files.create(path, with: Array(file.text.utf8))
    }
  }

  private static let ignored = """
    # Spacer's build cache and development data, and what it builds.
    .spacer/
    *.spx
    /*-server
    !/*-server/

    """
}
