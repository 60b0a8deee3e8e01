// Digests of file contents, and codes that prove who wrote a cache.

internal import CDigest

/// A SHA-256 digest.
struct ContentDigest: Equatable, Hashable, Sendable {
  let bytes: [UInt8]

  /// The digest of a module: its path and content, which decide its behaviour.
  init(path: String, content: [UInt8]) {
    // The NUL keeps path and content apart: no path holds one.
    let path = Array(path.utf8) + [0]
    bytes = [UInt8](unsafeUninitializedCapacity: Int(SPACER_DIGEST_BYTES)) { digest, count in
      path.withUnsafeBytes { first in
        content.withUnsafeBytes { second in
          spacer_sha256(first.baseAddress, first.count, second.baseAddress, second.count, digest.baseAddress)
        }
      }
      count = Int(SPACER_DIGEST_BYTES)
    }
  }

  /// From a cache; nil when the count is wrong.
  init?(bytes: [UInt8]) {
    guard bytes.count == Int(SPACER_DIGEST_BYTES) else { return nil }
    self.bytes = bytes
  }

  /// The first eight bytes, little-endian.
  var shortened: UInt64 { bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}

/// A secret of this user and machine, with which the cache is signed.
struct CacheKey: Sendable {
  static let bytesCount = Int(SPACER_DIGEST_BYTES)

  private let bytes: [UInt8]

  /// Nil when the count is wrong.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.bytesCount else { return nil }
    self.bytes = bytes
  }

  /// A fresh one; nil when the system has no randomness to give.
  static func random() -> [UInt8]? {
    var isFilled = false
    let bytes = [UInt8](unsafeUninitializedCapacity: bytesCount) { buffer, count in
      isFilled = spacer_random(buffer.baseAddress, bytesCount) != 0
      count = isFilled ? bytesCount : 0
    }
    return isFilled ? bytes : nil
  }

  /// The HMAC-SHA256 of `message`.
  func code(of message: ArraySlice<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.bytesCount) { code, count in
      message.withUnsafeBytes { spacer_hmac_sha256(bytes, $0.baseAddress, $0.count, code.baseAddress) }
      count = Self.bytesCount
    }
  }

  /// Whether `code` is the code of `message`.
  func verifies(_ code: ArraySlice<UInt8>, of message: ArraySlice<UInt8>) -> Bool {
    guard code.count == Self.bytesCount else { return false }
    return spacer_digests_equal(Array(code), self.code(of: message)) != 0
  }
}
