// What is asked of libcrypto, in terms of this side. Unsafe: the C side gets pointers for the length of a call.

import CCrypto

/// The digests by the names that Lua uses.
enum DigestName: Int32, CaseIterable {
  case md5 = 0
  case sha1, sha224, sha256, sha384, sha512

  init?(_ name: UnsafeRawBufferPointer) {
    for digest in Self.allCases where "\(digest)".utf8.elementsEqual(name) {
      self = digest
      return
    }
    return nil
  }
}

enum CryptoLibrary {
  /// Nil when the library is there, else what to do about it.
  static var failure: String? {
    spacer_crypto_open() != 0 ? nil : String(cString: spacer_crypto_open_failure())
  }

  static func digest(_ digest: DigestName, _ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
    result(capacity: SPACER_DIGEST_BYTES_MAX) {
      spacer_crypto_digest(digest.rawValue, bytes.baseAddress, bytes.count, $0)
    }
  }

  static func hmac(
    _ digest: DigestName, key: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
  ) -> [UInt8]? {
    result(capacity: SPACER_DIGEST_BYTES_MAX) {
      spacer_crypto_hmac(
        digest.rawValue, key.baseAddress, key.count, bytes.baseAddress, bytes.count, $0)
    }
  }

  /// Whether both are the same, in time that their lengths alone decide.
  static func equal(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
    first.count == second.count
      && spacer_crypto_equal(first.baseAddress, second.baseAddress, first.count) != 0
  }

  static func rawECDSA(_ der: UnsafeRawBufferPointer, coordinateBytes: Int) -> [UInt8]? {
    result(capacity: SPACER_SIGNATURE_BYTES_MAX) {
      spacer_ecdsa_to_raw(der.baseAddress, der.count, coordinateBytes, $0)
    }
  }

  static func derECDSA(_ raw: UnsafeRawBufferPointer) -> [UInt8]? {
    result(capacity: SPACER_SIGNATURE_BYTES_MAX) {
      spacer_ecdsa_to_der(raw.baseAddress, raw.count, $0)
    }
  }

  /// The bytes that `body` writes; it returns their count, or 0 when there are none.
  static func result(
    capacity: Int, _ body: (UnsafeMutablePointer<UInt8>?) -> Int
  ) -> [UInt8]? {
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      count = min(body(buffer.baseAddress), capacity)
    }
    return bytes.isEmpty ? nil : bytes
  }
}

/// A parsed key. For one thread.
final class CryptoKey {
  enum Kind: Int32 {
    case other = 0
    case rsa, p256, p384, p521, ed25519, ed448

    /// As Lua sees it.
    var name: String {
      switch self {
      case .other: "other"
      case .rsa: "RSA"
      case .p256: "P-256"
      case .p384: "P-384"
      case .p521: "P-521"
      case .ed25519: "Ed25519"
      case .ed448: "Ed448"
      }
    }

    /// The bytes of r and of s in a signature; nil for keys of other algorithms.
    var coordinateBytes: Int? {
      switch self {
      case .p256: 32
      case .p384: 48
      case .p521: 66
      default: nil
      }
    }
  }

  /// What a key's text is said to hold.
  enum Text: Int32 {
    case privateKey = 0
    case publicKey, certificate
  }

  let key: OpaquePointer
  let kind: Kind
  let bits: Int

  /// Takes over a key of the library.
  init(adopting key: OpaquePointer) {
    self.key = key
    kind = Kind(rawValue: spacer_key_kind(key)) ?? .other
    bits = Int(spacer_key_bits(key))
  }

  /// Nil when the text does not hold such a key.
  init?(_ text: UnsafeRawBufferPointer, holds: Text, password: UnsafeRawBufferPointer?) {
    guard
      let key = spacer_key_read(
        text.baseAddress, text.count, holds.rawValue, password?.baseAddress, password?.count ?? 0)
    else { return nil }
    self.key = key
    kind = Kind(rawValue: spacer_key_kind(key)) ?? .other
    bits = Int(spacer_key_bits(key))
  }

  deinit { spacer_key_free(key) }

  /// Whether the bytes are a whole key or certificate in DER.
  static func isDER(_ bytes: UnsafeRawBufferPointer) -> Bool {
    spacer_key_is_der(bytes.baseAddress, bytes.count) != 0
  }

  /// How a signature is made and written.
  enum Scheme: String {
    /// RSASSA-PKCS1-v1_5, or ECDSA in DER.
    case plain
    case pss
    /// ECDSA with r and s one after the other (RFC 7518, section 3.4).
    case raw
    /// EdDSA.
    case pure

    func fits(_ kind: Kind) -> Bool {
      switch self {
      case .plain: kind == .rsa || kind.coordinateBytes != nil
      case .pss: kind == .rsa
      case .raw: kind.coordinateBytes != nil
      case .pure: kind == .ed25519 || kind == .ed448
      }
    }
  }

  /// The signature, or nil when this key makes no such one.
  func sign(_ bytes: UnsafeRawBufferPointer, _ scheme: Scheme, _ digest: DigestName?) -> [UInt8]? {
    guard scheme.fits(kind), (digest == nil) == (scheme == .pure) else { return nil }
    let signature = CryptoLibrary.result(capacity: SPACER_SIGNATURE_BYTES_MAX) {
      spacer_key_sign(
        key, digest?.rawValue ?? Int32(SPACER_NO_DIGEST), scheme == .pss ? 1 : 0, bytes.baseAddress,
        bytes.count, $0)
    }
    guard scheme == .raw, let signature, let coordinateBytes = kind.coordinateBytes else { return signature }
    return signature.withUnsafeBytes { CryptoLibrary.rawECDSA($0, coordinateBytes: coordinateBytes) }
  }

  func verify(
    _ bytes: UnsafeRawBufferPointer, _ signature: UnsafeRawBufferPointer, _ scheme: Scheme,
    _ digest: DigestName?
  ) -> Bool {
    guard scheme.fits(kind), (digest == nil) == (scheme == .pure) else { return false }
    guard scheme == .raw else { return verify(bytes, signature, digest, isPSS: scheme == .pss) }
    guard let coordinateBytes = kind.coordinateBytes, signature.count == 2 * coordinateBytes,
      let der = CryptoLibrary.derECDSA(signature)
    else { return false }
    return der.withUnsafeBytes { verify(bytes, $0, digest, isPSS: false) }
  }

  private func verify(
    _ bytes: UnsafeRawBufferPointer, _ signature: UnsafeRawBufferPointer, _ digest: DigestName?, isPSS: Bool
  ) -> Bool {
    spacer_key_verify(
      key, digest?.rawValue ?? Int32(SPACER_NO_DIGEST), isPSS ? 1 : 0, bytes.baseAddress, bytes.count,
      signature.baseAddress, signature.count) != 0
  }
}

/// The keys a worker used last: to parse one takes longer than to verify with it.
struct KeyCache {
  static let countMax = 32

  private struct Entry {
    var text: [UInt8]
    var holds: CryptoKey.Text
    var password: [UInt8]
    var key: CryptoKey

    func has(_ text: UnsafeRawBufferPointer, _ password: UnsafeRawBufferPointer) -> Bool {
      guard self.text.count == text.count, self.password.count == password.count else { return false }
      return self.text.withUnsafeBytes { CryptoLibrary.equal($0, text) }
        && self.password.withUnsafeBytes { CryptoLibrary.equal($0, password) }
    }
  }

  /// The one used last comes first.
  private var entries: [Entry] = []

  mutating func key(
    _ text: UnsafeRawBufferPointer, holds: CryptoKey.Text, password: UnsafeRawBufferPointer?
  ) -> CryptoKey? {
    let password = password ?? UnsafeRawBufferPointer(start: nil, count: 0)
    if let index = entries.firstIndex(where: { $0.holds == holds && $0.has(text, password) }) {
      let entry = entries.remove(at: index)
      entries.insert(entry, at: 0)
      return entry.key
    }
    guard let key = CryptoKey(text, holds: holds, password: password.baseAddress == nil ? nil : password)
    else { return nil }
    if entries.count == Self.countMax { entries.removeLast() }
    entries.insert(Entry(text: Array(text), holds: holds, password: Array(password), key: key), at: 0)
    return key
  }
}
