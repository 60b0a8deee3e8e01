// The memory that an artifact, or a part of it, lies in. Invariants:
// - The owner keeps the memory alive and unchanged for as long as any copy of this value is used; that makes
//   it safe to share between threads.
// - Every access through this type is checked against the bounds and needs no alignment.

/// Read-only bytes owned by someone else.
package struct ImageMemory: @unchecked Sendable {
  let base: UnsafeRawPointer
  package let count: Int

  /// Wraps memory that outlives every copy of this value and does not change.
  package init(_ bytes: UnsafeRawBufferPointer) {
    // An empty buffer may have no address; nothing is ever read through this one.
    base = bytes.baseAddress ?? UnsafeRawPointer(Self.nothing)
    count = bytes.baseAddress == nil ? 0 : bytes.count
  }

  // Never read or written.
  private nonisolated(unsafe) static let nothing = UnsafeMutableRawPointer.allocate(
    byteCount: 64, alignment: 64)

  /// All of it.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// The unsigned little-endian integer at `offset`. Traps outside the bounds.
  @inline(__always)
  func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
    precondition(offset >= 0 && offset <= count - MemoryLayout<Value>.size)
    return Value(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// The 32-bit value at `offset`, as an index or count.
  @inline(__always)
  func load32(at offset: Int) -> Int { Int(load(UInt32.self, at: offset)) }

  /// Whether `length` bytes at `offset` lie inside.
  func contains(offset: Int, length: Int) -> Bool {
    offset >= 0 && length >= 0 && offset <= count && length <= count - offset
  }

  /// `length` bytes at `offset`. Traps outside the bounds.
  func slice(offset: Int, length: Int) -> ImageMemory {
    precondition(contains(offset: offset, length: length))
    return ImageMemory(UnsafeRawBufferPointer(start: base + offset, count: length))
  }

  /// Whether the bytes `start..<end` are all zero. Traps outside the bounds.
  func isZero(from start: Int, to end: Int) -> Bool {
    slice(offset: start, length: end - start).bytes.allSatisfy { $0 == 0 }
  }
}
