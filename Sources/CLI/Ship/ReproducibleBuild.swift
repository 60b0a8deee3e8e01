// `spacer build --verify`: the same project built twice more, from copies in two folders whose files were made
// in opposite orders, without a cache, each by a process of its own, so that hash seeds and addresses differ too.
// Both must give the bytes that the build gave.

import CSystem
import Glibc
import SpacerCompiler

/// The verification of one build.
struct ReproducibleBuild {
  let project: String
  /// Those of the build that decide its bytes, as words of a command line.
  let options: [String]
  /// What builds the copies: this program.
  var executable = "/proc/self/exe"

  /// Fails, naming the first difference, unless both clean builds give `artifact`.
  func verify(_ artifact: [UInt8]) throws(CommandFailure) {
    let files = try read()
    let folder = try Self.makeTemporaryFolder()
    defer { Files.removeTree(folder) }
    // Ctrl-C is for the children; what they leave is cleaned up here.
    let previous = [SIGINT, SIGTERM].map { ($0, signal($0, SIG_IGN)) }
    defer { for (number, handler) in previous { signal(number, handler) } }
    // The second lies deeper, under a longer name.
    let copies = [folder + "/a", folder + "/another/place/of/the/project"]
    let results = [folder + "/a.spx", folder + "/b.spx"]
    do throws(SystemFailure) {
      try Self.write(files, to: copies[0])
      try Self.write(files.reversed(), to: copies[1])
    } catch {
      throw .missing("cannot copy the project: \(error); TMPDIR names another place for it")
    }
    var clean: [[UInt8]] = []
    for (copy, result) in zip(copies, results) { clean.append(try build(copy, to: result)) }
    if let difference = ArtifactComparison.difference(clean[0], clean[1]) {
      throw CommandFailure(
        status: ExitStatus.projectErrors,
        message:
          "the build is not reproducible: two clean builds of '\(project)' differ: \(difference); that is a "
          + "fault of Spacer's, which a report with the project helps to end")
    }
    if let difference = ArtifactComparison.difference(artifact, clean[0]) {
      throw CommandFailure(
        status: ExitStatus.projectErrors,
        message:
          "the build of '\(project)' differs from a clean one: \(difference); a file has changed meanwhile, "
          + "or the cache is wrong: remove '\(project)/.spacer' and build again")
    }
  }

  private func read() throws(CommandFailure) -> [(path: String, bytes: [UInt8])] {
    let source = DiskFiles(root: project)
    do throws(FileReadError) {
      var files: [(path: String, bytes: [UInt8])] = []
      for file in try source.list() { files.append((file.path, try source.read(file.path))) }
      return files
    } catch {
      throw .missing("cannot read '\(error.path)': \(error.reason)")
    }
  }

  private static func write(
    _ files: some Sequence<(path: String, bytes: [UInt8])>, to folder: String
  ) throws(SystemFailure) {
    for file in files {
      let path = folder + "/" + file.path
      try Files.makeFolder(Files.parent(of: path))
      try Files.create(path, with: file.bytes)
    }
  }

  private static func makeTemporaryFolder() throws(CommandFailure) -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    var template = Array("\(parent.isEmpty ? "/tmp" : parent)/spacer-verify-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .missing(
        "cannot make a temporary folder: \(String(cString: strerror(errno))); TMPDIR names another place for it"
      )
    }
    return template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  // MARK: The child

  private func build(_ copy: String, to artifact: String) throws(CommandFailure) -> [UInt8] {
    let status = try run(["spacer", "build", copy, "--output", artifact] + options)
    if status & 0x7F != 0 { throw CommandFailure(status: 128 + status & 0x7F, message: nil) }
    guard status == 0 else {
      throw CommandFailure(
        status: ExitStatus.projectErrors,
        message: "a clean build of a copy of '\(project)' failed although the build did not: what is needed "
          + "must lie in its folders app, lib and config")
    }
    do throws(SystemFailure) {
      return try Files.read(artifact)
    } catch {
      throw .missing("cannot read what a clean build wrote: \(error)")
    }
  }

  /// Runs the program without output; the status as `waitpid` gives it.
  private func run(_ words: [String]) throws(CommandFailure) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in [SIGINT, SIGTERM] { sigaddset(&defaults, number) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    let arguments = words.map { strdup($0) }
    defer { for word in arguments { free(word) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, executable, &actions, &attributes, arguments + [nil], environ)
    guard code == 0 else {
      throw .missing("cannot start a second build: \(String(cString: strerror(code)))")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR {
        throw .missing("cannot wait for a second build: \(String(cString: strerror(errno)))")
      }
    }
    return status
  }
}
