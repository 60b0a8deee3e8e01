import ArgumentParser
import Glibc
import SpacerRuntime

/// `spacer keygen`.
struct KeygenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keygen", abstract: "Make a pair of keys for signing artifacts.",
    discussion: """
      Writes the private key to FILE, which only its owner may read, and the public one to FILE.pub: Ed25519 in \
      PEM, as openssl reads and writes them. Files that exist already are left as they are.

        spacer keygen release.key
        spacer build --sign release.key
        spacer run app.spx --require-key release.key.pub
      """)

  @Argument(help: "The file of the private key.") var file = "spacer.key"

  func validate() throws {
    if file.isEmpty || file.hasSuffix("/") { throw ValidationError("keygen takes the path of a file") }
  }

  func run() throws {
    let publicFile = file + ".pub"
    for path in [file, publicFile] where Files.kind(path) != .nothing { throw Self.refuseToReplace(path) }
    do throws(KeyError) {
      let key = try SigningKey()
      try Self.create(file, key.privateText, mode: 0o600)
      do {
        try Self.create(publicFile, key.publicText, mode: 0o644)
      } catch {
        // Half a pair is of no use, and would be in the way of the next attempt.
        unlink(file)
        throw error
      }
      Console.standardOutput.write(
        "private key: \(file) (keep it secret)\npublic key: \(publicFile)\nfingerprint: \(key.publicKey.fingerprint)\n"
      )
    } catch {
      throw CommandFailure.missing(error.message)
    }
  }

  /// Writes a file that must not exist yet.
  private static func create(_ path: String, _ text: [UInt8], mode: mode_t) throws(KeyError) {
    do throws(SystemFailure) {
      try Files.create(path, with: text, mode: mode)
    } catch {
      if error.code == EEXIST { throw KeyError(message: refuseToReplace(path).message ?? "") }
      throw KeyError(message: "cannot write '\(path)': \(error.reason); name another place")
    }
  }

  private static func refuseToReplace(_ path: String) -> CommandFailure {
    .missing(
      "'\(path)' exists already, and keys are never written over: name another file, or move that one away")
  }
}
