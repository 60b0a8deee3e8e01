// Runs Lua text against the built-in modules in this process: the text is a module's top level, so it can use
// everything but what waits.

import CLua
import Foundation
import SpacerArtifact
import SpacerLuaVM

@testable import SpacerRuntime

struct LuaFailure: Error, CustomStringConvertible {
  var description: String
}

enum ModuleHost {
  /// What the text returns, as text; an error is thrown.
  static func run(_ text: String) throws -> String {
    let bytecode = try BytecodeCompiler().compile(Array(text.utf8), path: "app/test.lua")
    let contents = ArtifactContents(
      appName: "test", spacerRelease: "0", luaRelease: LuaHostState.luaRelease,
      architecture: LoadedArtifact.architecture,
      modules: [
        .init(name: "test", path: "app/test.lua", kind: .function, bytecode: bytecode, contentHash: 1)
      ])
    let artifact = try LoadedArtifact(bytes: try ArtifactWriter.encode(contents))
    let log = WorkerLog(
      format: LogFormat(), writer: try LogWriter(descriptor: -1))
    guard
      let dispatcher = Dispatcher(
        artifact: artifact, policy: DispatchPolicy(showsErrors: true, internalToken: []), log: log,
        clock: SystemCalls.monotonicNanoseconds)
    else { throw LuaFailure(description: "no Lua state") }
    let status = spacer_load_module(dispatcher.record, 0)
    let stack = LuaStack(dispatcher.main)
    defer { stack.pop() }
    let result = stack.text(at: -1) ?? "a \(stack.typeName(at: -1))"
    guard status == 0 else { throw LuaFailure(description: result) }
    return result
  }

  /// Runs checks that raise where one fails.
  static func check(_ text: String) throws {
    let prelude = """
      local function eq(got, wanted, what)
        if got ~= wanted then
          error(string.format("%s: got %s, not %s", what or "value", tostring(got), tostring(wanted)), 2)
        end
      end
      local function fails(part, f, ...)
        local ok, failure = pcall(function (...)
          local result = f(...)
          return result
        end, ...)
        if ok then error("no error, expected: " .. part, 2) end
        local text = type(failure) == "table" and failure.reason or tostring(failure)
        if not text:find(part, 1, true) then error("another error: " .. text, 2) end
        return text
      end

      """
    let result = try run(prelude + text + "\nreturn 'done'\n")
    guard result == "done" else { throw LuaFailure(description: result) }
  }
}

/// Keys made by the `openssl` command in a folder that lives as long as the value.
final class KeyFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "spacer-keys-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func openssl(_ arguments: [String]) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw LuaFailure(description: "openssl \(arguments.joined(separator: " ")) failed")
    }
    return Array(bytes)
  }

  /// A private key and its public half: `rsa`, `rsa1024`, `P-256` …, `ed25519`.
  func pair(_ kind: String) throws -> (privateKey: String, publicKey: String) {
    let options: [String] =
      switch kind {
      case "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
      case "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]
      case "ed25519", "ed448": ["-algorithm", kind]
      default: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(kind)"]
      }
    let file = UUID().uuidString
    try openssl(["genpkey"] + options + ["-out", file])
    return (
      try String(contentsOfFile: path + "/" + file, encoding: .utf8),
      String(decoding: try openssl(["pkey", "-in", file, "-pubout"]), as: UTF8.self)
    )
  }
}
