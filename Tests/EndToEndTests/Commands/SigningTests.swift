// Keys and signatures: what is made, what is refused and how that is said.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct SigningTests {
  private let workspace: Workspace
  private let key: String
  private let other: String

  init() throws {
    workspace = try Workspace()
    key = workspace.path + "/release.key"
    other = workspace.path + "/other.key"
    for file in [key, other] {
      let outcome = try Tool.run(["keygen", file])
      guard outcome.status == 0 else { throw HarnessError(outcome.errors) }
    }
  }

  private func artifact(_ answer: String = "one", _ options: [String] = []) throws -> String {
    let project = try workspace.project([
      "app/gateway.lua": "return { {\"GET\", \"/v\", \"v\"} }\n",
      "app/v.lua": "return function() return \"\(answer)\" end\n",
    ])
    return try workspace.build(project, to: "app.spx", options)
  }

  /// What `run` says when it refuses an artifact.
  private func refusal(_ artifact: String, _ keys: [String]) throws -> String {
    let outcome = try Tool.run(
      ["run", artifact, "--port", "0"] + keys.flatMap { ["--require-key", $0] })
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    return outcome.errors
  }

  private func openssl(_ arguments: [String]) throws -> Tool.Outcome {
    try Tool.run(["openssl"] + arguments, executable: "/usr/bin/env")
  }

  /// As openssl computes it.
  private func fingerprint(_ publicKey: String) throws -> String {
    let der = workspace.path + "/key.der"
    #expect(try openssl(["pkey", "-pubin", "-in", publicKey, "-outform", "DER", "-out", der]).status == 0)
    let digest = try openssl(["dgst", "-sha256", "-r", der]).output.split(separator: " ").first ?? ""
    return "SHA256:\(digest)"
  }

  @Test func keysAreFilesThatOpensslReads() throws {
    let mode = try #require(
      try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? NSNumber)
    #expect(mode.intValue == 0o600)
    let derived = try openssl(["pkey", "-in", key, "-pubout"])
    #expect(derived.status == 0)
    #expect(derived.output == (try String(contentsOfFile: key + ".pub", encoding: .utf8)))
    let inspected = try Tool.run(["inspect", try artifact("one", ["--sign", key])])
    #expect(inspected.output.contains("holds, Ed25519 key \(try fingerprint(key + ".pub"))"))
  }

  @Test func keysAreNeverWrittenOver() throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: key))
    let outcome = try Tool.run(["keygen", key])
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("'\(key)' exists already"), "\(outcome.errors)")
    try FileManager.default.removeItem(atPath: key)
    // The public half alone is in the way too, and no private one is left beside it.
    let half = try Tool.run(["keygen", key])
    #expect(half.status == 3 && half.errors.contains(".pub' exists already"), "\(half.errors)")
    #expect(!FileManager.default.fileExists(atPath: key))
    try before.write(to: URL(fileURLWithPath: key))
    let away = try Tool.run(["keygen", workspace.path + "/no/such/key"])
    #expect(away.status == 3 && away.errors.contains("name another place"), "\(away.errors)")
  }

  @Test func aKeyThatOpensslMadeSigns() throws {
    let made = workspace.path + "/made.key"
    #expect(try openssl(["genpkey", "-algorithm", "ed25519", "-out", made]).status == 0)
    #expect(try openssl(["pkey", "-in", made, "-pubout", "-out", made + ".pub"]).status == 0)
    let server = try RunningServer(
      ["run", try artifact("one", ["--sign", made]), "--require-key", made + ".pub"])
    #expect(try server.get("/v").status == 200)
  }

  @Test func signedArtifactsAreServedAndOthersNot() throws {
    let signed = try artifact("one", ["--sign", key])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: signed))
    // One of several will do, and without a requirement any.
    for keys in [[key], [other, key], []] {
      let server = try RunningServer(
        ["run", signed] + keys.flatMap { ["--require-key", $0 + ".pub"] })
      #expect(try server.get("/v").text.contains("one"))
    }
    let byAnother = try refusal(signed, [other + ".pub"])
    #expect(byAnother.contains("was signed by another key, \(try fingerprint(key + ".pub"))"), "\(byAnother)")
    #expect(byAnother.contains("\(try fingerprint(other + ".pub")) is required"), "\(byAnother)")
    // The same input and key give the same bytes.
    _ = try artifact("one", ["--sign", key])
    #expect(try Data(contentsOf: URL(fileURLWithPath: signed)) == bytes)
    let unsigned = try refusal(try artifact("one"), [key + ".pub"])
    #expect(unsigned.contains("is not signed") && unsigned.contains("--sign"), "\(unsigned)")
  }

  /// Changed by somebody who can compute checksums: the whole file is another build, with the old signature.
  @Test func anAlteredArtifactIsRefused() throws {
    let one = try Data(contentsOf: URL(fileURLWithPath: try artifact("one", ["--sign", key])))
    let path = try artifact("two", ["--sign", other])
    let script = workspace.path + "/graft.py"
    try workspace.write(
      """
      import struct, sys, xxhash
      source, target = open(sys.argv[1], "rb").read(), bytearray(open(sys.argv[2], "rb").read())
      def place(data):
          for index in range(struct.unpack_from("<I", data, 32)[0]):
              kind, _, offset, length, _ = struct.unpack_from("<IIQQQ", data, 64 + 32 * index)
              if kind == 11:
                  return 64 + 32 * index, offset, length
      _, offset, length = place(source)
      entry, start, _ = place(target)
      target[start:start + length] = source[offset:offset + length]
      struct.pack_into("<Q", target, entry + 24, xxhash.xxh3_64_intdigest(bytes(target[start:start + length])))
      struct.pack_into("<Q", target, 8, xxhash.xxh3_64_intdigest(bytes(target[16:])))
      open(sys.argv[2], "wb").write(target)
      """, to: "graft.py")
    try one.write(to: URL(fileURLWithPath: workspace.path + "/source.spx"))
    let outcome = try Tool.run(
      [script, workspace.path + "/source.spx", path], executable: "/usr/bin/python3")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let altered = try refusal(path, [key + ".pub"])
    #expect(altered.contains("was altered after it was signed by SHA256:"), "\(altered)")
    #expect(try Tool.run(["inspect", path]).output.contains("DOES NOT HOLD"))
    // Without a requirement the signature decides nothing.
    let server = try RunningServer(["run", path])
    #expect(try server.get("/v").text.contains("two"))
  }

  @Test func aReloadChecksTheNewFile() throws {
    let signed = try artifact("one", ["--sign", key])
    let server = try RunningServer(["run", signed, "--require-key", key + ".pub"])
    _ = try artifact("two", ["--sign", other])
    server.process.signal(SIGHUP)
    _ = try server.process.waitForError("the refusal") {
      $0.contains("was signed by another key") ? true : nil
    }
    #expect(try server.get("/v").text.contains("one"))
    _ = try artifact("three")
    server.process.signal(SIGHUP)
    _ = try server.process.waitForError("the refusal") { $0.contains("is not signed") ? true : nil }
    #expect(try server.get("/v").text.contains("one"))
    _ = try artifact("four", ["--sign", key])
    server.process.signal(SIGHUP)
    try waitUntil("the new artifact is served") { try server.get("/v").text.contains("four") }
  }

  @Test func wrongKeyFilesAreNamed() throws {
    let signed = try artifact("one", ["--sign", key])
    let rsa = workspace.path + "/rsa.key"
    #expect(try openssl(["genpkey", "-algorithm", "RSA", "-out", rsa]).status == 0)
    #expect(try openssl(["pkey", "-in", rsa, "-pubout", "-out", rsa + ".pub"]).status == 0)
    let locked = workspace.path + "/locked.key"
    #expect(
      try openssl(["pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked]).status == 0)
    try workspace.write("no key\n", to: "text")
    try workspace.write(
      "-----BEGIN PUBLIC KEY-----\nMCowBQ\n-----END PUBLIC KEY-----\n", to: "cut.pub")
    let text = workspace.path + "/text"
    for (file, words) in [
      (workspace.path + "/missing.pub", "No such file"), (text, "holds no PEM text"),
      (key, "holds a private key, which only the signer needs"), (rsa + ".pub", "is a key of RSA"),
      (workspace.path + "/cut.pub", "is damaged"), (workspace.path, "is a folder"),
    ] {
      let said = try refusal(signed, [file])
      #expect(said.contains(words) && said.contains(file), "\(said)")
    }
    for (file, words) in [
      (workspace.path + "/missing.key", "No such file"), (text, "holds no PEM text"),
      (key + ".pub", "holds a public key: signing takes the private one"), (rsa, "is a key of RSA"),
      (locked, "is encrypted with a password"),
    ] {
      let outcome = try Tool.run(
        ["build", workspace.path + "/project", "-o", workspace.path + "/no.spx", "--sign", file])
      #expect(outcome.status == 3 && outcome.errors.contains(words), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: workspace.path + "/no.spx"))
    }
  }

  @Test func aKeyThatOthersCanReadIsWarnedOf() throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
    let project = try workspace.project(["app/gateway.lua": "return {}\n"])
    let outcome = try Tool.run(
      ["build", project, "-o", workspace.path + "/app.spx", "--sign", key])
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("chmod 600 \(key)"), "\(outcome.errors)")
  }
}
