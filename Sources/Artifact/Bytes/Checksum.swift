// The format's checksum: XXH3 with 64 bits. It finds damage, not malice; a signature does that.

import CXXHash

enum Checksum {
  /// XXH3-64 with seed 0.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    spacer_xxh3_64(bytes.baseAddress, bytes.count)
  }

  static func of(_ bytes: [UInt8], in range: Range<Int>) -> UInt64 {
    bytes.withUnsafeBytes { of(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
    Array(bytes).withUnsafeBytes { of($0) }
  }
}

/// The checksum of bytes that come in parts.
package struct ChecksumStream: ~Copyable {
  private let state: UnsafeMutableRawPointer

  /// Nil when there is no memory for it.
  package init?() {
    guard let state = spacer_xxh3_begin() else { return nil }
    self.state = state
  }

  deinit { spacer_xxh3_end(state) }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    spacer_xxh3_add(state, bytes.baseAddress, bytes.count)
  }

  /// Of all bytes so far.
  package var value: UInt64 { spacer_xxh3_value(state) }
}
