import ArgumentParser
import Glibc
import SpacerRuntime

/// `spacer build`.
struct BuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Compile a project into one artifact, or into one executable.",
    discussion: """
      A failed build leaves the artifact of an earlier one as it was. What has not changed since the last \
      build comes from the cache in the project's .spacer folder.

        spacer build shop --release -o shop.spx
        spacer build shop --release --sign release.key
        spacer build shop --release --standalone -o shop-server
      """)

  @OptionGroup var target: ProjectOptions
  @OptionGroup var compiling: CompileOptions

  @Option(
    name: [.short, .long],
    help: "Where to write the artifact (default: app.spx; with --standalone, the project's name and -server)."
  )
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Sign the artifact with this private key, as `spacer keygen` makes it.", valueName: "key"))
  var sign: String?

  @Flag(help: "Make an executable that serves the application: the runtime with the artifact behind it.")
  var standalone = false

  @Flag(help: "Build two copies of the project from scratch as well, and fail unless the bytes are the same.")
  var verify = false

  @Flag(help: "Leave the output untouched, with its time, when it would be the same.")
  var ifChanged = false

  @Flag(name: [.short, .long], help: "Print diagnostics only.") var quiet = false

  func validate() throws {
    if output == "" { throw ValidationError("--output takes a path") }
    if sign == "" { throw ValidationError("--sign takes a private key's file") }
  }

  func run() throws {
    // Before the work: what is missing is told at once.
    let key = try sign.map { path throws(CommandFailure) in try Self.signingKey(path) }
    let runtime = try standalone ? StandaloneRuntime() : nil
    let build = try ProjectBuild(project: target.project, compiling)
    let outcome = build.build()
    build.printDiagnostics(outcome)
    guard var artifact = outcome.artifact else { throw CommandFailure.projectErrors }
    var notes: [String] = []
    if verify {
      try ReproducibleBuild(project: target.project, options: compiling.arguments).verify(artifact)
      notes.append("reproducible: two clean builds gave the same bytes")
    }
    if let key {
      artifact = try Self.signed(artifact, key)
      notes.append("signed by \(key.publicKey.fingerprint)")
    }
    let output =
      output ?? (standalone ? ProjectName(folder: target.project).lowercased + "-server" : "app.spx")
    do throws(SystemFailure) {
      if let runtime {
        let executable = runtime.carrying(artifact)
        notes.append(
          "an executable of \(executable.count / 1_000_000) MB: the runtime with the artifact behind it")
        try write(executable, to: output, mode: 0o777)
      } else {
        try write(artifact, to: output, mode: 0o666)
      }
    } catch {
      throw CommandFailure.missing(
        "cannot write '\(output)': \(error.reason); name another place with --output")
    }
    if quiet { return }
    build.printSummary("built \(output): \(outcome.summary)")
    for note in notes { build.printSummary(note) }
  }

  private func write(_ bytes: [UInt8], to output: String, mode: mode_t) throws(SystemFailure) {
    if ifChanged, let present = try? Files.read(output), present == bytes { return }
    try Files.replace(output, with: bytes, mode: mode)
  }

  private static func signingKey(_ path: String) throws(CommandFailure) -> SigningKey {
    do throws(KeyError) {
      let key = try SigningKey(path: path)
      if key.isOpenToOthers {
        Console.standardError.write(
          "spacer: warning: others than its owner may read the private key \(path); 'chmod 600 \(path)' ends that\n"
        )
      }
      return key
    } catch {
      throw .missing(error.message)
    }
  }

  private static func signed(_ artifact: [UInt8], _ key: SigningKey) throws(CommandFailure) -> [UInt8] {
    do throws(KeyError) {
      return try key.sign(artifact)
    } catch {
      throw .missing(error.message)
    }
  }
}
