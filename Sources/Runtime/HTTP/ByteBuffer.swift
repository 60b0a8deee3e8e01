// The bytes of a connection, in memory that is managed by hand: a buffer is a plain value inside a slot of
// the connection table, and its owner gives the memory back. This file and the pool's are the only ones
// that know where it comes from.
//
// Invariants: 0 <= start <= end <= capacity; `base` holds `capacity` bytes, of which start ..< end are
// content; without memory all are 0. Exactly one buffer value owns its memory: a copy is only ever made
// to read. Offsets in the interface are relative to the content's start, and checked.

import Glibc

/// A growing queue of bytes: appended behind, consumed in front.
package struct ByteBuffer: BitwiseCopyable {
  private var base: UnsafeMutableRawPointer?
  package private(set) var capacity = 0
  private var start = 0
  private var end = 0

  /// A buffer without memory.
  package init() {}

  fileprivate init(base: UnsafeMutableRawPointer, capacity: Int) {
    self.base = base
    self.capacity = capacity
  }

  @inline(__always) package var count: Int { end &- start }
  @inline(__always) package var isEmpty: Bool { end == start }
  package var hasMemory: Bool { base != nil }

  /// The content; valid until the buffer changes.
  @inline(__always)
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0 + start) }, count: count)
  }

  /// The content, to be changed in place.
  @inline(__always)
  package var mutableBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base.map { $0 + start }, count: count)
  }

  /// The free memory behind the content; `commit` makes a part of it content.
  @inline(__always)
  package var tail: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base.map { $0 + end }, count: capacity &- end)
  }

  @inline(__always)
  package mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= capacity &- end)
    end &+= count
  }

  @inline(__always)
  package mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    start &+= count
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Moves bytes down within the content: the data of chunks over their framing.
  package func move(from source: Int, to target: Int, count: Int) {
    precondition(target >= 0 && target <= source && count >= 0 && source <= self.count - count)
    guard let base, source > target else { return }
    memmove(base + start + target, base + start + source, count)
  }

  /// Takes the bytes from `lower` to `upper` out of the content.
  package mutating func remove(from lower: Int, to upper: Int) {
    precondition(lower >= 0 && lower <= upper && upper <= count)
    move(from: upper, to: lower, count: count - upper)
    end -= upper - lower
  }

  /// Makes room for so many more bytes behind the content; growing memory at least doubles.
  @inline(__always)
  package mutating func reserve(_ count: Int, _ pool: inout BufferPool) {
    guard capacity &- end < count else { return }
    if base == nil, count <= BufferPool.blockBytes {
      self = pool.take()
    } else {
      makeRoom(count, capacityMin: capacity * 2, &pool)
    }
  }

  /// Makes room, of just this size if it must grow: for who knows how much will come.
  @inline(__always)
  package mutating func reserveExactly(_ count: Int, _ pool: inout BufferPool) {
    guard capacity &- end < count else { return }
    if base == nil, count <= BufferPool.blockBytes {
      self = pool.take()
    } else {
      makeRoom(count, capacityMin: 0, &pool)
    }
  }

  private mutating func makeRoom(_ count: Int, capacityMin: Int, _ pool: inout BufferPool) {
    precondition(count >= 0)
    if let base, capacity - self.count >= count {
      memmove(base, base + start, self.count)
      end -= start
      start = 0
      return
    }
    let needed = self.count + count
    var larger =
      needed <= BufferPool.blockBytes
      ? pool.take() : ByteBuffer(allocating: max(needed, capacityMin))
    if larger.isLarge { pool.largeBytes += larger.capacity }
    larger.appendWithin(bytes)
    release(&pool)
    self = larger
  }

  private var isLarge: Bool { capacity > BufferPool.blockBytes }

  private init(allocating capacity: Int) {
    guard let memory = malloc(capacity) else { fatalError("out of memory") }
    self.init(base: memory, capacity: capacity)
  }

  /// - Precondition: There is room.
  private mutating func appendWithin(_ bytes: UnsafeRawBufferPointer) {
    tail.copyMemory(from: bytes)
    commit(bytes.count)
  }

  /// Appends a copy.
  package mutating func append(_ bytes: UnsafeRawBufferPointer, _ pool: inout BufferPool) {
    reserve(bytes.count, &pool)
    appendWithin(bytes)
  }

  /// Gives the memory back, and the content with it.
  package mutating func release(_ pool: inout BufferPool) {
    guard let base else { return }
    if isLarge { pool.largeBytes -= capacity }
    if capacity == BufferPool.blockBytes { pool.giveBack(base) } else { free(base) }
    self = ByteBuffer()
  }

  /// Moves a small content out of a large block, for a connection that will wait.
  package mutating func shrink(_ pool: inout BufferPool) {
    guard capacity >= BufferPool.blockBytes, count <= capacity / 4 else { return }
    guard count > 0 else { return release(&pool) }
    // A size of its own, never that of a block.
    var smaller = ByteBuffer(allocating: count == BufferPool.blockBytes ? count + 1 : count)
    if smaller.isLarge { pool.largeBytes += smaller.capacity }
    smaller.appendWithin(bytes)
    release(&pool)
    self = smaller
  }
}

/// Blocks of one size, kept for the next user; the one given back last is taken first, since it is still
/// in the processor's cache. Owned by one server, freed with it.
package struct BufferPool: ~Copyable {
  /// The size of a block: what one read takes at most, at first.
  package static let blockBytes = 16 * 1_024
  private static let keptMax = 64

  private let kept: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var keptCount = 0
  /// The memory of all buffers that are larger than a block.
  package fileprivate(set) var largeBytes = 0

  package init() { kept = .allocate(capacity: Self.keptMax) }

  deinit {
    for index in 0..<keptCount { free(kept[index]) }
    kept.deallocate()
  }

  @inline(__always)
  package mutating func take() -> ByteBuffer {
    guard keptCount > 0 else {
      guard let memory = malloc(Self.blockBytes) else { fatalError("out of memory") }
      return ByteBuffer(base: memory, capacity: Self.blockBytes)
    }
    keptCount &-= 1
    return ByteBuffer(base: kept[keptCount], capacity: Self.blockBytes)
  }

  @inline(__always)
  fileprivate mutating func giveBack(_ block: UnsafeMutableRawPointer) {
    guard keptCount < Self.keptMax else { return free(block) }
    kept[keptCount] = block
    keptCount &+= 1
  }
}
