// The format's checksum: XXH3 with 64 bits. It finds damage, not malice; a signature does that.

import CXXHash

enum Checksum {
  /// XXH3-64 with seed 0.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    spacer_xxh3_64(bytes.baseAddress, bytes.count)
  }

  static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
    Array(bytes).withUnsafeBytes { of($0) }
  }
}
