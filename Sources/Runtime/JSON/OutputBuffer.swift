// A growing run of bytes that answers are written into. Unsafe code is confined here.
// Invariants: `base` has room for `capacity` bytes, of which the first `count` are initialised; only this
// type frees it; a pointer into it is invalid after the next append.

import Glibc
import SpacerArtifact

/// Bytes being written; reused from one answer to the next without giving its memory back.
package struct OutputBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  package private(set) var count = 0
  private var capacity: Int

  package init(capacity: Int = 4096) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Forgets all bytes after the first `length`.
  @inline(__always)
  package mutating func truncate(to length: Int) {
    precondition(length >= 0 && length <= count)
    count = length
  }

  /// Empties the buffer, and gives memory back beyond `keptBytes`.
  package mutating func reset(keptBytes: Int = 1 << 20) {
    count = 0
    guard capacity > keptBytes else { return }
    base.deallocate()
    capacity = 4096
    base = .allocate(capacity: capacity)
  }

  @inline(never)
  private mutating func grow(by length: Int) {
    let wanted = max(capacity * 2, count + length)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity = wanted
  }

  @inline(__always)
  private mutating func reserve(_ length: Int) {
    if capacity - count < length { grow(by: length) }
  }

  @inline(__always)
  package mutating func append(_ byte: UInt8) {
    reserve(1)
    base[count] = byte
    count += 1
  }

  @inline(__always)
  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    memcpy(base + count, source, bytes.count)
    count += bytes.count
  }

  @inline(__always)
  package mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Decimal digits of `value`.
  @inline(__always)
  package mutating func append(decimal value: Int64) {
    reserve(20)
    var magnitude = value.magnitude
    if value < 0 {
      base[count] = UInt8(ascii: "-")
      count += 1
    }
    if magnitude < 10 {
      base[count] = UInt8(truncatingIfNeeded: magnitude) &+ 0x30
      count += 1
      return
    }
    var length = 0
    var rest = magnitude
    while rest > 0 {
      rest /= 10
      length += 1
    }
    var place = count + length
    count = place
    while magnitude > 0 {
      place -= 1
      base[place] = UInt8(truncatingIfNeeded: magnitude % 10) &+ 0x30
      magnitude /= 10
    }
  }

  /// The 16 lower-case hexadecimal digits of `value`, most significant first.
  @inline(__always)
  package mutating func append(hexadecimal value: UInt64) {
    reserve(16)
    let target = UnsafeMutableRawPointer(base + count)
    target.storeBytes(of: Self.hexadecimal(value >> 32).bigEndian, as: UInt64.self)
    (target + 8).storeBytes(of: Self.hexadecimal(value & 0xFFFF_FFFF).bigEndian, as: UInt64.self)
    count += 16
  }

  /// The eight digits of 32 bits, the first in the highest byte: all at once, a byte a nibble.
  @inline(__always)
  private static func hexadecimal(_ value: UInt64) -> UInt64 {
    var spread = (value & 0xFFFF_0000) << 16 | value & 0xFFFF
    spread = (spread & 0x0000_FF00_0000_FF00) << 8 | spread & 0x0000_00FF_0000_00FF
    spread = (spread & 0x00F0_00F0_00F0_00F0) << 4 | spread & 0x000F_000F_000F_000F
    // A nibble from 10 on carries into its byte's upper half when 6 is added.
    let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
  }

  /// Two lower-case hexadecimal digits.
  package mutating func append(hexadecimalByte value: UInt8) {
    for digit in [value >> 4, value & 15] { append(digit < 10 ? digit &+ 0x30 : digit &+ 0x57) }
  }

  /// Brings the path that the buffer holds into the matcher's normal form; false when it has none.
  package mutating func normalizePath() -> Bool {
    var path = MutableSpan<UInt8>(_unsafeStart: base, count: count)
    guard let length = PathNormalizer.normalize(&path) else { return false }
    count = length
    return true
  }
}
