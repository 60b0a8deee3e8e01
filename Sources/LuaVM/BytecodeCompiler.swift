// Lua source to a binary chunk, by the VM's own compiler.

import CLua

/// Compiles Lua source text. Owns a Lua state without libraries that serves any number of modules.
/// For one thread at a time.
package struct BytecodeCompiler: ~Copyable {
  /// Why a module was not compiled.
  package enum Failure: Error, Equatable, Sendable {
    /// The VM rejects it: its message without the position, and the 1-based line.
    case rejected(message: String, line: Int)
    /// Needs more memory than there is, or than one module may take.
    case outOfMemory
    /// Not the chunk of a module: it has other upvalues than one `_ENV`.
    case foreignUpvalues
    /// A path with a NUL byte cannot name a chunk.
    case invalidName
  }

  private let handle: OpaquePointer?

  package init() { handle = spacer_bytecode_compiler_new() }

  deinit { spacer_bytecode_compiler_free(handle) }

  /// The binary chunk of the Lua text that begins at `start` in `source`, the content of the project's file at
  /// `path`, with all debug information. Its name is `@` and the path, so that messages read
  /// `app/foo.lua:3: …`. What lies before `start` must hold no line end.
  package borrowing func compile(
    _ source: [UInt8], from start: Int = 0, path: String
  ) throws(Failure) -> [UInt8] {
    precondition(start >= 0 && start <= source.count)
    guard let handle else { throw .outOfMemory }
    guard !path.utf8.contains(0) else { throw .invalidName }
    var status: Int32 = 0
    let result: [UInt8] = source.withUnsafeBytes { buffer in
      // The chunk's text is the rest of the buffer; an empty array has no base address.
      let text = buffer.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
      var out: UnsafePointer<CChar>?
      var outBytes = 0
      status = ("@" + path).withCString { name in
        spacer_bytecode_compile(handle, text, buffer.count - start, name, &out, &outBytes)
      }
      // `out` belongs to the compiler until its next call: copied here.
      return Array(UnsafeRawBufferPointer(start: out, count: outBytes))
    }
    switch Int(status) {
    case SPACER_COMPILED: return result
    case SPACER_COMPILE_REJECTED: throw Self.rejection(result, path: path)
    case SPACER_COMPILE_UPVALUES: throw .foreignUpvalues
    default: throw .outOfMemory
    }
  }

  /// Splits Lua's message into position and text. Lua shortens a long chunk name from the left.
  static func rejection(_ message: [UInt8], path: String) -> Failure {
    let shownBytesMax = 60  // LUA_IDSIZE, with the final NUL
    let pathBytes = Array(path.utf8)
    let shown =
      pathBytes.count < shownBytesMax
      ? pathBytes : Array("...".utf8) + pathBytes.suffix(shownBytesMax - 4)
    var rest = message[...]
    var line = 0
    if rest.starts(with: shown), rest.dropFirst(shown.count).first == UInt8(ascii: ":") {
      rest = rest.dropFirst(shown.count + 1)
      while let digit = rest.first, (48...57).contains(digit), line < 1_000_000_000 {
        line = line * 10 + Int(digit - 48)
        rest = rest.dropFirst()
      }
      if rest.starts(with: Array(": ".utf8)) { rest = rest.dropFirst(2) }
    }
    return .rejected(message: String(decoding: rest, as: UTF8.self), line: line)
  }
}
