// The VM's own verdict on a text, which the parser's must equal.

import CLua

@testable import SpacerCompiler

/// A Lua state that only ever compiles. Used from one thread.
final class LuaOracle {
  enum Verdict: Equatable {
    case accepted
    /// With the VM's message.
    case rejected(String)
    /// Rejected for what only the code generator knows: registers, constants, jumps, upvalues.
    case beyondGenerator(String)
  }

  private static let generatorMessages = [
    "too many local variables", "too many upvalues", "control structure too long",
    "function or expression needs too many registers", "constant table overflow", "too many C levels",
  ]

  private let state: OpaquePointer?

  init() { state = luaL_newstate() }

  deinit { if let state { lua_close(state) } }

  /// Compiles the bytes after mark and `#` line, in text mode.
  func verdict(_ bytes: [UInt8]) -> Verdict {
    let body = Array(bytes[LuaSource.body(of: bytes)...])
    let status = body.withUnsafeBytes { buffer in
      luaL_loadbufferx(
        state, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, "=v", "t")
    }
    defer { lua_settop(state, 0) }
    guard status != 0 else { return .accepted }
    let message = lua_tolstring(state, -1, nil).map { String(cString: $0) } ?? ""
    if Self.generatorMessages.contains(where: message.contains) { return .beyondGenerator(message) }
    return .rejected(message)
  }

  /// Why the parser disagrees with the VM on `bytes`, or nil when they agree.
  func disagreement(_ bytes: [UInt8]) -> String? {
    let result = Parser.parse(bytes, path: "v.lua")
    let ours = result.diagnostics.first?.message
    switch verdict(bytes) {
    case .accepted: return ours.map { "VM accepts, parser says: \($0)" }
    case .rejected(let message): return ours == nil ? "parser accepts, VM says: \(message)" : nil
    case .beyondGenerator: return nil
    }
  }
}
