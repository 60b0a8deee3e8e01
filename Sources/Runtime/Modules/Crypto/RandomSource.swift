// Random bytes from the kernel's generator, a few thousand at a time, since a system call for each identifier
// would cost more than the rest of it. One worker's: what it hands out is wiped here and given to nobody else.

import CSystem
import Glibc

/// Random bytes fit for keys.
struct RandomSource {
  private static let bufferBytes = 4096

  private var buffer: [UInt8] = []
  private var position = 0

  /// Fills `bytes`. False when the kernel has no generator.
  static func fill(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var filled = 0
    while filled < bytes.count, let base = bytes.baseAddress {
      let count = getrandom(base + filled, bytes.count - filled, 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      filled += count
    }
    return true
  }

  /// The next 16 bytes as two integers, or nil when the kernel has no generator.
  mutating func next() -> (UInt64, UInt64)? {
    if position + 16 > buffer.count {
      if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.bufferBytes) }
      position = 0
      guard buffer.withUnsafeMutableBytes({ Self.fill($0) }) else {
        buffer = []
        return nil
      }
    }
    defer { position += 16 }
    return buffer.withUnsafeMutableBytes { bytes in
      let words = (
        bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self)
      )
      bytes.storeBytes(of: 0, toByteOffset: position, as: UInt64.self)
      bytes.storeBytes(of: 0, toByteOffset: position + 8, as: UInt64.self)
      return words
    }
  }
}
