// The gateway's evaluation: source text in, a plain value or a failure out. The Lua state lives for one run
// and is closed before `run` returns; what is read of the result uses only calls that cannot raise.

import CLua

/// Evaluates a gateway in a sandbox without I/O, bounded in memory and instructions.
package enum GatewayState {
  /// How far a run may go.
  package struct Bounds: Sendable {
    /// Lua instructions, counted in steps of 1,000.
    package var instructionsMax: UInt64
    package var memoryBytesMax: Int

    package init(instructionsMax: UInt64 = 50_000_000, memoryBytesMax: Int = 256 << 20) {
      self.instructionsMax = instructionsMax
      self.memoryBytesMax = memoryBytesMax
    }
  }

  /// A module's text as the sandbox loads it.
  package struct Source: Sendable {
    package var text: [UInt8]
    /// Relative to the project; the chunk's name is `@` and this.
    package var path: String
    /// The text is a chunk that takes the marking function and returns the module's chunk as a function.
    package var isWrapped: Bool

    package init(text: [UInt8], path: String, isWrapped: Bool) {
      self.text = text
      self.path = path
      self.isWrapped = isWrapped
    }
  }

  /// Why `require` found nothing, as a message for the user.
  package struct Refusal: Error, Sendable {
    package var message: String
    package init(_ message: String) { self.message = message }
  }

  /// A line of a project file on the call stack.
  package struct Frame: Equatable, Sendable {
    package var path: String
    /// 1-based.
    package var line: Int
  }

  /// Why a run gave no value.
  package struct Failure: Error, Equatable, Sendable {
    package enum Kind: Sendable { case raised, outOfMemory, outOfInstructions }
    package var kind: Kind
    /// Without its position.
    package var message: String
    /// Innermost first.
    package var frames: [Frame]
  }

  /// A Lua value, copied. Tables deeper than `depthMax` come without entries.
  package indirect enum Value: Equatable, Sendable {
    case `nil`
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    case string([UInt8])
    case table(Table)
    /// A function, userdata or thread: the name of its type.
    case other(String)
  }

  /// A table, copied.
  package struct Table: Equatable, Sendable {
    /// The id its constructor was marked with.
    package var mark: Int64?
    /// The line of the gateway's chunk that was running when it was made; 0 when unknown.
    package var gatewayLine: Int
    /// The values at 1, 2, … up to the first absent one.
    package var items: [Value]
    /// Every other key, unordered: numbers, strings and booleans; what else there is as `other`.
    package var others: [(key: Value, value: Value)]

    package static func == (a: Self, b: Self) -> Bool {
      a.mark == b.mark && a.items == b.items && a.others.count == b.others.count
    }
  }

  /// Tables below this level are not looked into.
  static let depthMax = 3

  /// Runs the module that `find` gives for nil, and returns its value. `find` is asked for each name that
  /// the gateway or a module of it requires, on the calling thread.
  package static func run(
    bounds: Bounds, find: @escaping (_ name: String?) -> Result<Source, Refusal>
  ) -> Result<Value, Failure> {
    let finder = Finder(find)
    return withExtendedLifetime(finder) {
      // The text is static: it outlives the sandbox.
      let prelude = Array(GatewayPrelude.text.utf8)
      return prelude.withUnsafeBytes { bytes in
        let sandbox = spacer_sandbox_new(
          bounds.memoryBytesMax, bounds.instructionsMax,
          bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, findModule,
          Unmanaged.passUnretained(finder).toOpaque())
        guard let sandbox else {
          return .failure(Failure(kind: .outOfMemory, message: "out of memory", frames: []))
        }
        defer { spacer_sandbox_free(sandbox) }
        let status = spacer_sandbox_run(sandbox)
        guard Int(status) == SPACER_SANDBOX_DONE else {
          return .failure(failure(status, of: sandbox))
        }
        return .success(Reader(sandbox: sandbox).value(at: 1, depth: 0))
      }
    }
  }

  private static func failure(_ status: Int32, of sandbox: OpaquePointer) -> Failure {
    let kind: Failure.Kind =
      switch Int(status) {
      case SPACER_SANDBOX_NO_MEMORY: .outOfMemory
      case SPACER_SANDBOX_NO_INSTRUCTIONS: .outOfInstructions
      default: .raised
      }
    let frames = (0..<spacer_sandbox_frame_count(sandbox)).map { index in
      Frame(
        path: String(cString: spacer_sandbox_frame_path(sandbox, index)),
        line: Int(spacer_sandbox_frame_line(sandbox, index)))
    }
    return Failure(kind: kind, message: String(cString: spacer_sandbox_message(sandbox)), frames: frames)
  }
}

/// Carries the closure through C.
private final class Finder {
  let find: (String?) -> Result<GatewayState.Source, GatewayState.Refusal>
  init(_ find: @escaping (String?) -> Result<GatewayState.Source, GatewayState.Refusal>) { self.find = find }
}

/// Called by the shim in the middle of a run; never calls Lua, so nothing can raise through it.
private func findModule(
  context: UnsafeMutableRawPointer?, sandbox: OpaquePointer?, name: UnsafePointer<CChar>?, nameBytes: Int
) {
  guard let context, let sandbox else { return }
  // `run` keeps the finder alive for the whole call.
  let finder = Unmanaged<Finder>.fromOpaque(context).takeUnretainedValue()
  let text = name.map { String(decoding: UnsafeRawBufferPointer(start: $0, count: nameBytes), as: UTF8.self) }
  switch finder.find(text) {
  case .success(let source):
    source.text.withUnsafeBytes { bytes in
      spacer_sandbox_provide(
        sandbox, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, "@" + source.path,
        source.isWrapped ? 1 : 0)
    }
  case .failure(let refusal):
    spacer_sandbox_refuse(sandbox, refusal.message, refusal.message.utf8.count)
  }
}

/// Copies values from the sandbox's stack.
private struct Reader {
  let sandbox: OpaquePointer

  func value(at index: Int32, depth: Int) -> GatewayState.Value {
    let state = spacer_sandbox_state(sandbox)
    switch lua_type(state, index) {
    case LUA_TNIL, LUA_TNONE: return .nil
    case LUA_TBOOLEAN: return .boolean(lua_toboolean(state, index) != 0)
    case LUA_TNUMBER:
      return lua_isinteger(state, index) != 0
        ? .integer(lua_tointegerx(state, index, nil)) : .float(lua_tonumberx(state, index, nil))
    case LUA_TSTRING:
      var count = 0
      guard let bytes = lua_tolstring(state, index, &count) else { return .nil }
      return .string(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
    case LUA_TTABLE: return .table(table(at: index, depth: depth))
    case let type: return .other(String(cString: lua_typename(state, type)))
    }
  }

  private func table(at index: Int32, depth: Int) -> GatewayState.Table {
    let state = spacer_sandbox_state(sandbox)
    var mark: Int64 = 0
    var line: Int32 = 0
    let isMarked = spacer_sandbox_mark(sandbox, index, &mark, &line) != 0
    var table = GatewayState.Table(
      mark: isMarked ? mark : nil, gatewayLine: isMarked ? Int(line) : 0, items: [], others: [])
    guard depth < GatewayState.depthMax, lua_checkstack(state, 4) != 0 else { return table }
    let top = lua_gettop(state)
    while true {
      let type = lua_rawgeti(state, index, Int64(table.items.count + 1))
      if type == LUA_TNIL { break }
      table.items.append(value(at: top + 1, depth: depth + 1))
      lua_settop(state, top)
    }
    lua_settop(state, top)
    lua_pushnil(state)
    while lua_next(state, index) != 0 {
      let key = value(at: top + 1, depth: GatewayState.depthMax)
      if case .integer(let number) = key, number >= 1, number <= Int64(table.items.count) {
      } else {
        table.others.append((key, value(at: top + 2, depth: depth + 1)))
      }
      lua_settop(state, top + 1)
    }
    lua_settop(state, top)
    return table
  }
}
