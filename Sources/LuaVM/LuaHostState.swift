// The owning handle of a sandboxed Lua state. Unsafe code: the host record lives at a fixed address from
// creation to deinit, since Lua's allocator and every coroutine point to it.

package import CLua

/// A Lua state with the sandboxed library, and the record it shares with its host.
/// Belongs to the thread that made it.
package struct LuaHostState: ~Copyable {
  /// The record the C side reads; its callbacks are set by the host before any code runs.
  package let record: UnsafeMutablePointer<spacer_host>
  /// The main thread, whose stack holds the anchors (`SPACER_INDEX_…`) and never runs code.
  package let main: OpaquePointer

  /// Makes a state; nil when memory is out.
  package init?() {
    let record = UnsafeMutablePointer<spacer_host>.allocate(capacity: 1)
    record.initialize(to: spacer_host())
    guard let main = spacer_host_open(record) else {
      record.deallocate()
      return nil
    }
    self.record = record
    self.main = main
  }

  deinit {
    spacer_host_close(record)
    record.deallocate()
  }

  /// Bytes the state holds now.
  package var memoryBytes: Int { record.pointee.memory_bytes }

  /// The release of the Lua that is linked, `Lua 5.4.4`.
  package static var luaRelease: String { String(cString: spacer_lua_release()) }
}
